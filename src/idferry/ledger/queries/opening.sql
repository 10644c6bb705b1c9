-- Opening: whose ledger this is.

-- name: insert_ledger
INSERT INTO ledger (one, tenant_id, project, made_at, key_check, planning_pass, people_made)
VALUES (1, ?, ?, ?, ?, 0, 0)

-- name: owner
SELECT tenant_id, project, key_check FROM ledger

-- name: count_tables
SELECT count(*) FROM sqlite_master
