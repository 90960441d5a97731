-- The rules in force, for everybody who acts: the gate judges by the columns, everything else goes by `rules`.
CREATE OR REPLACE VIEW platestream.rules_in_force
DEFINER = platestream_definer SQL SECURITY DEFINER AS
SELECT
    set_at, case_number, reason_letters, boilerplate, prohibited, purposes, training_days, mou_required,
    always_registry, profile, retention_s, out_of_state, own_state, declaration, case_required, violation_for,
    violations, declaration_days, declaration_texts, declaration_outside, vehicles_officer, vehicles_analyst,
    vehicles_supervisor, vehicles_agency, rules
FROM platestream.gate_rules
ORDER BY set_at DESC
LIMIT 1;
