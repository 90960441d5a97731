-- Who was told of which hit, when, and who was not and why. Holds no plate.
CREATE TABLE IF NOT EXISTS platestream.deliveries
(
    delivery_id UUID CODEC(NONE)                               COMMENT 'uuid5 of hit and receiver',
    hit_id      UUID CODEC(NONE),
    receiver    LowCardinality(String)                         COMMENT 'as the rules name it; empty: nobody',
    agency      LowCardinality(String)                         COMMENT 'another agency that was told (I.2)',
    priority    UInt8                                          COMMENT '1 is the top',
    outcome     LowCardinality(String)                         COMMENT 'delivered, failed, quiet, stale, silenced, not_shared, nobody',
    at          DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    captured_at DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    attempts    UInt16,
    seconds     Float32                                        COMMENT 'from when the hit was taken up to the outcome',
    reason      LowCardinality(String)                         COMMENT 'of what failed, a code',
    ingested_at DateTime64(3, 'UTC') DEFAULT now64(3) CODEC(Delta(8), ZSTD(1))
)
ENGINE = ReplacingMergeTree(ingested_at)
PARTITION BY toYear(captured_at)
ORDER BY (captured_at, delivery_id)
TTL toDateTime(least(captured_at, ingested_at)) + INTERVAL 7 YEAR DELETE
SETTINGS non_replicated_deduplication_window = 1000,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1
COMMENT 'Notifications of alert hits, once a hit and receiver';
