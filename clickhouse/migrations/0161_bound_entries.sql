-- Entries of the ledger, and the documents that they name, are written through these tables alone: with the id of
-- the act that allowed them (views/ledger.sql). From here on an entry counts by the `effect` of its act; entries of
-- before this migration were named in `other`.
CREATE TABLE IF NOT EXISTS platestream.ledger_append
(
    act   UUID                                                 COMMENT 'the inquiry_id of the act that allowed it',
    entry String                                               COMMENT 'the entry as JSON (schemas/ledger.py): its hash is over these bytes'
)
ENGINE = Null
COMMENT 'Where the next entry of a chain is written, by an act that names its hash';

CREATE TABLE IF NOT EXISTS platestream.document_append
(
    act     UUID                                               COMMENT 'the inquiry_id of the act whose entry names the document',
    name    String,
    content String
)
ENGINE = Null
COMMENT 'Where documents are stored, by the act whose entry of the ledger has their hash';
