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
    until       DateTime64(3, 'UTC') CODEC(ZSTD(3)),
    within_s    UInt32 DEFAULT 0 CODEC(ZSTD(3))                COMMENT 'cotravel, companions: seconds; else 0',
    purpose     String CODEC(ZSTD(3)),
    requester   String CODEC(ZSTD(3))                          COMMENT 'outside of law enforcement (I.4), or empty',
    legal_basis String CODEC(ZSTD(3))
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

-- No CHECK and no Enum: they would turn an attempt away without a trace.
CREATE TABLE IF NOT EXISTS platestream.inquire
(
    inquiry_id   UUID,
    on_behalf_of String DEFAULT ''                             COMMENT 'the person, where the account speaks for people',
    agency       String DEFAULT '',
    tool         String DEFAULT 'sql',
    kind         String DEFAULT 'search'
                                                               COMMENT 'search, sightings, fuzzy, cotravel, companions, picture, hits; on record only: hotlist, export, evidence, audit, retention',
    case_number  String DEFAULT '',
    reason       String DEFAULT '',
    pattern      String DEFAULT ''                             COMMENT 'plate; * any characters, ? one; empty: every plate',
    other        String DEFAULT ''                             COMMENT 'detection id of a picture, hit id of hits, the second plate of cotravel',
    cameras      Array(String) DEFAULT [],
    since        DateTime64(3, 'UTC') DEFAULT toDateTime64(0, 3, 'UTC') COMMENT '1970, the default: as long as data is kept',
    until        DateTime64(3, 'UTC') DEFAULT now64(3),
    within_s     UInt32 DEFAULT 60                             COMMENT 'cotravel, companions: seconds between two vehicles at one camera',
    purpose      String DEFAULT ''                             COMMENT 'one of the purposes that the agency allows, where it lists them',
    requester    String DEFAULT ''                             COMMENT 'who outside of law enforcement asked for it (I.4)',
    legal_basis  String DEFAULT ''                             COMMENT 'what entitles them: court order, statute, records request'
)
ENGINE = Null
COMMENT 'The gate: insert what you ask and why, then select from a view with the same inquiry_id';

-- What the audit flow found in inquiries. Holds who and when, never what was searched.
CREATE TABLE IF NOT EXISTS platestream.inquiry_findings
(
    finding_id UUID CODEC(NONE)                                COMMENT 'uuid5 of inquiry and rule',
    inquiry_id UUID CODEC(NONE),
    at         DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1))   COMMENT 'of the inquiry',
    who        LowCardinality(String),
    agency     LowCardinality(String),
    kind       LowCardinality(String)                          COMMENT 'of the inquiry',
    rule       LowCardinality(String)                          COMMENT 'a code from a bounded set (operators/inquiry_checks)',
    grade      LowCardinality(String)                          COMMENT 'breach, unusual or note',
    detail     String CODEC(ZSTD(3)),
    found_at   DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(found_at)
PARTITION BY toYear(at)
ORDER BY (at, finding_id)
TTL toDateTime(at) + INTERVAL 7 YEAR DELETE
SETTINGS non_replicated_deduplication_window = 1000,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1
COMMENT 'Findings of the checks on every inquiry; auditors read them';
