-- Reading people. `{where}` and `{places}` are filled from the conditions below, never with a value.

-- name: columns
SELECT
    p.person_id, p.state, p.code, p.reason, p.source, p.key, p.repeat, u.ordinal, p.record_digest, p.legacy_id,
    p.object_id, p.draft, p.cohort, p.created_by_run, p.created_at, p.written, u.sign_in_names,
    (
        SELECT group_concat(json_array(f.rank, f.source, f.key, f.repeat, f.sign_in_names))
        FROM legacy_user AS f
        WHERE f.person_id = p.person_id AND f.rank > 0
    )

-- name: from_people
FROM person AS p
JOIN legacy_user AS u ON (u.source, u.key, u.repeat) = (p.source, p.key, p.repeat)

-- name: from_people_in_order
FROM person AS p NOT INDEXED
JOIN legacy_user AS u ON (u.source, u.key, u.repeat) = (p.source, p.key, p.repeat)

-- name: planned
WHERE p.run = ? AND p.state = 'planned' AND p.ordinal > ? ORDER BY p.ordinal LIMIT ?

-- name: under_way
WHERE p.state = 'creating' AND p.person_id > ? ORDER BY p.person_id LIMIT ?

-- name: page
WHERE p.person_id > ? AND {where} ORDER BY p.person_id LIMIT ?

-- name: of_legacy_ids
WHERE p.legacy_id IN ({places})

-- name: of_people
WHERE p.person_id IN ({places})

-- name: of_object_id
WHERE p.object_id = ?

-- name: of_mark
WHERE p.person_id = (SELECT person_id FROM sign_in_name WHERE mark = ?)

-- name: of_marks
WHERE p.person_id IN (SELECT person_id FROM sign_in_name WHERE mark IN ({places}))

-- name: count_to_send
SELECT count(*) FROM person
WHERE (run = ?1 AND state = 'planned')
   OR (state = 'creating' AND (run = ?1 OR source = (SELECT source FROM run WHERE run = ?1)))

-- name: count_states
SELECT p.state, count(*) FROM person AS p WHERE {where} GROUP BY p.state

-- name: count_codes
SELECT p.code, count(*) FROM person AS p WHERE {where} GROUP BY p.code ORDER BY count(*) DESC, p.code

-- name: only_run
p.run = ?

-- name: only_source
p.source = ?

-- name: only_cohort
p.cohort = ?

-- name: only_states
p.state IN ({places})
