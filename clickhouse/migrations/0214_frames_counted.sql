-- older releases: run
-- Frames that arrived at the recognition, by the number that their camera's gateway gave them: no plate and no picture.
-- The first row of a frame counts, so that a replay counts nothing twice.
CREATE TABLE IF NOT EXISTS platestream.frames_counted
(
    camera_id   LowCardinality(String),
    epoch       LowCardinality(String)                          COMMENT 'of the counter: a new spool has a new one; empty: the frame has no number',
    number      UInt64 CODEC(Delta(8), ZSTD(1))                 COMMENT 'counts from 1 in its epoch; without an epoch derived from the frame''s id',
    mark        UInt32 CODEC(ZSTD(1))                           COMMENT 'of the frame''s id: two frames of one number have two; 0: no id',
    outcome     LowCardinality(String)                          COMMENT 'read, held, or why it was refused',
    lost        LowCardinality(String)                          COMMENT 'JSON: lower numbers that the gateway did not send, by reason',
    device      UInt64 CODEC(Delta(8), ZSTD(1))                 COMMENT 'the camera''s own number; 0: none',
    counted_at  DateTime64(6, 'UTC') DEFAULT now64(6) CODEC(Delta(8), ZSTD(1)),
    earlier     UInt64 MATERIALIZED 18446744073709551615 - toUnixTimestamp64Micro(counted_at) COMMENT 'of one frame''s rows the first remains'
)
ENGINE = ReplacingMergeTree(earlier)
PARTITION BY toYYYYMMDD(counted_at)
ORDER BY (camera_id, epoch, number, mark, outcome)
SETTINGS old_parts_lifetime = 1,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1
COMMENT 'Frames counted as they arrived, for two days; the hourly counts are sealed in the ledger';

-- Detections that the retention job is about to delete, by run: written before they are deleted, sealed within the hour.
CREATE TABLE IF NOT EXISTS platestream.expired_counts
(
    run         UUID                                            COMMENT 'the act',
    cutoff      DateTime64(3, 'UTC')                            COMMENT 'what is before it is deleted',
    hour        DateTime('UTC')                                 COMMENT 'of capture',
    camera_id   LowCardinality(String),
    detections  UInt64,
    unsealed    UInt64                                          COMMENT 'of these: written since the last sealed hour',
    at          DateTime64(6, 'UTC') DEFAULT now64(6)
)
ENGINE = MergeTree
ORDER BY (at, hour, camera_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1
COMMENT 'How many detections each run of the retention job deleted';
