-- Looks at alert hits have a query of their own (views/gate.sql): an officer's page makes one with each change.
CREATE TABLE IF NOT EXISTS platestream.inquire_hits AS platestream.inquire ENGINE = Null;
