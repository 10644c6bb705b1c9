-- The ledger of one tenant: what we intended and what we saw.
-- Passwords have no column. Times are ISO 8601 text in UTC. A value that is not there is NULL where an index looks
-- at it, else the empty text.

CREATE TABLE ledger (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    tenant_id TEXT NOT NULL,
    project TEXT NOT NULL,
    made_at TEXT NOT NULL,
    key_check BLOB NOT NULL,            -- says whether a .key file is this ledger's
    planning_pass INTEGER NOT NULL,     -- counts the passes over a source
    people_made INTEGER NOT NULL        -- the last person_id given away; none is ever given twice
);

CREATE TABLE person (
    person_id INTEGER PRIMARY KEY,
    state TEXT NOT NULL,
    code TEXT NOT NULL,
    reason TEXT NOT NULL,
    source TEXT NOT NULL,               -- source, key, repeat: the leading legacy user
    key TEXT NOT NULL,
    repeat INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,           -- of the record that was last decided about, and its digest
    record_digest BLOB NOT NULL,
    legacy_id TEXT UNIQUE,
    object_id TEXT,
    draft TEXT,                         -- JSON, see ledger/drafts.py
    display_name TEXT NOT NULL,         -- the readable names stand apart, so that encryption can replace them
    sign_in_name TEXT NOT NULL,
    cohort TEXT,
    run TEXT NOT NULL,                  -- which run last decided about the person, or dealt with the account
    created_by_run TEXT NOT NULL,
    created_at TEXT,
    written TEXT NOT NULL               -- JSON: name of a value we wrote -> its digest
);

CREATE INDEX person_by_state ON person (state, person_id);
CREATE INDEX person_by_run ON person (run, state, ordinal);
CREATE INDEX person_by_cohort ON person (cohort) WHERE cohort IS NOT NULL;

CREATE TABLE legacy_user (
    source TEXT NOT NULL,
    key TEXT NOT NULL,
    repeat INTEGER NOT NULL,            -- 0; for a key that came before in the same pass, the record's ordinal
    person_id INTEGER NOT NULL REFERENCES person,
    ordinal INTEGER NOT NULL,
    planning_pass INTEGER NOT NULL,
    PRIMARY KEY (source, key, repeat)
) WITHOUT ROWID;

CREATE TABLE sign_in_name (
    mark BLOB PRIMARY KEY,              -- HMAC-SHA-256 of `<kind>|<compared form>`
    kind TEXT NOT NULL CHECK (kind IN ('local', 'federated')),
    person_id INTEGER NOT NULL REFERENCES person
) WITHOUT ROWID;

CREATE INDEX sign_in_name_by_person ON sign_in_name (person_id);

CREATE TABLE look_alike_name (
    mark BLOB PRIMARY KEY REFERENCES sign_in_name ON DELETE CASCADE,  -- of a local sign-in name; 20 of each form
    form_mark BLOB NOT NULL             -- of its look-alike form, which differs from its compared form
) WITHOUT ROWID;

CREATE INDEX look_alike_name_by_form ON look_alike_name (form_mark);

CREATE TABLE run (
    run TEXT PRIMARY KEY,
    command TEXT NOT NULL,
    source TEXT NOT NULL,
    source_digest TEXT NOT NULL,
    cohort TEXT NOT NULL,
    started_at TEXT NOT NULL,
    ended_at TEXT
);

CREATE TABLE event (
    event_id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    run TEXT NOT NULL,
    person_id INTEGER NOT NULL REFERENCES person,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,                -- which the person came into with it; empty when it moved nobody
    code TEXT NOT NULL,
    reason TEXT NOT NULL
);

CREATE INDEX event_by_person ON event (person_id);

CREATE TRIGGER event_is_append_only BEFORE UPDATE ON event
BEGIN
    SELECT RAISE(ABORT, 'events are never changed');
END;

CREATE TABLE tombstone (
    legacy_id_mark BLOB PRIMARY KEY,    -- HMAC-SHA-256 of the legacyId of an erased person
    erased_at TEXT NOT NULL
) WITHOUT ROWID;
