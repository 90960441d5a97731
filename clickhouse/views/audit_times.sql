-- Times at which audits were filed and reports published, as the database stamped them, and the first times of the
-- log and of each profile. It contains times and hashes only, for the check of deadlines.
CREATE OR REPLACE VIEW platestream.audit_times
DEFINER = platestream_definer SQL SECURITY DEFINER AS
SELECT 'done' AS what, other AS name, min(at) AS at
FROM platestream.inquiry_log
WHERE outcome = 'allowed' AND kind IN ('audit_memo', 'audit_publish') AND match(other, '^[0-9a-f]{64}$')
GROUP BY other
UNION ALL
SELECT 'first' AS what, '' AS name, min(log.at) AS at FROM platestream.inquiry_log AS log HAVING count() > 0
UNION ALL
SELECT 'ruled' AS what, profile AS name, min(set_at) AS at FROM platestream.gate_rules GROUP BY profile;
