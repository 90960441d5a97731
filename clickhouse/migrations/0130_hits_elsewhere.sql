-- Hits of other agencies on entries of ours that they were offered (docs/partners.md).
ALTER TABLE platestream.alert_hits
    ADD COLUMN IF NOT EXISTS agency LowCardinality(String) COMMENT 'another agency, whose camera saw it; empty: this one';
