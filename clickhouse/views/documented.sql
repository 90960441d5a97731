-- The judgement that every view of stored data makes, stated once. Nobody is granted these views, and they run as
-- whoever reads them (INVOKER): without the view around them, which runs as its definer, they open nothing.

-- What was, or may be, shown in the last 24 hours, by whom it counts for: a person, or all of another agency. Inquiries by
-- what was reserved for each, less what `inquiry_shown` has of it, and less what a supervisor raised the limit by. A row
-- there counts once, however often it was written. Rows that count for nobody are there for their time, and for who
-- confirmed the clock.
CREATE OR REPLACE VIEW platestream.counted_lately
SQL SECURITY INVOKER AS
SELECT
    if(outcome = 'allowed', inquiry_log.counted_for, '') AS counted_for,
    if(kind = 'limit_raise', -1, 1) * toInt64(inquiry_log.vehicles) AS vehicles,
    kind = 'picture' AS pictures,
    if(kind = 'limit_raise', toUInt64(inquiry_log.vehicles), 0) AS fewer,
    at,
    if(kind = 'retention_clock' AND outcome = 'allowed' AND NOT automatic AND at <= now64(6), who, '') AS confirming
FROM platestream.inquiry_log
WHERE at > now64(6) - INTERVAL 24 HOUR
UNION ALL
SELECT counted_for, -toInt64(max(less)), 0, toUInt64(max(less)), min(at), ''
FROM platestream.inquiry_shown
WHERE at > now64(6) - INTERVAL 24 HOUR
GROUP BY inquiry_id, counted_for;

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
--
-- The limit of vehicles is judged here once more, over all that is in the log by now: of inquiries that were written at
-- the same time, by one statement or by several connections, the gate saw none when it judged the others. What they take
-- together beyond the limit, none of them shows. Ten minutes more than a day, as an inquiry may be as old.
CREATE OR REPLACE VIEW platestream.documented
SQL SECURITY INVOKER AS
WITH (SELECT account FROM platestream.caller) AS caller
SELECT
    throwIf(
        countIf(this) != 1 OR countIf(this AND log.outcome = 'allowed' AND log.kind = {kind:String} AND log.account = caller) != 1,
        'Refused: no documented inquiry of yours with this id and kind in the last 10 minutes') AS refused,
    anyIf(log.pattern, this) AS pattern,
    anyIf(log.other, this) AS other,
    anyIf(log.cameras, this) AS cameras,
    anyIf(log.since, this) AS since,
    anyIf(log.until, this) AS until,
    anyIf(log.within_s, this) AS within_s,
    anyIf(log.at, this) AS at,
    anyIf(log.counted_for, this) AS whom,
    anyIf(log.limit_a_day, this) AS most,
    if(whom = '', 0, least(most - sumMapIf(map(log.counted_for, log.amount), log.outcome = 'allowed')[whom], 0)) AS beyond,
    anyIf(log.vehicles, this) + beyond + throwIf(
        {kind:String} IN ('search', 'sightings', 'fuzzy', 'cotravel', 'companions') AND anyIf(log.vehicles, this) + beyond < 1
            OR {kind:String} = 'picture' AND whom != ''
            AND intDiv(sumMapIf(map(log.counted_for, 1), log.outcome = 'allowed' AND log.kind = 'picture')[whom], 10) > most,
        'Refused: more vehicles than are shown in 24 hours were asked for') AS vehicles
FROM
(
    SELECT
        account, outcome, kind, pattern, other, cameras, since, until, within_s, at, counted_for, limit_a_day, vehicles,
        inquiry_id = {inquiry:UUID} AND at > now64(6) - INTERVAL 10 MINUTE AS this,
        if(kind = 'limit_raise', 0, toInt64(vehicles)) AS amount
    FROM platestream.inquiry_log
    WHERE at > now64(6) - INTERVAL 1450 MINUTE
) AS log;

-- Views show what is younger than the period of the rules in force, whatever is still stored.
CREATE OR REPLACE VIEW platestream.kept
SQL SECURITY INVOKER AS
SELECT now64(3) - toIntervalSecond(argMax(retention_s, set_at)) AS since
FROM platestream.gate_rules;
