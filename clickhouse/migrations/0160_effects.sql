-- The record that an act wrote, by its SHA-256, so that what is stored and what was allowed can be compared.
ALTER TABLE platestream.inquire
    ADD COLUMN IF NOT EXISTS effect String DEFAULT '' COMMENT 'SHA-256 of the record that the act writes, 64 hex digits';

ALTER TABLE platestream.inquiry_log
    ADD COLUMN IF NOT EXISTS effect String CODEC(NONE) COMMENT 'SHA-256 of the record that the act wrote, 64 hex digits, or empty';
