-- Views show what is younger than the period of the rules in force, whatever is still stored. Nothing else changes.
CREATE OR REPLACE VIEW platestream.search
DEFINER = platestream_definer SQL SECURITY DEFINER AS
WITH (SELECT now64(3) - toIntervalSecond(argMax(retention_s, set_at)) FROM platestream.gate_rules) AS kept,
(
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
  AND captured_at > kept
ORDER BY captured_at DESC, detection_id, ingested_at DESC
LIMIT 1 BY detection_id;

CREATE OR REPLACE VIEW platestream.sightings
DEFINER = platestream_definer SQL SECURITY DEFINER AS
WITH (SELECT now64(3) - toIntervalSecond(argMax(retention_s, set_at)) FROM platestream.gate_rules) AS kept,
(
    SELECT (
        throwIf(
            count() != 1 OR countIf(outcome = 'allowed' AND kind = 'sightings' AND account = authenticatedUser()) != 1,
            'Refused: no documented inquiry of yours with this id and kind in the last 10 minutes'),
        any(if(pattern = '', '%', translate(pattern, 'O*?', '0%_'))), any(since), any(until))
    FROM platestream.inquiry_log
    WHERE inquiry_id = {inquiry:UUID} AND at > now64(6) - INTERVAL 10 MINUTE
) AS asked
SELECT
    detection_id, captured_at, best_at, camera_id, latitude, longitude, plate, confidence, state, state_confidence,
    alternatives, box, frames, agreeing, models,
    vehicle_make, vehicle_model, vehicle_colour, vehicle_body, vehicle_other
FROM platestream.detections
WHERE asked.1 = 0
  AND camera_id IN (
    SELECT arrayJoin(cameras) FROM platestream.inquiry_log
    WHERE inquiry_id = {inquiry:UUID} AND at > now64(6) - INTERVAL 10 MINUTE)
  AND captured_at >= asked.3 AND captured_at <= asked.4
  AND captured_at > kept
  AND plate_zero LIKE asked.2
ORDER BY captured_at DESC, detection_id, ingested_at DESC
LIMIT 1 BY detection_id;

CREATE OR REPLACE VIEW platestream.fuzzy
DEFINER = platestream_definer SQL SECURITY DEFINER AS
WITH (SELECT now64(3) - toIntervalSecond(argMax(retention_s, set_at)) FROM platestream.gate_rules) AS kept,
(
    SELECT (
        throwIf(
            count() != 1 OR countIf(outcome = 'allowed' AND kind = 'fuzzy' AND account = authenticatedUser()) != 1,
            'Refused: no documented inquiry of yours with this id and kind in the last 10 minutes'),
        any(translate(pattern, 'O', '0')), any(translate(pattern, 'ODQILZSBG', '000112586')),
        any(cameras), any(since), any(until))
    FROM platestream.inquiry_log
    WHERE inquiry_id = {inquiry:UUID} AND at > now64(6) - INTERVAL 10 MINUTE
) AS asked
SELECT
    detection_id, captured_at, best_at, camera_id, latitude, longitude, plate, confidence, state, state_confidence,
    alternatives, box, frames, agreeing, models,
    vehicle_make, vehicle_model, vehicle_colour, vehicle_body, vehicle_other,
    multiIf(plate_zero = asked.2, 'same', plate_fold = asked.3, 'look_alike', 'one_edit') AS match
FROM platestream.detections
WHERE asked.1 = 0
  AND plate_fold IN (
    WITH
        translate(pattern, 'ODQILZSBG', '000112586') AS folded,
        length(folded) AS size,
        ngrams('0123456789ACEFHJKMNPRTUVWXY', 1) AS alphabet
    SELECT arrayJoin(arrayDistinct(arrayConcat(
        [folded],
        arrayMap(i -> concat(substring(folded, 1, i - 1), substring(folded, i + 1)), range(1, size + 1)),
        arrayMap(i -> concat(substring(folded, 1, i - 1), substring(folded, i + 1, 1), substring(folded, i, 1),
            substring(folded, i + 2)), range(1, size)),
        arrayFlatten(arrayMap(i -> arrayMap(
            c -> concat(substring(folded, 1, i - 1), c, substring(folded, i + 1)), alphabet), range(1, size + 1))),
        arrayFlatten(arrayMap(i -> arrayMap(
            c -> concat(substring(folded, 1, i), c, substring(folded, i + 1)), alphabet), range(0, size + 1))))))
    FROM platestream.inquiry_log
    WHERE inquiry_id = {inquiry:UUID} AND at > now64(6) - INTERVAL 10 MINUTE)
  AND (plate_fold = asked.3 OR damerauLevenshteinDistance(plate_zero, asked.2) <= 1)
  AND (empty(asked.4) OR has(asked.4, camera_id))
  AND captured_at >= asked.5 AND captured_at <= asked.6
  AND captured_at > kept
ORDER BY captured_at DESC, detection_id, ingested_at DESC
LIMIT 1 BY detection_id;

CREATE OR REPLACE VIEW platestream.cotravel
DEFINER = platestream_definer SQL SECURITY DEFINER AS
WITH (SELECT now64(3) - toIntervalSecond(argMax(retention_s, set_at)) FROM platestream.gate_rules) AS kept,
(
    SELECT (
        throwIf(
            count() != 1 OR countIf(outcome = 'allowed' AND kind = 'cotravel' AND account = authenticatedUser()) != 1,
            'Refused: no documented inquiry of yours with this id and kind in the last 10 minutes'),
        any(translate(pattern, 'O', '0')), any(translate(other, 'O', '0')),
        any(cameras), any(since), any(until), any(within_s))
    FROM platestream.inquiry_log
    WHERE inquiry_id = {inquiry:UUID} AND at > now64(6) - INTERVAL 10 MINUTE
) AS asked
SELECT
    one.camera_id AS camera_id,
    one.captured_at AS captured_at, one.plate AS plate, one.detection_id AS detection_id,
    another.captured_at AS other_captured_at, another.plate AS other_plate, another.detection_id AS other_detection_id,
    dateDiff('millisecond', one.captured_at, another.captured_at) / 1000 AS seconds_behind
FROM (
    SELECT detection_id, camera_id, captured_at, plate FROM platestream.detections
    WHERE asked.1 = 0 AND plate_zero LIKE asked.2
      AND (empty(asked.4) OR has(asked.4, camera_id))
      AND captured_at >= asked.5 AND captured_at <= asked.6 AND captured_at > kept
    ORDER BY detection_id, ingested_at DESC LIMIT 1 BY detection_id
) AS one
INNER JOIN (
    SELECT detection_id, camera_id, captured_at, plate FROM platestream.detections
    WHERE asked.1 = 0 AND plate_zero LIKE asked.3
      AND (empty(asked.4) OR has(asked.4, camera_id))
      AND captured_at >= asked.5 AND captured_at <= asked.6 AND captured_at > kept
    ORDER BY detection_id, ingested_at DESC LIMIT 1 BY detection_id
) AS another ON one.camera_id = another.camera_id
WHERE abs(dateDiff('millisecond', one.captured_at, another.captured_at)) <= asked.7 * 1000
ORDER BY captured_at DESC;

CREATE OR REPLACE VIEW platestream.companions
DEFINER = platestream_definer SQL SECURITY DEFINER AS
WITH (SELECT now64(3) - toIntervalSecond(argMax(retention_s, set_at)) FROM platestream.gate_rules) AS kept,
(
    SELECT (
        throwIf(
            count() != 1 OR countIf(outcome = 'allowed' AND kind = 'companions' AND account = authenticatedUser()) != 1,
            'Refused: no documented inquiry of yours with this id and kind in the last 10 minutes'),
        any(translate(pattern, 'O', '0')), any(cameras), any(since), any(until), any(greatest(within_s, 1)))
    FROM platestream.inquiry_log
    WHERE inquiry_id = {inquiry:UUID} AND at > now64(6) - INTERVAL 10 MINUTE
) AS asked
SELECT
    others.plate AS plate,
    uniqExact(one.detection_id) AS meetings,
    uniqExact(one.camera_id) AS cameras_met,
    min(others.captured_at) AS first_at,
    max(others.captured_at) AS last_at
FROM (
    SELECT camera_id, captured_at, plate, plate_zero, toInt64(intDiv(toUnixTimestamp(captured_at), asked.6)) AS slot
    FROM platestream.detections
    WHERE asked.1 = 0
      AND (empty(asked.3) OR has(asked.3, camera_id))
      AND captured_at >= asked.4 AND captured_at <= asked.5 AND captured_at > kept
) AS others
INNER JOIN (
    SELECT detection_id, camera_id, captured_at,
        toInt64(intDiv(toUnixTimestamp(captured_at), asked.6)) + arrayJoin([-1, 0, 1]) AS slot
    FROM platestream.detections
    WHERE asked.1 = 0 AND plate_zero LIKE asked.2
      AND (empty(asked.3) OR has(asked.3, camera_id))
      AND captured_at >= asked.4 AND captured_at <= asked.5 AND captured_at > kept
) AS one ON one.camera_id = others.camera_id AND one.slot = others.slot
WHERE others.plate_zero != asked.2
  AND abs(dateDiff('millisecond', one.captured_at, others.captured_at)) <= asked.6 * 1000
GROUP BY others.plate
HAVING meetings >= 2
ORDER BY meetings DESC, cameras_met DESC, plate;

CREATE OR REPLACE VIEW platestream.picture
DEFINER = platestream_definer SQL SECURITY DEFINER AS
WITH (SELECT now64(3) - toIntervalSecond(argMax(retention_s, set_at)) FROM platestream.gate_rules) AS kept,
(
    SELECT (
        throwIf(
            count() != 1 OR countIf(outcome = 'allowed' AND kind = 'picture' AND account = authenticatedUser()) != 1,
            'Refused: no documented inquiry of yours with this id and kind in the last 10 minutes'),
        any(toUUIDOrZero(other)), any(since), any(until), any(cameras))
    FROM platestream.inquiry_log
    WHERE inquiry_id = {inquiry:UUID} AND at > now64(6) - INTERVAL 10 MINUTE
) AS asked
SELECT detection_id, captured_at, camera_id, kind, sha256, jpeg
FROM platestream.images
WHERE asked.1 = 0
  AND detection_id = asked.2
  AND captured_at >= asked.3 AND captured_at <= asked.4
  AND (empty(asked.5) OR has(asked.5, camera_id))
  AND captured_at > kept
ORDER BY captured_at, detection_id, kind, ingested_at DESC
LIMIT 1 BY detection_id, kind;

CREATE OR REPLACE VIEW platestream.hits
DEFINER = platestream_definer SQL SECURITY DEFINER AS
WITH (SELECT now64(3) - toIntervalSecond(argMax(retention_s, set_at)) FROM platestream.gate_rules) AS kept,
(
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
  AND captured_at > kept
ORDER BY captured_at DESC, hit_id, ingested_at DESC
LIMIT 1 BY hit_id;
