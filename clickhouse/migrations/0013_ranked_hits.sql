-- How a read and an entry met: its rank among the ways to match, how likely it is, and whether it is history.
ALTER TABLE platestream.alert_hits
    ADD COLUMN IF NOT EXISTS rank UInt8 COMMENT '0 is best; a state that contradicts adds 10' AFTER expires_at,
    ADD COLUMN IF NOT EXISTS likelihood Nullable(Float32) CODEC(ZSTD(1))
        COMMENT 'how often the listed plate is read so; NULL when nobody can say' AFTER rank,
    ADD COLUMN IF NOT EXISTS matched String CODEC(ZSTD(1))
        COMMENT 'the reading that matched, where it is not plate' AFTER likelihood,
    ADD COLUMN IF NOT EXISTS historical Bool
        COMMENT 'captured before the entry was listed: no fresh alert' AFTER matched,
    ADD COLUMN IF NOT EXISTS listed_vehicle Map(LowCardinality(String), String) CODEC(ZSTD(1))
        COMMENT 'the vehicle as listed' AFTER historical,
    ADD COLUMN IF NOT EXISTS silenced_for Array(LowCardinality(String))
        COMMENT 'agencies that the entry does not alert' AFTER listed_vehicle;

CREATE OR REPLACE VIEW platestream.hits
DEFINER = platestream_definer SQL SECURITY DEFINER AS
WITH (
    SELECT (
        throwIf(
            count() != 1 OR countIf(outcome = 'allowed' AND kind = 'hits' AND account = authenticatedUser()) != 1,
            'Refused: no documented inquiry of yours with this id and kind in the last 10 minutes'),
        any(if(pattern = '', '%', translate(pattern, 'O*?', '0%_'))), any(cameras), any(since), any(until),
        any(toUUIDOrNull(other)))
    FROM platestream.inquiry_log
    WHERE inquiry_id = {inquiry:UUID} AND at > now64(6) - INTERVAL 10 MINUTE
) AS asked
SELECT
    hit_id, captured_at, detection_id, camera_id, latitude, longitude, plate, state, confidence,
    match, differences, state_check, rank, likelihood, matched, historical,
    entry_id, source, category, listed_plate, listed_state, listed_vehicle,
    case_number, reason, requested_by, contact, instructions, other, expires_at, silenced_for
FROM platestream.alert_hits
WHERE asked.1 = 0
  AND translate(plate, 'O', '0') LIKE asked.2
  AND (empty(asked.3) OR has(asked.3, camera_id))
  AND captured_at >= asked.4 AND captured_at <= asked.5
  AND (isNull(asked.6) OR hit_id = asked.6)
  AND captured_at > now64(3) - INTERVAL 30 DAY
ORDER BY captured_at DESC, hit_id, ingested_at DESC
LIMIT 1 BY hit_id;
