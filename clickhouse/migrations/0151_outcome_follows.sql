-- older releases: run
-- Were the default of 0150 ever gone, a refused attempt would be on record as the first outcome of all, *allowed*. What every
-- release has written keeps this.
ALTER TABLE platestream.inquiry_log ADD CONSTRAINT IF NOT EXISTS follows CHECK (outcome = 'refused') = (refusal != '');
