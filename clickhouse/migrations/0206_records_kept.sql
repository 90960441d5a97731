-- Records do not expire by themselves either: with a clock that is years ahead the engine would delete the inquiry log,
-- the ledger and the audit's documents, on no act. No account but the owner's deletes them.
ALTER TABLE platestream.hit_actions
    MODIFY TTL toDateTime(at) + INTERVAL 7 YEAR DELETE SETTINGS materialize_ttl_after_modify = 0;
ALTER TABLE platestream.hit_actions REMOVE TTL;

ALTER TABLE platestream.deliveries
    MODIFY TTL toDateTime(least(captured_at, ingested_at)) + INTERVAL 7 YEAR DELETE SETTINGS materialize_ttl_after_modify = 0;
ALTER TABLE platestream.deliveries REMOVE TTL;

ALTER TABLE platestream.hit_facts
    MODIFY TTL toDateTime(least(captured_at, ingested_at)) + INTERVAL 7 YEAR DELETE SETTINGS materialize_ttl_after_modify = 0;
ALTER TABLE platestream.hit_facts REMOVE TTL;

ALTER TABLE platestream.deployment_findings
    MODIFY TTL day + INTERVAL 7 YEAR DELETE SETTINGS materialize_ttl_after_modify = 0;
ALTER TABLE platestream.deployment_findings REMOVE TTL;

ALTER TABLE platestream.inquiry_log
    MODIFY TTL toDateTime(at) + INTERVAL 7 YEAR DELETE SETTINGS materialize_ttl_after_modify = 0;
ALTER TABLE platestream.inquiry_log REMOVE TTL;

ALTER TABLE platestream.inquiry_seals
    MODIFY TTL toDateTime(at) + INTERVAL 7 YEAR DELETE SETTINGS materialize_ttl_after_modify = 0;
ALTER TABLE platestream.inquiry_seals REMOVE TTL;

ALTER TABLE platestream.inquiry_salts
    MODIFY TTL toDateTime(at) + INTERVAL 7 YEAR DELETE SETTINGS materialize_ttl_after_modify = 0;
ALTER TABLE platestream.inquiry_salts REMOVE TTL;

ALTER TABLE platestream.inquiry_findings
    MODIFY TTL toDateTime(at) + INTERVAL 7 YEAR DELETE SETTINGS materialize_ttl_after_modify = 0;
ALTER TABLE platestream.inquiry_findings REMOVE TTL;

ALTER TABLE platestream.inquiry_shown
    MODIFY TTL toDateTime(at) + INTERVAL 7 YEAR DELETE SETTINGS materialize_ttl_after_modify = 0;
ALTER TABLE platestream.inquiry_shown REMOVE TTL;

ALTER TABLE platestream.ledger
    MODIFY TTL toDateTime(at) + INTERVAL 7 YEAR DELETE SETTINGS materialize_ttl_after_modify = 0;
ALTER TABLE platestream.ledger REMOVE TTL;

ALTER TABLE platestream.utilization
    MODIFY TTL day + INTERVAL 7 YEAR DELETE SETTINGS materialize_ttl_after_modify = 0;
ALTER TABLE platestream.utilization REMOVE TTL;

ALTER TABLE platestream.documents
    MODIFY TTL toDateTime(stored_at) + INTERVAL 7 YEAR DELETE SETTINGS materialize_ttl_after_modify = 0;
ALTER TABLE platestream.documents REMOVE TTL;

ALTER TABLE platestream.statements
    MODIFY TTL toDateTime(at) + INTERVAL 7 YEAR DELETE SETTINGS materialize_ttl_after_modify = 0;
ALTER TABLE platestream.statements REMOVE TTL;
