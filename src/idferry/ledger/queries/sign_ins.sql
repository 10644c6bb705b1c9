-- People at a sign-in page.

-- name: last_written
SELECT max(at) FROM event WHERE person_id = ? AND kind IN ({places})

-- name: state_of
SELECT state FROM person WHERE person_id = ?

-- name: last_event
SELECT kind, at FROM event WHERE person_id = ? ORDER BY event_id DESC LIMIT 1

-- name: claim
UPDATE person SET state = 'creating' WHERE person_id = ?

-- name: append_claim
INSERT INTO event (at, run, person_id, kind, state, code, reason) VALUES (?, '', ?, 'claimed', 'creating', '', '')

-- name: captures_refused
SELECT count(*) FROM person AS p
WHERE {where}
    AND p.state IN ('planned', 'awaiting_password')
    AND p.person_id IN (SELECT person_id FROM event WHERE kind = 'capture_refused')
    AND 'capture_refused' = (
        SELECT kind FROM event
        WHERE person_id = p.person_id AND kind IN ('capture_refused', 'password_written')
        ORDER BY event_id DESC LIMIT 1
    )

-- name: claims
SELECT e.at FROM person AS p JOIN event AS e ON e.event_id = (
    SELECT max(event_id) FROM event WHERE person_id = p.person_id
)
WHERE {where} AND p.state = 'creating' AND e.kind = 'claimed' ORDER BY e.at

-- name: claimed
SELECT p.person_id, e.at FROM person AS p JOIN event AS e ON e.event_id = (
    SELECT max(event_id) FROM event WHERE person_id = p.person_id
)
WHERE p.state = 'creating' AND e.kind = 'claimed' AND p.person_id > ? ORDER BY p.person_id LIMIT ?
