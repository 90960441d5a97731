-- Tables that age do not expire rows by themselves: with the clock set ahead that would delete all of them, on no
-- act. The retention job deletes, after it has compared the clock. REMOVE fails where there is no TTL, so each table
-- is given one first, which is not applied.
ALTER TABLE platestream.detections
    MODIFY TTL toDateTime(least(captured_at, ingested_at)) + INTERVAL 30 DAY DELETE SETTINGS materialize_ttl_after_modify = 0;
ALTER TABLE platestream.detections REMOVE TTL;

ALTER TABLE platestream.images
    MODIFY TTL toDateTime(least(captured_at, ingested_at)) + INTERVAL 30 DAY DELETE SETTINGS materialize_ttl_after_modify = 0;
ALTER TABLE platestream.images REMOVE TTL;

ALTER TABLE platestream.alert_hits
    MODIFY TTL toDateTime(least(captured_at, ingested_at)) + INTERVAL 30 DAY DELETE SETTINGS materialize_ttl_after_modify = 0;
ALTER TABLE platestream.alert_hits REMOVE TTL;

ALTER TABLE platestream.dead_letters
    MODIFY TTL toDateTime(received_at) + INTERVAL 7 DAY DELETE SETTINGS materialize_ttl_after_modify = 0;
ALTER TABLE platestream.dead_letters REMOVE TTL;
