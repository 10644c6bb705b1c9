-- What the guard counts, and how it changes.

-- name: key_check
SELECT key_check FROM guard

-- name: insert_guard
INSERT INTO guard (one, key_check) VALUES (1, ?)

-- name: insert_everyone
INSERT INTO everyone (one, failures, matches, usual_share, at) VALUES (1, ?, ?, ?, ?)

-- name: prove_writable
UPDATE guard SET one = one

-- name: counts
SELECT
    n.level, n.streak, n.forgiven, n.last_at,
    p.level, p.streak, p.forgiven, p.last_at, p.counted_at, p.known_at,
    a.failures, a.at,
    e.failures, e.matches, e.usual_share, e.at,
    (SELECT count(*) FROM ticket AS t WHERE t.name = ?1 AND t.address = ?2 AND t.booked_at > ?3),
    (SELECT count(*) FROM ticket AS t WHERE t.name = ?1 AND t.on_known = 0 AND t.booked_at > ?3),
    (SELECT count(*) FROM pair AS o WHERE o.address = ?2 AND o.counted_at > ?4 AND o.name <> ?1)
FROM everyone AS e
LEFT JOIN name AS n ON n.mark = ?1
LEFT JOIN pair AS p ON p.name = ?1 AND p.address = ?2
LEFT JOIN address AS a ON a.mark = ?2

-- name: put_name
INSERT INTO name (mark, level, streak, forgiven, last_at) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (mark) DO UPDATE SET
    level = excluded.level, streak = excluded.streak, forgiven = excluded.forgiven, last_at = excluded.last_at

-- name: put_pair
INSERT INTO pair (name, address, level, streak, forgiven, last_at, counted_at, known_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (name, address) DO UPDATE SET
    level = excluded.level, streak = excluded.streak, forgiven = excluded.forgiven, last_at = excluded.last_at,
    counted_at = excluded.counted_at, known_at = excluded.known_at

-- name: put_address
INSERT INTO address (mark, failures, at) VALUES (?, ?, ?)
ON CONFLICT (mark) DO UPDATE SET failures = excluded.failures, at = excluded.at

-- name: put_everyone
UPDATE everyone SET failures = ?, matches = ?, usual_share = ?, at = ?

-- name: put_ticket
INSERT INTO ticket (name, nonce, address, on_known, booked_at) VALUES (?, ?, ?, ?, ?)

-- name: ticket
SELECT address, on_known, booked_at FROM ticket WHERE name = ? AND nonce = ?

-- name: delete_ticket
DELETE FROM ticket WHERE name = ? AND nonce = ?

-- name: forget_older_known
UPDATE pair SET known_at = NULL
WHERE name = ?1 AND known_at IS NOT NULL AND address NOT IN (
    SELECT address FROM pair WHERE name = ?1 AND known_at IS NOT NULL ORDER BY known_at DESC, address LIMIT ?2
)

-- name: name_lane
SELECT level, streak, forgiven, last_at FROM name WHERE mark = ?

-- name: pairs
SELECT level, streak, forgiven, last_at, known_at FROM pair WHERE name = ?

-- name: open_of_strangers
SELECT count(*) FROM ticket WHERE name = ? AND on_known = 0 AND booked_at > ?

-- name: unlock_name
UPDATE name SET level = ?2, streak = ?2, forgiven = 0, last_at = ?3 WHERE mark = ?1

-- name: unlock_pairs
UPDATE pair SET level = 0, streak = 0, forgiven = 0 WHERE name = ?

-- name: next_name
SELECT max(mark) FROM (SELECT mark FROM name WHERE mark > ? ORDER BY mark LIMIT ?)

-- name: prune_name
DELETE FROM name WHERE mark > ?1 AND mark <= ?2 AND last_at < ?3

-- name: next_pair
SELECT max(name) FROM (SELECT name FROM pair WHERE name > ? ORDER BY name LIMIT ?)

-- name: prune_pair
DELETE FROM pair WHERE name > ?1 AND name <= ?2 AND last_at < ?3 AND (known_at IS NULL OR known_at < ?4)

-- name: next_address
SELECT max(mark) FROM (SELECT mark FROM address WHERE mark > ? ORDER BY mark LIMIT ?)

-- name: prune_address
DELETE FROM address WHERE mark > ?1 AND mark <= ?2 AND at < ?3

-- name: next_ticket
SELECT max(name) FROM (SELECT name FROM ticket WHERE name > ? ORDER BY name LIMIT ?)

-- name: prune_ticket
DELETE FROM ticket WHERE name > ?1 AND name <= ?2 AND booked_at < ?3
