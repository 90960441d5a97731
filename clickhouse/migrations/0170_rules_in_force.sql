-- older releases: run
-- The whole profile in force, so that no file and no setting decides what a rule is.
ALTER TABLE platestream.gate_rules ADD COLUMN IF NOT EXISTS rules String DEFAULT '' COMMENT 'all rules as canonical JSON; its SHA-256 is the effect of the act';

ALTER TABLE platestream.gate_rules ADD COLUMN IF NOT EXISTS adopted_at DateTime('UTC') DEFAULT 0 COMMENT 'when platestream migrate completed a row of a release before; 1970: never';
