-- The check that every view of stored data makes, in one place. These views are granted to nobody and run with the
-- rights of their reader (INVOKER): without the view around them, which runs as its definer, they show nothing.

-- Vehicles that were, or may be, shown in the last 24 hours, by person or by other agency. An inquiry counts with its
-- reserved number; a supervisor's raise of the limit reduces the sum, and so does `less_lately`. Rows without an owner
-- are included for their times and for confirmations of the clock.
CREATE OR REPLACE VIEW platestream.counted_lately
SQL SECURITY INVOKER AS
SELECT
    if(outcome = 'allowed', inquiry_log.counted_for, '') AS counted_for,
    if(kind = 'limit_raise', -1, 1) * toInt64(inquiry_log.vehicles) AS vehicles,
    kind IN ('picture', 'partner_picture') AS pictures,
    if(kind = 'limit_raise', toUInt64(inquiry_log.vehicles), 0) AS fewer,
    at,
    if(kind = 'retention_clock' AND outcome = 'allowed' AND NOT automatic AND at <= now64(6), who, '') AS confirming
FROM platestream.inquiry_log
WHERE at > now64(6) - INTERVAL 24 HOUR;

-- The part of the reserved number that was not shown. An inquiry counts once, however often it was written.
CREATE OR REPLACE VIEW platestream.less_lately
SQL SECURITY INVOKER AS
SELECT counted_for, toInt64(max(less)) AS vehicles
FROM platestream.inquiry_shown
WHERE at > now64(6) - INTERVAL 24 HOUR
GROUP BY inquiry_id, counted_for;

-- The rows of the log with this id that still count: those of the last 10 minutes. A regular caller has one.
CREATE OR REPLACE VIEW platestream.recent
SQL SECURITY INVOKER AS
SELECT pattern, cameras
FROM platestream.inquiry_log
WHERE inquiry_id = {inquiry:UUID} AND at > now64(6) - INTERVAL 10 MINUTE;

-- The inquiry in the log, where no limit of vehicles is counted. To be used as `documented` below.
CREATE OR REPLACE VIEW platestream.admitted
SQL SECURITY INVOKER AS
WITH {kind:String} AS of_kind
SELECT * FROM ({{admitted_row}});

-- The inquiry in the log. `refused` throws unless this id has exactly one row of the last 10 minutes that is allowed,
-- of this account and for this kind of inquiry; else it is 0. A view of data must select it in a scalar sub-query,
-- `WITH (SELECT (refused, ...) FROM platestream.documented(...)) AS asked`, with the condition `asked.1 = 0`: a
-- scalar sub-query is evaluated before anything is read and so throws even if nothing would be read (no match,
-- count(), LIMIT 0, DESCRIBE, EXPLAIN). A condition in WHERE alone would not. Views of which pages wait have the query
-- itself, `documented_row` with the kind as `of_kind`: the engine evaluates a view in a view twice at each use.
--
-- The limit of vehicles is checked here again, over the whole log so far: when inquiries are written at the same
-- time, by one statement or by several connections, the gate does not see the others. If together they exceed the
-- limit, none of them shows anything. The period is ten minutes more than a day, because an inquiry may be as old.
CREATE OR REPLACE VIEW platestream.documented
SQL SECURITY INVOKER AS
WITH {kind:String} AS of_kind
SELECT * FROM ({{documented_row}});

-- Views show only data younger than the retention of the rules in force, even if older data is still stored.
CREATE OR REPLACE VIEW platestream.kept
SQL SECURITY INVOKER AS
SELECT now64(3) - toIntervalSecond(argMax(retention_s, set_at)) AS since
FROM platestream.gate_rules;
