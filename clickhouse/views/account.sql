-- The current account and its query, as every check sees them. Views that run as their definer read them only here;
-- INVOKER, so that nothing is between them and the caller. (`ledger` has its own column for the account, because a
-- column cannot read a view.) On a server it is the user that signed in. Behind the embedded engine's HTTP interface
-- every connection is the engine's `default`, and the account is in `log_comment`, which only that interface can set
-- (connectors/engine/runner.py).
CREATE OR REPLACE VIEW platestream.caller
SQL SECURITY INVOKER AS
WITH
    authenticatedUser() = 'default' AS embedded,
    JSONExtractString(getSetting('log_comment'), 'account') AS signed_in,
    JSONExtractString(getSetting('log_comment'), 'query_id') AS asked_as
SELECT
    if(embedded AND signed_in != '', signed_in, authenticatedUser()) AS account,
    if(embedded AND asked_as != '', asked_as, initialQueryID()) AS query_id;
