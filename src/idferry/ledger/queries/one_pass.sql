-- One pass over one source that leaves nothing behind: which keys and names were met, and in which record first.

-- name: schema
CREATE TABLE met (
    text TEXT PRIMARY KEY,              -- what was met, behind letters that say as what
    key TEXT NOT NULL                   -- of the record that it was met in
) WITHOUT ROWID

-- name: forget_everything
DELETE FROM met

-- name: insert
INSERT INTO met (text, key) VALUES (?, ?)

-- name: key_of
SELECT key FROM met WHERE text = ?
