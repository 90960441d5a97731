-- What hides a sealed inquiry in the published log (docs/proof.md): its entry there is SHA-256 of salt and inquiry.
-- A salt goes with the inquiry, seven years later; from then on nothing can be learnt from the entry.
CREATE TABLE IF NOT EXISTS platestream.inquiry_salts
(
    seal     UInt64                                            COMMENT 'of inquiry_seals',
    at       DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1))     COMMENT 'as in inquiry_log',
    salt     String CODEC(NONE)                                COMMENT '32 random bytes, 64 hex digits',
    made_at  DateTime64(6, 'UTC') DEFAULT now64(6)
)
ENGINE = MergeTree
ORDER BY seal
TTL toDateTime(at) + INTERVAL 7 YEAR DELETE
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1
COMMENT 'Salts of the published log: one for each seal, made before its entry is published';
