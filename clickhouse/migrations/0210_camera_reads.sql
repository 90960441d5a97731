-- older releases: run
-- Cameras that read by themselves: their read beside the reader's, and which of both matched.
ALTER TABLE platestream.detections ADD COLUMN IF NOT EXISTS opinion LowCardinality(String) DEFAULT '' COMMENT 'the camera''s read against the reader''s; empty: the camera sends no reads';
ALTER TABLE platestream.detections ADD COLUMN IF NOT EXISTS camera_plate String DEFAULT '' CODEC(ZSTD(1)) COMMENT 'as the camera read it, or empty';
ALTER TABLE platestream.detections ADD COLUMN IF NOT EXISTS camera_read String DEFAULT '' CODEC(ZSTD(1)) COMMENT 'the camera''s read as JSON, with its confidence, lane, boxes and time';
ALTER TABLE platestream.alert_hits ADD COLUMN IF NOT EXISTS opinion LowCardinality(String) DEFAULT '' COMMENT 'as in detections';
ALTER TABLE platestream.alert_hits ADD COLUMN IF NOT EXISTS camera_plate String DEFAULT '' CODEC(ZSTD(1)) COMMENT 'as in detections';
ALTER TABLE platestream.hit_facts ADD COLUMN IF NOT EXISTS opinion LowCardinality(String) DEFAULT '' COMMENT 'as in detections';
ALTER TABLE platestream.hit_facts ADD COLUMN IF NOT EXISTS alerted_by LowCardinality(String) DEFAULT '' COMMENT 'whose read matched: reader, camera or both; empty: the camera sends no reads';
