-- The judgement that every view of stored data makes, stated once. Nobody is granted these views, and they run as
-- whoever reads them (INVOKER): without the view around them, which runs as its definer, they open nothing.

-- The rows of the log with this id that still count: those of the last 10 minutes. Honest callers have one.
CREATE OR REPLACE VIEW platestream.recent
SQL SECURITY INVOKER AS
WITH (SELECT account FROM platestream.caller) AS caller
SELECT
    account = caller AS mine, outcome, refusal, kind, pattern, other, cameras, since, until, within_s
FROM platestream.inquiry_log
WHERE inquiry_id = {inquiry:UUID} AND at > now64(6) - INTERVAL 10 MINUTE;

-- What was asked, as it stands in the log. `refused` throws unless this id has exactly one row of the last 10
-- minutes: allowed, of this account and for this kind of look; else it is 0. A view that looks must select it in a
-- scalar sub-query, `WITH (SELECT (refused, ...) FROM platestream.documented(...)) AS asked`, and ask for
-- `asked.1 = 0`: a scalar sub-query is evaluated before anything is read and so throws even where nothing would be
-- read (no match, count(), LIMIT 0, DESCRIBE, EXPLAIN). A condition in WHERE alone would not.
CREATE OR REPLACE VIEW platestream.documented
SQL SECURITY INVOKER AS
SELECT
    throwIf(
        count() != 1 OR countIf(log.outcome = 'allowed' AND log.kind = {kind:String} AND log.mine) != 1,
        'Refused: no documented inquiry of yours with this id and kind in the last 10 minutes') AS refused,
    any(log.pattern) AS pattern,
    any(log.other) AS other,
    any(log.cameras) AS cameras,
    any(log.since) AS since,
    any(log.until) AS until,
    any(log.within_s) AS within_s
FROM platestream.recent(inquiry = {inquiry:UUID}) AS log;

-- Views show what is younger than the period of the rules in force, whatever is still stored.
CREATE OR REPLACE VIEW platestream.kept
SQL SECURITY INVOKER AS
SELECT now64(3) - toIntervalSecond(argMax(retention_s, set_at)) AS since
FROM platestream.gate_rules;
