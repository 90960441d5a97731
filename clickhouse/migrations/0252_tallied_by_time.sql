-- older releases: run
-- An hour is sealed by what was counted in it. Without an index all counts of the retention period are read each hour.
ALTER TABLE platestream.tallied ADD INDEX IF NOT EXISTS by_time tallied_at TYPE minmax GRANULARITY 1;
