-- What people see of detections, pictures and hits. A view takes all it needs from the row of the log, so
-- what is logged is what is looked at, and throws unless this id has exactly one row of the last 10 minutes:
-- allowed, of this account and for this kind of look. A scalar sub-query throws even where nothing would be
-- read; a condition in WHERE would not.
-- LIMIT 1 BY instead of FINAL, which would read past the text index; until parts are merged, a plate that a
-- newer model reads otherwise is found by both readings.
CREATE VIEW IF NOT EXISTS platestream.search
DEFINER = platestream_definer SQL SECURITY DEFINER AS
WITH (
    SELECT (
        throwIf(
            count() != 1 OR countIf(outcome = 'allowed' AND kind = 'search' AND account = authenticatedUser()) != 1,
            'Refused: no documented inquiry of yours with this id and kind in the last 10 minutes'),
        any(if(pattern = '', '%', translate(pattern, 'O*?', '0%_'))), any(cameras), any(since), any(until))
    FROM platestream.inquiry_log
    WHERE inquiry_id = {inquiry:UUID} AND at > now64(6) - INTERVAL 10 MINUTE
) AS asked
SELECT
    detection_id, captured_at, best_at, camera_id, latitude, longitude, plate, confidence, state, state_confidence,
    alternatives, box, frames, agreeing, models,
    vehicle_make, vehicle_model, vehicle_colour, vehicle_body, vehicle_other
FROM platestream.detections
WHERE asked.1 = 0
  AND plate_zero LIKE asked.2
  AND (empty(asked.3) OR has(asked.3, camera_id))
  AND captured_at >= asked.4 AND captured_at <= asked.5
  AND captured_at > now64(3) - INTERVAL 30 DAY
ORDER BY captured_at DESC, detection_id, ingested_at DESC
LIMIT 1 BY detection_id;

CREATE VIEW IF NOT EXISTS platestream.picture
DEFINER = platestream_definer SQL SECURITY DEFINER AS
WITH (
    SELECT (
        throwIf(
            count() != 1 OR countIf(outcome = 'allowed' AND kind = 'picture' AND account = authenticatedUser()) != 1,
            'Refused: no documented inquiry of yours with this id and kind in the last 10 minutes'),
        any(toUUIDOrZero(other)), any(since), any(until))
    FROM platestream.inquiry_log
    WHERE inquiry_id = {inquiry:UUID} AND at > now64(6) - INTERVAL 10 MINUTE
) AS asked
SELECT detection_id, captured_at, camera_id, kind, sha256, jpeg
FROM platestream.images
WHERE asked.1 = 0
  AND detection_id = asked.2
  AND captured_at >= asked.3 AND captured_at <= asked.4
  AND captured_at > now64(3) - INTERVAL 30 DAY
ORDER BY captured_at, detection_id, kind, ingested_at DESC
LIMIT 1 BY detection_id, kind;

CREATE VIEW IF NOT EXISTS platestream.hits
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
    match, differences, state_check,
    entry_id, source, category, listed_plate, listed_state,
    case_number, reason, requested_by, contact, instructions, other, expires_at
FROM platestream.alert_hits
WHERE asked.1 = 0
  AND translate(plate, 'O', '0') LIKE asked.2
  AND (empty(asked.3) OR has(asked.3, camera_id))
  AND captured_at >= asked.4 AND captured_at <= asked.5
  AND (isNull(asked.6) OR hit_id = asked.6)
  AND captured_at > now64(3) - INTERVAL 30 DAY
ORDER BY captured_at DESC, hit_id, ingested_at DESC
LIMIT 1 BY hit_id;
