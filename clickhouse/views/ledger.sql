-- The only way to write the ledger and its documents. An entry is written with the id of its act, and its hash is
-- computed here. An invalid entry throws in a scalar sub-query, which no setting and no condition of the caller can
-- skip: exactly one row of the last 10 minutes must have this id, be allowed, of this account, by the person of the
-- entry and of the kind that writes such entries (`acts`), with this hash as its `effect`; and the entry must be the
-- next one of its chain now. Only the account of the retention job writes receipts of deletions, for any account that
-- was allowed to delete. A comparison with NULL would not throw, so each of them counts as a refusal. A statement of
-- several blocks is checked block by block. The written values come from the checked ones, or are compared again row
-- by row, so nothing depends on the blocks.
CREATE MATERIALIZED VIEW IF NOT EXISTS platestream.append_to_ledger TO platestream.ledger
DEFINER = platestream_definer SQL SECURITY DEFINER AS
WITH
    (SELECT account FROM platestream.caller) AS caller,
    (SELECT (count(), any(act), any(entry)) FROM platestream.ledger_append) AS given,
    coalesce(given.3, '') AS json,
    JSONExtractString(json, 'chain') AS its_chain,
    JSONExtractString(json, 'kind') AS its_kind,
    lower(hex(SHA256(concat(JSONExtractString(json, 'previous'), '\n', json)))) AS its_hash,
    parseDateTime64BestEffortOrZero(JSONExtractString(json, 'at'), 6, 'UTC') AS its_time,
    (
        SELECT (count(), any(outcome), any(account), any(who), any(kind), any(effect))
        FROM platestream.inquiry_log WHERE inquiry_id = given.2 AND at > now64(6) - INTERVAL 10 MINUTE
    ) AS allowed,
    (SELECT any(entry) FROM platestream.acts WHERE kind = allowed.5) AS writes,
    (SELECT (max(number), argMax(hash, number)) FROM platestream.ledger WHERE chain = its_chain) AS head,
    its_chain = 'retention' OR its_kind = 'purge' AS of_deletion,
    JSONExtractString(json, 'record') AS its_record,
    if(its_chain = 'evidence', JSONExtractString(its_record, 'hold_id'), '') AS its_hold,
    parseDateTime64BestEffortOrZero(JSONExtractString(its_record, 'release_at'), 3, 'UTC') AS its_release,
    -- The ledger's state of this hold: holds, purges, and its earliest release.
    (
        SELECT (countIf(kind = 'hold'), countIf(kind = 'purge'),
            maxIf(greatest(
                parseDateTime64BestEffortOrZero(JSONExtractString(record, 'release_at'), 3, 'UTC'),
                parseDateTime64BestEffortOrZero(JSONExtractString(record, 'schedule_ends'), 3, 'UTC')), kind != 'purge'))
        FROM platestream.ledger
        WHERE chain = 'evidence' AND its_hold != '' AND kind IN ('hold', 'keep', 'purge')
          AND position(record, its_hold) > 0 AND JSONExtractString(record, 'hold_id') = its_hold
    ) AS past,
    -- For a receipt: exports that it is of, and earlier receipts of the same export.
    (
        SELECT (countIf(kind = 'export' AND hash = JSONExtractString(its_record, 'export')
                AND JSONExtractString(record, 'system') != ''
                AND arrayAll(field -> JSONExtractRaw(record, field) = JSONExtractRaw(its_record, field),
                    ['hold_id', 'system', 'file', 'bytes', 'sha256'])),
            countIf(kind = 'receipt' AND JSONExtractString(record, 'export') = JSONExtractString(its_record, 'export')))
        FROM platestream.ledger
        WHERE chain = 'evidence' AND its_chain = 'evidence' AND its_kind = 'receipt' AND kind IN ('export', 'receipt')
    ) AS receipted,
    (
        SELECT throwIf(
            ifNull(given.1 != 1 OR allowed.1 != 1 OR allowed.2 != 'allowed' OR allowed.6 != its_hash
                OR allowed.4 != JSONExtractString(json, 'who')
                OR writes = '' OR writes != concat(its_chain, '/', its_kind), 1),
            'Refused: no allowed act of yours with this id in the last 10 minutes names this entry')
        + throwIf(
            ifNull(if(of_deletion, caller NOT IN ('default', 'platestream_retention_job'), allowed.3 != caller), 1),
            'Refused: this account does not write such an entry')
        + throwIf(
            ifNull(JSONExtractUInt(json, 'number') != head.1 + 1
                OR JSONExtractString(json, 'previous') != if(head.1 = 0, repeat('0', 64), head.2), 1),
            'Refused: another entry was written since; try again')
        + throwIf(
            ifNull(abs(dateDiff('second', its_time, now64(6))) > 60, 1),
            'Refused: an entry is of the time at which it is written')
        + throwIf(
            ifNull(its_chain = 'evidence' AND (
                toUUIDOrNull(its_hold) IS NULL
                OR its_kind = 'hold' AND (
                    past.1 > 0
                    OR abs(dateDiff('second', parseDateTime64BestEffortOrZero(JSONExtractString(its_record, 'held_at'), 3, 'UTC'), now64(3))) > 60
                    OR its_release < parseDateTime64BestEffortOrZero(JSONExtractString(its_record, 'schedule_ends'), 3, 'UTC')
                    OR its_release < now64(3))
                OR its_kind != 'hold' AND (past.1 != 1 OR past.2 > 0)
                OR its_kind = 'keep' AND its_release < past.3
                OR its_kind = 'purge' AND past.3 > now64(3)), 1),
            'Refused: evidence is held once, never kept for less, and purged once, when its time is over')
        + throwIf(
            ifNull(its_chain = 'evidence' AND its_kind = 'receipt' AND (receipted.1 != 1 OR receipted.2 > 0), 1),
            'Refused: a receipt is of one export to an evidence system, with its file, and there is one of each')
    ) AS refused
SELECT
    its_chain AS chain,
    JSONExtractUInt(json, 'number') AS number,
    its_kind AS kind,
    its_time AS at,
    JSONExtractString(json, 'who') AS who,
    JSONExtractString(json, 'record') AS record,
    JSONExtractString(json, 'previous') AS previous,
    its_hash AS hash
FROM platestream.ledger_append
WHERE refused = 0;

-- A document is stored if the entry that its act wrote has its hash.
CREATE MATERIALIZED VIEW IF NOT EXISTS platestream.append_to_documents TO platestream.documents
DEFINER = platestream_definer SQL SECURITY DEFINER AS
WITH
    (SELECT account FROM platestream.caller) AS caller,
    (SELECT (uniqExact(act), any(act), groupUniqArray(lower(hex(SHA256(content))))) FROM platestream.document_append) AS given,
    (
        SELECT (count(), any(outcome), any(account), any(effect))
        FROM platestream.inquiry_log WHERE inquiry_id = given.2 AND at > now64(6) - INTERVAL 10 MINUTE
    ) AS allowed,
    (SELECT any(record) FROM platestream.ledger WHERE chain = 'audit' AND hash = allowed.4) AS entry,
    arrayMap(name -> JSONExtractString(entry, name), ['markdown_sha256', 'pdf_sha256', 'sha256']) AS named,
    (
        SELECT throwIf(
            ifNull(given.1 != 1 OR allowed.1 != 1 OR allowed.2 != 'allowed' OR allowed.3 != caller OR allowed.4 = ''
                OR NOT hasAll(named, given.3), 1),
            'Refused: no entry of an allowed act of yours in the last 10 minutes names this document')
    ) AS refused
SELECT SHA256(content) AS sha256, name, content
FROM platestream.document_append
WHERE refused = 0 AND has(named, lower(hex(SHA256(content))));

-- A detection in the form of evidence: the one text that is hashed, before the act and in the copy.
CREATE OR REPLACE VIEW platestream.recordings
SQL SECURITY INVOKER AS
SELECT
    camera_id, detection_id, captured_at, ingested_at,
    toJSONString(CAST((
        detection_id, concat(replaceOne(toString(captured_at), ' ', 'T'), 'Z'),
        concat(replaceOne(toString(best_at), ' ', 'T'), 'Z'), camera_id, latitude, longitude,
        plate, confidence, state, state_confidence, alternatives, box, frames, agreeing, models,
        vehicle_make, vehicle_model, vehicle_colour, vehicle_body, vehicle_other, opinion, camera_plate, camera_read),
        'Tuple(detection_id UUID, captured_at String, best_at String, camera_id String, latitude Float64, longitude Float64,
         plate String, confidence Float32, state String, state_confidence Float32,
         alternatives Array(Tuple(plate String, confidence Float32)),
         box Tuple(x UInt32, y UInt32, width UInt32, height UInt32), frames UInt32, agreeing UInt32, models Array(String),
         vehicle_make String, vehicle_model String, vehicle_colour String, vehicle_body String,
         vehicle_other Map(String, String), opinion String, camera_plate String, camera_read String)')) AS record
FROM platestream.detections;

-- Results of a documented search as they would be held: hashes of records and pictures, and no plate. `pictures` has
-- the head of an encrypted picture, by which its key is found (platestream/keys/pieces.py). `cut`: the limit of
-- vehicles was reached, so more may match.
CREATE OR REPLACE VIEW platestream.holdable
DEFINER = platestream_definer SQL SECURITY DEFINER AS
SELECT
    one.detection_id AS detection_id, one.captured_at AS captured_at, one.sha256 AS sha256, of_it.pictures AS pictures,
    ifNull((SELECT max(cut) FROM platestream.search(inquiry = {inquiry:UUID})), 0) AS cut
FROM (
    SELECT detection_id, captured_at, lower(hex(SHA256(record))) AS sha256
    FROM platestream.recordings
    WHERE (camera_id, captured_at, detection_id) IN (
        SELECT camera_id, captured_at, detection_id FROM platestream.search(inquiry = {inquiry:UUID}))
    ORDER BY detection_id, ingested_at DESC
    LIMIT 1 BY detection_id
) AS one
LEFT JOIN (
    SELECT detection_id, groupArray((kind, lower(hex(sha256)), intact, lower(hex(head)))) AS pictures
    FROM (
        SELECT detection_id, kind, sha256, SHA256(jpeg) = sha256 AS intact,
            if(startsWith(jpeg, unhex('C1505350')), substring(jpeg, 1, 60), '') AS head
        FROM platestream.images
        WHERE (captured_at, detection_id) IN (
            SELECT captured_at, detection_id FROM platestream.search(inquiry = {inquiry:UUID}))
        ORDER BY detection_id, kind, ingested_at DESC
        LIMIT 1 BY detection_id, kind
    )
    GROUP BY detection_id
) AS of_it ON one.detection_id = of_it.detection_id;

-- The entry by which evidence is written now: of an act of this account, by the act's hash.
CREATE MATERIALIZED VIEW IF NOT EXISTS platestream.append_to_evidence TO platestream.evidence_allowed
DEFINER = platestream_definer SQL SECURITY DEFINER AS
WITH
    (SELECT account FROM platestream.caller) AS caller,
    (SELECT (count(), any(act), any(detections), any(times)) FROM platestream.evidence_append) AS given,
    (
        SELECT (count(), any(outcome), any(account), any(effect))
        FROM platestream.inquiry_log WHERE inquiry_id = given.2 AND at > now64(6) - INTERVAL 10 MINUTE
    ) AS allowed,
    (
        SELECT (count(), any(kind), any(who), any(at), any(record)) FROM platestream.ledger
        WHERE chain = 'evidence' AND kind IN ('hold', 'keep') AND hash = allowed.4
    ) AS entry,
    coalesce(entry.5, '') AS json,
    (
        SELECT throwIf(
            ifNull(given.1 != 1 OR allowed.1 != 1 OR allowed.2 != 'allowed' OR allowed.3 != caller OR allowed.4 = '' OR entry.1 != 1, 1),
            'Refused: no entry of an allowed act of yours in the last 10 minutes holds this evidence')
    ) AS refused
SELECT
    JSONExtract(json, 'hold_id', 'UUID') AS hold_id,
    entry.2 AS kind,
    JSONExtractString(json, 'case_number') AS case_number,
    JSONExtractString(json, 'authority') AS authority,
    JSONExtractString(json, 'schedule') AS schedule,
    toUUIDOrZero(JSONExtractString(json, 'inquiry_id')) AS inquiry_id,
    entry.3 AS who,
    parseDateTime64BestEffortOrZero(JSONExtractString(json, 'held_at'), 3, 'UTC') AS held_at,
    parseDateTime64BestEffortOrZero(JSONExtractString(json, 'release_at'), 3, 'UTC') AS release_at,
    if(empty(given.3), JSONLength(json, 'detections'), 0) AS held,
    JSONExtractString(json, 'origin') AS origin,
    arrayFilter(one -> has(given.3, one.1),
        JSONExtract(json, 'records', 'Array(Tuple(detection_id UUID, sha256 String))')) AS records,
    -- Of an encrypted picture `stored` is the hash of what is stored, and `sha256` that of the picture.
    arrayMap(one -> (one.1, one.2, if(one.4 = '', one.3, one.4)), arrayFilter(one -> has(given.3, one.1),
        JSONExtract(json, 'pictures', 'Array(Tuple(detection_id UUID, kind String, sha256 String, stored String))'))) AS pictures,
    given.4 AS times
FROM platestream.evidence_append
WHERE refused = 0;

-- The hold, and its current release date.
CREATE MATERIALIZED VIEW IF NOT EXISTS platestream.evidence_to_holds TO platestream.evidence_holds
DEFINER = platestream_definer SQL SECURITY DEFINER AS
SELECT
    now.hold_id AS hold_id,
    if(now.kind = 'hold', now.case_number, was.case_number) AS case_number,
    if(now.kind = 'hold', now.authority, was.authority) AS authority,
    if(now.kind = 'hold', now.schedule, was.schedule) AS schedule,
    if(now.kind = 'hold', now.inquiry_id, was.inquiry_id) AS inquiry_id,
    if(now.kind = 'hold', now.who, was.who) AS who,
    if(now.kind = 'hold', now.held_at, was.held_at) AS held_at,
    now.release_at AS release_at,
    if(now.kind = 'hold', now.held, was.detections) AS detections,
    if(now.kind = 'hold', now.origin, was.origin) AS origin
FROM platestream.evidence_allowed AS now
LEFT JOIN (
    SELECT * FROM platestream.evidence_holds FINAL WHERE hold_id IN (SELECT hold_id FROM platestream.evidence_allowed)
) AS was ON was.hold_id = now.hold_id
WHERE empty(now.times) AND (now.kind = 'hold' OR was.held_at > toDateTime64(0, 3));

-- Copies of stored data with the hash that the ledger has.
CREATE MATERIALIZED VIEW IF NOT EXISTS platestream.evidence_to_detections TO platestream.evidence_detections
DEFINER = platestream_definer SQL SECURITY DEFINER AS
SELECT named.hold_id AS hold_id, stored.detection_id AS detection_id, stored.captured_at AS captured_at, stored.record AS record
FROM (
    SELECT hold_id, arrayJoin(records) AS one FROM platestream.evidence_allowed WHERE kind = 'hold' AND origin = ''
) AS named
INNER JOIN (
    SELECT detection_id, captured_at, record FROM platestream.recordings
    WHERE detection_id IN (SELECT arrayJoin(records).1 FROM platestream.evidence_allowed)
      AND captured_at IN (SELECT arrayJoin(times) FROM platestream.evidence_allowed)
    ORDER BY detection_id, ingested_at DESC
    LIMIT 1 BY detection_id
) AS stored ON stored.detection_id = named.one.1
WHERE lower(hex(SHA256(stored.record))) = named.one.2;

CREATE MATERIALIZED VIEW IF NOT EXISTS platestream.evidence_to_images TO platestream.evidence_images
DEFINER = platestream_definer SQL SECURITY DEFINER AS
SELECT
    named.hold_id AS hold_id, stored.detection_id AS detection_id, stored.kind AS kind, stored.sha256 AS sha256, stored.jpeg AS jpeg
FROM (
    SELECT hold_id, arrayJoin(pictures) AS one FROM platestream.evidence_allowed WHERE kind = 'hold' AND origin = ''
) AS named
INNER JOIN (
    SELECT detection_id, kind, sha256, jpeg FROM platestream.images
    WHERE detection_id IN (SELECT arrayJoin(pictures).1 FROM platestream.evidence_allowed)
      AND captured_at IN (SELECT arrayJoin(times) FROM platestream.evidence_allowed)
    ORDER BY detection_id, kind, ingested_at DESC
    LIMIT 1 BY detection_id, kind
) AS stored ON stored.detection_id = named.one.1 AND stored.kind = named.one.2
WHERE lower(hex(stored.sha256)) = named.one.3;

-- Answers that another agency signed have no row here to copy: they are accepted if the entry has the hash of each
-- part.
CREATE MATERIALIZED VIEW IF NOT EXISTS platestream.bring_to_evidence TO platestream.evidence_brought
DEFINER = platestream_definer SQL SECURITY DEFINER AS
WITH
    (SELECT account FROM platestream.caller) AS caller,
    (SELECT (uniqExact(act), any(act)) FROM platestream.evidence_bring) AS given,
    (
        SELECT (count(), any(outcome), any(account), any(effect))
        FROM platestream.inquiry_log WHERE inquiry_id = given.2 AND at > now64(6) - INTERVAL 10 MINUTE
    ) AS allowed,
    (
        SELECT (count(), any(record)) FROM platestream.ledger
        WHERE chain = 'evidence' AND kind = 'hold' AND hash = allowed.4
    ) AS entry,
    coalesce(entry.2, '') AS json,
    arrayConcat(
        arrayMap(one -> ('record', toString(one.1), '', one.2),
            JSONExtract(json, 'records', 'Array(Tuple(detection_id UUID, sha256 String))')),
        arrayMap(one -> ('picture', toString(one.1), one.2, if(one.4 = '', one.3, one.4)),
            JSONExtract(json, 'pictures', 'Array(Tuple(detection_id UUID, kind String, sha256 String, stored String))')),
        arrayMap(one -> ('answer', one.1, one.2, if(one.4 = '', one.3, one.4)),
            JSONExtract(json, 'answers', 'Array(Tuple(agency String, key String, sha256 String, stored String))'))) AS named,
    (
        SELECT throwIf(
            ifNull(given.1 != 1 OR allowed.1 != 1 OR allowed.2 != 'allowed' OR allowed.3 != caller OR allowed.4 = '' OR entry.1 != 1
                OR JSONExtractString(json, 'origin') = '', 1),
            'Refused: no entry of an allowed act of yours in the last 10 minutes holds evidence of another agency')
    ) AS refused
SELECT
    JSONExtract(json, 'hold_id', 'UUID') AS act,
    what, detection_id, captured_at, kind, number, agency, key, content
FROM platestream.evidence_bring
WHERE refused = 0
  AND throwIf(
    ifNull(NOT has(named, (
        what, if(what = 'answer', agency, toString(detection_id)), if(what = 'answer', key, kind), lower(hex(SHA256(content))))), 1),
    'Refused: the entry has not the hash of this piece') = 0;

CREATE MATERIALIZED VIEW IF NOT EXISTS platestream.brought_to_detections TO platestream.evidence_detections
DEFINER = platestream_definer SQL SECURITY DEFINER AS
SELECT act AS hold_id, detection_id, captured_at, content AS record
FROM platestream.evidence_brought WHERE what = 'record';

CREATE MATERIALIZED VIEW IF NOT EXISTS platestream.brought_to_images TO platestream.evidence_images
DEFINER = platestream_definer SQL SECURITY DEFINER AS
SELECT act AS hold_id, detection_id, kind, SHA256(content) AS sha256, content AS jpeg
FROM platestream.evidence_brought WHERE what = 'picture';

CREATE MATERIALIZED VIEW IF NOT EXISTS platestream.brought_to_answers TO platestream.evidence_answers
DEFINER = platestream_definer SQL SECURITY DEFINER AS
SELECT act AS hold_id, number, agency, key, SHA256(content) AS sha256, content AS exchange
FROM platestream.evidence_brought WHERE what = 'answer';

-- Held evidence, by an act that opens one hold, whose id is in the log.
CREATE OR REPLACE VIEW platestream.held
DEFINER = platestream_definer SQL SECURITY DEFINER AS
WITH (
    SELECT (refused, toUUIDOrZero(other)) FROM platestream.documented(inquiry = {inquiry:UUID}, kind = 'evidence_show')
) AS asked
SELECT hold_id, case_number, authority, schedule, inquiry_id, who, held_at, release_at, detections, origin
FROM platestream.evidence_holds FINAL
WHERE asked.1 = 0 AND hold_id = asked.2;

CREATE OR REPLACE VIEW platestream.held_detections
DEFINER = platestream_definer SQL SECURITY DEFINER AS
WITH (
    SELECT (refused, toUUIDOrZero(other)) FROM platestream.documented(inquiry = {inquiry:UUID}, kind = 'evidence_show')
) AS asked
SELECT captured_at, detection_id, record
FROM platestream.evidence_detections FINAL
WHERE asked.1 = 0 AND hold_id = asked.2;

CREATE OR REPLACE VIEW platestream.held_images
DEFINER = platestream_definer SQL SECURITY DEFINER AS
WITH (
    SELECT (refused, toUUIDOrZero(other)) FROM platestream.documented(inquiry = {inquiry:UUID}, kind = 'evidence_show')
) AS asked
SELECT detection_id, kind, sha256, jpeg
FROM platestream.evidence_images FINAL
WHERE asked.1 = 0 AND hold_id = asked.2;

CREATE OR REPLACE VIEW platestream.held_answers
DEFINER = platestream_definer SQL SECURITY DEFINER AS
WITH (
    SELECT (refused, toUUIDOrZero(other)) FROM platestream.documented(inquiry = {inquiry:UUID}, kind = 'evidence_show')
) AS asked
SELECT number, sha256, exchange
FROM platestream.evidence_answers FINAL
WHERE asked.1 = 0 AND hold_id = asked.2;

-- Number of copied items of a hold, for the person who just made it.
CREATE OR REPLACE VIEW platestream.copied
DEFINER = platestream_definer SQL SECURITY DEFINER AS
WITH (
    SELECT (refused, other) FROM platestream.documented(inquiry = {inquiry:UUID}, kind = 'evidence_hold')
) AS asked,
(
    SELECT any(JSONExtract(record, 'hold_id', 'UUID')) FROM platestream.ledger
    WHERE asked.1 = 0 AND chain = 'evidence' AND kind = 'hold' AND hash = asked.2
) AS hold
SELECT
    (SELECT uniqExact(detection_id) FROM platestream.evidence_detections WHERE hold_id = hold) AS detections,
    (SELECT uniqExact(detection_id, kind) FROM platestream.evidence_images WHERE hold_id = hold) AS pictures
WHERE asked.1 = 0;
