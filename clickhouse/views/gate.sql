-- The gate, and the database side of services/door.py: each act of a person or a system job is a row here first. The
-- requirements of each act are in the view `acts`, people in the registry, an agency's rules in `gate_rules`. A
-- refusal names the rule and is a row, too.
CREATE MATERIALIZED VIEW IF NOT EXISTS platestream.inquire_to_log TO platestream.inquiry_log
DEFINER = platestream_definer SQL SECURITY DEFINER AS
WITH
    -- A clock that was set back would shorten retention: acts that depend on it wait until two people confirmed the
    -- clock (services/retention/clock.py).
    inquire.kind IN ('evidence_hold', 'evidence_keep', 'evidence_purge', 'retention')
        AND now64(6) < lately.2 - toIntervalMinute(10) AND lately.3 < 2 AS clock_back,
    -- Founding: until there was an administrator, anybody can register people and agencies. Afterwards, while none is
    -- active, two people can recover one (views/recovery.sql).
    NOT arrayExists(one -> one.1 AND has(one.4, 'administrator') AND one.3 > toDateTime64(0, 3) AND one.3 <= now64(3)
        AND one.5 >= now64(3), mapValues(users)) AS no_administrator,
    (SELECT count() FROM platestream.administrators) = 0
        AND inquire.kind IN ('registry_agency', 'registry_user', 'registry_recovery_code')
        AND (user.1 OR NOT mapContains(users, person)) AND NOT of_partner AS founding,
    (registry_on OR of_partner) AND NOT by_itself AND NOT founding AS judged,
    -- If the training of nearly everybody has lapsed, lapsed people may also recover an administrator.
    inquire.kind = 'registry_recover' AND arrayCount(one -> one.1 AND one.3 <= now64(3)
        AND one.3 > toDateTime64(0, 3) AND one.5 > now64(3), mapValues(users)) < 2 AS lapsed_recovers,
    -- A registered person's agency is taken from the registry, not from the request.
    if((registry_on OR of_partner) AND user.2 != '', user.2, toValidUTF8(left(inquire.agency, 64))) AS of_agency,
    agencies[of_agency] AS mou,
    judged AND NOT mou.2 AS foreign,
    -- Agency whose entry a BOLO, or an accepted offer, adds to the list: `bolo:AGENCY/…`, `partner:AGENCY/…`.
    inquire.kind IN ('bolo', 'hotlist_take') AND lists_vehicle AS takes_entry,
    toValidUTF8(splitByChar('/', substring(inquire.other, position(inquire.other, ':') + 1))[1]) AS sender,
    agencies[sender] AS sent_by,
    -- Requirements of a search; alert hits, and pictures of earlier results, are no searches.
    act.4 AND NOT by_itself AND inquire.kind NOT IN ('hits', 'picture') AS searches,
    rules.12 AND foreign AND NOT (rules.18 AND mou.8 = rules.11) AS declares,
    -- 1970 is the default of `since`: the whole retention.
    if(inquire.since <= toDateTime64(0, 3, 'UTC'), now64(3) - toIntervalSecond(rules.9), inquire.since) AS asked_since,
    trimBoth(toValidUTF8(inquire.case_number)) AS given_case,
    trimBoth(toValidUTF8(inquire.reason)) AS given_reason,
    trimBoth(toValidUTF8(inquire.purpose)) AS given_purpose,
    trimBoth(toValidUTF8(inquire.violation)) AS given_violation,
    lowerUTF8(concat(given_purpose, ' ', given_reason, ' ', given_violation)) AS told,
    -- Only `match` caches its compiled regular expression; \pL in another function costs several milliseconds for
    -- each inquiry. Then the same text normalized by appearance: letters of other alphabets and digits that look like
    -- letters, without accents and invisible characters, and then without characters between letters
    -- (operators/inquiry_checks/text_folding.py).
    translateUTF8(arrayStringConcat(arrayFilter(one -> NOT match(one, '[\\pM\\p{Cf}]'), ngrams(lowerUTF8(normalizeUTF8NFKD(told)), 1))),
        'ıавеніјкморстухѕԁԛԝαεηικνορτυχ0134578@$!|', 'iabehijkmopctyxsdqwaenikvoptuxoieastbasii') AS folded,
    arrayStringConcat(arrayFilter(one -> match(one, '\\pL'), ngrams(folded, 1))) AS squeezed,
    trimBoth(toValidUTF8(inquire.requester)) AS given_requester,
    trimBoth(toValidUTF8(inquire.legal_basis)) AS given_basis,
    leftUTF8(trimBoth(toValidUTF8(inquire.refuse)), 1000) AS given_refusal,
    -- One rule checks free text, in the reason of an inquiry and in the fields of an entry that section H requires
    -- (operators/inquiry_checks/reasons.py): look-alike letters of other alphabets count as Latin ones.
    [given_reason, inquire.fields['reason'], inquire.fields['requested_by'], inquire.fields['contact'],
        inquire.fields['instructions']] AS free_texts,
    arrayMap(text -> arrayMap(one -> if(match(one, '[\\pL\\pN]'), one, ' '), arrayFilter(one -> NOT match(one, '[\\pM\\p{Cf}]'),
        ngrams(translateUTF8(lowerUTF8(normalizeUTF8NFKD(lowerUTF8(toValidUTF8(text)))),
            'ıавеніјкморстухѕԁԛԝαεηικνορτυχ', 'iabehijkmopctyxsdqwaenikvoptux'), 1))), free_texts) AS spaced,
    arrayMap(text -> arrayFilter(one -> one != ' ', text), spaced) AS letters_of,
    -- Meaningful words: no boilerplate, no bare number, no run of keys, and no four letters without a vowel.
    arrayMap(text -> arrayFilter(word -> word != '' AND NOT has(rules.3, word) AND NOT match(word, '^[0-9]*$')
            AND NOT match(word, 'qwer|asdf|sdfg|dfgh|fghj|ghjk|hjkl|zxcv|xcvb|cvbn|vbnm|rtyu|tyui|yuio|uiop|abcd|bcde|cdef')
            AND NOT match(word, '^[bcdfghjklmnpqrstvwxz]{4,}$'),
        splitByChar(' ', arrayStringConcat(text))), spaced) AS words_of,
    letters_of[1] AS reason_letters,
    words_of[1] AS reason_words,
    arrayMap((letters, words) -> length(letters) >= rules.2 AND length(arrayDistinct(letters)) >= 3 AND notEmpty(words),
        letters_of, words_of) AS says_something,
    -- A name may be shorter than a reason; a telephone number has at least four digits, three of them different.
    arrayMap(words -> arrayExists(word -> lengthUTF8(word) > 1 AND length(arrayDistinct(ngrams(word, 1))) > 1, words),
        words_of) AS names_somebody,
    arrayFilter(one -> match(one, '[0-9]'), letters_of[4]) AS contact_digits,
    -- A refusal by a service itself is logged with the rule that it names.
    given_refusal = '' AND (act.3 = 'entry' OR notEmpty(inquire.fields)) AS lists_vehicle,
    -- Never a case number, even if the agency's pattern accepts it: 00, 0-0 and 1111.
    lengthUTF8(given_case) BETWEEN 3 AND 64 AND match(given_case, rules.1)
        AND length(arrayDistinct(arrayFilter(one -> one NOT IN (' ', '.', '/', '_', '-'), ngrams(given_case, 1)))) > 1 AS usable_case,
    replaceRegexpAll(upper(toValidUTF8(inquire.pattern)), '[ .-]', '') AS given_pattern,
    replaceRegexpAll(upper(toValidUTF8(inquire.other)), '[ .-]', '') AS second_plate,
    replaceRegexpAll(given_pattern, '[*?]', '') AS known,
    -- The person or agency whose limit of vehicles in 24 hours applies, and that limit.
    multiIf(NOT judged, '', foreign, concat('agency ', of_agency), person) AS counts_for,
    toUInt32(ifNull(if(foreign, rules.22, arrayMax(
        role -> multiIf(role = 'officer', rules.19, role = 'analyst', rules.20, role = 'supervisor', rules.21, 0), user.4)), 0)) AS most
SELECT
    generateUUIDv4() AS entry,
    inquiry_id,
    now64(6) AS at,
    person AS who,
    account,
    of_agency AS agency,
    toValidUTF8(left(tool, 64)) AS tool,
    assumeNotNull((SELECT query_id FROM platestream.caller)) AS query_id,
    toValidUTF8(left(kind, 32)) AS kind,
    -- The first broken rule. Rules with a common condition are grouped, so that it is evaluated once.
    ifNull(arrayFirst(one -> one != '', [
        multiIf(
            NOT known_act,
                'unknown kind of inquiry',
            on_behalf_of NOT IN ('', account) AND NOT speaks_for_people AND NOT by_itself,
                'this account asks for itself only, not on behalf of another person',
            inquire.partner != '' AND NOT of_partner,
                'only the service for partner agencies asks for their people',
            of_partner AND (on_behalf_of = '' OR mapContains(users, person)),
                'a partner agency names who of its people asks, by a name that nobody has here (order, section E.1.e)',
            inquire.automatic AND NOT by_itself,
                'only the machine acts by itself: this account does not, or not with this act, or nobody is named who set it off',
            -- A retention run is not refused because of its starter; an unauthorized start becomes a finding instead.
            by_itself AND registry_on AND act.7 AND notEmpty(act.1) AND starter != ''
                AND NOT (startsWith(starter, 'agency:') AND inquire.kind IN ('bolo', 'hotlist_take'))
                AND (speaks_for_people OR inquire.kind != 'retention')
                AND NOT (users[starter].1 AND hasAny(users[starter].4, act.1)),
                concat('who started this job may not do it: it takes ', arrayStringConcat(act.1, ' or '), ' (order, section E.1.a). Start it again, or name such a person in PLATESTREAM_STARTED_BY'),
            act.7 AND NOT speaks_for_people AND NOT by_itself,
                'an account of a person enters searches only. Do this in the console, or let PLATESTREAM_DOOR_FILE name the account that enters acts with an effect',
            ''),
        if(judged, multiIf(
            NOT of_partner AND NOT mapContains(users, person),
                'not a registered user (order, section E.1.e)',
            NOT user.1,
                'a user whose access has ended (order, section E.1.e)',
            (user.3 <= toDateTime64(0, 3) OR user.3 > now64(3)),
                'no training on record (order, section F.7)',
            user.5 < now64(3) AND NOT lapsed_recovers,
                'training has lapsed and must be renewed (order, section F.7)',
            inquire.agency NOT IN ('', of_agency),
                'this user is of another agency (order, section F.6)',
            NOT (mapContains(agencies, of_agency) AND mou.1),
                'an agency that is not registered (order, section I.2)',
            ''), ''),
        multiIf(
            of_partner AND mou.2,
                'this agency is no partner of itself (order, section F.6)',
            ''),
        if(foreign, multiIf(
            NOT act.2,
                'only this agency''s own employees do this (order, sections D.4 and F.1)',
            rules.8 AND (mou.4 <= toDateTime64(0, 3) OR mou.4 > now64(3)),
                'no MOU with this agency is in force (order, section I.2)',
            rules.8 AND mou.5 > toDateTime64(0, 3) AND mou.5 <= now64(3),
                'the MOU with this agency has ended (order, section I.2)',
            NOT rules.10 AND mou.8 != rules.11,
                'an agency of another state, with which nothing is shared (order, section I.2)',
            notEmpty(mou.7) AND NOT has(mou.7, inquire.kind) AND NOT startsWith(inquire.kind, 'account_'),
                'the MOU with this agency does not share this kind of inquiry (order, section I.2)',
            notEmpty(mou.6) AND act.4
                AND (empty(inquire.cameras) OR NOT hasAll(mou.6, inquire.cameras)),
                'the MOU with this agency shares some cameras only: name them and no other (order, section I.2)',
            ''), ''),
        if(declares, multiIf(
            (mou.9 <= toDateTime64(0, 3) OR mou.9 > now64(3)),
                'no written declaration of this agency is on record (order, section I.2)',
            mou.12 < now64(3),
                'the written declaration of this agency has lapsed and must be renewed (order, section I.2)',
            notEmpty(rules.17) AND (NOT has(rules.17, mou.10) OR empty(trimBoth(mou.11))),
                'the written declaration of this agency is not of the text that is asked for, or nobody signed it (order, section I.2)',
            ''), ''),
        if(takes_entry, multiIf(
            (NOT sent_by.1 OR sent_by.2 OR NOT sent_by.3),
                'the sender is no other law enforcement agency that is registered and active (order, sections G.1 and I.2)',
            rules.8 AND (sent_by.4 <= toDateTime64(0, 3) OR sent_by.4 > now64(3)),
                'no MOU with the sender is in force (order, section I.2)',
            rules.8 AND sent_by.5 > toDateTime64(0, 3) AND sent_by.5 <= now64(3),
                'the MOU with the sender has ended (order, section I.2)',
            NOT rules.10 AND sent_by.8 != rules.11,
                'the sender is of another state, with which nothing is shared (order, section I.2)',
            ''), ''),
        multiIf(
            empty(act.1) AND NOT by_itself,
                'only the machine does this, by itself',
            ''),
        if(judged, multiIf(
            NOT hasAny(user.4, act.1),
                concat('none of this user''s roles may do this: it takes ', arrayStringConcat(act.1, ' or '), ' (order, section E.1.a)'),
            inquire.kind = 'registry_user' AND inquire.other = concat('user/', person),
                'nobody changes their own roles or training: another administrator does (order, section E.1.e)',
            act.8 AND NOT has(people_on_shift, person),
                'not on shift: alert hits are verified and disposed of on duty; log in for a shift first (order, section F.4)',
            inquire.kind = 'limit_raise' AND (inquire.other = person OR NOT users[inquire.other].1),
                'a supervisor raises the limit of another registered person, never their own (order, section F.1)',
            ''), ''),
        multiIf(
            clock_back AND NOT startsWith(given_refusal, 'the clock may be wrong'),
                'the database''s clock is behind the newest row of the inquiry log: two administrators or supervisors confirm it (platestream retention clock --confirm)',
            inquire.kind = 'registry_recover' AND NOT no_administrator,
                'an administrator is in force: they register people (order, section E.1.e)',
            act.3 = 'case' AND NOT usable_case,
                'no usable case number (as the agency writes them): evidence is of a case (order, section F.8.a)',
            act.3 = 'inquiry' AND NOT match(given_case, '[\\pL\\pN]') AND empty(reason_letters),
                'neither case number nor reason: every inquiry is documented by one of them (order, section I.7)',
            ''),
        if(act.3 = 'inquiry' AND NOT usable_case, multiIf(
            (length(reason_letters) < rules.2 OR length(arrayDistinct(reason_letters)) < 3),
                concat('no usable case number (as the agency writes them) and a reason of less than ', toString(rules.2), ' letters (order, section I.7)'),
            empty(reason_words),
                'no usable case number, and a reason that says nothing: what is looked into, and why (order, section I.7)',
            ''), ''),
        if(lists_vehicle, multiIf(
            act.3 = 'entry' AND NOT usable_case,
                'no usable case number (as the agency writes them): an entry of the hot list is of a case (order, section H.2)',
            NOT says_something[2],
                'the reason of the entry says nothing: why is the vehicle looked for? (order, section H.3)',
            NOT names_somebody[3],
                'the requesting member of the entry is not named (order, section H.4)',
            NOT names_somebody[4] AND (length(contact_digits) < 4 OR length(arrayDistinct(contact_digits)) < 3),
                'the contact of the entry reaches nobody: a telephone number, or where the member is found (order, section H.5)',
            NOT says_something[5],
                'the instructions of the entry say nothing: what does an officer do who meets the vehicle? (order, section H.6)',
            ''), ''),
        multiIf(
            inquire.kind = 'evidence_not_needed' AND NOT says_something[1],
                'the reason says nothing: why is no data of the case needed as evidence? (order, section F.8.a)',
            rules.13 AND searches AND NOT usable_case,
                'no usable case number (as the agency writes them), which this agency''s rules ask for at every search',
            arrayExists(one -> match(told, one) OR match(folded, one) OR match(squeezed, replaceAll(one, ' ', '')), rules.4),
                'a prohibited purpose (order, sections F.1 and I.3)',
            notEmpty(rules.5) AND act.6 AND NOT has(rules.5, given_purpose),
                'the purpose is none of those that the agency allows (order, section F.1)',
            searches AND has(rules.14, given_purpose) AND NOT match(given_violation, '\\pL'),
                'no violation is named, which this purpose asks for',
            searches AND has(rules.14, given_purpose) AND notEmpty(rules.15) AND NOT has(rules.15, given_violation),
                concat('the violation is none of those that the agency lists: ', arrayStringConcat(rules.15, ', ')),
            (given_requester != '' OR foreign AND act.6 AND NOT mou.3)
                AND length(arrayFilter(one -> match(one, '[\\pL\\pN]'), ngrams(given_basis, 1))) < 5,
                'a request from outside of law enforcement without its legal basis (order, section I.4)',
            until <= asked_since,
                'the time asked for ends before it begins',
            length(inquire.cameras) > 1000,
                'more than 1000 cameras named; name none for all',
            inquire.kind IN ('picture', 'partner_picture') AND toUUIDOrNull(inquire.other) IS NULL,
                'a picture is asked for by the id of its detection',
            inquire.kind = 'hits' AND inquire.other != '' AND toUUIDOrNull(inquire.other) IS NULL,
                'a hit is asked for by its id',
            inquire.kind IN ('search', 'sightings', 'hits', 'partner_search') AND NOT match(given_pattern, '^[A-Z0-9*?]{0,16}$'),
                'pattern not searchable: letters, digits, * for any characters and ? for one, 16 at most',
            inquire.kind = 'search' AND length(known) < 2 AND asked_since < until - INTERVAL 7 DAY,
                'pattern too open: it needs two known characters, or a time of 7 days at most',
            inquire.kind = 'sightings' AND (empty(inquire.cameras) OR length(inquire.cameras) > 20 OR asked_since < until - INTERVAL 7 DAY),
                'sightings are asked for by 1 to 20 cameras and 7 days at most',
            inquire.kind = 'fuzzy' AND NOT match(given_pattern, '^[A-Z0-9]{4,8}$'),
                'a plate of 4 to 8 letters and digits is needed to look for similar ones',
            inquire.kind IN ('cotravel', 'companions') AND NOT match(given_pattern, '^[A-Z0-9]{3,10}$'),
                'a whole plate of 3 to 10 letters and digits is needed',
            inquire.kind = 'cotravel' AND NOT match(second_plate, '^[A-Z0-9]{3,10}$'),
                'the second plate is needed as a whole, of 3 to 10 letters and digits',
            inquire.kind IN ('cotravel', 'companions') AND (within_s = 0 OR within_s > 3600),
                'vehicles travel together within 1 to 3600 seconds',
            counts_for != '' AND inquire.kind IN ('search', 'sightings', 'fuzzy', 'cotravel', 'companions', 'picture')
                AND if(inquire.kind = 'picture', intDiv(counted[counts_for].2, 10), counted[counts_for].1) >= most,
                'as many vehicles as one person, or all of one other agency, are shown in 24 hours: a supervisor may raise the limit (order, sections F.1 and I.3)',
            ''),
        given_refusal]), '') AS refusal,
    leftUTF8(given_case, 200) AS case_number,
    leftUTF8(given_reason, 1000) AS reason,
    leftUTF8(given_pattern, 64) AS pattern,
    if(inquire.kind = 'cotravel', leftUTF8(second_plate, 64),
        toValidUTF8(left(inquire.other, if(inquire.kind IN ('search', 'sightings', 'fuzzy'), 200, 64)))) AS other,
    arrayMap(camera -> toValidUTF8(left(camera, 64)), arraySlice(cameras, 1, 1000)) AS cameras,
    asked_since AS since,
    until,
    if(inquire.kind IN ('cotravel', 'companions'), inquire.within_s, 0) AS within_s,
    leftUTF8(given_purpose, 200) AS purpose,
    leftUTF8(given_requester, 200) AS requester,
    leftUTF8(given_basis, 1000) AS legal_basis,
    by_itself AS automatic,
    -- A row of an earlier release is empty here.
    multiIf(NOT by_itself, '', starter = '', 'nobody named', starter) AS set_off_by,
    leftUTF8(toValidUTF8(inquire.change), 4000) AS change,
    leftUTF8(given_violation, 200) AS violation,
    -- The declaration on which the inquiry is based is stored with it.
    if(foreign AND mou.9 > toDateTime64(0, 3),
        leftUTF8(concat(if(mou.10 = '', 'text not on record', mou.10), ' by ', if(mou.11 = '', 'not said', mou.11),
            ' on ', toString(toDate(mou.9))), 300), '') AS declaration,
    if(of_partner, toValidUTF8(left(inquire.partner, 64)), '') AS partner,
    if(of_partner AND said_trained > toDateTime64(0, 3), toString(toDate(said_trained, 'UTC')), '') AS trained_on,
    if(match(inquire.effect, '^[0-9a-f]{64}$'), inquire.effect, '') AS effect,
    multiIf(
        inquire.kind = 'cotravel', 2,
        inquire.kind NOT IN ('search', 'sightings', 'fuzzy', 'companions', 'limit_raise'), 0,
        -- A plate without wildcards is one vehicle.
        inquire.kind IN ('search', 'sightings') AND match(given_pattern, '^[A-Z0-9]+$'), 1,
        inquire.vehicles = 0, if(by_itself, 10000, 50),
        least(inquire.vehicles, 10000)) AS vehicles,
    if(inquire.kind = 'limit_raise', inquire.other, counts_for) AS counted_for,
    toUInt32(most + counted[counts_for].3) AS limit_a_day
-- The engine resolves an alias at each use, so common expressions are computed once, in a query of their own.
-- Optimizations that would speed up a long query and slow down each inquiry are switched off.
FROM (
    WITH
        -- The end of what was valid from a day for some days or, by the text of the rules, for months or years of the
        -- calendar (platestream/schemas/spans.py); without end for 0 days.
        (span -> toUInt32OrZero(splitByChar(' ', span)[1]) * multiIf(span LIKE '% year%', 12, span LIKE '% month%', 1, 0)) AS months,
        ((at, days, span) -> if(days = 0, toDateTime64('2299-01-01', 3, 'UTC'), toTimeZone(
            addMonths(toTimeZone(at + toIntervalDay(if(months(span) = 0, days, 0)), zone), months(span)), 'UTC'))) AS lapse
    SELECT
        *,
        (SELECT argMax((case_number, reason_letters, boilerplate, prohibited, purposes, training_days, always_registry, mou_required,
            retention_s, out_of_state, own_state, declaration, case_required, violation_for, violations, declaration_days,
            declaration_texts, declaration_outside, vehicles_officer, vehicles_analyst, vehicles_supervisor, vehicles_agency,
            JSONExtractString(gate_rules.rules, 'profile', 'training', 'renewed_every'),
            JSONExtractString(gate_rules.rules, 'profile', 'sharing', 'declaration_holds')), set_at)
         FROM platestream.gate_rules) AS rules,
        -- Function `toTimeZone` takes constants only, and a scalar query is one.
        assumeNotNull((SELECT argMax(if(text = '', 'UTC', text), set_at) FROM (SELECT set_at,
            JSONExtractString(gate_rules.rules, 'profile', 'agency', 'time_zone') AS text FROM platestream.gate_rules))) AS zone,
        (SELECT mapFromArrays(groupArray(kind), groupArray((roles, partners, documented, browses, automatic, shows_data, has_effect, on_shift)))
         FROM platestream.acts) AS acts,
        (SELECT (
            mapFromArrays(groupArrayIf(id, kind = 'user'),
                groupArrayIf((active, agency, trained_at, if(role = '', ['officer'], splitByChar(',', role)),
                    lapse(trained_at, rules.6, rules.23)), kind = 'user')),
            mapFromArrays(groupArrayIf(id, kind = 'agency'), groupArrayIf(
                (active, own, law_enforcement, mou_from, mou_until, shares_cameras, shares_kinds, state, declared_at,
                 JSONExtractString(record, 'declaration'), JSONExtractString(record, 'declared_by'),
                 lapse(declared_at, rules.16, rules.24)), kind = 'agency')))
         FROM platestream.registry FINAL WHERE kind IN ('user', 'agency')) AS registered,
        registered.1 AS users,
        registered.2 AS agencies,
        notEmpty(users) OR rules.7 AS registry_on,
        -- People whose shift is running. A shift lasts 16 hours at most, so only records of the last day are read.
        (SELECT groupUniqArray(JSONExtractString(newest, 'user'))
         FROM (SELECT argMax((record, active), (changed_at, NOT active)) AS one, one.1 AS newest, one.2 AS going
               FROM platestream.registry WHERE kind = 'shift' AND changed_at > now64(3) - INTERVAL 1 DAY GROUP BY id)
         WHERE going
           AND parseDateTime64BestEffortOrZero(JSONExtractString(newest, 'since'), 3, 'UTC') <= now64(3)
           AND parseDateTime64BestEffortOrZero(JSONExtractString(newest, 'until'), 3, 'UTC') > now64(3)) AS people_on_shift,
        -- Vehicles and pictures that may have been shown in 24 hours; and the clock of the log: its newest row, and
        -- confirmations. Unless the log is ahead, this reads the last day.
        (SELECT (mapFromArrays(groupArray(counted_for), groupArray((shown, pictures, more))),
            max(newest), length(arrayDistinct(arrayFlatten(groupArray(confirmed_by)))))
         FROM (SELECT counted_for, sum(vehicles) AS shown, sum(pictures) AS pictures, sum(fewer) AS more,
                max(at) AS newest, groupUniqArrayIf(confirming, confirming != '') AS confirmed_by
            FROM platestream.counted_lately GROUP BY counted_for)) AS lately,
        lately.1 AS counted,
        assumeNotNull((SELECT account FROM platestream.caller)) AS account,
        account IN ('default', 'platestream_console') AS speaks_for_people,
        speaks_for_people OR account IN ('platestream_flows', 'platestream_retention_job', 'platestream_engine') AS of_machine,
        mapContains(acts, inquire.kind) AS known_act,
        acts[inquire.kind] AS act,
        -- Request of a partner agency, with a signature that `platestream partners serve` verified. Its person is not
        -- in the registry: that agency names the person and the day of training, and vouches for both; everything
        -- else is checked as usual.
        inquire.partner != '' AND speaks_for_people AS of_partner,
        toValidUTF8(left(inquire.set_off_by, 64)) AS starter,
        -- In process everybody is `default`, so an automatic act names the person who started it.
        inquire.automatic AND of_machine AND act.5 AND NOT of_partner AND (starter != '' OR account != 'default') AS by_itself,
        multiIf(
            of_partner, toValidUTF8(concat(left(inquire.partner, 64), '/', left(on_behalf_of, 64))),
            (speaks_for_people OR by_itself) AND on_behalf_of != '', toValidUTF8(left(on_behalf_of, 64)),
            account) AS person,
        toDateTime64(parseDateTimeBestEffortOrZero(inquire.trained_on, 'UTC'), 3, 'UTC') AS said_trained,
        if(of_partner, (true, toString(inquire.partner), said_trained, ['analyst'], lapse(said_trained, rules.6, rules.23)),
            users[person]) AS user
    FROM platestream.inquire AS inquire
) AS inquire
SETTINGS optimize_functions_to_subcolumns = 0, optimize_and_compare_chain = 0, optimize_multiif_to_if = 0, optimize_if_chain_to_multiif = 0, optimize_extract_common_expressions = 0, optimize_rewrite_array_exists_to_has = 0, optimize_time_filter_with_preimage = 0, optimize_or_like_chain = 0;

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
FROM platestream.recent(inquiry = {inquiry:UUID})
WHERE mine;
