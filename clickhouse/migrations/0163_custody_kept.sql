-- Evidence is held for ten years and longer, and its custody is what says until when: it has no end of its own.
ALTER TABLE platestream.ledger
    MODIFY TTL toDateTime(at) + INTERVAL 7 YEAR DELETE WHERE chain != 'evidence';
