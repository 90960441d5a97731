-- Cameras and special details that work without approval: once a camera, rule and day.
CREATE TABLE IF NOT EXISTS platestream.deployment_findings
(
    finding_id UUID CODEC(NONE)                                COMMENT 'uuid5 of camera, detail, rule and day',
    day        Date,
    at         DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    camera_id  LowCardinality(String),
    detail     String                                          COMMENT 'id of the special detail, where there is one',
    rule       LowCardinality(String)                          COMMENT 'unregistered, ended, unapproved, period, moved, detail_unapproved',
    said       String CODEC(ZSTD(3)),
    found_at   DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(found_at)
PARTITION BY toYear(day)
ORDER BY (day, finding_id)
TTL day + INTERVAL 7 YEAR DELETE
SETTINGS non_replicated_deduplication_window = 1000,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1
COMMENT 'Deployments without approval (order, sections D.5, E.1.f, G.6)';

-- Approved deployments and what came of them, from the registry's own records.
CREATE OR REPLACE VIEW platestream.deployments
DEFINER = platestream_definer SQL SECURITY DEFINER AS
SELECT
    kind, id, name, active, approved_by, approved_at,
    parseDateTime64BestEffortOrNull(JSONExtractString(record, 'since'), 3, 'UTC') AS since,
    parseDateTime64BestEffortOrNull(JSONExtractString(record, 'until'), 3, 'UTC') AS until,
    JSONExtract(record, 'cameras', 'Array(String)') AS cameras,
    JSONExtractString(record, 'detail') AS detail,
    JSONExtractString(record, 'outcome') AS outcome,
    JSONExtractString(record, 'case_number') AS case_number,
    JSONExtractString(record, 'results') AS results,
    changed_at
FROM platestream.registry FINAL
WHERE kind IN ('camera', 'detail', 'incident');
