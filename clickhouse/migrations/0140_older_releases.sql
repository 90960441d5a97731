-- older releases: run
-- Which of the migrations that a release does not know it may run on (docs/deploy.md, Upgrade, and back).
ALTER TABLE platestream.schema_migrations ADD COLUMN IF NOT EXISTS
    older UInt8 DEFAULT 0 COMMENT '1: releases that do not have this migration run on its tables, too';
