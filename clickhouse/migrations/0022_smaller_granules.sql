-- Granules of 2,048 rows instead of 8,192: a search reads every granule that has a row of its answer, and four
-- characters at the end of a plate are in most granules of 8,192. The setting is fixed when a table is made, so the
-- rows move to a new one. A row that is there twice is one row, so every statement may be run again; what a flow
-- writes meanwhile into the old table is fetched after the new one has taken its place.
CREATE TABLE IF NOT EXISTS platestream.detections_large AS platestream.detections;

INSERT INTO platestream.detections SELECT * FROM platestream.detections_large
SETTINGS max_partitions_per_insert_block = 1000;

DROP TABLE platestream.detections_large;

DROP TABLE IF EXISTS platestream.detections_small;

CREATE TABLE platestream.detections_small AS platestream.detections
ENGINE = ReplacingMergeTree(ingested_at)
PARTITION BY toYYYYMMDD(captured_at)
ORDER BY (camera_id, captured_at, detection_id)
TTL toDateTime(least(captured_at, ingested_at)) + INTERVAL 30 DAY DELETE
SETTINGS merge_with_ttl_timeout = 3600, old_parts_lifetime = 1, non_replicated_deduplication_window = 1000,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         index_granularity = 2048
COMMENT 'One read of one vehicle pass';

INSERT INTO platestream.detections_small SELECT * FROM platestream.detections
SETTINGS max_partitions_per_insert_block = 1000;

RENAME TABLE platestream.detections TO platestream.detections_large,
             platestream.detections_small TO platestream.detections;

INSERT INTO platestream.detections SELECT * FROM platestream.detections_large
WHERE ingested_at > now64(3) - INTERVAL 1 DAY
SETTINGS max_partitions_per_insert_block = 1000;

DROP TABLE platestream.detections_large;
