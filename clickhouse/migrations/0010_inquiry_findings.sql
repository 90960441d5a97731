-- What the audit flow found in inquiries. Holds who and when, never what was searched.
CREATE TABLE IF NOT EXISTS platestream.inquiry_findings
(
    finding_id UUID CODEC(NONE)                                COMMENT 'uuid5 of inquiry and rule',
    inquiry_id UUID CODEC(NONE),
    at         DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1))   COMMENT 'of the inquiry',
    who        LowCardinality(String),
    agency     LowCardinality(String),
    kind       LowCardinality(String)                          COMMENT 'of the inquiry',
    rule       LowCardinality(String)                          COMMENT 'a code from a bounded set (operators/inquiry_checks)',
    grade      LowCardinality(String)                          COMMENT 'breach, unusual or note',
    detail     String CODEC(ZSTD(3)),
    found_at   DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(found_at)
PARTITION BY toYear(at)
ORDER BY (at, finding_id)
TTL toDateTime(at) + INTERVAL 7 YEAR DELETE
SETTINGS non_replicated_deduplication_window = 1000,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1
COMMENT 'Findings of the checks on every inquiry; auditors read them';
