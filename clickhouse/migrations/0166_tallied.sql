-- Each detection, picture and alert hit is counted as it is written: its id, time and camera, and a digest of the rest.
-- The digest has a random number in it and goes when the row is due, so that nobody learns a plate from what is left.
CREATE TABLE IF NOT EXISTS platestream.tallied
(
    source      LowCardinality(String)                           COMMENT 'the table; of a picture its kind, too',
    id          UUID CODEC(NONE)                                 COMMENT 'of the detection or the hit',
    captured_at DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    camera_id   LowCardinality(String),
    readers     UInt64 CODEC(ZSTD(1))                            COMMENT 'hash of the models that read it; 0 of all but detections',
    nonce       UUID CODEC(NONE)                                 COMMENT 'random',
    digest      FixedString(16) CODEC(NONE)                      COMMENT 'of nonce, id, time, camera and what the row says (views/tally.sql)',
    tallied_at  DateTime64(6, 'UTC') DEFAULT now64(6) CODEC(Delta(8), ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY toYYYYMMDD(captured_at)
ORDER BY (source, camera_id, captured_at, id)
SETTINGS old_parts_lifetime = 1,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1
COMMENT 'What was written, counted as it was written, until it is due';

-- What is there already; the views count what comes.
INSERT INTO platestream.tallied (source, id, captured_at, camera_id, readers, nonce, digest)
SELECT 'detections', detection_id, captured_at, camera_id, cityHash64(models), generateUUIDv4() AS random,
    substring(SHA256(concat(toString(random), toString(detection_id), toString(toUnixTimestamp64Milli(captured_at)),
        camera_id, '|', plate, '|', state)), 1, 16)
FROM platestream.detections FINAL;

INSERT INTO platestream.tallied (source, id, captured_at, camera_id, readers, nonce, digest)
SELECT 'alert_hits', hit_id, captured_at, camera_id, 0, generateUUIDv4() AS random,
    substring(SHA256(concat(toString(random), toString(hit_id), toString(toUnixTimestamp64Milli(captured_at)),
        camera_id, '|', plate, '|', state)), 1, 16)
FROM platestream.alert_hits FINAL;

INSERT INTO platestream.tallied (source, id, captured_at, camera_id, readers, nonce, digest)
SELECT concat('images/', kind), detection_id, captured_at, camera_id, 0, generateUUIDv4() AS random,
    substring(SHA256(concat(toString(random), toString(detection_id), toString(toUnixTimestamp64Milli(captured_at)),
        camera_id, '|', lower(hex(sha256)), '|')), 1, 16)
FROM platestream.images FINAL;
