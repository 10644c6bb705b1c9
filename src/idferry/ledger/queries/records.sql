-- What the ledger knows about the records of one source, to compare it with another version of that source.

-- name: open_runs
SELECT run, command, source, source_digest, cohort, started_at, ended_at, place, superseded_by FROM run
WHERE command = ? AND source = ? AND ended_at IS NULL
ORDER BY rowid DESC

-- name: known_records
SELECT p.person_id, u.key, p.state, p.record_digest, p.run, p.cohort
FROM legacy_user AS u
JOIN person AS p USING (person_id)
WHERE u.source = ? AND u.key IN ({places}) AND u.repeat = 0

-- name: records_of_run
SELECT person_id, key, state, record_digest, run, cohort FROM person NOT INDEXED
WHERE person_id > ? AND run = ? AND source = ? AND repeat = 0
ORDER BY person_id LIMIT ?
