-- older releases: run
-- A hit shows how the read's vehicle looks, beside the listed one.
ALTER TABLE platestream.alert_hits ADD COLUMN IF NOT EXISTS read_vehicle Map(LowCardinality(String), String) DEFAULT map() CODEC(ZSTD(1)) COMMENT 'the vehicle of the read: make, model, colour, body and other features of detections';
