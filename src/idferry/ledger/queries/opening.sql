-- Opening: whose ledger this is.

-- name: insert_ledger
INSERT INTO ledger (one, tenant_id, project, made_at, key_check, planning_pass, people_made)
VALUES (1, ?, ?, ?, ?, 0, 0)

-- name: prove_writable
-- BEGIN IMMEDIATE alone succeeds on a read-only file: https://sqlite.org/lang_transaction.html
UPDATE ledger SET project = project

-- name: owner
SELECT tenant_id, project, key_check FROM ledger

-- name: count_tables
SELECT count(*) FROM sqlite_master
