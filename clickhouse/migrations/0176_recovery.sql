-- Who was ever ALPR administrator, trained: while nobody was, anybody founds the agency; afterwards nobody does.
CREATE TABLE IF NOT EXISTS platestream.administrators
(
    id    String,
    at    DateTime64(6, 'UTC') DEFAULT now64(6)
)
ENGINE = MergeTree
ORDER BY (id, at)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1
COMMENT 'Everybody who was ever administrator';

INSERT INTO platestream.administrators (id)
SELECT id FROM platestream.registry WHERE kind = 'user' AND has(splitByChar(',', role), 'administrator')
UNION DISTINCT
SELECT substring(other, 6) FROM platestream.inquiry_log
WHERE kind = 'registry_user' AND outcome = 'allowed' AND match(change, 'role: [^;]*administrator');

-- The code by which two people bring an administrator back: of a key that was derived from it, the SHA-256.
CREATE TABLE IF NOT EXISTS platestream.recovery_codes
(
    set_at     DateTime64(6, 'UTC') DEFAULT now64(6),
    set_by     String,
    inquiry_id UUID CODEC(NONE)                            COMMENT 'the act',
    salt       String,
    hash       String                                      COMMENT 'SHA-256 of scrypt of the code with the salt, 64 hex digits'
)
ENGINE = MergeTree
ORDER BY set_at
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1
COMMENT 'Recovery codes, the newest in force; the code itself is not here';

CREATE TABLE IF NOT EXISTS platestream.recovery_code
(
    inquiry_id UUID COMMENT 'the allowed act that holds the SHA-256 of salt:hash',
    salt       String,
    hash       String
)
ENGINE = Null
COMMENT 'A new recovery code, by its act';

CREATE TABLE IF NOT EXISTS platestream.recoveries
(
    at          DateTime64(6, 'UTC') DEFAULT now64(6),
    inquiry_id  UUID CODEC(NONE)                           COMMENT 'the act',
    who         String,
    step        LowCardinality(String)                     COMMENT 'refused, first, done',
    refusal     String,
    record      String CODEC(ZSTD(3))                      COMMENT 'of the administrator who comes back, JSON',
    code_set_at DateTime64(6, 'UTC')                       COMMENT 'which code'
)
ENGINE = MergeTree
ORDER BY at
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1
COMMENT 'Every attempt to bring an administrator back';

CREATE TABLE IF NOT EXISTS platestream.recover
(
    inquiry_id UUID   COMMENT 'the allowed act registry_recover that holds the SHA-256 of the record',
    proof      String COMMENT 'scrypt of the code with its salt, hex; is stored nowhere',
    record     String COMMENT 'of the administrator who comes back, JSON'
)
ENGINE = Null
COMMENT 'An attempt to bring an administrator back, by its act';
