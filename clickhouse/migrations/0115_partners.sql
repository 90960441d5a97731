-- What another agency asked of us, by a signed request (docs/partners.md).
ALTER TABLE platestream.inquire
    ADD COLUMN IF NOT EXISTS partner    String DEFAULT '' COMMENT 'the agency whose signed request it is; accounts that speak for people only',
    ADD COLUMN IF NOT EXISTS trained_on String DEFAULT '' COMMENT 'partner: the day of training that this agency asserts, such as 2026-09-01';

ALTER TABLE platestream.inquiry_log
    ADD COLUMN IF NOT EXISTS partner    LowCardinality(String) COMMENT 'the agency whose signed request it was, or empty',
    ADD COLUMN IF NOT EXISTS trained_on String CODEC(ZSTD(3))  COMMENT 'partner: the day of training that it asserted';
