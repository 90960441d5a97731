-- Pictures, signed answers and refused frames are encrypted where the agency has hourly keys. What was written before
-- stays as it is.
ALTER TABLE platestream.images
    ADD COLUMN IF NOT EXISTS content_sha256 FixedString(32) DEFAULT sha256 CODEC(NONE) COMMENT 'of the picture' AFTER sha256,
    ADD CONSTRAINT IF NOT EXISTS of_head
        CHECK content_sha256 = if(startsWith(jpeg, unhex('C1505350')), substring(jpeg, 29, 32), sha256);
ALTER TABLE platestream.images
    COMMENT COLUMN IF EXISTS sha256 'of what is stored in jpeg',
    COMMENT COLUMN IF EXISTS jpeg 'encrypted by a key of its own (platestream/keys/pieces.py)';
ALTER TABLE platestream.evidence_images
    COMMENT COLUMN IF EXISTS jpeg 'as in images; the hold has its key';
ALTER TABLE platestream.evidence_answers
    COMMENT COLUMN IF EXISTS exchange 'as it was signed, encrypted by a key of the hold';
ALTER TABLE platestream.dead_letters
    COMMENT COLUMN IF EXISTS value 'original bytes, encrypted by the hourly key if of a camera';
