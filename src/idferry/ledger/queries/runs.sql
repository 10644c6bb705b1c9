-- Runs, and the stories of people. `{where}` is filled from the conditions of entries.sql, never with a value.

-- name: open_run
SELECT run, command, source, source_digest, cohort, started_at, ended_at, place, superseded_by FROM run
WHERE command = ? AND source = ? AND source_digest = ? AND ended_at IS NULL
ORDER BY rowid DESC LIMIT 1

-- name: insert_run
INSERT OR IGNORE INTO run (run, command, source, source_digest, cohort, started_at, place)
VALUES (?, ?, ?, ?, ?, ?, ?)

-- name: close_run
UPDATE run SET ended_at = ? WHERE run = ?

-- name: open_runs_superseded
SELECT older.run FROM run AS older JOIN run AS newer USING (command, source)
WHERE newer.run = ? AND older.run <> newer.run AND older.ended_at IS NULL

-- name: supersede_run
UPDATE run SET ended_at = ?, superseded_by = ? WHERE run = ?

-- name: release_names_of_gone
DELETE FROM sign_in_name WHERE person_id IN (SELECT person_id FROM person WHERE run = ? AND state = 'planned')

-- name: leave_out_gone
UPDATE person SET state = 'left_out', code = ?, reason = ?, legacy_id = NULL, draft = NULL, run = ?
WHERE run = ? AND state = 'planned'

-- name: runs
SELECT run, command, source, source_digest, cohort, started_at, ended_at, place, superseded_by FROM run ORDER BY rowid DESC

-- name: settled_since
SELECT min(e.at), count(*) FROM event AS e JOIN person AS p ON p.person_id = e.person_id
WHERE e.at >= ? AND (e.kind IN ('created', 'adopted') OR e.state = 'failed') AND {where}
GROUP BY substr(e.at, 1, length('2026-03-01T12:00:00')) ORDER BY min(e.at)

-- name: events
SELECT at, run, kind, code, reason FROM event WHERE person_id = ? ORDER BY event_id
