-- Evidence is written by the database itself, of what it has stored, and by the entry of the ledger that names each
-- record (views/ledger.sql): people name an act, and of their own bring what another agency signed, nothing else.
CREATE TABLE IF NOT EXISTS platestream.evidence_append
(
    act        UUID                                            COMMENT 'the inquiry_id of the act that holds or keeps evidence',
    detections Array(UUID)                                     COMMENT 'of the held ones, those to copy now; none: the hold itself',
    times      Array(DateTime64(3, 'UTC'))                     COMMENT 'when these were captured, so that they are found soon'
)
ENGINE = Null
COMMENT 'Where detections are held as evidence, by an act whose entry names them';

CREATE TABLE IF NOT EXISTS platestream.evidence_allowed
(
    hold_id     UUID,
    kind        String,
    case_number String,
    authority   String,
    schedule    String,
    inquiry_id  UUID,
    who         String,
    held_at     DateTime64(3, 'UTC'),
    release_at  DateTime64(3, 'UTC'),
    held        UInt32,
    origin      String,
    records     Array(Tuple(UUID, String)),
    pictures    Array(Tuple(UUID, String, String)),
    times       Array(DateTime64(3, 'UTC'))
)
ENGINE = Null
COMMENT 'What of evidence_append was judged and allowed; nobody is granted it';

CREATE TABLE IF NOT EXISTS platestream.evidence_bring
(
    act          UUID                                          COMMENT 'the inquiry_id of the act that holds it',
    what         String                                        COMMENT 'record, picture or answer',
    detection_id UUID,
    captured_at  DateTime64(3, 'UTC'),
    kind         String                                        COMMENT 'of a picture',
    number       UInt16                                        COMMENT 'of an answer',
    agency       String                                        COMMENT 'who answered',
    key          String                                        COMMENT 'fingerprint of the key that it signed with',
    content      String                                        COMMENT 'the record, the picture, or the answer as it was signed'
)
ENGINE = Null
COMMENT 'Where evidence of another agency is held, by an act whose entry has the hash of each piece';

CREATE TABLE IF NOT EXISTS platestream.evidence_brought AS platestream.evidence_bring
ENGINE = Null
COMMENT 'What of evidence_bring was judged and allowed: act is the hold; nobody is granted it';
