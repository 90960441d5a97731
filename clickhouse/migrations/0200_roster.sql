-- Rosters of duty times and training material are records of the registry, which a release before this one refuses. From when
-- this is applied, check `taken` asks of searches with a case number for evidence, or for the reason that there is none.
ALTER TABLE platestream.registry
    COMMENT COLUMN IF EXISTS kind 'agency, user, camera, roster, material and so on';
