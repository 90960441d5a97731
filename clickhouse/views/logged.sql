-- Complete rows of the log, including the search terms: for people who may read it, by an act of theirs that is at
-- most an hour old. Throws without one, as `documented` does. An auditor's act shows all; one about a hold, which a
-- custodian enters to export it, shows the rows of the hold and its case.
CREATE OR REPLACE VIEW platestream.logged
DEFINER = platestream_definer SQL SECURITY DEFINER AS
WITH (
    SELECT (throwIf(
        countIf(outcome = 'allowed' AND account = (SELECT account FROM platestream.caller)
            AND (startsWith(kind, 'audit_') OR kind = 'evidence_show')) != 1,
        'Refused: no act of yours of the last hour, with this id, by which the inquiry log is read'),
        any(startsWith(kind, 'audit_')), any(other))
    FROM platestream.inquiry_log
    WHERE inquiry_id = {inquiry:UUID} AND at > now64(6) - INTERVAL 1 HOUR
) AS asked,
(SELECT any(case_number) FROM platestream.evidence_holds WHERE hold_id = toUUIDOrZero(asked.3)) AS of_case
SELECT * FROM platestream.inquiry_log
WHERE asked.1 = 0 AND (asked.2 OR tool = concat('evidence hold ', asked.3) OR of_case != '' AND case_number = of_case);

-- Memoranda and reports: a comparison with what was filed, and the text of one by an act of the reader.
CREATE OR REPLACE VIEW platestream.document_state
DEFINER = platestream_definer SQL SECURITY DEFINER AS
SELECT lower(hex(sha256)) AS digest, name, stored_at, SHA256(content) = sha256 AS intact
FROM platestream.documents FINAL;

CREATE OR REPLACE VIEW platestream.document
DEFINER = platestream_definer SQL SECURITY DEFINER AS
WITH (
    SELECT throwIf(
        countIf(outcome = 'allowed' AND account = (SELECT account FROM platestream.caller) AND startsWith(kind, 'audit_')) != 1,
        'Refused: no act of yours of the last hour, with this id, by which documents are read')
    FROM platestream.inquiry_log
    WHERE inquiry_id = {inquiry:UUID} AND at > now64(6) - INTERVAL 1 HOUR
) AS refused
SELECT lower(hex(sha256)) AS digest, name, content FROM platestream.documents FINAL WHERE refused = 0;
