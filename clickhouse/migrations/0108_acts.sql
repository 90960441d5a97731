-- What the door puts on record of an act besides who, when and why.
ALTER TABLE platestream.inquire
    ADD COLUMN IF NOT EXISTS automatic  Bool DEFAULT 0    COMMENT 'the machine acts by itself; accounts of the machine only',
    ADD COLUMN IF NOT EXISTS set_off_by String DEFAULT '' COMMENT 'automatic: the person whose act set it off, or empty',
    ADD COLUMN IF NOT EXISTS change     String DEFAULT '' COMMENT 'what an act changes, before and after; no plate',
    ADD COLUMN IF NOT EXISTS refuse     String DEFAULT '' COMMENT 'the rule by which whoever asks refuses the act; it is on record as refused';

ALTER TABLE platestream.inquiry_log
    ADD COLUMN IF NOT EXISTS automatic  Bool COMMENT 'the machine by itself; no inquiry of an employee',
    ADD COLUMN IF NOT EXISTS set_off_by LowCardinality(String) COMMENT 'automatic: the person whose act set it off, or empty',
    ADD COLUMN IF NOT EXISTS change     String CODEC(ZSTD(3)) COMMENT 'what an act changed, before and after; no plate';
