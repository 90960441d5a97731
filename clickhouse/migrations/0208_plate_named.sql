-- Whether an inquiry named a plate or a part of one. The yearly draw takes hits that were looked up by plate as searches;
-- the pattern itself stays unreadable for roles that read the log in figures.
ALTER TABLE platestream.inquiry_log
    ADD COLUMN IF NOT EXISTS plate_named Bool ALIAS match(pattern, '[0-9A-Za-z]') COMMENT 'a plate or a part of one was named';
