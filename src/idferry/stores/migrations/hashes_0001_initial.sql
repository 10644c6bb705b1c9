-- One row at most in hash_store: whether the key of the settings is this store's, and since when it is there.
CREATE TABLE hash_store (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    key_check BLOB NOT NULL,
    is_plain INTEGER NOT NULL
) STRICT;

-- person: HMAC of source and key, so that the file says about nobody that there is a hash. sealed: AES-256-GCM.
CREATE TABLE hash (
    person BLOB NOT NULL PRIMARY KEY,
    sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;
