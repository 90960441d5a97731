-- How many vehicles an inquiry may show, and how many one person, or one agency's people, are shown in 24 hours.
ALTER TABLE platestream.inquire
    ADD COLUMN IF NOT EXISTS vehicles UInt32 DEFAULT 0 COMMENT 'vehicles that are shown at most; 0: 50, or what is left of the limit';

ALTER TABLE platestream.inquiry_log
    ADD COLUMN IF NOT EXISTS vehicles UInt32 CODEC(ZSTD(3)) COMMENT 'vehicles that it shows at most; of limit_raise: by how many',
    ADD COLUMN IF NOT EXISTS counted_for LowCardinality(String) COMMENT 'against whose limit it counts: a person, or `agency` and the name of another agency',
    ADD COLUMN IF NOT EXISTS limit_a_day UInt32 CODEC(ZSTD(3)) COMMENT 'vehicles that are shown in 24 hours at most; 0: no limit';

ALTER TABLE platestream.gate_rules
    ADD COLUMN IF NOT EXISTS vehicles_officer    UInt32 DEFAULT 200  COMMENT 'vehicles that an officer is shown in 24 hours',
    ADD COLUMN IF NOT EXISTS vehicles_analyst    UInt32 DEFAULT 1000 COMMENT 'an analyst',
    ADD COLUMN IF NOT EXISTS vehicles_supervisor UInt32 DEFAULT 1000 COMMENT 'a supervisor',
    ADD COLUMN IF NOT EXISTS vehicles_agency     UInt32 DEFAULT 500  COMMENT 'all people of one other agency together';

-- What a search really showed, once: by so many fewer vehicles than were reserved for it.
CREATE TABLE IF NOT EXISTS platestream.inquiry_shown
(
    inquiry_id UUID CODEC(NONE),
    at         DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)) COMMENT 'of the inquiry',
    counted_for LowCardinality(String),
    shown      UInt32                                        COMMENT 'different vehicles that it showed',
    less       UInt32                                        COMMENT 'fewer than were reserved',
    counted_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (at, inquiry_id)
TTL toDateTime(at) + INTERVAL 7 YEAR DELETE
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1
COMMENT 'Different vehicles that searches showed';
