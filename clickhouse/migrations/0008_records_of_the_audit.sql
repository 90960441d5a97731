-- What proves that the order was followed. A ledger of three chains (retention runs, the yearly audit, evidence):
-- each entry carries the hash of the one before, and its own hash goes into the inquiry log before it is written,
-- so that an entry which is taken away later is missed there and in the log's copy. No entry holds a plate.
CREATE TABLE IF NOT EXISTS platestream.ledger
(
    chain    LowCardinality(String)                            COMMENT 'retention, audit or evidence',
    number   UInt64                                            COMMENT 'counts from 1 in its chain without a gap',
    kind     LowCardinality(String)                            COMMENT 'run, draw, finding, memorandum, hold, export, ...',
    at       DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    who      LowCardinality(String)                            COMMENT 'the person, or the job',
    record   String CODEC(ZSTD(3))                             COMMENT 'JSON, as the kind has it',
    previous String CODEC(NONE)                                COMMENT 'hash of the entry before, 64 hex digits',
    hash     String CODEC(NONE)                                COMMENT 'schemas/ledger.py entry_hash, 64 hex digits',
    account  LowCardinality(String) MATERIALIZED authenticatedUser() COMMENT 'the database user that wrote it'
)
ENGINE = MergeTree
ORDER BY (chain, number)
TTL toDateTime(at) + INTERVAL 7 YEAR DELETE
SETTINGS non_replicated_deduplication_window = 1000,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1
COMMENT 'Receipts, draws, findings and custody, chained by hash';

-- The receipts as columns.
CREATE VIEW IF NOT EXISTS platestream.retention_log AS
SELECT
    number, at, who,
    parseDateTime64BestEffortOrNull(JSONExtractString(record, 'cutoff'), 3, 'UTC') AS cutoff,
    JSONExtract(record, 'dropped', 'Map(String, Array(String))') AS dropped,
    JSONExtract(record, 'deleted', 'Map(String, UInt64)') AS deleted,
    JSONExtract(record, 'oldest', 'Map(String, Nullable(String))') AS oldest,
    JSONExtract(record, 'files', 'Array(String)') AS files,
    hash
FROM platestream.ledger
WHERE chain = 'retention' AND kind = 'run';

-- What is left of a day when its detections are gone: how much the cameras were used, and no plate.
CREATE TABLE IF NOT EXISTS platestream.utilization
(
    day        Date,
    camera_id  LowCardinality(String),
    passes     UInt64                                          COMMENT 'detections',
    hits       UInt64                                          COMMENT 'alert hits',
    verified   UInt64                                          COMMENT 'hits with a recorded check of plate and state',
    acted_on   UInt64                                          COMMENT 'hits with action taken',
    tallied_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(tallied_at)
ORDER BY (day, camera_id)
TTL day + INTERVAL 7 YEAR DELETE
SETTINGS non_replicated_deduplication_window = 1000,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1
COMMENT 'Use of the system by day and camera (order, section K.2)';

CREATE TABLE IF NOT EXISTS platestream.documents
(
    sha256    FixedString(32) CODEC(NONE)                      COMMENT 'of content',
    name      String,
    content   String CODEC(ZSTD(1)),
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3),
    CONSTRAINT intact CHECK SHA256(content) = sha256
)
ENGINE = ReplacingMergeTree(stored_at)
ORDER BY sha256
TTL toDateTime(stored_at) + INTERVAL 7 YEAR DELETE
SETTINGS non_replicated_deduplication_window = 1000,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1
COMMENT 'Memoranda as they were filed; they hold patterns of inquiries';

-- Evidence leaves the 30-day store by being copied. It has no TTL: it is purged on its release date by the
-- retention run, with a receipt, and a release date may move.
CREATE TABLE IF NOT EXISTS platestream.evidence_holds
(
    hold_id     UUID CODEC(NONE),
    case_number String,
    authority   String                                         COMMENT 'who ordered it, or the lawful action it serves',
    schedule    LowCardinality(String)                         COMMENT 'of the records retention schedule',
    inquiry_id  UUID CODEC(NONE)                               COMMENT 'the inquiry that led there',
    who         LowCardinality(String),
    held_at     DateTime64(3, 'UTC'),
    release_at  DateTime64(3, 'UTC')                           COMMENT 'purged from then on',
    detections  UInt32,
    changed_at  DateTime64(6, 'UTC') DEFAULT now64(6)
)
ENGINE = ReplacingMergeTree(changed_at)
ORDER BY hold_id
SETTINGS old_parts_lifetime = 1, non_replicated_deduplication_window = 1000,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1
COMMENT 'What was taken out of the 30-day store for a case';

CREATE TABLE IF NOT EXISTS platestream.evidence_detections
(
    hold_id      UUID CODEC(NONE),
    detection_id UUID CODEC(NONE),
    captured_at  DateTime64(3, 'UTC'),
    record       String CODEC(ZSTD(1))                         COMMENT 'the row of detections, JSON',
    held_at      DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(held_at)
ORDER BY (hold_id, detection_id)
SETTINGS old_parts_lifetime = 1, non_replicated_deduplication_window = 1000,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1
COMMENT 'Detections held as evidence';

CREATE TABLE IF NOT EXISTS platestream.evidence_images
(
    hold_id      UUID CODEC(NONE),
    detection_id UUID CODEC(NONE),
    kind         LowCardinality(String),
    sha256       FixedString(32) CODEC(NONE)                   COMMENT 'as in images',
    jpeg         String CODEC(NONE),
    held_at      DateTime64(3, 'UTC') DEFAULT now64(3),
    CONSTRAINT intact CHECK SHA256(jpeg) = sha256
)
ENGINE = ReplacingMergeTree(held_at)
ORDER BY (hold_id, detection_id, kind)
SETTINGS old_parts_lifetime = 1, non_replicated_deduplication_window = 1000,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1
COMMENT 'Pictures held as evidence';

-- Are the pictures what was held? Answers with figures, so that an auditor needs no picture.
CREATE VIEW IF NOT EXISTS platestream.evidence_state
DEFINER = platestream_definer SQL SECURITY DEFINER AS
SELECT
    holds.hold_id AS hold_id, holds.case_number AS case_number, holds.held_at AS held_at,
    holds.release_at AS release_at, holds.detections AS detections,
    pictures.pictures AS pictures, pictures.damaged AS damaged
FROM (SELECT * FROM platestream.evidence_holds FINAL) AS holds
LEFT JOIN (
    SELECT hold_id, uniqExact(detection_id, kind) AS pictures, countIf(SHA256(jpeg) != sha256) AS damaged
    FROM platestream.evidence_images GROUP BY hold_id
) AS pictures ON holds.hold_id = pictures.hold_id;
