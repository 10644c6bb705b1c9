-- One pass over one source that leaves nothing behind: which keys and names were met, and in which record first.

-- name: schema
CREATE TABLE met (
    text TEXT PRIMARY KEY               -- what was met, a NUL, the key of the record: one column costs a third less
) WITHOUT ROWID

-- name: forget_everything
DELETE FROM met

-- name: insert
INSERT INTO met (text) VALUES (?)

-- name: between
SELECT text FROM met WHERE text >= ? AND text < ?
