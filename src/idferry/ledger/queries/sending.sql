-- Sending: intents before the act, observations after it.

-- name: states_of
SELECT person_id, state FROM person WHERE person_id IN ({places})

-- name: append_event
INSERT INTO event (at, run, person_id, kind, state, code, reason) VALUES (?, ?, ?, ?, ?, ?, ?)

-- name: append_intents
INSERT INTO event (at, run, person_id, kind, state, code, reason)
SELECT ?, ?, person_id, 'sent', 'creating', '', '' FROM person WHERE person_id IN ({places})

-- name: intend
UPDATE person SET state = 'creating', run = ? WHERE person_id IN ({places})

-- name: give_account
UPDATE person SET
    state = ?, code = ?, reason = ?, run = ?, created_by_run = ?, created_at = ?, object_id = ?, written = ?
WHERE person_id = ?

-- name: observe
UPDATE person SET
    state = coalesce(?, state), code = coalesce(?, code), reason = coalesce(?, reason),
    run = coalesce(?, run), created_by_run = coalesce(?, created_by_run), created_at = coalesce(?, created_at),
    object_id = coalesce(?, object_id), written = coalesce(?, written), draft = coalesce(?, draft),
    display_name = coalesce(?, display_name)
WHERE person_id = ?

-- name: disown
UPDATE person SET object_id = NULL, created_by_run = '', created_at = NULL, written = '' WHERE person_id = ?
