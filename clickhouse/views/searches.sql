-- Views of detections and pictures for people. A view takes all its parameters from the row of the log, so the logged
-- search is the one that is made, and `documented` throws if there is no valid one. The row limits the number of
-- different vehicles, newest first, and data that arrived after the row is not shown: a view that is read again with
-- one id shows the same. If there were more vehicles, `cut` is set in every row. LIMIT 1 BY instead of FINAL, which
-- would not use the text index; until parts are merged, a plate that a newer model reads differently is found by both
-- readings.
CREATE OR REPLACE VIEW platestream.search
DEFINER = platestream_definer SQL SECURITY DEFINER AS
WITH 'search' AS of_kind, (SELECT since FROM platestream.kept) AS kept,
(
    SELECT (refused, if(pattern = '', '%', translate(pattern, 'O*?', '0%_')), cameras, since, until, at, vehicles,
        extractKeyValuePairs(lowerUTF8(other), '=', ';'))
    FROM ({{documented_row}})
) AS asked,
asked.8 AS wanted,
if(wanted['unknown'] = 'yes', 1, 0) AS unknown
SELECT
    detection_id, captured_at, best_at, camera_id, latitude, longitude, plate, confidence, state, state_confidence,
    alternatives, box, frames, agreeing, models,
    vehicle_make, vehicle_model, vehicle_colour, vehicle_body, vehicle_other, stayed_ms, opinion, camera_plate, camera_read,
    uniqExact(plate_zero) OVER () > asked.7 AS cut
FROM platestream.detections
WHERE asked.1 = 0 AND {{misfit}} <= unknown
  AND plate_zero LIKE asked.2
  AND (empty(asked.3) OR has(asked.3, camera_id))
  AND captured_at >= asked.4 AND captured_at <= asked.5
  AND captured_at > kept AND ingested_at <= asked.6
QUALIFY uniqExact(plate_zero) OVER (ORDER BY captured_at DESC, detection_id ROWS UNBOUNDED PRECEDING) <= asked.7
ORDER BY captured_at DESC, detection_id, ingested_at DESC
LIMIT 1 BY detection_id;

-- Vehicles that passed these cameras in this time. The row of the log is read again by a sub-query after IN, here and
-- in `fuzzy`, because the primary key and the text index take sets from there.
CREATE OR REPLACE VIEW platestream.sightings
DEFINER = platestream_definer SQL SECURITY DEFINER AS
WITH 'sightings' AS of_kind, (SELECT since FROM platestream.kept) AS kept,
(
    SELECT (refused, if(pattern = '', '%', translate(pattern, 'O*?', '0%_')), since, until, at, vehicles,
        extractKeyValuePairs(lowerUTF8(other), '=', ';'))
    FROM ({{documented_row}})
) AS asked,
asked.7 AS wanted,
if(wanted['unknown'] = 'yes', 1, 0) AS unknown
SELECT
    detection_id, captured_at, best_at, camera_id, latitude, longitude, plate, confidence, state, state_confidence,
    alternatives, box, frames, agreeing, models,
    vehicle_make, vehicle_model, vehicle_colour, vehicle_body, vehicle_other, stayed_ms, opinion, camera_plate, camera_read,
    uniqExact(plate_zero) OVER () > asked.6 AS cut
FROM platestream.detections
WHERE asked.1 = 0 AND {{misfit}} <= unknown
  AND camera_id IN (
    SELECT arrayJoin(cameras) FROM platestream.recent(inquiry = {inquiry:UUID}))
  AND captured_at >= asked.3 AND captured_at <= asked.4
  AND captured_at > kept AND ingested_at <= asked.5
  AND plate_zero LIKE asked.2
QUALIFY uniqExact(plate_zero) OVER (ORDER BY captured_at DESC, detection_id ROWS UNBOUNDED PRECEDING) <= asked.6
ORDER BY captured_at DESC, detection_id, ingested_at DESC
LIMIT 1 BY detection_id;

-- Plates that may have been seen or noted wrongly: look-alikes, and one character added, lost, changed or swapped
-- with its neighbor. The candidates are folded texts, which the text index has; there are some 500 of them.
CREATE OR REPLACE VIEW platestream.fuzzy
DEFINER = platestream_definer SQL SECURITY DEFINER AS
WITH 'fuzzy' AS of_kind, (SELECT since FROM platestream.kept) AS kept,
(
    SELECT (
        refused, translate(pattern, 'O', '0'), translate(pattern, 'ODQILZSBG', '000112586'), cameras, since, until, at, vehicles,
        extractKeyValuePairs(lowerUTF8(other), '=', ';'))
    FROM ({{documented_row}})
) AS asked,
asked.9 AS wanted,
if(wanted['unknown'] = 'yes', 1, 0) AS unknown
SELECT
    detection_id, captured_at, best_at, camera_id, latitude, longitude, plate, confidence, state, state_confidence,
    alternatives, box, frames, agreeing, models,
    vehicle_make, vehicle_model, vehicle_colour, vehicle_body, vehicle_other, stayed_ms, opinion, camera_plate, camera_read,
    multiIf(plate_zero = asked.2, 'same', plate_fold = asked.3, 'look_alike', 'one_edit') AS match,
    uniqExact(plate_zero) OVER () > asked.8 AS cut
FROM platestream.detections
WHERE asked.1 = 0 AND {{misfit}} <= unknown
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
    FROM platestream.recent(inquiry = {inquiry:UUID}))
  AND (plate_fold = asked.3 OR damerauLevenshteinDistance(plate_zero, asked.2) <= 1)
  AND (empty(asked.4) OR has(asked.4, camera_id))
  AND captured_at >= asked.5 AND captured_at <= asked.6
  AND captured_at > kept AND ingested_at <= asked.7
QUALIFY uniqExact(plate_zero) OVER (ORDER BY captured_at DESC, detection_id ROWS UNBOUNDED PRECEDING) <= asked.8
ORDER BY captured_at DESC, detection_id, ingested_at DESC
LIMIT 1 BY detection_id;

-- The number of passes that one of the three searches above leaves out, because a described feature is unknown.
CREATE OR REPLACE VIEW platestream.left_out
DEFINER = platestream_definer SQL SECURITY DEFINER AS
WITH (SELECT since FROM platestream.kept) AS kept,
(
    SELECT (refused, translate(pattern, 'O', '0'), cameras, since, until, at,
        extractKeyValuePairs(lowerUTF8(other), '=', ';'))
    FROM platestream.documented(inquiry = {inquiry:UUID}, kind = {kind:String})
) AS asked,
asked.7 AS wanted,
if(wanted['unknown'] = 'yes', 1, 0) AS unknown
SELECT uniqExact(detection_id) AS passes
FROM platestream.detections
WHERE asked.1 = 0 AND {{misfit}} = 1 AND unknown = 0 AND {kind:String} IN ('search', 'sightings', 'fuzzy')
  AND if({kind:String} = 'fuzzy',
    plate_fold = translate(asked.2, 'DQILZSBG', '00112586') OR damerauLevenshteinDistance(plate_zero, asked.2) <= 1,
    plate_zero LIKE if(asked.2 = '', '%', translate(asked.2, '*?', '%_')))
  AND (empty(asked.3) OR has(asked.3, camera_id))
  AND captured_at >= asked.4 AND captured_at <= asked.5
  AND captured_at > kept AND ingested_at <= asked.6;

-- Two known plates at one camera within some seconds of each other.
CREATE OR REPLACE VIEW platestream.cotravel
DEFINER = platestream_definer SQL SECURITY DEFINER AS
WITH 'cotravel' AS of_kind, (SELECT since FROM platestream.kept) AS kept,
(
    SELECT (refused, translate(pattern, 'O', '0'), translate(other, 'O', '0'), cameras, since, until, within_s)
    FROM ({{documented_row}})
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

-- Vehicles at the same cameras within some seconds of a plate, at least twice, beginning with the most meetings. The
-- whole period is read once: a granule of the table has several cameras, so the plate's own sightings would exclude
-- little. The join is by slots of time, on the small side in three of them, not pair by pair.
CREATE OR REPLACE VIEW platestream.companions
DEFINER = platestream_definer SQL SECURITY DEFINER AS
WITH 'companions' AS of_kind, (SELECT since FROM platestream.kept) AS kept,
(
    SELECT (refused, translate(pattern, 'O', '0'), cameras, since, until, greatest(within_s, 1), vehicles)
    FROM ({{documented_row}})
) AS asked
-- A meeting is of one pass of each vehicle: a pass of the searched plate meets the nearest pass of another vehicle,
-- and passes of that vehicle are counted once each, however often they were met.
SELECT
    plate,
    uniqExact(met.1) AS meetings,
    uniqExact(camera_id) AS cameras_met,
    min(met.2) AS first_at,
    max(met.2) AS last_at,
    count() OVER () > asked.7 AS cut
FROM (
    SELECT
        others.plate AS plate,
        one.camera_id AS camera_id,
        one.detection_id AS detection_id,
        argMin((others.detection_id, others.captured_at),
            (abs(dateDiff('millisecond', one.captured_at, others.captured_at)), others.detection_id)) AS met
    FROM (
        SELECT detection_id, camera_id, captured_at, plate, plate_zero,
            toInt64(intDiv(toUnixTimestamp(captured_at), asked.6)) AS slot
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
    GROUP BY plate, camera_id, detection_id
)
GROUP BY plate
HAVING meetings >= 2
QUALIFY row_number() OVER (ORDER BY meetings DESC, cameras_met DESC, plate) <= asked.7
ORDER BY meetings DESC, cameras_met DESC, plate;

-- Cameras are a condition, too: an agency with which some cameras are shared sees pictures of these only.
CREATE OR REPLACE VIEW platestream.picture
DEFINER = platestream_definer SQL SECURITY DEFINER AS
WITH 'picture' AS of_kind, (SELECT since FROM platestream.kept) AS kept,
(
    SELECT (refused, toUUIDOrZero(other), since, until, cameras)
    FROM ({{documented_row}})
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

-- The number of different vehicles that a search really showed, for the account that seals the log. It searches as
-- `search` and `sightings` do, but without the limit of the retention, which some rows may have passed since. Vehicles that
-- `left_out` counts are included: their number says which plates passed.
CREATE OR REPLACE VIEW platestream.vehicles_of
DEFINER = platestream_definer SQL SECURITY DEFINER AS
WITH (
    SELECT (count() = 1, any(if(pattern = '', '%', translate(pattern, 'O*?', '0%_'))), any(cameras), any(since), any(until),
        any(at), any(vehicles), any(counted_for), extractKeyValuePairs(lowerUTF8(any(other)), '=', ';'))
    FROM platestream.inquiry_log
    WHERE inquiry_id = {inquiry:UUID} AND at > now64(6) - INTERVAL 10 MINUTE
        AND outcome = 'allowed' AND kind IN ('search', 'sightings') AND vehicles > 1 AND counted_for != ''
) AS asked,
asked.9 AS wanted
SELECT
    {inquiry:UUID} AS inquiry_id, asked.6 AS at, asked.8 AS counted_for,
    toUInt32(least(uniqExact(plate_zero), asked.7)) AS shown, toUInt32(asked.7 - shown) AS less
FROM platestream.detections
WHERE asked.1 AND {{misfit}} <= 1
  AND plate_zero LIKE asked.2
  AND (empty(asked.3) OR has(asked.3, camera_id))
  AND captured_at >= asked.4 AND captured_at <= asked.5
  AND ingested_at <= asked.6
HAVING asked.1;
