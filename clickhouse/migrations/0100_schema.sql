-- The database, and what has been applied to it.
CREATE DATABASE IF NOT EXISTS platestream;

CREATE TABLE IF NOT EXISTS platestream.schema_migrations
(
    version    UInt32                 COMMENT 'number that the file name starts with',
    name       String                 COMMENT 'file name without number and ending',
    sha256     String                 COMMENT 'of the file as it was applied, 64 hex digits',
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = MergeTree
ORDER BY version
COMMENT 'Migrations in force; a file that was applied must never change';

CREATE TABLE IF NOT EXISTS platestream.schema_views
(
    name       String                 COMMENT 'file name without its ending',
    sha256     String                 COMMENT 'of the file as it was applied, 64 hex digits',
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(applied_at)
ORDER BY name
COMMENT 'Files of views in force; a file whose text changed is applied again';
