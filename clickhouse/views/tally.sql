-- Counts detections, alert hits and pictures as they are written, by any account. A picture counts by the hash of its
-- content: a replay may encrypt what an older release wrote as it was.
CREATE MATERIALIZED VIEW IF NOT EXISTS platestream.detections_to_tallied TO platestream.tallied
DEFINER = platestream_definer SQL SECURITY DEFINER AS
SELECT 'detections' AS source, detection_id AS id, captured_at, camera_id, cityHash64(models) AS readers,
    generateUUIDv4() AS nonce,
    substring(SHA256(concat(toString(nonce), toString(id), toString(toUnixTimestamp64Milli(captured_at)),
        camera_id, '|', plate, '|', state)), 1, 16) AS digest,
    now64(6) AS tallied_at
FROM platestream.detections;

CREATE MATERIALIZED VIEW IF NOT EXISTS platestream.alert_hits_to_tallied TO platestream.tallied
DEFINER = platestream_definer SQL SECURITY DEFINER AS
SELECT 'alert_hits' AS source, hit_id AS id, captured_at, camera_id, toUInt64(0) AS readers,
    generateUUIDv4() AS nonce,
    substring(SHA256(concat(toString(nonce), toString(id), toString(toUnixTimestamp64Milli(captured_at)),
        camera_id, '|', plate, '|', state)), 1, 16) AS digest,
    now64(6) AS tallied_at
FROM platestream.alert_hits;

CREATE MATERIALIZED VIEW IF NOT EXISTS platestream.images_to_tallied TO platestream.tallied
DEFINER = platestream_definer SQL SECURITY DEFINER AS
SELECT concat('images/', kind) AS source, detection_id AS id, captured_at, camera_id, toUInt64(0) AS readers,
    generateUUIDv4() AS nonce,
    substring(SHA256(concat(toString(nonce), toString(id), toString(toUnixTimestamp64Milli(captured_at)),
        camera_id, '|', lower(hex(content_sha256)), '|')), 1, 16) AS digest,
    now64(6) AS tallied_at
FROM platestream.images;

-- Start of the period without permitted gaps, by the retention of the rules in force then and since.
CREATE OR REPLACE VIEW platestream.retained_since
DEFINER = platestream_definer SQL SECURITY DEFINER AS
SELECT max(if(following <= set_at, now64(6), following) - toIntervalSecond(retention_s)) AS since
FROM (
    SELECT set_at, retention_s,
        leadInFrame(set_at) OVER (ORDER BY set_at ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS following
    FROM platestream.gate_rules
);

-- The sealed count of each hour: by day of capture the number, cameras, first, last, and a hash. A condition on `day` is
-- applied before rows are read.
CREATE OR REPLACE VIEW platestream.tally_groups
DEFINER = platestream_definer SQL SECURITY DEFINER AS
-- `roundDown` of the negated times rounds up by binary search; `arrayFirst` over the hours of a month took 25 times as long.
SELECT
    fromUnixTimestamp64Micro(-roundDown(-toUnixTimestamp64Micro(tallied_at),
        arrayMap(one -> -toUnixTimestamp64Micro(one), {untils:Array(DateTime64(6, 'UTC'))})), 'UTC') AS until,
    source, toDate(captured_at, 'UTC') AS day,
    sumMap(map(toString(camera_id), toUInt64(1))) AS cameras,
    min(captured_at) AS first, max(captured_at) AS last,
    lower(hex(SHA256(arrayStringConcat(arraySort(groupArray(concat(toString(id), toString(nonce), digest))))))) AS sha256
FROM platestream.tallied
WHERE tallied_at > {since:DateTime64(6, 'UTC')} AND tallied_at <= {untils:Array(DateTime64(6, 'UTC'))}[-1]
GROUP BY until, source, day
ORDER BY until, source, day;

-- Frames that arrived in each sealed hour, by camera and epoch. The first row of a frame counts; another frame with the
-- same number is counted in `twice`. `gaps` are ranges between the hour's numbers that did not arrive in it.
CREATE OR REPLACE VIEW platestream.frame_groups
DEFINER = platestream_definer SQL SECURITY DEFINER AS
SELECT
    arrayFirst(one -> one >= counted_at, {untils:Array(DateTime64(6, 'UTC'))}) AS until,
    toString(camera_id) AS camera, toString(epoch) AS of_epoch,
    countIf(nth = 1) AS frames, minIf(number, nth = 1) AS first, maxIf(number, nth = 1) AS last,
    uniqExactIf((number, mark), nth > 1 AND mark != 0 AND first_mark != 0 AND mark != first_mark) AS twice,
    sumMapIf(map(toString(outcome), toUInt64(1)), nth = 1) AS outcomes,
    toString(argMinIf(lost, number, nth = 1)) AS lost_first, toString(argMaxIf(lost, number, nth = 1)) AS lost_last,
    uniqExactIf(device, device > 0) AS device_count, minIf(device, device > 0) AS device_first, max(device) AS device_last,
    arraySort(groupArrayIf(number, nth = 1 AND epoch != '')) AS numbers,
    arraySlice(arrayFilter(pair -> pair.2 >= pair.1,
        arrayMap((one, following) -> (one + 1, following - 1), arrayPopBack(numbers), arrayPopFront(numbers))), 1, 20) AS gaps
FROM (
    SELECT *, row_number() OVER in_order AS nth, first_value(mark) OVER in_order AS first_mark
    FROM platestream.frames_counted
    WHERE (camera_id, epoch, number) IN (
        SELECT camera_id, epoch, number FROM platestream.frames_counted
        WHERE counted_at > {since:DateTime64(6, 'UTC')} AND counted_at <= {untils:Array(DateTime64(6, 'UTC'))}[-1]
    )
    WINDOW in_order AS (PARTITION BY camera_id, epoch, number ORDER BY counted_at, mark, outcome)
)
WHERE counted_at > {since:DateTime64(6, 'UTC')} AND counted_at <= {untils:Array(DateTime64(6, 'UTC'))}[-1]
GROUP BY until, camera_id, epoch
ORDER BY until, camera, of_epoch;

-- Detections by hour of capture and camera, in the sealed hour in which each was written first. A detection has its id
-- from its camera and time, so earlier rows of an id are of the same time: other days are not read.
CREATE OR REPLACE VIEW platestream.pass_groups
DEFINER = platestream_definer SQL SECURITY DEFINER AS
WITH (
    SELECT (min(captured_at), max(captured_at)) FROM platestream.tallied WHERE source = 'detections'
        AND tallied_at > {since:DateTime64(6, 'UTC')} AND tallied_at <= {untils:Array(DateTime64(6, 'UTC'))}[-1]
) AS times
SELECT
    arrayFirst(one -> one >= at, {untils:Array(DateTime64(6, 'UTC'))}) AS until,
    toStartOfHour(captured) AS hour, toString(camera) AS camera_id, count() AS detections
FROM (
    SELECT id, min(tallied_at) AS at, argMin(captured_at, tallied_at) AS captured, argMin(camera_id, tallied_at) AS camera
    FROM platestream.tallied
    WHERE source = 'detections' AND captured_at >= times.1 AND captured_at <= times.2 AND id IN (
        SELECT id FROM platestream.tallied WHERE source = 'detections'
            AND tallied_at > {since:DateTime64(6, 'UTC')} AND tallied_at <= {untils:Array(DateTime64(6, 'UTC'))}[-1]
    )
    GROUP BY id
)
WHERE at > {since:DateTime64(6, 'UTC')} AND at <= {untils:Array(DateTime64(6, 'UTC'))}[-1]
GROUP BY until, hour, camera_id
ORDER BY until, hour, camera_id;

-- Comparison of the counts with the stored rows that are not due for deletion: for each day and camera the numbers of
-- rows that are missing, that differ, that were written again differently by the same models, or that were never
-- counted. It returns figures, so that nobody needs a plate. Of rows captured from `first` to `last`: it takes some 650
-- bytes of memory for each of them, so a month is compared by its days.
CREATE OR REPLACE VIEW platestream.completeness_of
DEFINER = platestream_definer SQL SECURITY DEFINER AS
WITH now_there AS (
    SELECT 'detections' AS source, detection_id AS id, captured_at, camera_id, ingested_at, cityHash64(models) AS readers, plate, state
    FROM platestream.detections FINAL WHERE least(captured_at, ingested_at) >= {since:DateTime64(6, 'UTC')}
      AND captured_at >= {first:DateTime64(3, 'UTC')} AND captured_at <= {last:DateTime64(3, 'UTC')}
    UNION ALL
    SELECT 'alert_hits', hit_id, captured_at, camera_id, ingested_at, toUInt64(0), plate, state
    FROM platestream.alert_hits FINAL WHERE least(captured_at, ingested_at) >= {since:DateTime64(6, 'UTC')}
      AND captured_at >= {first:DateTime64(3, 'UTC')} AND captured_at <= {last:DateTime64(3, 'UTC')}
    UNION ALL
    SELECT concat('images/', kind), detection_id, captured_at, camera_id, ingested_at, toUInt64(0),
        lower(hex(content_sha256)), ''
    FROM platestream.images FINAL WHERE least(captured_at, ingested_at) >= {since:DateTime64(6, 'UTC')}
      AND captured_at >= {first:DateTime64(3, 'UTC')} AND captured_at <= {last:DateTime64(3, 'UTC')}
)
SELECT source, day, camera_id, sum(missing) AS missing, sum(altered) AS altered, sum(rewritten) AS rewritten, sum(uncounted) AS uncounted
FROM (
    SELECT source, toDate(any(counted_at), 'UTC') AS day, any(counted_by) AS camera_id,
        toUInt64(NOT max(there)) AS missing,
        toUInt64(max(there) AND NOT argMax(same, tallied_at)) AS altered,
        toUInt64(argMax(same, tallied_at) AND max(there AND NOT same AND same_readers)) AS rewritten,
        toUInt64(0) AS uncounted
    FROM (
        SELECT counted.source AS source, counted.id AS id, counted.captured_at AS counted_at, counted.camera_id AS counted_by,
            counted.tallied_at AS tallied_at, present.source != '' AS there, present.readers = counted.readers AS same_readers,
            there AND counted.digest = substring(SHA256(concat(toString(counted.nonce), toString(present.id),
                toString(toUnixTimestamp64Milli(present.captured_at)), present.camera_id, '|', present.plate, '|', present.state)), 1, 16) AS same
        FROM (SELECT * FROM platestream.tallied WHERE least(captured_at, tallied_at) >= {since:DateTime64(6, 'UTC')}
            AND captured_at >= {first:DateTime64(3, 'UTC')} AND captured_at <= {last:DateTime64(3, 'UTC')}) AS counted
        LEFT JOIN now_there AS present ON counted.source = present.source AND counted.id = present.id
    )
    GROUP BY source, id
    UNION ALL
    SELECT source, toDate(captured_at, 'UTC') AS day, camera_id, toUInt64(0), toUInt64(0), toUInt64(0), toUInt64(1)
    FROM now_there WHERE (source, id) NOT IN (
        SELECT source, id FROM platestream.tallied WHERE captured_at >= {first:DateTime64(3, 'UTC')} AND captured_at <= {last:DateTime64(3, 'UTC')})
)
GROUP BY source, day, camera_id
HAVING missing + altered + rewritten + uncounted > 0
ORDER BY day, source, camera_id;

-- The same of all days at once, for older releases.
CREATE OR REPLACE VIEW platestream.completeness
DEFINER = platestream_definer SQL SECURITY DEFINER AS
SELECT * FROM platestream.completeness_of(
    since = {since:DateTime64(6, 'UTC')}, first = toDateTime64(0, 3, 'UTC'), last = toDateTime64('2299-12-31 23:59:59.999', 3, 'UTC'));

-- Sealed counts of a time, each with its seal, its salt (empty before it is published) and the inquiry of the job's act,
-- which names the person who started it.
CREATE OR REPLACE VIEW platestream.sealed_counts
DEFINER = platestream_definer SQL SECURITY DEFINER AS
SELECT *
FROM (
    SELECT * FROM platestream.inquiry_log
    WHERE kind = 'tally' AND outcome = 'allowed' AND automatic
        AND at > {since:DateTime64(6, 'UTC')} AND at <= {until:DateTime64(6, 'UTC')}
) AS log
INNER JOIN (
    SELECT number AS entry_number, at AS entry_at, who AS entry_who, record AS entry_record, previous AS entry_previous,
        hash AS entry_hash
    FROM platestream.ledger WHERE chain = 'retention' AND kind = 'tally'
) AS entries ON entry_hash = effect
INNER JOIN (
    SELECT seal, entry AS sealed_entry, any(salt) AS salt
    FROM platestream.inquiry_seals
    LEFT JOIN (SELECT seal AS salted, at AS salted_at, salt FROM platestream.inquiry_salts) AS salts ON salted = seal AND salted_at = at
    GROUP BY seal, entry
) AS seals ON sealed_entry = entry
ORDER BY seal;
