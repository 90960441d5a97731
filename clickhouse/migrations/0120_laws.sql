-- What the laws of other states ask of a look and of other agencies.
ALTER TABLE platestream.gate_rules
    ADD COLUMN IF NOT EXISTS case_required       Bool DEFAULT 0            COMMENT 'yes: every search has a case number',
    ADD COLUMN IF NOT EXISTS violation_for       Array(String) DEFAULT []  COMMENT 'purposes that name the violation',
    ADD COLUMN IF NOT EXISTS violations          Array(String) DEFAULT []  COMMENT 'the violations there are; empty: any text',
    ADD COLUMN IF NOT EXISTS declaration_days    UInt16 DEFAULT 0          COMMENT 'how long a declaration holds; 0: for good',
    ADD COLUMN IF NOT EXISTS declaration_texts   Array(String) DEFAULT []  COMMENT 'SHA-256 of the texts that count; empty: any',
    ADD COLUMN IF NOT EXISTS declaration_outside Bool DEFAULT 0            COMMENT 'yes: only agencies of another state declare';

ALTER TABLE platestream.inquire
    ADD COLUMN IF NOT EXISTS violation String DEFAULT '' COMMENT 'the violation that is investigated, where the purpose asks for it';

ALTER TABLE platestream.inquiry_log
    ADD COLUMN IF NOT EXISTS violation   String CODEC(ZSTD(3)) COMMENT 'the violation that is investigated',
    ADD COLUMN IF NOT EXISTS declaration String CODEC(ZSTD(3)) COMMENT 'another agency''s declaration that counted: text (SHA-256), by whom and when';

ALTER TABLE platestream.hit_actions
    ADD COLUMN IF NOT EXISTS stopped Bool COMMENT 'action_taken: it was a stop of the vehicle';
