-- What the database's clock is compared with before anything is deleted: the newest row of the inquiry log, and what
-- came in since the retention job last ran, where that is enough to be more than a late frame. Of each a time only.
CREATE OR REPLACE VIEW platestream.clock_seen
DEFINER = platestream_definer SQL SECURITY DEFINER AS
SELECT
    now64(6, 'UTC') AS at,
    (SELECT max(log.at) FROM platestream.inquiry_log AS log) AS newest_row,
    (SELECT seals.at FROM platestream.inquiry_seals AS seals ORDER BY seals.seal DESC LIMIT 1) AS last_sealed,
    (SELECT if(count() >= 20, max(captured_at), NULL) FROM platestream.detections WHERE ingested_at > {since:DateTime64(6, 'UTC')}) AS captured,
    (SELECT if(count() >= 20, max(timestamp), NULL) FROM platestream.dead_letters WHERE received_at > {since:DateTime64(6, 'UTC')}) AS stamped;

-- Registered people who confirmed that the clock is right.
CREATE OR REPLACE VIEW platestream.clock_confirmed
DEFINER = platestream_definer SQL SECURITY DEFINER AS
SELECT log.who AS who, log.at AS at
FROM platestream.inquiry_log AS log
WHERE log.kind = 'retention_clock' AND log.outcome = 'allowed' AND NOT log.automatic AND log.at > {since:DateTime64(6, 'UTC')}
  AND log.who IN (SELECT id FROM platestream.registry FINAL WHERE kind = 'user' AND active);

-- The newest run that the clock stopped, and the newest that it did not.
CREATE OR REPLACE VIEW platestream.clock_stopped
DEFINER = platestream_definer SQL SECURITY DEFINER AS
SELECT argMax(if(outcome = 'refused', refusal, ''), log.at) AS why, max(log.at) AS at
FROM platestream.inquiry_log AS log
WHERE log.kind = 'retention' AND (log.outcome = 'allowed' AND log.other = 'run' OR startsWith(log.refusal, 'the clock may be wrong'));
