-- What the guard counts. Names and addresses are HMACs under the key beside the file; passwords have no column.
-- Moments are seconds since 1970. Lanes, shares and limits: rules/lockout.py and rules/attempts.py.

CREATE TABLE guard (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    key_check BLOB NOT NULL             -- says whether a .key file is this guard's
);

CREATE TABLE everyone (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    failures REAL NOT NULL,
    matches REAL NOT NULL,
    usual_share REAL NOT NULL,
    at REAL NOT NULL
);

CREATE TABLE name (
    mark BLOB PRIMARY KEY,
    level INTEGER NOT NULL,             -- of the lane that all addresses without an earlier success share
    streak INTEGER NOT NULL,
    forgiven INTEGER NOT NULL,
    last_at REAL NOT NULL
) WITHOUT ROWID;

CREATE TABLE pair (
    name BLOB NOT NULL,
    address BLOB NOT NULL,
    level INTEGER NOT NULL,             -- of the lane of this name at this address
    streak INTEGER NOT NULL,
    forgiven INTEGER NOT NULL,
    last_at REAL NOT NULL,
    counted_at REAL,                    -- when the name last failed here; NULL where it did not
    known_at REAL,                      -- when the person last signed in from here
    PRIMARY KEY (name, address)
) WITHOUT ROWID;

CREATE INDEX pair_counted ON pair (address, counted_at) WHERE counted_at IS NOT NULL;

CREATE TABLE address (
    mark BLOB PRIMARY KEY,
    failures REAL NOT NULL,
    at REAL NOT NULL
) WITHOUT ROWID;

CREATE TABLE ticket (
    name BLOB NOT NULL,
    nonce BLOB NOT NULL,
    address BLOB NOT NULL,
    on_known INTEGER NOT NULL,          -- booked on the lane of a known address
    booked_at REAL NOT NULL,
    PRIMARY KEY (name, nonce)
) WITHOUT ROWID;
