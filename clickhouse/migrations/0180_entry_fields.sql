-- The words that section H asks of an entry of the hot list, for the gate to judge; what it says of them is in `change`.
ALTER TABLE platestream.inquire
    ADD COLUMN IF NOT EXISTS fields Map(String, String) COMMENT 'of an entry of the hot list: reason, requested_by, contact, instructions';
