-- Several legacy users of one person, as merging makes them: in which order they are asked, and by which names.

ALTER TABLE legacy_user ADD COLUMN rank INTEGER NOT NULL DEFAULT 0;         -- 0 leads; those of merged people 1, 2, ...
ALTER TABLE legacy_user ADD COLUMN sign_in_names TEXT NOT NULL DEFAULT '';  -- JSON list of its own; empty: the account's

CREATE INDEX legacy_user_further ON legacy_user (person_id) WHERE rank > 0;
