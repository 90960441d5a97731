-- As views/account.sql says it: a column cannot read a view.
ALTER TABLE platestream.ledger
    MODIFY COLUMN account LowCardinality(String)
    MATERIALIZED if(authenticatedUser() = 'default' AND JSONExtractString(getSetting('log_comment'), 'account') != '',
        JSONExtractString(getSetting('log_comment'), 'account'), authenticatedUser())
    COMMENT 'the account that wrote it';
