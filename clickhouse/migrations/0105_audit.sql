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
