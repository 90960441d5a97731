-- Rows of `inquire` by the query that judges them (views/gate.sql). Columns of `inquire` are added to these, too.
CREATE TABLE IF NOT EXISTS platestream.inquire_all AS platestream.inquire ENGINE = Null;
CREATE TABLE IF NOT EXISTS platestream.inquire_plain AS platestream.inquire ENGINE = Null;
CREATE TABLE IF NOT EXISTS platestream.inquire_search AS platestream.inquire ENGINE = Null;
DROP VIEW IF EXISTS platestream.inquire_to_log;
