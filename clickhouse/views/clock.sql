-- Reference for the database's clock before anything is deleted: the newest row of the inquiry log, and the least
-- delay in seconds of rows that arrived within a day. The delay is 0 unless it occurred in four different hours with
-- about the same value, because the delay of a replay, or of cameras that upload stored frames, shrinks.
CREATE OR REPLACE VIEW platestream.clock_seen
DEFINER = platestream_definer SQL SECURITY DEFINER AS
-- Detections by their counts, which have an index by the time of writing.
WITH (
    SELECT (sumIf(least, source = 'cameras'), sumIf(least, source = 'broker'))
    FROM (
        SELECT source, if(count() >= 4 AND max(delay) - min(delay) <= 3600, min(delay), 0) AS least
        FROM (
            SELECT 'cameras' AS source, toStartOfHour(tallied_at) AS hour, min(dateDiff('second', captured_at, tallied_at)) AS delay
            FROM platestream.tallied AS counts WHERE counts.source = 'detections' AND tallied_at > now64(6) - INTERVAL 1 DAY
            GROUP BY hour HAVING count() >= 5
            UNION ALL
            SELECT 'broker', toStartOfHour(received_at) AS hour, min(dateDiff('second', timestamp, received_at))
            FROM platestream.dead_letters WHERE received_at > now64(6) - INTERVAL 1 DAY
            GROUP BY hour HAVING count() >= 5
        )
        GROUP BY source
    )
) AS late
SELECT
    now64(6, 'UTC') AS at,
    (SELECT max(log.at) FROM platestream.inquiry_log AS log) AS newest_row,
    (SELECT seals.at FROM platestream.inquiry_seals AS seals ORDER BY seals.seal DESC LIMIT 1) AS last_sealed,
    late.1 AS cameras_late,
    late.2 AS broker_late;

-- Registered people who confirmed that the clock is right.
CREATE OR REPLACE VIEW platestream.clock_confirmed
DEFINER = platestream_definer SQL SECURITY DEFINER AS
SELECT log.who AS who, log.at AS at
FROM platestream.inquiry_log AS log
WHERE log.kind = 'retention_clock' AND log.outcome = 'allowed' AND NOT log.automatic AND log.at > {since:DateTime64(6, 'UTC')}
  AND log.who IN (SELECT id FROM platestream.registry FINAL WHERE kind = 'user' AND active);

-- The newest run that was stopped because of the clock, and the newest one that was not.
CREATE OR REPLACE VIEW platestream.clock_stopped
DEFINER = platestream_definer SQL SECURITY DEFINER AS
SELECT argMax(if(outcome = 'refused', refusal, ''), log.at) AS why, max(log.at) AS at
FROM platestream.inquiry_log AS log
WHERE log.kind = 'retention' AND (log.outcome = 'allowed' AND log.other = 'run' OR startsWith(log.refusal, 'the clock may be wrong'));
