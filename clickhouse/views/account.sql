-- The account that asks, and its query, as every judgement sees them. Views that run as their definer read them here
-- and nowhere else; INVOKER, so that nothing comes between them and the caller. (`ledger` has a column of its own for
-- the account: a column cannot read a view.) On a server: the user that signed in. Behind the embedded engine's HTTP
-- interface every connection is the engine's `default`, and `log_comment`, which that interface alone can set, says who
-- it was (connectors/engine/runner.py).
CREATE OR REPLACE VIEW platestream.caller
SQL SECURITY INVOKER AS
WITH
    authenticatedUser() = 'default' AS embedded,
    JSONExtractString(getSetting('log_comment'), 'account') AS signed_in,
    JSONExtractString(getSetting('log_comment'), 'query_id') AS asked_as
SELECT
    if(embedded AND signed_in != '', signed_in, authenticatedUser()) AS account,
    if(embedded AND asked_as != '', asked_as, initialQueryID()) AS query_id;
