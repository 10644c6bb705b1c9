-- Who must still reset the password; asked at every sign-in of a tenant.

-- name: state_of_name
SELECT p.state FROM sign_in_name AS s JOIN person AS p USING (person_id) WHERE s.mark = ?

-- name: person_of_account
SELECT person_id, state, source, key FROM person WHERE object_id = ?

-- name: person_of_name
SELECT p.person_id, p.state, p.source, p.key FROM sign_in_name AS s JOIN person AS p USING (person_id) WHERE s.mark = ?
