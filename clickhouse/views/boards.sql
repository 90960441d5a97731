-- Counts for the boards, which replace queries over millions of detections; updated with every insert.
CREATE MATERIALIZED VIEW IF NOT EXISTS platestream.detections_to_traffic TO platestream.traffic
DEFINER = platestream_definer SQL SECURITY DEFINER AS
SELECT
    toStartOfFiveMinutes(toDateTime(captured_at, 'UTC')) AS step,
    uniqCombined64State(detection_id) AS passes,
    avgState(confidence) AS confidence,
    avgState(agreeing / greatest(frames, 1)) AS agreement,
    quantilesTDigestState(0.5, 0.95)(greatest(0., dateDiff('millisecond', captured_at, ingested_at) / 1000)) AS delay
FROM platestream.detections
GROUP BY step;

CREATE MATERIALIZED VIEW IF NOT EXISTS platestream.detections_to_camera_hours TO platestream.camera_hours
DEFINER = platestream_definer SQL SECURITY DEFINER AS
SELECT
    toStartOfHour(toDateTime(captured_at, 'UTC')) AS hour,
    camera_id,
    uniqCombined64State(detection_id) AS passes,
    max(captured_at) AS latest,
    anyLast(latitude) AS latitude,
    anyLast(longitude) AS longitude
FROM platestream.detections
GROUP BY hour, camera_id;

-- Inquiries without the person: role and agency as in the registry; other names are `not registered`. Automatic
-- inquiries have no role.
CREATE OR REPLACE VIEW platestream.inquiry_figures
DEFINER = platestream_definer SQL SECURITY DEFINER AS
SELECT
    toStartOfHour(log.at) AS hour,
    if(people.role = '', 'not registered', people.role) AS role,
    multiIf(people.agency != '', people.agency, agencies.id != '', agencies.id, 'not registered') AS agency,
    log.kind AS kind,
    toString(log.outcome) AS outcome,
    count() AS inquiries,
    countIf(log.case_number = '' AND log.reason = '') AS undocumented
FROM (SELECT at, who, agency, kind, outcome, case_number, reason FROM platestream.inquiry_log
    WHERE NOT automatic) AS log
LEFT JOIN (SELECT id, role, agency FROM platestream.registry FINAL WHERE kind = 'user') AS people ON log.who = people.id
LEFT JOIN (SELECT id FROM platestream.registry FINAL WHERE kind = 'agency') AS agencies ON log.agency = agencies.id
GROUP BY hour, role, agency, kind, outcome;

-- The newest receipt of the retention job, one row for each table, and the total deleted by all of them.
CREATE OR REPLACE VIEW platestream.retention_figures
DEFINER = platestream_definer SQL SECURITY DEFINER AS
SELECT
    at,
    deleted.1 AS name,
    deleted.2 AS rows_deleted,
    JSONExtractInt(record, 'took_ms') AS took_ms
FROM platestream.ledger
ARRAY JOIN JSONExtractKeysAndValues(record, 'deleted', 'UInt64') AS deleted
WHERE chain = 'retention' AND kind = 'run';

-- Progress of the yearly audit: entries of the ledger by kind, without their texts.
CREATE OR REPLACE VIEW platestream.audit_figures
DEFINER = platestream_definer SQL SECURITY DEFINER AS
SELECT toYear(at) AS year, kind, count() AS entries, max(at) AS latest
FROM platestream.ledger
WHERE chain = 'audit'
GROUP BY year, kind;

CREATE OR REPLACE VIEW platestream.hotlist_sources
DEFINER = platestream_definer SQL SECURITY DEFINER AS
SELECT
    id AS source,
    active,
    parseDateTime64BestEffortOrNull(JSONExtractString(record, 'refreshed_at'), 3, 'UTC') AS refreshed_at,
    nullIf(120 * JSONExtractUInt(record, 'feed_every_minutes'), 0) AS late_after_s
FROM platestream.registry FINAL
WHERE kind = 'hotlist_source';
