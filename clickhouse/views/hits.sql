-- Alert hits, and the recorded steps on them, through the gate; built like the views in searches.sql.
CREATE OR REPLACE VIEW platestream.hits
DEFINER = platestream_definer SQL SECURITY DEFINER AS
WITH (SELECT since FROM platestream.kept) AS kept,
(
    SELECT (
        refused, if(pattern = '', '%', translate(pattern, 'O*?', '0%_')), cameras, since, until, toUUIDOrNull(other))
    FROM platestream.admitted(inquiry = {inquiry:UUID}, kind = 'hits')
) AS asked
SELECT
    hit_id, captured_at, detection_id, camera_id, latitude, longitude, plate, state, confidence,
    match, differences, state_check, rank, likelihood, matched, historical,
    entry_id, source, category, listed_plate, listed_state, listed_vehicle,
    case_number, reason, requested_by, contact, instructions, other, expires_at, silenced_for, agency,
    opinion, camera_plate, read_vehicle
FROM platestream.alert_hits
WHERE asked.1 = 0
  AND translate(plate, 'O', '0') LIKE asked.2
  AND (empty(asked.3) OR has(asked.3, camera_id))
  AND captured_at >= asked.4 AND captured_at <= asked.5
  AND (isNull(asked.6) OR hit_id = asked.6)
  AND captured_at > kept
ORDER BY captured_at DESC, hit_id, ingested_at DESC
LIMIT 1 BY hit_id;

-- The recorded steps on the hits that an inquiry of the kind `hits` opens.
CREATE OR REPLACE VIEW platestream.hit_steps
DEFINER = platestream_definer SQL SECURITY DEFINER AS
WITH (SELECT since FROM platestream.kept) AS kept,
(
    SELECT (
        refused, if(pattern = '', '%', translate(pattern, 'O*?', '0%_')), cameras, since, until, toUUIDOrNull(other))
    FROM platestream.admitted(inquiry = {inquiry:UUID}, kind = 'hits')
) AS asked
SELECT action_id, hit_id, at, by, kind, case_number, mvd_result, actionable, note, checked_with, result, confused,
    stopped
FROM platestream.hit_actions
WHERE asked.1 = 0
  AND hit_id IN (
    SELECT hit_id FROM platestream.alert_hits
    WHERE translate(plate, 'O', '0') LIKE asked.2
      AND (empty(asked.3) OR has(asked.3, camera_id))
      AND captured_at >= asked.4 AND captured_at <= asked.5
      AND (isNull(asked.6) OR hit_id = asked.6)
      AND captured_at > kept)
ORDER BY hit_id, at, toString(action_id), ingested_at DESC
LIMIT 1 BY action_id;

-- Pairs of plate and entry whose newest comparison with the vehicle found them wrong (operators/disproof.py). A pair is
-- named by a hash: whoever selects from here sees no plate, and no typed text.
CREATE OR REPLACE VIEW platestream.disproved
DEFINER = platestream_definer SQL SECURITY DEFINER AS
WITH (SELECT since FROM platestream.kept) AS kept
SELECT
    lower(hex(MD5(concat(translate(hit.plate, 'O', '0'), '|', hit.entry_id, '|', hit.listed_plate)))) AS pair,
    argMax((toString(step.kind), toString(step.by), step.at, step.hit_id), (step.at, toString(step.action_id))) AS newest,
    newest.1 AS kind, newest.2 AS by, newest.3 AS at, newest.4 AS hit_id
FROM
(
    SELECT action_id, hit_id, at, by, kind FROM platestream.hit_actions
    WHERE at > kept AND kind IN ('plate_and_state_confirmed', 'misread', 'wrong_state')
) AS step
INNER JOIN
(
    SELECT hit_id, plate, entry_id, listed_plate FROM platestream.alert_hits
    WHERE captured_at > kept AND hit_id IN (
        SELECT hit_id FROM platestream.hit_actions
        WHERE at > kept AND kind IN ('plate_and_state_confirmed', 'misread', 'wrong_state'))
    ORDER BY ingested_at DESC
    LIMIT 1 BY hit_id
) AS hit ON hit.hit_id = step.hit_id
GROUP BY pair
HAVING kind != 'plate_and_state_confirmed';

-- The newest `most` hits of an inquiry as in `hits`, finds of look-backs or alerts, each with its recorded steps, oldest
-- first. `recorded` changes when a step was added, and `disproved` with it, which costs as much as all of this. The newest
-- are chosen by few columns, and only their rows are read whole.
CREATE OR REPLACE VIEW platestream.hit_list
DEFINER = platestream_definer SQL SECURITY DEFINER AS
WITH 'hits' AS of_kind, (SELECT since FROM platestream.kept) AS kept,
(
    SELECT (
        refused, if(pattern = '', '%', translate(pattern, 'O*?', '0%_')), cameras, since, until, toUUIDOrNull(other))
    FROM ({{admitted_row}})
) AS asked
SELECT hit.*, done.steps AS steps,
    assumeNotNull((SELECT (count(), max(ingested_at)) FROM platestream.hit_actions WHERE at > kept)) AS recorded
FROM
(
    SELECT
        hit_id, captured_at, detection_id, camera_id, latitude, longitude, plate, state, confidence,
        match, differences, state_check, rank, likelihood, matched, historical,
        entry_id, source, category, listed_plate, listed_state, listed_vehicle,
        case_number, reason, requested_by, contact, instructions, other, expires_at, silenced_for, agency,
        opinion, camera_plate, read_vehicle
    FROM platestream.alert_hits
    WHERE (captured_at, hit_id, ingested_at) IN (
        SELECT captured_at, hit_id, ingested_at FROM platestream.alert_hits
        WHERE asked.1 = 0
          AND (asked.2 = '%' OR translate(plate, 'O', '0') LIKE asked.2)
          AND (empty(asked.3) OR has(asked.3, camera_id))
          AND captured_at >= asked.4 AND captured_at <= asked.5
          AND (isNull(asked.6) OR hit_id = asked.6)
          AND captured_at > kept AND has({historical:Array(Bool)}, historical)
        ORDER BY captured_at DESC, hit_id, ingested_at DESC
        LIMIT 1 BY hit_id
        LIMIT {most:UInt32})
    LIMIT 1 BY hit_id
) AS hit
LEFT JOIN
(
    SELECT hit_id AS step_of, arraySort(step -> (step.2, toString(step.1)), groupArray((action_id, at, by, kind, case_number,
        mvd_result, actionable, note, checked_with, result, confused, stopped))) AS steps
    FROM (SELECT * FROM platestream.hit_actions WHERE at > kept ORDER BY ingested_at DESC LIMIT 1 BY action_id)
    GROUP BY step_of
) AS done ON done.step_of = hit.hit_id;

-- The status of each hit: its actions applied in the order of their times, by the steps of operators/hit_history.py
-- (a test compares both). An action that is not permitted changes nothing and is counted in `beside`.
CREATE OR REPLACE VIEW platestream.hit_states
DEFINER = platestream_definer SQL SECURITY DEFINER AS
WITH
    map(
        'unverified plate_and_state_confirmed', 'plate_confirmed',
        'unverified misread', 'misread',
        'unverified wrong_state', 'wrong_state',
        'plate_confirmed misread', 'misread',
        'plate_confirmed wrong_state', 'wrong_state',
        'plate_confirmed confirmed_current', 'confirmed',
        'plate_confirmed not_current', 'not_current',
        'misread plate_and_state_confirmed', 'plate_confirmed',
        'misread wrong_state', 'wrong_state',
        'misread no_action', 'closed',
        'wrong_state plate_and_state_confirmed', 'plate_confirmed',
        'wrong_state misread', 'misread',
        'wrong_state no_action', 'closed',
        'confirmed misread', 'misread',
        'confirmed wrong_state', 'wrong_state',
        'confirmed not_current', 'not_current',
        'confirmed action_taken', 'acted',
        'confirmed no_action', 'closed',
        'not_current misread', 'misread',
        'not_current wrong_state', 'wrong_state',
        'not_current confirmed_current', 'confirmed',
        'not_current no_action', 'closed',
        'acted action_taken', 'acted',
        'plate_confirmed action_taken local', 'acted',
        'plate_confirmed no_action local', 'closed') AS steps,
    arrayFold(
        (state, action) -> if(
            mapContains(steps, concat(state.1, ' ', action.3)) OR
                local AND mapContains(steps, concat(state.1, ' ', action.3, ' local')),
            (
                if(mapContains(steps, concat(state.1, ' ', action.3)),
                    steps[concat(state.1, ' ', action.3)], steps[concat(state.1, ' ', action.3, ' local')]),
                multiIf(action.3 = 'plate_and_state_confirmed', 'confirmed',
                    action.3 IN ('misread', 'wrong_state'), action.3, state.2),
                multiIf(action.3 IN ('plate_and_state_confirmed', 'misread', 'wrong_state'), '',
                    action.3 = 'confirmed_current', 'yes', action.3 = 'not_current', 'no', state.3),
                state.4 + 1,
                if(action.3 IN ('plate_and_state_confirmed', 'misread', 'wrong_state'), action.1, state.5),
                if(action.3 IN ('confirmed_current', 'not_current'), action.1, state.6),
                if(action.3 IN ('action_taken', 'no_action') AND state.7 = toDateTime64(0, 3, 'UTC'),
                    action.1, state.7),
                state.8 OR action.4,
                if(action.5 != '', action.5, state.9)
            ),
            state),
        actions,
        ('unverified', '', '', toUInt64(0), toDateTime64(0, 3, 'UTC'), toDateTime64(0, 3, 'UTC'),
         toDateTime64(0, 3, 'UTC'), false, '')) AS folded
SELECT
    hit_id, captured_at, camera_id, source, category, match, historical, characters, opinion, alerted_by,
    folded.1 AS status,
    folded.2 AS visual,
    folded.3 AS current,
    folded.4 AS steps_counted,
    length(actions) - folded.4 AS beside,
    length(arrayDistinct(arrayFilter(kind -> kind IN ('plate_and_state_confirmed', 'misread', 'wrong_state'),
        actions.3))) > 1 AS disputed,
    folded.5 AS looked_at,
    folded.6 AS checked_at,
    folded.7 AS disposed_at,
    folded.8 AS actionable,
    folded.9 AS result
FROM
(
    SELECT
        hit_id,
        any(fact.captured_at) AS captured_at, any(fact.camera_id) AS camera_id, any(fact.source) AS source,
        any(fact.category) AS category, any(fact.match) AS match, any(fact.historical) AS historical,
        any(fact.characters) AS characters,
        any(fact.opinion) AS opinion, any(fact.alerted_by) AS alerted_by,
        source NOT IN ('', 'ncic', 'acic', 'mvd') AS local,
        arraySort(groupArrayIf(
            (taken.at, toString(taken.action_id),
             -- An entry of NCIC or ACIC is confirmed by one of these, one of MVD by MVD (order, sections G.3, G.5.b).
             if(taken.kind = 'confirmed_current' AND (
                    fact.source IN ('ncic', 'acic') AND taken.checked_with NOT IN ('ncic', 'acic')
                    OR fact.source = 'mvd' AND taken.checked_with != 'mvd'),
                'confirmed_by_another', toString(taken.kind)),
             taken.actionable, toString(taken.result)),
            taken.kind != '')) AS actions
    FROM (SELECT * FROM platestream.hit_facts ORDER BY ingested_at DESC LIMIT 1 BY hit_id) AS fact
    FULL OUTER JOIN
        (SELECT * FROM platestream.hit_actions ORDER BY ingested_at DESC LIMIT 1 BY action_id) AS taken
    USING (hit_id)
    GROUP BY hit_id
);

-- Precision of hits: of those that an officer compared with the vehicle, with Wilson's interval (95 %).
CREATE OR REPLACE VIEW platestream.hit_precision
DEFINER = platestream_definer SQL SECURITY DEFINER AS
WITH 1.959964 AS z
SELECT
    toStartOfMonth(captured_at) AS month, source, camera_id, match,
    count() AS hits,
    countIf(visual != '') AS verified,
    countIf(visual = 'confirmed') AS confirmed,
    countIf(visual = 'misread') AS misread,
    countIf(visual = 'wrong_state') AS wrong_state,
    if(verified = 0, NULL, confirmed / verified) AS precision,
    if(verified = 0, NULL, greatest(0, (precision + z * z / (2 * verified)
        - z * sqrt(precision * (1 - precision) / verified + z * z / (4 * verified * verified)))
        / (1 + z * z / verified))) AS low,
    if(verified = 0, NULL, least(1, (precision + z * z / (2 * verified)
        + z * sqrt(precision * (1 - precision) / verified + z * z / (4 * verified * verified)))
        / (1 + z * z / verified))) AS high
FROM platestream.hit_states
WHERE source != ''
GROUP BY month, source, camera_id, match;

-- Cameras that read by themselves: of the hits that an officer compared with the vehicle, whose read was right and whose
-- was wrong. If the camera's read matched and is confirmed, a different read of the reader was wrong, and the reverse.
CREATE OR REPLACE VIEW platestream.camera_verdicts
DEFINER = platestream_definer SQL SECURITY DEFINER AS
SELECT
    toStartOfMonth(captured_at) AS month, camera_id,
    count() AS compared,
    countIf(visual = 'confirmed' AND alerted_by IN ('reader', 'both')) AS reader_right,
    countIf(visual = 'misread' AND alerted_by IN ('reader', 'both')
        OR visual = 'confirmed' AND alerted_by = 'camera' AND opinion != 'unseen') AS reader_wrong,
    countIf(visual = 'confirmed' AND alerted_by IN ('camera', 'both')) AS camera_right,
    countIf(visual = 'misread' AND alerted_by IN ('camera', 'both')
        OR visual = 'confirmed' AND alerted_by = 'reader') AS camera_wrong
FROM platestream.hit_states
WHERE source != '' AND opinion != '' AND visual IN ('confirmed', 'misread')
GROUP BY month, camera_id;

-- Character confusions of the reader, as officers recorded them, by month.
CREATE OR REPLACE VIEW platestream.hit_confusions
DEFINER = platestream_definer SQL SECURITY DEFINER AS
SELECT toStartOfMonth(at) AS month, one.1 AS actual, one.2 AS read, uniqExact(hit_id) AS hits
FROM platestream.hit_actions
ARRAY JOIN arrayDistinct(confused) AS one
GROUP BY month, actual, read;
