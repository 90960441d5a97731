-- Evidence that another agency has, held here with its signed answer (docs/partners.md).
ALTER TABLE platestream.evidence_holds
    ADD COLUMN IF NOT EXISTS origin LowCardinality(String) COMMENT 'the agency that answered, or empty: of this one';

CREATE TABLE IF NOT EXISTS platestream.evidence_answers
(
    hold_id  UUID CODEC(NONE),
    number   UInt16,
    agency   LowCardinality(String)                            COMMENT 'who answered',
    key      String                                            COMMENT 'fingerprint of the key that it signed with',
    sha256   FixedString(32) CODEC(NONE)                       COMMENT 'of exchange',
    exchange String CODEC(ZSTD(1))                             COMMENT 'what was asked and answered, as it was signed, JSON',
    held_at  DateTime64(3, 'UTC') DEFAULT now64(3),
    CONSTRAINT intact CHECK SHA256(exchange) = sha256
)
ENGINE = ReplacingMergeTree(held_at)
ORDER BY (hold_id, number)
SETTINGS old_parts_lifetime = 1, non_replicated_deduplication_window = 1000,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1
COMMENT 'Signed answers of other agencies held as evidence';
