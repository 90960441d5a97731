-- Events that are put on record and open no view: changes of the hot list, exports, evidence, audits, retention.
-- The rules are the same, so that an undocumented one is refused and is a row.
ALTER TABLE platestream.inquire COMMENT COLUMN kind 'search, picture, hits; on record only: hotlist, export, evidence, audit, retention';

ALTER TABLE platestream.inquire_to_log MODIFY QUERY
WITH
    authenticatedUser() AS account,
    account IN ('default', 'platestream_console') AS speaks_for_people,
    trimBoth(toValidUTF8(inquire.case_number)) AS given_case,
    trimBoth(toValidUTF8(inquire.reason)) AS given_reason,
    replaceRegexpAll(given_reason, '[^\\pL\\pN]', '') AS reason_letters,
    replaceRegexpAll(upper(toValidUTF8(inquire.pattern)), '[ .-]', '') AS given_pattern
SELECT
    generateUUIDv4() AS entry,
    inquiry_id,
    now64(6) AS at,
    if(speaks_for_people AND on_behalf_of != '', toValidUTF8(left(on_behalf_of, 64)), account) AS who,
    account,
    toValidUTF8(left(agency, 64)) AS agency,
    toValidUTF8(left(tool, 64)) AS tool,
    initialQueryID() AS query_id,
    toValidUTF8(left(kind, 16)) AS kind,
    if(refusal = '', 'allowed', 'refused') AS outcome,
    multiIf(
        inquire.kind NOT IN ('search', 'picture', 'hits', 'hotlist', 'export', 'evidence', 'audit', 'retention'),
            'unknown kind of inquiry',
        on_behalf_of NOT IN ('', account) AND NOT speaks_for_people,
            'this account asks for itself only, not on behalf of another person',
        replaceRegexpAll(given_case, '[^\\pL\\pN]', '') = '' AND reason_letters = '',
            'neither case number nor reason: every inquiry is documented by one of them (order, section I.7)',
        NOT match(given_case, '^[A-Za-z0-9][A-Za-z0-9 ./_-]{1,63}$') AND lengthUTF8(reason_letters) < 5,
            'no usable case number (letters, digits and ./_-) and a reason of less than 5 letters (order, section I.7)',
        until <= since,
            'the time asked for ends before it begins',
        length(inquire.cameras) > 1000,
            'more than 1000 cameras named; name none for all',
        inquire.kind = 'picture' AND toUUIDOrNull(inquire.other) IS NULL,
            'a picture is asked for by the id of its detection',
        inquire.kind = 'hits' AND inquire.other != '' AND toUUIDOrNull(inquire.other) IS NULL,
            'a hit is asked for by its id',
        inquire.kind IN ('search', 'hits') AND NOT match(given_pattern, '^[A-Z0-9*?]{0,16}$'),
            'pattern not searchable: letters, digits, * for any characters and ? for one, 16 at most',
        inquire.kind = 'search' AND length(replaceRegexpAll(given_pattern, '[*?]', '')) < 2
            AND since < until - INTERVAL 7 DAY,
            'pattern too open: it needs two known characters, or a time of 7 days at most',
        '') AS refusal,
    leftUTF8(given_case, 200) AS case_number,
    leftUTF8(given_reason, 1000) AS reason,
    leftUTF8(given_pattern, 64) AS pattern,
    toValidUTF8(left(other, 64)) AS other,
    arrayMap(camera -> toValidUTF8(left(camera, 64)), arraySlice(cameras, 1, 1000)) AS cameras,
    since,
    until
FROM platestream.inquire;
