-- name: schema
CREATE TABLE account (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    body TEXT NOT NULL,          -- the account as Graph names it, JSON, without the password
    password BLOB,               -- salt and digest
    deleted_s REAL               -- NULL: live; else the moment it went to the recycle bin
);
CREATE INDEX account_deleted ON account (deleted_s) WHERE deleted_s IS NOT NULL;
CREATE TABLE lookup (            -- every value that must be unique or is answered by index
    attribute INTEGER NOT NULL,  -- see lookup.py
    value TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (attribute, value, seq)
) WITHOUT ROWID;
CREATE TABLE older (             -- what a lagging replica still shows
    version INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL,
    body TEXT,                   -- NULL: the account does not exist there yet
    password BLOB,
    get_until REAL NOT NULL,
    filter_until REAL NOT NULL,
    sign_in_until REAL NOT NULL
);
CREATE INDEX older_seq ON older (seq, version);

-- name: insert
INSERT INTO account (id, body, password) VALUES (?, ?, ?);

-- name: update
UPDATE account SET body = ?, password = ?, deleted_s = ? WHERE seq = ?;

-- name: delete
DELETE FROM account WHERE seq = ?;

-- name: by_id
SELECT seq, id, body, password, deleted_s FROM account WHERE id = ?;

-- name: by_seq
SELECT seq, id, body, password, deleted_s FROM account WHERE seq = ?;

-- name: page_live
SELECT seq, id, body, password, deleted_s FROM account
WHERE seq > ? AND deleted_s IS NULL ORDER BY seq LIMIT ?;

-- name: page_lagging
SELECT seq, id, body, password, deleted_s FROM account
WHERE seq > ? AND (deleted_s IS NULL OR seq IN (SELECT seq FROM older)) ORDER BY seq LIMIT ?;

-- name: page_deleted
SELECT seq, id, body, password, deleted_s FROM account
WHERE seq > ? AND deleted_s IS NOT NULL ORDER BY seq LIMIT ?;

-- name: page_by_name
SELECT value, seq FROM lookup
WHERE attribute = ? AND (value, seq) > (?, ?) ORDER BY value, seq LIMIT ?;

-- name: deleted_before
SELECT seq, id, body, password, deleted_s FROM account WHERE deleted_s IS NOT NULL AND deleted_s < ?;

-- name: lookup_insert
INSERT OR IGNORE INTO lookup (attribute, value, seq) VALUES (?, ?, ?);

-- name: lookup_delete
DELETE FROM lookup WHERE attribute = ? AND value = ? AND seq = ?;

-- name: lookup_exact
SELECT seq FROM lookup WHERE attribute = ? AND value = ?;

-- name: lookup_any
WITH wanted (attribute, value) AS (VALUES {rows})
SELECT 1 FROM wanted CROSS JOIN lookup USING (attribute, value) LIMIT 1;

-- name: lookup_range
SELECT seq FROM lookup WHERE attribute = ? AND value >= ? AND value < ?;

-- name: lookup_drop_attribute
DELETE FROM lookup WHERE attribute = ?;

-- name: drop_attribute
UPDATE account SET body = json_remove(body, ?) WHERE json_type(body, ?) IS NOT NULL;

-- name: older_insert
INSERT INTO older (seq, body, password, get_until, filter_until, sign_in_until) VALUES (?, ?, ?, ?, ?, ?);

-- name: older_first_get
SELECT body, password FROM older WHERE seq = ? AND get_until > ? ORDER BY version LIMIT 1;

-- name: older_first_filter
SELECT body, password FROM older WHERE seq = ? AND filter_until > ? ORDER BY version LIMIT 1;

-- name: older_first_sign_in
SELECT body, password FROM older WHERE seq = ? AND sign_in_until > ? ORDER BY version LIMIT 1;

-- name: older_present
SELECT DISTINCT seq FROM older
WHERE body IS NOT NULL AND (get_until > :now OR filter_until > :now OR sign_in_until > :now);

-- name: older_prune
DELETE FROM older WHERE get_until <= :now AND filter_until <= :now AND sign_in_until <= :now;

-- name: older_any
SELECT EXISTS (SELECT 1 FROM older);

-- name: older_forget
DELETE FROM older WHERE seq = ?;

-- name: clear
DELETE FROM account;
DELETE FROM lookup;
DELETE FROM older;
