-- name: key_check
SELECT key_check, is_plain FROM hash_store WHERE id = 1

-- name: insert_store
INSERT INTO hash_store (id, key_check, is_plain) VALUES (1, ?, ?)

-- name: prove_writable
UPDATE hash_store SET is_plain = is_plain

-- name: put
INSERT INTO hash (person, sealed) VALUES (?, ?) ON CONFLICT (person) DO UPDATE SET sealed = excluded.sealed

-- name: one
SELECT sealed FROM hash WHERE person = ?

-- name: page
SELECT person, sealed FROM hash WHERE person > ? ORDER BY person LIMIT ?

-- name: delete
DELETE FROM hash WHERE person = ?

-- name: count
SELECT count(*) FROM hash

-- name: delete_all
DELETE FROM hash
