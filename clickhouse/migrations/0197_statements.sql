-- The built-in engine's log of what its clients ran (connectors/engine/statement_log.py): no text, which may hold plates.
-- A ClickHouse server has system.query_log instead, and leaves this table empty.
CREATE TABLE IF NOT EXISTS platestream.statements
(
    number    UInt64                                           COMMENT 'counts from 1 without a gap',
    at        DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1))    COMMENT 'when it ended; of state started, when it began',
    account   LowCardinality(String),
    roles     Array(LowCardinality(String))                    COMMENT 'with which it ran',
    query_id  String CODEC(ZSTD(1)),
    statement LowCardinality(String)                           COMMENT 'SELECT, INSERT, ALTER DELETE, DROP, ...',
    tables    Array(LowCardinality(String))                    COMMENT 'tables and views of the database that it names',
    inquiries Array(UUID)                                      COMMENT 'ids by which it opened views',
    state     LowCardinality(String)                           COMMENT 'started (written before it ran), done or failed',
    code      Int32                                            COMMENT 'error of the engine, or 0',
    read_rows UInt64
)
ENGINE = MergeTree
ORDER BY number
TTL toDateTime(at) + INTERVAL 7 YEAR DELETE
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1
COMMENT 'Statements of clients of the built-in engine; their digests are in the inquiry log';
