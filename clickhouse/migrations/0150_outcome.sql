-- older releases: run
-- Where the gate gives the refusal only, the outcome follows from it. In the gate's own query the whole judgement would
-- stand twice, and each look would cost the engine a third more.
ALTER TABLE platestream.inquiry_log MODIFY COLUMN outcome DEFAULT if(refusal = '', 'allowed', 'refused');
