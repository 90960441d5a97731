-- Evidence leaves the 30-day store by being copied. It has no TTL: it is purged on its release date by the
-- retention run, with a receipt, and a release date may move.
CREATE TABLE IF NOT EXISTS platestream.evidence_holds
(
    hold_id     UUID CODEC(NONE),
    case_number String,
    authority   String                                         COMMENT 'who ordered it, or the lawful action it serves',
    schedule    LowCardinality(String)                         COMMENT 'of the records retention schedule',
    inquiry_id  UUID CODEC(NONE)                               COMMENT 'the inquiry that led there',
    who         LowCardinality(String),
    held_at     DateTime64(3, 'UTC'),
    release_at  DateTime64(3, 'UTC')                           COMMENT 'purged from then on',
    detections  UInt32,
    changed_at  DateTime64(6, 'UTC') DEFAULT now64(6)
)
ENGINE = ReplacingMergeTree(changed_at)
ORDER BY hold_id
SETTINGS old_parts_lifetime = 1, non_replicated_deduplication_window = 1000,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1
COMMENT 'What was taken out of the 30-day store for a case';

CREATE TABLE IF NOT EXISTS platestream.evidence_detections
(
    hold_id      UUID CODEC(NONE),
    detection_id UUID CODEC(NONE),
    captured_at  DateTime64(3, 'UTC'),
    record       String CODEC(ZSTD(1))                         COMMENT 'the row of detections, JSON',
    held_at      DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(held_at)
ORDER BY (hold_id, detection_id)
SETTINGS old_parts_lifetime = 1, non_replicated_deduplication_window = 1000,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1
COMMENT 'Detections held as evidence';

CREATE TABLE IF NOT EXISTS platestream.evidence_images
(
    hold_id      UUID CODEC(NONE),
    detection_id UUID CODEC(NONE),
    kind         LowCardinality(String),
    sha256       FixedString(32) CODEC(NONE)                   COMMENT 'as in images',
    jpeg         String CODEC(NONE),
    held_at      DateTime64(3, 'UTC') DEFAULT now64(3),
    CONSTRAINT intact CHECK SHA256(jpeg) = sha256
)
ENGINE = ReplacingMergeTree(held_at)
ORDER BY (hold_id, detection_id, kind)
SETTINGS old_parts_lifetime = 1, non_replicated_deduplication_window = 1000,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1
COMMENT 'Pictures held as evidence';
