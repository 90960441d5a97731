-- Acts and their requirements, as `schemas/acts.py` has them.
CREATE OR REPLACE VIEW platestream.acts
DEFINER = platestream_definer SQL SECURITY DEFINER AS
SELECT
    one.1 AS kind,
    JSONExtract(one.2, 'Tuple(roles Array(String), partners UInt8, documented String, browses UInt8, automatic UInt8,
        shows_data UInt8, has_effect UInt8, on_shift UInt8, entry String)') AS act,
    act.1 AS roles, act.2 AS partners, act.3 AS documented, act.4 AS browses, act.5 AS automatic, act.6 AS shows_data,
    act.7 AS has_effect, act.8 AS on_shift, act.9 AS entry
FROM (SELECT arrayJoin(JSONExtractKeysAndValuesRaw({{acts}})) AS one);
