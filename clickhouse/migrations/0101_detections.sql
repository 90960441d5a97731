-- What cameras saw. Ids and keys never depend on what was read, so a replay or a newer model replaces rows.
-- 30 days count from the capture of the image, and from its arrival where a camera's clock runs ahead.
-- `plate_zero` and `plate_fold` exist because a column takes one text index only.
-- Granules of 2,048 rows instead of 8,192: a search reads every granule that has a row of its answer, and four
-- characters at the end of a plate are in most granules of 8,192.
CREATE TABLE IF NOT EXISTS platestream.detections
(
    detection_id     UUID CODEC(NONE)                               COMMENT 'uuid5 of camera, opening time and position',
    captured_at      DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1))  COMMENT 'the frame that opened the pass',
    best_at          DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1))  COMMENT 'the frame that was read best',
    camera_id        LowCardinality(String),
    latitude         Float64 CODEC(ZSTD(1))                         COMMENT 'degrees north, WGS 84',
    longitude        Float64 CODEC(ZSTD(1))                         COMMENT 'degrees east, WGS 84',
    plate            String CODEC(ZSTD(1))                          COMMENT 'A-Z and 0-9 only, upper case',
    plate_zero       String MATERIALIZED translate(plate, 'O', '0') CODEC(ZSTD(1))
                                                                    COMMENT 'O written 0: one character everywhere',
    plate_fold       String MATERIALIZED translate(plate, 'ODQILZSBG', '000112586') CODEC(ZSTD(1))
                                                                    COMMENT 'look-alikes folded (schemas/plates.py)',
    confidence       Float32 CODEC(ZSTD(1))                         COMMENT '0 to 1',
    state            LowCardinality(String)                         COMMENT 'postal code of the state of issue, or empty',
    state_confidence Float32 CODEC(ZSTD(1))                         COMMENT '0 to 1',
    alternatives     Array(Tuple(plate String, confidence Float32)) CODEC(ZSTD(1)) COMMENT 'other readings, best first',
    box              Tuple(x UInt32, y UInt32, width UInt32, height UInt32) CODEC(ZSTD(1))
                                                                    COMMENT 'the plate, pixels of the frame read best',
    frames           UInt32 CODEC(ZSTD(1))                          COMMENT 'frames in which the vehicle was read',
    agreeing         UInt32 CODEC(ZSTD(1))                          COMMENT 'of these, frames that read this very plate',
    models           Array(LowCardinality(String))                  COMMENT 'models that read it, detector first',
    vehicle_make     LowCardinality(String),
    vehicle_model    LowCardinality(String),
    vehicle_colour   LowCardinality(String),
    vehicle_body     LowCardinality(String),
    vehicle_other    Map(LowCardinality(String), String) CODEC(ZSTD(1)) COMMENT 'other identifiers of the vehicle',
    ingested_at      DateTime64(3, 'UTC') DEFAULT now64(3) CODEC(Delta(8), ZSTD(1)) COMMENT 'the newest row of an id stands',
    INDEX plate_grams plate_zero TYPE text(tokenizer = ngrams(3)),
    INDEX plate_looks plate_fold TYPE text(tokenizer = 'array')
)
ENGINE = ReplacingMergeTree(ingested_at)
PARTITION BY toYYYYMMDD(captured_at)
ORDER BY (camera_id, captured_at, detection_id)
TTL toDateTime(least(captured_at, ingested_at)) + INTERVAL 30 DAY DELETE
SETTINGS merge_with_ttl_timeout = 3600, old_parts_lifetime = 1, non_replicated_deduplication_window = 1000,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         index_granularity = 2048
COMMENT 'One read of one vehicle pass';

-- Hours as partitions: pictures are dropped whole, never rewritten, an hour late at most.
CREATE TABLE IF NOT EXISTS platestream.images
(
    detection_id UUID CODEC(NONE),
    captured_at  DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1))      COMMENT 'as in detections',
    camera_id    LowCardinality(String),
    kind         LowCardinality(String)                             COMMENT 'crop (the plate) or vehicle',
    sha256       FixedString(32) CODEC(NONE)                        COMMENT 'of jpeg',
    jpeg         String CODEC(NONE),
    ingested_at  DateTime64(3, 'UTC') DEFAULT now64(3) CODEC(Delta(8), ZSTD(1)),
    CONSTRAINT intact CHECK SHA256(jpeg) = sha256
)
ENGINE = ReplacingMergeTree(ingested_at)
PARTITION BY toStartOfHour(captured_at)
ORDER BY (captured_at, detection_id, kind)
TTL toDateTime(least(captured_at, ingested_at)) + INTERVAL 30 DAY DELETE
SETTINGS ttl_only_drop_parts = 1, merge_with_ttl_timeout = 3600, old_parts_lifetime = 1, index_granularity = 64,
         non_replicated_deduplication_window = 1000,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1
COMMENT 'Pictures of detections';

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
