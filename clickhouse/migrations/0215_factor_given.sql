-- Whether the console was given a second factor, at a sign-in or for an act. Since this migration it logs the latter, too,
-- so that `policy check` finds acts without one (platestream/policy/checks/confirmed.py).
ALTER TABLE platestream.inquiry_log
    ADD COLUMN IF NOT EXISTS factor_given Bool ALIAS kind = 'account_sign_in' AND automatic AND outcome = 'allowed'
        AND JSONExtractString(change, 'kind') IN ('signed_in', 'confirmed')
        AND (JSONExtractString(change, 'factor') != '' OR JSONExtractString(change, 'way') = 'passkey')
        COMMENT 'the console was given a second factor';
