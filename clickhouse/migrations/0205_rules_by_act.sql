-- older releases: run
-- Rules are put in force through this table alone: with the id of the act that names their hash (views/rules.sql).
CREATE TABLE IF NOT EXISTS platestream.rules_append
(
    act   UUID                                                 COMMENT 'the inquiry_id of the act that allowed it',
    rules String                                               COMMENT 'all rules as canonical JSON (schemas/gate_rules.py): its hash is over these bytes'
)
ENGINE = Null
COMMENT 'Where rules are put in force, by an act that names their hash';
