-- Planning: people decided about, the records that led to them, and who owns which sign-in name.
-- A released sign-in name takes its row in look_alike_name with it.

-- name: next_pass
UPDATE ledger SET planning_pass = planning_pass + 1

-- name: counters
SELECT planning_pass, people_made, EXISTS (SELECT 1 FROM look_alike_name) FROM ledger

-- name: record_people_made
UPDATE ledger SET people_made = ?

-- name: people_of_records
SELECT p.person_id, p.state, p.code, p.source, p.key, p.repeat, u.planning_pass
FROM legacy_user AS u
JOIN person AS p USING (person_id)
WHERE u.source = ? AND u.key IN ({places}) AND u.repeat = 0

-- name: person_of_record
SELECT p.person_id, p.state, p.code, p.source, p.key, p.repeat, u.planning_pass
FROM legacy_user AS u
JOIN person AS p USING (person_id)
WHERE u.source = ? AND u.key = ? AND u.repeat = ?

-- name: owners_of_marks
SELECT s.mark, p.person_id, p.state, p.code, p.source, p.key, p.repeat, u.planning_pass
FROM sign_in_name AS s
JOIN person AS p USING (person_id)
JOIN legacy_user AS u ON (u.source, u.key, u.repeat) = (p.source, p.key, p.repeat)
WHERE s.mark IN ({places})

-- name: owners_of_forms
SELECT l.form_mark, s.mark, p.person_id, p.state, p.code, p.source, p.key, p.repeat, u.planning_pass
FROM look_alike_name AS l
JOIN sign_in_name AS s USING (mark)
JOIN person AS p USING (person_id)
JOIN legacy_user AS u ON (u.source, u.key, u.repeat) = (p.source, p.key, p.repeat)
WHERE l.form_mark IN ({places})

-- name: marks_of_person
SELECT mark FROM sign_in_name WHERE person_id = ?

-- name: insert_person
INSERT INTO person (
    state, code, reason, ordinal, record_digest, legacy_id, draft, display_name, sign_in_name, cohort, run,
    person_id, source, key, repeat, created_by_run, written
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', '')

-- name: decide_again
-- What is known about an account that was removed stays: it may lie in the recycle bin and hold the sign-in name.
UPDATE person SET
    state = ?, code = ?, reason = ?, ordinal = ?, record_digest = ?, legacy_id = ?, draft = ?, display_name = ?,
    sign_in_name = ?, cohort = coalesce(?, cohort), run = ?
WHERE person_id = ?

-- name: push_out
UPDATE person SET
    state = 'left_out', code = ?, reason = ?, legacy_id = NULL, draft = NULL, run = ?
WHERE person_id = ?

-- name: insert_legacy_user
INSERT INTO legacy_user (ordinal, planning_pass, source, key, repeat, person_id) VALUES (?, ?, ?, ?, ?, ?)

-- name: read_legacy_user_again
UPDATE legacy_user SET ordinal = ?, planning_pass = ? WHERE source = ? AND key = ? AND repeat = ?

-- name: release_mark
DELETE FROM sign_in_name WHERE mark = ?

-- name: claim_mark
INSERT INTO sign_in_name (mark, kind, person_id) VALUES (?, ?, ?)

-- name: forget_form
DELETE FROM look_alike_name WHERE mark = ?

-- name: record_form
INSERT INTO look_alike_name (mark, form_mark) VALUES (?, ?)
