-- The gate, and the database side of platestream/access/door.py: each act of a person or a system job is a row here
-- first. The requirements of each act are in `acts.part`, people in the registry, an agency's rules in `gate_rules`. A
-- refusal names the rule and is a row, too. The rules are in the files gate_*.part; the first broken one counts.
--
-- What an inquiry costs is the analysis of the query that judges it, so there are five of them, and each row goes to
-- one: a query whose table receives no row is not analyzed. Rows of `inquire_all` are judged by every rule; the others
-- leave out the rules that cannot concern their rows (tests/engine/clickhouse/test_gate_classes.py compares them).
-- A writer that knows the class inserts into its table at once (schemas/gate_class.py), which leaves the first five queries out.
CREATE MATERIALIZED VIEW IF NOT EXISTS platestream.inquire_all_to_log TO platestream.inquiry_log
DEFINER = platestream_definer SQL SECURITY DEFINER AS
WITH
{{gate_clock_back}},
    -- Founding: until there was an administrator, anybody can register people and agencies. Afterwards, while none is
    -- active, two people can recover one (views/recovery.sql).
    NOT arrayExists(one -> has(one.4, 'administrator'), in_training) AS no_administrator,
    (SELECT count() FROM platestream.administrators) = 0
        AND inquire.kind IN ('registry_agency', 'registry_user', 'registry_recovery_code')
        AND (user.1 OR NOT mapContains(users, person)) AND NOT of_partner AS founding,
    (registry_on OR of_partner) AND NOT by_itself AND NOT founding AS judged,
    -- If the training of nearly everybody has lapsed, lapsed people may also recover an administrator.
    inquire.kind = 'registry_recover' AND length(in_training) < 2 AS lapsed_recovers,
    [given_reason, given_basis, inquire.fields['reason'], inquire.fields['requested_by'], inquire.fields['contact'],
        inquire.fields['instructions'], replaceOne(given_reason, 'Evidence: ', '')] AS free_texts,
{{gate_agency}},
{{gate_documented}},
    -- Agency whose entry a BOLO, or an accepted offer, adds to the list: `bolo:AGENCY/…`, `partner:AGENCY/…`.
    inquire.kind IN ('bolo', 'hotlist_take') AND lists_vehicle AS takes_entry,
    toValidUTF8(splitByChar('/', substring(inquire.other, position(inquire.other, ':') + 1))[1]) AS sender,
    -- Agencies whose MOU must be in force: the sender, and those that are asked, which the act names.
    inquire.kind IN ('partner_search', 'partner_picture') AND given_refusal = '' AS asks_others,
    multiIf(asks_others AND inquire.change != '', splitByString(', ', replaceOne(toValidUTF8(inquire.change), 'asked: ', '')),
        takes_entry, [sender], []) AS with_mou,
    if(asks_others, 'an agency that is asked', 'the sender') AS called,
    -- A refusal by a service itself is logged with the rule that it names.
    given_refusal = '' AND (act.3 = 'entry' OR notEmpty(inquire.fields)) AS lists_vehicle,
    arrayMap((letters, words) -> length(letters) >= rules.2 AND length(arrayDistinct(letters)) >= 3 AND notEmpty(words),
        letters_of, words_of) AS says_something,
    -- A name may be shorter than a reason; a telephone number has at least four digits, three of them different.
    arrayMap(words -> arrayExists(word -> lengthUTF8(word) > 1 AND length(arrayDistinct(ngrams(word, 1))) > 1, words),
        words_of) AS names_somebody,
    arrayFilter(one -> match(one, '[0-9]'), letters_of[5]) AS contact_digits
SELECT
{{gate_row}},
{{gate_documentation}},
    toUInt32(most + lately.3[counts_for] + less[counts_for]) AS limit_a_day,
    ifNull(arrayFirst(one -> one != '', [
{{gate_person}},
        multiIf(
            of_partner AND mou.2,
                'this agency is no partner of itself (order, section F.6)',
            ''),
{{gate_own}},
{{gate_sharing}},
        arrayFirst(one -> one != '', arrayMap(one -> multiIf(
            NOT one.1 OR one.2 OR takes_entry AND NOT one.3,
                concat(called, ' is no other law enforcement agency that is registered and active (order, sections F.6, G.1 and I.2)'),
            rules.8 AND (one.4 <= toDateTime64(0, 3) OR one.4 > now64(3)),
                concat('no MOU with ', called, ' is in force (order, sections F.6 and I.2)'),
            rules.8 AND one.5 > toDateTime64(0, 3) AND one.5 <= now64(3),
                concat('the MOU with ', called, ' has ended (order, sections F.6 and I.2)'),
            takes_entry AND NOT rules.10 AND one.8 != rules.11,
                'the sender is of another state, with which nothing is shared (order, section I.2)',
            ''), arrayMap(name -> agencies[name], with_mou))),
{{gate_role}},
        if(judged, multiIf(
            inquire.kind = 'registry_user' AND inquire.other = concat('user/', person),
                'nobody changes their own roles or training: another administrator does (order, section E.1.e)',
            inquire.kind = 'limit_raise' AND (inquire.other = person OR NOT users[inquire.other].1),
                'a supervisor raises the limit of another registered person, never their own (order, section F.1)',
            ''), ''),
{{gate_duty}},
{{gate_factor}},
{{gate_clock}},
        multiIf(
            inquire.kind = 'registry_recover' AND NOT no_administrator,
                'an administrator is in force: they register people (order, section E.1.e)',
            act.3 = 'case' AND NOT usable_case,
                'no usable case number (as the agency writes them): evidence is of a case (order, section F.8.a)',
            ''),
{{gate_reason}},
        if(lists_vehicle, multiIf(
            act.3 = 'entry' AND NOT usable_case,
                'no usable case number (as the agency writes them): an entry of the hot list is of a case (order, section H.2)',
            NOT says_something[3],
                'the reason of the entry says nothing: why is the vehicle looked for? (order, section H.3)',
            NOT names_somebody[4],
                'the requesting member of the entry is not named (order, section H.4)',
            NOT names_somebody[5] AND (length(contact_digits) < 4 OR length(arrayDistinct(contact_digits)) < 3),
                'the contact of the entry reaches nobody: a telephone number, or where the member is found (order, section H.5)',
            NOT says_something[6],
                'the instructions of the entry say nothing: what does an officer do who meets the vehicle? (order, section H.6)',
            ''), ''),
        if(inquire.kind = 'evidence_not_needed' AND NOT says_something[1],
            'the reason says nothing: why is no data of the case needed as evidence? (order, section F.8.a)', ''),
        if(inquire.kind IN ('evidence_hold', 'evidence_keep') AND given_refusal = '' AND NOT names_somebody[7],
            'who ordered the evidence is not named (order, section F.8.a)', ''),
{{gate_purpose}},
{{gate_period}},
{{gate_asked}},
{{gate_search}},
        given_refusal]), '') AS refusal
FROM (
{{gate_asker}},
        -- People whose access and training are in force.
        arrayFilter(one -> one.1 AND one.3 > toDateTime64(0, 3) AND one.3 <= now64(3) AND lapse(one.3, rules.6, rules.23) > now64(3),
            mapValues(users)) AS in_training,
{{gate_declared}},
{{gate_shifts}},
{{gate_factors}},
{{gate_counts}},
{{gate_less}}
    FROM platestream.inquire_all AS inquire
) AS inquire
SETTINGS {{gate_settings}};

CREATE MATERIALIZED VIEW IF NOT EXISTS platestream.inquire_plain_to_log TO platestream.inquiry_log
DEFINER = platestream_definer SQL SECURITY DEFINER AS
WITH
    registry_on AND NOT by_itself AS judged,
    false AS lapsed_recovers,
{{gate_agency}}
SELECT
{{gate_row}},
    toValidUTF8(left(inquire.other, 64)) AS other,
    ifNull(arrayFirst(one -> one != '', [
        if({{gate_class}} != 'plain', 'inserted into a table that does not judge it: insert into platestream.inquire', ''),
{{gate_person}},
{{gate_own}},
{{gate_role}},
{{gate_duty}},
{{gate_period}},
        given_refusal]), '') AS refusal
FROM (
{{gate_asker}},
{{gate_shifts}}
    FROM platestream.inquire_plain AS inquire
) AS inquire
SETTINGS {{gate_settings}};

CREATE MATERIALIZED VIEW IF NOT EXISTS platestream.inquire_confirm_to_log TO platestream.inquiry_log
DEFINER = platestream_definer SQL SECURITY DEFINER AS
WITH
    registry_on AND NOT by_itself AS judged,
    false AS lapsed_recovers,
    [given_reason, given_basis] AS free_texts,
{{gate_agency}},
{{gate_documented}},
{{gate_clock_back}}
SELECT
{{gate_row}},
    toValidUTF8(left(inquire.other, 64)) AS other,
    leftUTF8(given_reason, 1000) AS reason,
    ifNull(arrayFirst(one -> one != '', [
        if({{gate_class}} != 'confirm', 'inserted into a table that does not judge it: insert into platestream.inquire', ''),
{{gate_person}},
{{gate_own}},
{{gate_role}},
{{gate_duty}},
{{gate_factor}},
{{gate_clock}},
        multiIf({{gate_prohibited}} ''),
{{gate_period}},
        given_refusal]), '') AS refusal
FROM (
{{gate_asker}},
{{gate_shifts}},
{{gate_factors}},
{{gate_counts}}
    FROM platestream.inquire_confirm AS inquire
) AS inquire
SETTINGS {{gate_settings}};

CREATE MATERIALIZED VIEW IF NOT EXISTS platestream.inquire_search_to_log TO platestream.inquiry_log
DEFINER = platestream_definer SQL SECURITY DEFINER AS
WITH
    registry_on AND NOT by_itself AS judged,
    false AS lapsed_recovers,
    [given_reason, given_basis] AS free_texts,
{{gate_agency}},
{{gate_documented}}
SELECT
{{gate_row}},
{{gate_documentation}},
    toUInt32(most + lately.3[counts_for] + less[counts_for]) AS limit_a_day,
    ifNull(arrayFirst(one -> one != '', [
        if({{gate_class}} != 'search', 'inserted into a table that does not judge it: insert into platestream.inquire', ''),
{{gate_person}},
{{gate_own}},
{{gate_sharing}},
{{gate_role}},
{{gate_reason}},
{{gate_purpose}},
{{gate_period}},
{{gate_asked}},
{{gate_search}},
        given_refusal]), '') AS refusal
FROM (
{{gate_asker}},
{{gate_declared}},
{{gate_counts}},
{{gate_less}}
    FROM platestream.inquire_search AS inquire
) AS inquire
SETTINGS {{gate_settings}};

CREATE MATERIALIZED VIEW IF NOT EXISTS platestream.inquire_hits_to_log TO platestream.inquiry_log
DEFINER = platestream_definer SQL SECURITY DEFINER AS
WITH
    registry_on AND NOT by_itself AS judged,
    false AS lapsed_recovers,
    [given_reason, given_basis] AS free_texts,
{{gate_agency}},
{{gate_documented}}
SELECT
{{gate_row}},
{{gate_documentation}},
    toUInt32(most) AS limit_a_day,
    ifNull(arrayFirst(one -> one != '', [
        if({{gate_class}} != 'hits', 'inserted into a table that does not judge it: insert into platestream.inquire', ''),
{{gate_person}},
{{gate_own}},
{{gate_sharing}},
{{gate_role}},
{{gate_reason}},
{{gate_purpose}},
{{gate_period}},
{{gate_asked}},
        given_refusal]), '') AS refusal
FROM (
{{gate_asker}},
{{gate_declared}}
    FROM platestream.inquire_hits AS inquire
) AS inquire
SETTINGS {{gate_settings}};

-- Feeders come after the judges, that of all other acts last: an upgrade that ends in between leaves no act without a row.
CREATE MATERIALIZED VIEW IF NOT EXISTS platestream.inquire_to_plain TO platestream.inquire_plain
DEFINER = platestream_definer SQL SECURITY DEFINER AS
SELECT * FROM platestream.inquire WHERE {{gate_class}} = 'plain';

CREATE MATERIALIZED VIEW IF NOT EXISTS platestream.inquire_to_confirm TO platestream.inquire_confirm
DEFINER = platestream_definer SQL SECURITY DEFINER AS
SELECT * FROM platestream.inquire WHERE {{gate_class}} = 'confirm';

CREATE MATERIALIZED VIEW IF NOT EXISTS platestream.inquire_to_search TO platestream.inquire_search
DEFINER = platestream_definer SQL SECURITY DEFINER AS
SELECT * FROM platestream.inquire WHERE {{gate_class}} = 'search';

CREATE MATERIALIZED VIEW IF NOT EXISTS platestream.inquire_to_hits TO platestream.inquire_hits
DEFINER = platestream_definer SQL SECURITY DEFINER AS
SELECT * FROM platestream.inquire WHERE {{gate_class}} = 'hits';

CREATE MATERIALIZED VIEW IF NOT EXISTS platestream.inquire_to_all TO platestream.inquire_all
DEFINER = platestream_definer SQL SECURITY DEFINER AS
SELECT * FROM platestream.inquire WHERE {{gate_class}} = 'all';

-- Outcome of a BOLO that another agency sent under its own id, at any time: it is accepted once. With `superseded`
-- its entry was changed since, so the message must have no effect any more.
CREATE OR REPLACE VIEW platestream.received
DEFINER = platestream_definer SQL SECURITY DEFINER AS
WITH (SELECT groupArray(1)((at, toString(outcome), refusal, other, change)) FROM (
        SELECT at, outcome, refusal, other, change FROM platestream.inquiry_log
        WHERE inquiry_id = {inquiry:UUID} AND kind = 'bolo' AND account = (SELECT account FROM platestream.caller)
        ORDER BY at)) AS receipts
SELECT one.2 AS outcome, one.3 AS refusal, one.4 AS about, one.5 AS change,
    (SELECT count() > 0 FROM platestream.inquiry_log
     WHERE at > receipts[1].1 AND outcome = 'allowed' AND other = receipts[1].4
         AND kind IN ('bolo', 'hotlist_add', 'hotlist_remove')) AS superseded
FROM (SELECT arrayJoin(receipts) AS one);

-- Outcome of one's own inquiry: the only part of the log that a caller can read.
CREATE OR REPLACE VIEW platestream.verdict
DEFINER = platestream_definer SQL SECURITY DEFINER AS
SELECT outcome, refusal, pattern, since, until
FROM platestream.inquiry_log
WHERE inquiry_id = {inquiry:UUID} AND at > now64(6) - INTERVAL 10 MINUTE
    AND account = (SELECT account FROM platestream.caller);
