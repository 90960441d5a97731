-- older releases: run
-- A change of the registry counts at the moment of its act: whoever did the act writes the record here, and
-- views/registry.sql puts it into `registry` if that act is theirs and names the record's SHA-256.
CREATE TABLE IF NOT EXISTS platestream.registry_change
(
    inquiry_id UUID   COMMENT 'the allowed act, of the last 10 minutes, that holds the SHA-256 of the record',
    record     String COMMENT 'as it crosses the topic, JSON'
)
ENGINE = Null
COMMENT 'A record of the registry, by its act';

-- What the audit flow follows of the topic. People, agencies and shifts come by their acts only.
CREATE TABLE IF NOT EXISTS platestream.registry_followed AS platestream.registry
ENGINE = Null
COMMENT 'Records of the registry as their topic has them';
