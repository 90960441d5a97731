-- One partition: the only time that every dead letter has is its arrival, and a replay arrives later.
CREATE TABLE IF NOT EXISTS platestream.dead_letters
(
    topic       LowCardinality(String),
    partition   Int32,
    offset      Int64,
    timestamp   DateTime64(3, 'UTC')                           COMMENT 'of the message; 1970 where it had none',
    reason      LowCardinality(String)                         COMMENT 'a code from a bounded set',
    detail      String CODEC(ZSTD(1))                          COMMENT 'what and where, never a value',
    headers     Map(String, String) CODEC(ZSTD(1)),
    key         String CODEC(ZSTD(1))                          COMMENT 'original bytes',
    value       String CODEC(ZSTD(1))                          COMMENT 'original bytes',
    received_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(received_at)
ORDER BY (topic, partition, offset)
TTL toDateTime(received_at) + INTERVAL 7 DAY DELETE
SETTINGS merge_with_ttl_timeout = 3600, old_parts_lifetime = 1, non_replicated_deduplication_window = 1000,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1
COMMENT 'What was refused, with its original bytes';
