-- Every look at stored data is a row here first (order, section I.7). People may write `inquire` only; the
-- database itself stamps when, who and under which query, decides, and keeps refused attempts, too.
CREATE TABLE IF NOT EXISTS platestream.inquiry_log
(
    entry       UUID CODEC(NONE)                               COMMENT 'made by the database: what a seal refers to',
    inquiry_id  UUID CODEC(NONE)                               COMMENT 'chosen by whoever asks; the key to the views',
    at          DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    who         LowCardinality(String)                         COMMENT 'the person',
    account     LowCardinality(String)                         COMMENT 'the database user; the person''s own, or one that speaks for people',
    agency      LowCardinality(String),
    tool        LowCardinality(String),
    query_id    String CODEC(ZSTD(1))                          COMMENT 'joins system.query_log on a server: address, rows, bytes',
    kind        LowCardinality(String),
    outcome     Enum8('allowed' = 1, 'refused' = 2),
    refusal     String CODEC(ZSTD(3))                          COMMENT 'the rule that refused it, or empty',
    case_number String CODEC(ZSTD(3)),
    reason      String CODEC(ZSTD(3)),
    pattern     String CODEC(ZSTD(3))                          COMMENT 'what was searched: * any characters, ? one',
    other       String CODEC(ZSTD(3))                          COMMENT 'what else was asked for: detection or hit id',
    cameras     Array(String) CODEC(ZSTD(3))                   COMMENT 'empty: all',
    since       DateTime64(3, 'UTC') CODEC(ZSTD(3)),
    until       DateTime64(3, 'UTC') CODEC(ZSTD(3))
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (at, inquiry_id)
TTL toDateTime(at) + INTERVAL 7 YEAR DELETE
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1
COMMENT 'Inquiries, allowed and refused';

-- Not partitioned: a block of seals must become one part, so that it is there whole or not at all.
CREATE TABLE IF NOT EXISTS platestream.inquiry_seals
(
    seal       UInt64                                          COMMENT 'counts from 1 without a gap',
    entry      UUID CODEC(NONE),
    inquiry_id UUID CODEC(NONE),
    at         DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1))   COMMENT 'as in inquiry_log',
    previous   String CODEC(NONE)                              COMMENT 'hash of the seal before, 64 hex digits',
    hash       String CODEC(NONE)                              COMMENT 'schemas/inquiry.py seal_hash, 64 hex digits',
    sealed_at  DateTime64(6, 'UTC') DEFAULT now64(6)
)
ENGINE = MergeTree
ORDER BY seal
TTL toDateTime(at) + INTERVAL 7 YEAR DELETE
SETTINGS non_replicated_deduplication_window = 1000,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1
COMMENT 'The hash chain over inquiry_log';

CREATE TABLE IF NOT EXISTS platestream.inquire
(
    inquiry_id   UUID,
    on_behalf_of String DEFAULT ''                             COMMENT 'the person, where the account speaks for people',
    agency       String DEFAULT '',
    tool         String DEFAULT 'sql',
    kind         String DEFAULT 'search'                       COMMENT 'search, picture or hits',
    case_number  String DEFAULT '',
    reason       String DEFAULT '',
    pattern      String DEFAULT ''                             COMMENT 'plate; * any characters, ? one; empty: every plate',
    other        String DEFAULT ''                             COMMENT 'detection id of a picture, hit id of hits',
    cameras      Array(String) DEFAULT [],
    since        DateTime64(3, 'UTC') DEFAULT now64(3) - INTERVAL 30 DAY,
    until        DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = Null
COMMENT 'The gate: insert what you ask and why, then select from a view with the same inquiry_id';

-- No CHECK and no Enum in `inquire`: they would turn an attempt away without a trace.
CREATE MATERIALIZED VIEW IF NOT EXISTS platestream.inquire_to_log TO platestream.inquiry_log
DEFINER = platestream_definer SQL SECURITY DEFINER AS
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
        inquire.kind NOT IN ('search', 'picture', 'hits'),
            'unknown kind of inquiry: it is search, picture or hits',
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
        inquire.kind != 'picture' AND NOT match(given_pattern, '^[A-Z0-9*?]{0,16}$'),
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

-- What became of an inquiry of one's own: the only part of the log that whoever asks can read.
CREATE VIEW IF NOT EXISTS platestream.verdict
DEFINER = platestream_definer SQL SECURITY DEFINER AS
SELECT outcome, refusal, pattern, since, until
FROM platestream.inquiry_log
WHERE inquiry_id = {inquiry:UUID} AND account = authenticatedUser() AND at > now64(6) - INTERVAL 10 MINUTE;
