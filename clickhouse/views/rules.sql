-- The rules in force, for everybody who acts: the gate uses the columns, everything else uses `rules`.
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

-- The only way to change the rules: one allowed act `rules` of this account, of the last 10 minutes and after the
-- newest change, whose `effect` is the hash of the text. The columns for the gate are taken from that text.
CREATE MATERIALIZED VIEW IF NOT EXISTS platestream.append_to_rules TO platestream.gate_rules
DEFINER = platestream_definer SQL SECURITY DEFINER AS
WITH
    (SELECT account FROM platestream.caller) AS caller,
    (SELECT (count(), any(act), any(rules)) FROM platestream.rules_append) AS given,
    (
        SELECT (count(), any(outcome), any(account), any(kind), any(effect), any(who), any(at))
        FROM platestream.inquiry_log WHERE inquiry_id = given.2 AND at > now64(6) - INTERVAL 10 MINUTE
    ) AS allowed,
    (
        SELECT throwIf(
            ifNull(given.1 != 1 OR allowed.1 != 1 OR allowed.2 != 'allowed' OR allowed.3 != caller OR allowed.4 != 'rules'
                OR allowed.5 != lower(hex(SHA256(given.3))) OR allowed.7 <= (SELECT max(set_at) FROM platestream.gate_rules), 1),
            'Refused: no allowed act of yours with this id in the last 10 minutes names these rules, or others were set since')
    ) AS refused,
    JSONExtract(assumeNotNull(given.3), 'columns', 'Tuple(case_number String, reason_letters UInt16, boilerplate Array(String),
        prohibited Array(String), purposes Array(String), training_days UInt16, mou_required Bool, always_registry Bool,
        profile String, retention_s UInt32, out_of_state Bool, own_state String, declaration Bool, case_required Bool,
        violation_for Array(String), violations Array(String), declaration_days UInt16, declaration_texts Array(String),
        declaration_outside Bool, vehicles_officer UInt32, vehicles_analyst UInt32, vehicles_supervisor UInt32,
        vehicles_agency UInt32)') AS columns
SELECT
    now64(6) AS set_at,
    assumeNotNull(allowed.6) AS set_by,
    columns.case_number AS case_number, columns.reason_letters AS reason_letters, columns.boilerplate AS boilerplate,
    columns.prohibited AS prohibited, columns.purposes AS purposes, columns.training_days AS training_days,
    columns.mou_required AS mou_required, columns.always_registry AS always_registry, columns.profile AS profile,
    columns.retention_s AS retention_s, columns.out_of_state AS out_of_state, columns.own_state AS own_state,
    columns.declaration AS declaration, columns.case_required AS case_required, columns.violation_for AS violation_for,
    columns.violations AS violations, columns.declaration_days AS declaration_days,
    columns.declaration_texts AS declaration_texts, columns.declaration_outside AS declaration_outside,
    columns.vehicles_officer AS vehicles_officer, columns.vehicles_analyst AS vehicles_analyst,
    columns.vehicles_supervisor AS vehicles_supervisor, columns.vehicles_agency AS vehicles_agency,
    rules
FROM platestream.rules_append
WHERE refused = 0 AND rules = assumeNotNull(given.3);
