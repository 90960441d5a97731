-- older releases: run
-- A read is historical if the vehicle was last in view before its entry was listed, however long it stood there.
ALTER TABLE platestream.detections ADD COLUMN IF NOT EXISTS stayed_ms UInt32 DEFAULT 0 COMMENT 'from the first to the last frame of the pass';
