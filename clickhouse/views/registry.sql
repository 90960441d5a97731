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
