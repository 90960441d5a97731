-- Who may look, and by which rules. The gate (views/gate.sql) reads both tables at every inquiry.
-- Newest wins by `changed_at`, so that a replay in any order comes to the same.
CREATE TABLE IF NOT EXISTS platestream.registry
(
    kind            LowCardinality(String)                     COMMENT 'agency, user, camera, ...',
    id              String,
    name            String,
    active          Bool,
    approved_by     String,
    approved_at     DateTime64(3, 'UTC')                       COMMENT '1970: not said, as in all times here',
    agency          String                                     COMMENT 'of a user',
    role            String                                     COMMENT 'of a user',
    trained_at      DateTime64(3, 'UTC')                       COMMENT 'of a user (F.7)',
    own             Bool                                       COMMENT 'agency: this one, which needs no MOU with itself',
    law_enforcement Bool                                       COMMENT 'agency: no means that each request needs its legal basis (I.4)',
    mou_from        DateTime64(3, 'UTC')                       COMMENT 'agency (I.2)',
    mou_until       DateTime64(3, 'UTC')                       COMMENT 'agency; 1970: no end agreed',
    shares_cameras  Array(String)                              COMMENT 'agency: what the MOU shares; empty: all',
    shares_kinds    Array(String)                              COMMENT 'agency: kinds of inquiry that the MOU allows; empty: all',
    changed_at      DateTime64(3, 'UTC')                       COMMENT 'the newest record of an id stands',
    record          String CODEC(ZSTD(3))                      COMMENT 'as it crossed the topic, JSON',
    state           String                                     COMMENT 'agency: postal code, or US',
    declared_at     DateTime64(3, 'UTC')                       COMMENT 'agency: its written declaration'
)
ENGINE = ReplacingMergeTree(changed_at)
ORDER BY (kind, id)
SETTINGS non_replicated_deduplication_window = 1000,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1
COMMENT 'Agencies and their MOUs, users and their training, cameras: what the registry topic says';

-- A row a change, the newest in force: an auditor sees by which rules an inquiry was judged.
CREATE TABLE IF NOT EXISTS platestream.gate_rules
(
    set_at          DateTime64(6, 'UTC') DEFAULT now64(6),
    set_by          String,
    case_number     String        COMMENT 'RE2 pattern that a case number matches as a whole',
    reason_letters  UInt16        COMMENT 'letters and digits that a reason has at least',
    boilerplate     Array(String) COMMENT 'words, lower case, that alone are no reason',
    prohibited      Array(String) COMMENT 'RE2 patterns, lower case, looked for in purpose and reason',
    purposes        Array(String) COMMENT 'the purposes there are; empty: none is asked for',
    training_days   UInt16        COMMENT 'how long training counts; 0: for good',
    mou_required    Bool          COMMENT 'yes: another agency needs an MOU that is in force',
    always_registry Bool          COMMENT 'no: registry rules hold once a user is registered',
    profile         String DEFAULT 'st-johns' COMMENT 'the profile these rules are of',
    retention_s     UInt32 DEFAULT 2592000    COMMENT 'seconds that data is kept, from its capture',
    out_of_state    Bool DEFAULT 1            COMMENT 'no: other agencies are of own_state',
    own_state       String DEFAULT ''         COMMENT 'postal code',
    declaration     Bool DEFAULT 0            COMMENT 'yes: other agencies have declared in writing what they look for'
)
ENGINE = MergeTree
ORDER BY set_at
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1
COMMENT 'Rules of the gate that an agency sets (platestream registry rules)';

INSERT INTO platestream.gate_rules
    (set_by, case_number, reason_letters, boilerplate, prohibited, purposes, training_days, mou_required, always_registry)
SELECT
    'migration', '^[A-Za-z0-9 ./_-]*[0-9][A-Za-z0-9 ./_-]*$', 5,
    ['a', 'an', 'the', 'for', 'of', 'to', 'and', 'my', 'in', 'on',
     'investigation', 'investigations', 'investigate', 'investigating', 'investigative', 'inv', 'invest',
     'criminal', 'police', 'patrol', 'law', 'enforcement', 'official', 'officer', 'department', 'business',
     'duty', 'use', 'work', 'case', 'search', 'searching', 'look', 'looking', 'lookup', 'check', 'checking',
     'inquiry', 'query', 'test', 'testing', 'alpr', 'lpr', 'plate', 'vehicle', 'car', 'hit', 'misc', 'other',
     'reason', 'purpose', 'purposes', 'needed', 'unknown', 'none', 'na', 'n', 'asdf', 'xxx'],
    ['personal (use|interest|reason)', 'curio(us|sity)', 'private (use|purpose|interest)'],
    [], 365, 1, 0
WHERE (SELECT count() FROM platestream.gate_rules) = 0;

-- Cameras and special details that work without approval: once a camera, rule and day.
CREATE TABLE IF NOT EXISTS platestream.deployment_findings
(
    finding_id UUID CODEC(NONE)                                COMMENT 'uuid5 of camera, detail, rule and day',
    day        Date,
    at         DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    camera_id  LowCardinality(String),
    detail     String                                          COMMENT 'id of the special detail, where there is one',
    rule       LowCardinality(String)                          COMMENT 'unregistered, ended, unapproved, period, moved, detail_unapproved',
    said       String CODEC(ZSTD(3)),
    found_at   DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(found_at)
PARTITION BY toYear(day)
ORDER BY (day, finding_id)
TTL day + INTERVAL 7 YEAR DELETE
SETTINGS non_replicated_deduplication_window = 1000,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1
COMMENT 'Deployments without approval (order, sections D.5, E.1.f, G.6)';
