-- What the boards read instead of millions of detections. No plate and no id is kept, only counts of ids: an
-- approximate count of distinct ones, exact for as long as a step is small, so that a replay counts nothing twice.
-- Written with every insert of detections, once a second. They are figures only: a power cut may take the last
-- seconds of them, never of the detections. Waiting for the disk here took more than the counting itself.
CREATE TABLE IF NOT EXISTS platestream.traffic
(
    step       DateTime('UTC')                                  COMMENT 'start of 5 minutes of capture time',
    passes     AggregateFunction(uniqCombined64, UUID),
    confidence AggregateFunction(avg, Float32),
    agreement  AggregateFunction(avg, Float64)                  COMMENT 'share of frames that read the plate published',
    delay      AggregateFunction(quantilesTDigest(0.5, 0.95), Float64) COMMENT 'seconds from capture to the table'
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(step)
ORDER BY step
TTL step + INTERVAL 30 DAY DELETE
SETTINGS merge_with_ttl_timeout = 3600, fsync_after_insert = 0, fsync_part_directory = 0
COMMENT 'Vehicle passes of 5 minutes';

CREATE TABLE IF NOT EXISTS platestream.camera_hours
(
    hour       DateTime('UTC'),
    camera_id  LowCardinality(String),
    passes     AggregateFunction(uniqCombined64, UUID),
    latest     SimpleAggregateFunction(max, DateTime64(3, 'UTC')),
    latitude   SimpleAggregateFunction(anyLast, Float64),
    longitude  SimpleAggregateFunction(anyLast, Float64)
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(hour)
ORDER BY (hour, camera_id)
TTL hour + INTERVAL 30 DAY DELETE
SETTINGS merge_with_ttl_timeout = 3600, fsync_after_insert = 0, fsync_part_directory = 0
COMMENT 'Vehicle passes of an hour and a camera';
