-- Approved deployments and their results, from the registry's own records.
CREATE OR REPLACE VIEW platestream.deployments
DEFINER = platestream_definer SQL SECURITY DEFINER AS
SELECT
    kind, id, name, active, approved_by, approved_at,
    parseDateTime64BestEffortOrNull(JSONExtractString(record, 'since'), 3, 'UTC') AS since,
    parseDateTime64BestEffortOrNull(JSONExtractString(record, 'until'), 3, 'UTC') AS until,
    JSONExtract(record, 'cameras', 'Array(String)') AS cameras,
    JSONExtractString(record, 'detail') AS detail,
    JSONExtractString(record, 'outcome') AS outcome,
    JSONExtractString(record, 'case_number') AS case_number,
    JSONExtractString(record, 'results') AS results,
    changed_at
FROM platestream.registry FINAL
WHERE kind IN ('camera', 'detail', 'incident');

-- A record of the registry, at the time of its act: only with the person's own allowed act of the last 10 minutes, of
-- the right kind, about this record, with its SHA-256. The columns are derived from the record here, so that they
-- cannot differ from the act. People cannot register themselves, and one person is one record: ids that differ only
-- in case, signs and look-alike digits are the same (operators/people_names.py), and an employee number belongs to
-- one person.
CREATE MATERIALIZED VIEW IF NOT EXISTS platestream.registry_change_to_registry TO platestream.registry
DEFINER = platestream_definer SQL SECURITY DEFINER AS
WITH
    (field -> parseDateTime64BestEffortOrZero(JSONExtractString(record, field), 3, 'UTC')) AS moment,
    (name -> translate(replaceRegexpAll(lower(name), '[^a-z0-9]', ''), '0134578', 'oieastb')) AS folded,
    (number -> replaceRegexpOne(replaceRegexpAll(lower(number), '[^a-z0-9]', ''), '^0+', '')) AS numbered,
    (SELECT groupArray((inquiry_id, kind, other, who, effect, at)) FROM platestream.inquiry_log
     WHERE at > now64(6) - INTERVAL 10 MINUTE AND outcome = 'allowed' AND effect != ''
       AND account = (SELECT account FROM platestream.caller)) AS acts,
    (SELECT groupArray((id, JSONExtractString(record, 'employee_number'), agency)) FROM platestream.registry FINAL
     WHERE kind = 'user') AS users,
    (SELECT groupArray(id) FROM platestream.registry FINAL WHERE kind = 'agency' AND own) AS own_agencies,
    (SELECT groupArray((id, approved_at)) FROM platestream.registry FINAL WHERE kind = 'material' AND active) AS materials,
    (SELECT groupArray((concat(kind, '/', id), changed_at, record)) FROM platestream.registry FINAL
     WHERE concat(kind, '/', id) IN (
        SELECT concat(JSONExtractString(record, 'kind'), '/', JSONExtractString(record, 'id'))
        FROM platestream.registry_change)) AS former,
    JSONExtractString(record, 'kind') AS of_kind,
    JSONExtractString(record, 'id') AS of_id,
    JSONExtractBool(record, 'active') AS is_active,
    JSONExtractString(record, 'agency') AS of_agency,
    JSONExtractString(record, 'employee_number') AS number,
    moment('changed_at') AS changed,
    arrayFirst(one -> one.1 = concat(of_kind, '/', of_id), former) AS before,
    multiIf(
        of_kind = 'shift', ['shift_login', 'shift_logout'],
        of_kind = 'user', ['registry_user', 'registry_recover'],
        [concat('registry_', replaceOne(of_kind, 'hotlist_', ''))]) AS kinds,
    if(of_kind = 'shift', concat('user/', JSONExtractString(record, 'user')), concat(of_kind, '/', of_id)) AS about,
    arrayFirst(one -> one.1 = registry_change.inquiry_id AND has(kinds, one.2) AND one.3 = left(about, 64)
        AND one.5 = lower(hex(SHA256(record))), acts) AS act,
    throwIf(act.2 = 'registry_recover' AND registry_change.inquiry_id NOT IN (
        SELECT inquiry_id FROM platestream.recoveries WHERE step = 'done'),
        'Refused: two people give the recovery code first') AS not_recovered,
    -- Shifts are compared with duty times, so they must not be recorded longer than they were.
    throwIf(of_kind = 'shift' AND (moment('until') > moment('since') + INTERVAL 16 HOUR
            OR if(act.2 = 'shift_login', moment('since') < act.6 - INTERVAL 10 MINUTE,
                moment('until') > act.6 + INTERVAL 10 MINUTE
                OR JSONExtractString(before.3, 'since') != JSONExtractString(record, 'since'))),
        'Refused: a shift begins and ends with its acts, and lasts 16 hours at most') AS backdated,
    -- A person of this agency, who has a number; people of other agencies are known to those.
    of_kind = 'user' AND is_active AS enters,
    throwIf(empty(act.2), 'Refused: no allowed act of yours, of the last 10 minutes, names this record') AS no_act,
    throwIf(NOT match(of_id, '^[A-Za-z0-9][A-Za-z0-9 ._:@/#-]{0,63}$') OR NOT isValidJSON(record)
        OR length(number) > 64,
        'Refused: not a valid record') AS no_record,
    throwIf(of_kind = 'user' AND of_id = act.4 AND before.3 != record
        AND (SELECT count() FROM platestream.administrators) > 0,
        'Refused: nobody changes their own record') AS own_record,
    throwIf(changed > greatest(act.6, before.2) + INTERVAL 1 SECOND OR changed < act.6 - toIntervalMinute(if(act.2 = 'registry_recover', 1440, 10))
        OR changed <= before.2 AND before.3 != record,
        'Refused: the record was changed by somebody else, or its time is not that of its act') AS untimely,
    throwIf(enters AND position(of_id, '/') > 0 AND before.1 = '',
        'Refused: a name with / is a person of another agency') AS foreign_name,
    throwIf(enters AND arrayExists(one -> one.1 != of_id AND folded(one.1) = folded(of_id), users),
        'Refused: somebody is registered by this name, written otherwise') AS twice_named,
    throwIf(enters AND has(own_agencies, of_agency) AND numbered(number) = '',
        'Refused: a person of this agency has an employee number') AS no_number,
    throwIf(enters AND numbered(number) != ''
        AND arrayExists(one -> one.1 != of_id AND one.3 = of_agency AND numbered(one.2) = numbered(number), users),
        'Refused: this employee number is another person''s') AS twice_numbered,
    -- The material of a training must have been registered and approved by that day.
    throwIf(enters AND act.2 = 'registry_user' AND (JSONExtractString(before.3, 'material') != JSONExtractString(record, 'material')
            OR has(own_agencies, of_agency) AND notEmpty(materials) AND moment('trained_at') > toDateTime64(0, 3)
                AND JSONExtractString(before.3, 'trained_at') != JSONExtractString(record, 'trained_at'))
        AND NOT arrayExists(one -> one.1 = JSONExtractString(record, 'material') AND one.2 <= moment('trained_at'), materials),
        'Refused: the training names no material that was approved by then') AS no_material,
    throwIf(of_kind = 'material' AND before.1 != '' AND arrayExists(
        part -> JSONExtractString(before.3, part) != JSONExtractString(record, part),
        ['name', 'version', 'sha256', 'approved_by', 'approved_at']),
        'Refused: a training material stays as it was approved; another version is another record') AS other_material,
    -- Duty times are entered within 7 days, and cannot be changed once they have begun.
    if(is_active, JSONExtractArrayRaw(record, 'duties'), []) AS duties,
    throwIf(of_kind = 'roster' AND (
        arrayExists(one -> NOT has(duties, one)
            AND parseDateTime64BestEffortOrZero(JSONExtractString(one, 'since'), 3, 'UTC') <= act.6, JSONExtractArrayRaw(before.3, 'duties'))
        OR arrayExists(one -> NOT has(JSONExtractArrayRaw(before.3, 'duties'), one)
            AND parseDateTime64BestEffortOrZero(JSONExtractString(one, 'since'), 3, 'UTC') < act.6 - INTERVAL 7 DAY, duties)),
        'Refused: a duty time that has begun stays, and none is entered later than 7 days after it began') AS other_duty
SELECT
    of_kind AS kind,
    of_id AS id,
    JSONExtractString(record, 'name') AS name,
    is_active AS active,
    JSONExtractString(record, 'approved_by') AS approved_by,
    moment('approved_at') AS approved_at,
    of_agency AS agency,
    JSONExtractString(record, 'role') AS role,
    moment('trained_at') AS trained_at,
    JSONExtractBool(record, 'own') AS own,
    JSONExtractBool(record, 'law_enforcement') AS law_enforcement,
    moment('mou_from') AS mou_from,
    moment('mou_until') AS mou_until,
    JSONExtract(record, 'shares_cameras', 'Array(String)') AS shares_cameras,
    JSONExtract(record, 'shares_kinds', 'Array(String)') AS shares_kinds,
    changed AS changed_at,
    record,
    JSONExtractString(record, 'state') AS state,
    moment('declared_at') AS declared_at
FROM platestream.registry_change
WHERE NOT (no_act OR backdated OR not_recovered OR no_record OR own_record OR untimely OR foreign_name OR twice_named OR no_number OR twice_numbered
    OR no_material OR other_material OR other_duty);

-- The rest of the registry's topic: cameras, special details, hot list sources and so on.
CREATE MATERIALIZED VIEW IF NOT EXISTS platestream.registry_followed_to_registry TO platestream.registry
DEFINER = platestream_definer SQL SECURITY DEFINER AS
SELECT * FROM platestream.registry_followed WHERE kind NOT IN ('user', 'agency', 'shift', 'roster', 'material');
