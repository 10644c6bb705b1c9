-- Runs, and the stories of people. `{where}` is filled from the conditions of entries.sql, never with a value.

-- name: open_run
SELECT run, command, source, source_digest, cohort, started_at, ended_at FROM run
WHERE command = ? AND source = ? AND source_digest = ? AND ended_at IS NULL
ORDER BY rowid DESC LIMIT 1

-- name: insert_run
INSERT OR IGNORE INTO run (run, command, source, source_digest, cohort, started_at) VALUES (?, ?, ?, ?, ?, ?)

-- name: close_run
UPDATE run SET ended_at = ? WHERE run = ?

-- name: runs
SELECT run, command, source, source_digest, cohort, started_at, ended_at FROM run ORDER BY rowid DESC

-- name: settled_since
SELECT count(*) FROM event AS e JOIN person AS p ON p.person_id = e.person_id
WHERE e.at >= ? AND (e.kind IN ('created', 'adopted') OR e.state = 'failed') AND {where}

-- name: events
SELECT at, run, kind, code, reason FROM event WHERE person_id = ? ORDER BY event_id
