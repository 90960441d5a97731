-- The receipts of the retention job as columns.
CREATE OR REPLACE VIEW platestream.retention_log AS
SELECT
    number, at, who,
    parseDateTime64BestEffortOrNull(JSONExtractString(record, 'cutoff'), 3, 'UTC') AS cutoff,
    JSONExtract(record, 'dropped', 'Map(String, Array(String))') AS dropped,
    JSONExtract(record, 'deleted', 'Map(String, UInt64)') AS deleted,
    JSONExtract(record, 'oldest', 'Map(String, Nullable(String))') AS oldest,
    JSONExtract(record, 'files', 'Array(String)') AS files,
    hash
FROM platestream.ledger
WHERE chain = 'retention' AND kind = 'run';

-- Are the pictures what was held? Answers with figures, so that an auditor needs no picture.
CREATE OR REPLACE VIEW platestream.evidence_state
DEFINER = platestream_definer SQL SECURITY DEFINER AS
SELECT
    holds.hold_id AS hold_id, holds.case_number AS case_number, holds.held_at AS held_at,
    holds.release_at AS release_at, holds.detections AS detections, holds.origin AS origin,
    pictures.pictures AS pictures, pictures.damaged + answers.damaged AS damaged
FROM (SELECT * FROM platestream.evidence_holds FINAL) AS holds
LEFT JOIN (
    SELECT hold_id, uniqExact(detection_id, kind) AS pictures, countIf(SHA256(jpeg) != sha256) AS damaged
    FROM platestream.evidence_images GROUP BY hold_id
) AS pictures ON holds.hold_id = pictures.hold_id
LEFT JOIN (
    SELECT hold_id, countIf(SHA256(exchange) != sha256) AS damaged
    FROM platestream.evidence_answers GROUP BY hold_id
) AS answers ON holds.hold_id = answers.hold_id;
