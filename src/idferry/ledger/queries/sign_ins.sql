-- People at a sign-in page.

-- name: last_written
SELECT max(at) FROM event WHERE person_id = ? AND kind = ?

-- name: state_of
SELECT state FROM person WHERE person_id = ?
