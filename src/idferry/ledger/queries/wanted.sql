-- What a source wants existing accounts to be, in a database of its own for as long as one update lasts.

-- name: make
CREATE TABLE wanted (person_id INTEGER PRIMARY KEY, draft TEXT NOT NULL)

-- name: put
INSERT OR REPLACE INTO wanted (person_id, draft) VALUES (?, ?)

-- name: count
SELECT count(*) FROM wanted

-- name: page
SELECT person_id, draft FROM wanted WHERE person_id > ? ORDER BY person_id LIMIT ?

-- name: of_people
SELECT person_id, draft FROM wanted WHERE person_id IN ({places})
