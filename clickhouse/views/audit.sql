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

-- Comparison of stored evidence with the ledger. It returns figures, so that an auditor needs no picture: `altered`
-- are records, pictures and signed answers that are missing, added or different from the ledger's hashes; `unbound`
-- are records of older holds, for which the ledger has no hash.
CREATE OR REPLACE VIEW platestream.evidence_state
DEFINER = platestream_definer SQL SECURITY DEFINER AS
SELECT
    holds.hold_id AS hold_id, holds.case_number AS case_number, holds.held_at AS held_at,
    holds.release_at AS release_at, holds.detections AS detections, holds.origin AS origin,
    pieces.pictures AS pictures, pieces.damaged AS damaged, pieces.altered AS altered, pieces.unbound AS unbound
FROM (SELECT * FROM platestream.evidence_holds FINAL) AS holds
LEFT JOIN (
    SELECT
        hold_id,
        countIf(what = 'picture' AND notEmpty(stored)) AS pictures,
        sum(broken) AS damaged,
        countIf(promised != [''] AND stored != promised) AS altered,
        countIf(promised = ['']) AS unbound
    FROM (
        SELECT hold_id, what, item, sum(broken) AS broken,
            arraySort(groupUniqArrayIf(hash, side = 'stored')) AS stored,
            arraySort(groupUniqArrayIf(hash, side = 'ledger')) AS promised
        FROM (
            SELECT 'stored' AS side, hold_id, 'record' AS what, toString(detection_id) AS item,
                lower(hex(SHA256(record))) AS hash, 0 AS broken
            FROM platestream.evidence_detections
            UNION ALL
            SELECT 'stored', hold_id, 'picture', concat(toString(detection_id), ' ', kind),
                lower(hex(SHA256(jpeg))), SHA256(jpeg) != sha256
            FROM platestream.evidence_images
            UNION ALL
            SELECT 'stored', hold_id, 'answer', lower(hex(SHA256(exchange))), lower(hex(SHA256(exchange))),
                SHA256(exchange) != sha256
            FROM platestream.evidence_answers
            UNION ALL
            SELECT 'ledger', JSONExtract(record, 'hold_id', 'UUID'), piece.1, piece.2, piece.3, 0
            FROM platestream.ledger
            ARRAY JOIN arrayConcat(
                if(JSONLength(record, 'records') > 0,
                    arrayMap(one -> ('record', one.1, one.2),
                        JSONExtract(record, 'records', 'Array(Tuple(detection_id String, sha256 String))')),
                    arrayMap(one -> ('record', one, ''), JSONExtract(record, 'detections', 'Array(String)'))),
                arrayMap(one -> ('picture', concat(one.1, ' ', one.2), if(one.4 = '', one.3, one.4)),
                    JSONExtract(record, 'pictures', 'Array(Tuple(detection_id String, kind String, sha256 String, stored String))')),
                arrayMap(one -> ('answer', if(one.2 = '', one.1, one.2), if(one.2 = '', one.1, one.2)),
                    JSONExtract(record, 'answers', 'Array(Tuple(sha256 String, stored String))'))) AS piece
            WHERE chain = 'evidence' AND kind = 'hold'
        )
        GROUP BY hold_id, what, item
    )
    GROUP BY hold_id
) AS pieces ON holds.hold_id = pieces.hold_id;
