-- Acts that are confirmed by a second factor or by the clock (views/gate.sql).
CREATE TABLE IF NOT EXISTS platestream.inquire_confirm AS platestream.inquire ENGINE = Null;
