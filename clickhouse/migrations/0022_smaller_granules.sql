-- Granules of 2,048 rows instead of 8,192: a search reads every granule that has a row of its answer, and four
-- characters at the end of a plate are in most granules of 8,192. The setting is fixed when a table is made, so the
-- rows move to a new one. Each statement may be run again: what was interrupted begins anew.
DROP TABLE IF EXISTS platestream.detections_before;

DROP TABLE IF EXISTS platestream.detections_after;

CREATE TABLE platestream.detections_after AS platestream.detections
ENGINE = ReplacingMergeTree(ingested_at)
PARTITION BY toYYYYMMDD(captured_at)
ORDER BY (camera_id, captured_at, detection_id)
TTL toDateTime(least(captured_at, ingested_at)) + INTERVAL 30 DAY DELETE
SETTINGS merge_with_ttl_timeout = 3600, old_parts_lifetime = 1, non_replicated_deduplication_window = 1000,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         index_granularity = 2048
COMMENT 'One read of one vehicle pass';

INSERT INTO platestream.detections_after SELECT * FROM platestream.detections
SETTINGS max_partitions_per_insert_block = 1000;

RENAME TABLE platestream.detections TO platestream.detections_before,
             platestream.detections_after TO platestream.detections;

DROP TABLE platestream.detections_before;
