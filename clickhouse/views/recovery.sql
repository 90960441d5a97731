-- Founding and recovery of the ALPR administrator (platestream/access/recovery.py).

-- Everybody who becomes administrator, in any way; after the first, founding is closed.
CREATE MATERIALIZED VIEW IF NOT EXISTS platestream.registry_to_administrators TO platestream.administrators
DEFINER = platestream_definer SQL SECURITY DEFINER AS
SELECT id FROM platestream.registry
WHERE kind = 'user' AND has(splitByChar(',', role), 'administrator') AND trained_at > toDateTime64(0, 3);

CREATE MATERIALIZED VIEW IF NOT EXISTS platestream.recovery_code_to_codes TO platestream.recovery_codes
DEFINER = platestream_definer SQL SECURITY DEFINER AS
WITH
    (SELECT groupArray((inquiry_id, effect, who)) FROM platestream.inquiry_log
     WHERE at > now64(6) - INTERVAL 10 MINUTE AND outcome = 'allowed' AND kind = 'registry_recovery_code'
       AND account = (SELECT account FROM platestream.caller)) AS acts,
    arrayFirst(one -> one.1 = recovery_code.inquiry_id AND one.2 = lower(hex(SHA256(concat(salt, ':', hash)))), acts) AS act,
    throwIf(act.3 = '' OR NOT match(hash, '^[0-9a-f]{64}$'),
        'Refused: no allowed act of yours, of the last 10 minutes, names this code') AS no_act
SELECT act.3 AS set_by, recovery_code.inquiry_id AS inquiry_id, salt, hash
FROM platestream.recovery_code
WHERE NOT no_act;

-- An attempt is a row, also if it is refused: a person has five wrong ones a day, and a code counts once. The second
-- person who enters the code for the same record within a day completes it, and then `registry_change` accepts the
-- record.
CREATE MATERIALIZED VIEW IF NOT EXISTS platestream.recover_to_recoveries TO platestream.recoveries
DEFINER = platestream_definer SQL SECURITY DEFINER AS
WITH
    (SELECT groupArray((inquiry_id, effect, who, other)) FROM platestream.inquiry_log
     WHERE at > now64(6) - INTERVAL 10 MINUTE AND outcome = 'allowed' AND kind = 'registry_recover'
       AND account = (SELECT account FROM platestream.caller)) AS acts,
    (SELECT argMax((hash, set_at), set_at) FROM platestream.recovery_codes) AS code,
    (SELECT groupArray((who, step, record, inquiry_id)) FROM platestream.recoveries
     WHERE at > now64(6) - INTERVAL 1 DAY AND code_set_at = (SELECT max(set_at) FROM platestream.recovery_codes)) AS today,
    (SELECT count() > 0 FROM platestream.recoveries
     WHERE step = 'done' AND code_set_at = (SELECT max(set_at) FROM platestream.recovery_codes)) AS spent,
    (SELECT groupArray((who, count)) FROM (
        SELECT who, count() AS count FROM platestream.recoveries
        WHERE step = 'refused' AND at > now64(6) - INTERVAL 1 DAY GROUP BY who)) AS wrong,
    (number -> replaceRegexpOne(replaceRegexpAll(lower(number), '[^a-z0-9]', ''), '^0+', '')) AS numbered,
    (SELECT mapFromArrays(groupArray(id), groupArray(
        replaceRegexpOne(replaceRegexpAll(lower(JSONExtractString(record, 'employee_number')), '[^a-z0-9]', ''), '^0+', '')))
     FROM platestream.registry FINAL WHERE kind = 'user') AS numbers,
    arrayFirst(one -> one.1 = recover.inquiry_id AND one.2 = lower(hex(SHA256(record)))
        AND one.4 = left(concat('user/', JSONExtractString(record, 'id')), 64), acts) AS act,
    arrayFirst(one -> one.2 = 'first' AND one.3 = record, today) AS first,
    throwIf(act.3 = '', 'Refused: no allowed act of yours, of the last 10 minutes, names this record') AS no_act,
    throwIf(has(arrayMap(one -> one.4, today), recover.inquiry_id), 'Refused: an act is one attempt') AS again
SELECT
    recover.inquiry_id AS inquiry_id,
    act.3 AS who,
    multiIf(
        arrayExists(one -> one.1 = act.3 AND one.2 >= 5, wrong), 'five wrong attempts of this person within a day: wait',
        code.1 = '', 'there is no recovery code',
        spent, 'the recovery code was used before',
        lower(hex(SHA256(unhex(proof)))) != code.1, 'the recovery code is wrong',
        NOT JSONExtractBool(record, 'active')
            OR NOT has(splitByChar(',', JSONExtractString(record, 'role')), 'administrator'), 'the record is of no administrator',
        JSONExtractString(record, 'id') = act.3
            OR numbers[act.3] != '' AND numbers[act.3] = numbered(JSONExtractString(record, 'employee_number')),
            'nobody brings themselves back: two other people do',
        first.1 = act.3 OR first.1 != '' AND numbers[act.3] != '' AND numbers[act.3] = numbers[first.1],
            'the second person is the first one',
        '') AS refusal,
    multiIf(refusal != '', 'refused', first.1 = '', 'first', 'done') AS step,
    record,
    code.2 AS code_set_at
FROM platestream.recover
WHERE NOT (no_act OR again);

-- Information for people who recover an administrator; no code, and nothing to test codes with.
CREATE OR REPLACE VIEW platestream.recovery
DEFINER = platestream_definer SQL SECURITY DEFINER AS
WITH
    (SELECT argMax((salt, set_at), set_at) FROM platestream.recovery_codes) AS code
SELECT
    (SELECT count() FROM platestream.administrators) > 0 AS founded,
    code.1 AS salt,
    (SELECT count() > 0 FROM platestream.recoveries WHERE step = 'done' AND code_set_at = code.2) AS spent,
    (SELECT groupArray((who, record)) FROM platestream.recoveries
     WHERE step = 'first' AND at > now64(6) - INTERVAL 1 DAY AND code_set_at = code.2) AS begun;

-- The outcome of an attempt, for the person who made it.
CREATE OR REPLACE VIEW platestream.recovery_outcome
DEFINER = platestream_definer SQL SECURITY DEFINER AS
SELECT step, refusal FROM platestream.recoveries WHERE inquiry_id = {inquiry:UUID};
