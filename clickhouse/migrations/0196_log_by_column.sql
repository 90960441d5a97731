-- The part of `other` that is never a plate. Roles that read the log in figures are granted this column; plates and
-- patterns are read through the view `logged`, by an act.
ALTER TABLE platestream.inquiry_log
    ADD COLUMN IF NOT EXISTS about String ALIAS if(kind = 'cotravel', '', other) COMMENT 'other, where it is no plate: an id, a file, a hash';
