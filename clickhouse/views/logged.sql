-- Complete rows of the log, including the search terms: for people who may read it, by an act of theirs that is at
-- most an hour old. Throws without one, as `documented` does.
CREATE OR REPLACE VIEW platestream.logged
DEFINER = platestream_definer SQL SECURITY DEFINER AS
WITH (
    SELECT throwIf(
        countIf(outcome = 'allowed' AND account = (SELECT account FROM platestream.caller)
            AND (startsWith(kind, 'audit_') OR kind IN ('evidence_show', 'evidence_export'))) != 1,
        'Refused: no act of yours of the last hour, with this id, by which the inquiry log is read')
    FROM platestream.inquiry_log
    WHERE inquiry_id = {inquiry:UUID} AND at > now64(6) - INTERVAL 1 HOUR
) AS refused
SELECT * FROM platestream.inquiry_log WHERE refused = 0;

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
