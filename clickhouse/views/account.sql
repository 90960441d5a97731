-- The account that asks, as every judgement sees it. Views that run as their definer read it here and nowhere else;
-- INVOKER, so that nothing comes between them and the caller. (`ledger` has a column of its own for it: a column
-- cannot read a view.)
CREATE OR REPLACE VIEW platestream.caller
SQL SECURITY INVOKER AS
SELECT authenticatedUser() AS account;
