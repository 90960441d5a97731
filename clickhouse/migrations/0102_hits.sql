-- Alert hits go with their detection after 30 days; what officers found and did stays, without a plate.
CREATE TABLE IF NOT EXISTS platestream.alert_hits
(
    hit_id       UUID CODEC(NONE)                              COMMENT 'uuid5 of detection and entry',
    captured_at  DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)) COMMENT 'as in detections',
    detection_id UUID CODEC(NONE),
    camera_id    LowCardinality(String),
    latitude     Float64 CODEC(ZSTD(1)),
    longitude    Float64 CODEC(ZSTD(1)),
    plate        String CODEC(ZSTD(1))                         COMMENT 'as read',
    state        LowCardinality(String)                        COMMENT 'as read, or empty',
    confidence   Float32 CODEC(ZSTD(1)),
    match        LowCardinality(String)                        COMMENT 'exact, look_alike, ...',
    differences  Array(Tuple(position UInt8, read String, listed String)) CODEC(ZSTD(1))
                                                               COMMENT 'characters that differ, position from 0',
    state_check  LowCardinality(String)                        COMMENT 'same, unknown or contradicts',
    entry_id     String CODEC(ZSTD(1)),
    source       LowCardinality(String)                        COMMENT 'hot list the entry is of',
    category     LowCardinality(String),
    listed_plate String CODEC(ZSTD(1)),
    listed_state LowCardinality(String),
    case_number  String CODEC(ZSTD(1)),
    reason       String CODEC(ZSTD(1)),
    requested_by String CODEC(ZSTD(1)),
    contact      String CODEC(ZSTD(1)),
    instructions String CODEC(ZSTD(1)),
    other        String CODEC(ZSTD(1)),
    expires_at   DateTime64(3, 'UTC') CODEC(ZSTD(1))           COMMENT 'end of the entry',
    rank         UInt8                                         COMMENT '0 is best; a state that contradicts adds 10',
    likelihood   Nullable(Float32) CODEC(ZSTD(1))
                                                               COMMENT 'how often the listed plate is read so; NULL when nobody can say',
    matched      String CODEC(ZSTD(1))                         COMMENT 'the reading that matched, where it is not plate',
    historical   Bool                                          COMMENT 'captured before the entry was listed: no fresh alert',
    listed_vehicle Map(LowCardinality(String), String) CODEC(ZSTD(1))
                                                               COMMENT 'the vehicle as listed',
    silenced_for Array(LowCardinality(String))                 COMMENT 'agencies that the entry does not alert',
    ingested_at  DateTime64(3, 'UTC') DEFAULT now64(3) CODEC(Delta(8), ZSTD(1))
)
ENGINE = ReplacingMergeTree(ingested_at)
PARTITION BY toYYYYMMDD(captured_at)
ORDER BY (captured_at, hit_id)
TTL toDateTime(least(captured_at, ingested_at)) + INTERVAL 30 DAY DELETE
SETTINGS merge_with_ttl_timeout = 3600, old_parts_lifetime = 1, non_replicated_deduplication_window = 1000,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1
COMMENT 'Detections that may be a listed vehicle, with the entry as it was';

CREATE TABLE IF NOT EXISTS platestream.hit_actions
(
    action_id   UUID CODEC(NONE),
    hit_id      UUID CODEC(NONE),
    at          DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    by          LowCardinality(String)                         COMMENT 'the officer',
    kind        LowCardinality(String)                         COMMENT 'what was found or done',
    case_number String CODEC(ZSTD(3)),
    mvd_result  String CODEC(ZSTD(3))                          COMMENT 'what the MVD query said (G.5.b)',
    actionable  Bool                                           COMMENT 'Actionable ALPR Hit Related (G.8)',
    note        String CODEC(ZSTD(3)),
    checked_with LowCardinality(String)                        COMMENT 'confirmed_current: ncic, acic or mvd',
    result      LowCardinality(String)                         COMMENT 'action_taken: what it came to: arrest, vehicle_recovered, ...',
    confused    Array(Tuple(actual String, read String))       COMMENT 'characters that were misread, where known; never a whole plate',
    ingested_at DateTime64(3, 'UTC') DEFAULT now64(3) CODEC(Delta(8), ZSTD(1))
)
ENGINE = ReplacingMergeTree(ingested_at)
PARTITION BY toYear(at)
ORDER BY (hit_id, at, action_id)
TTL toDateTime(at) + INTERVAL 7 YEAR DELETE
SETTINGS non_replicated_deduplication_window = 1000,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1
COMMENT 'Steps of verification and disposition; holds no plate';

-- A hit without what would tell of whom: the hit itself goes after 30 days, figures need what it was.
CREATE TABLE IF NOT EXISTS platestream.hit_facts
(
    hit_id      UUID CODEC(NONE),
    captured_at DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    camera_id   LowCardinality(String),
    source      LowCardinality(String)                         COMMENT 'hot list the entry is of',
    category    LowCardinality(String),
    match       LowCardinality(String),
    state_check LowCardinality(String),
    rank        UInt8,
    historical  Bool,
    characters  UInt8                                          COMMENT 'length of the plate as read',
    ingested_at DateTime64(3, 'UTC') DEFAULT now64(3) CODEC(Delta(8), ZSTD(1))
)
ENGINE = ReplacingMergeTree(ingested_at)
PARTITION BY toYear(captured_at)
ORDER BY (captured_at, hit_id)
TTL toDateTime(least(captured_at, ingested_at)) + INTERVAL 7 YEAR DELETE
SETTINGS non_replicated_deduplication_window = 1000,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1
COMMENT 'Alert hits as figures need them: no plate, no entry, no case';

-- Who was told of which hit, when, and who was not and why. Holds no plate.
CREATE TABLE IF NOT EXISTS platestream.deliveries
(
    delivery_id UUID CODEC(NONE)                               COMMENT 'uuid5 of hit and receiver',
    hit_id      UUID CODEC(NONE),
    receiver    LowCardinality(String)                         COMMENT 'as the rules name it; empty: nobody',
    agency      LowCardinality(String)                         COMMENT 'another agency that was told (I.2)',
    priority    UInt8                                          COMMENT '1 is the top',
    outcome     LowCardinality(String)                         COMMENT 'delivered, failed, quiet, stale, silenced, not_shared, nobody',
    at          DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    captured_at DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    attempts    UInt16,
    seconds     Float32                                        COMMENT 'from when the hit was taken up to the outcome',
    reason      LowCardinality(String)                         COMMENT 'of what failed, a code',
    ingested_at DateTime64(3, 'UTC') DEFAULT now64(3) CODEC(Delta(8), ZSTD(1))
)
ENGINE = ReplacingMergeTree(ingested_at)
PARTITION BY toYear(captured_at)
ORDER BY (captured_at, delivery_id)
TTL toDateTime(least(captured_at, ingested_at)) + INTERVAL 7 YEAR DELETE
SETTINGS non_replicated_deduplication_window = 1000,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1
COMMENT 'Notifications of alert hits, once a hit and receiver';
