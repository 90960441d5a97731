-- Since this migration the gate refuses acts without the second factor (clickhouse/views/gate_factor.part), which
-- `policy check` compares (platestream/policy/checks/confirmed.py).
ALTER TABLE platestream.inquiry_log COMMENT COLUMN factor_given 'the console was given a second factor; the gate asks for it';
