"""A process that commits to a SQLite file at full speed, as an import does to its ledger: `commit_loop.py FILE`.

It says `ready` after its first commit, and works until it is stopped.
"""

import sqlite3
import sys

ROWS_EACH = 20


def main(file: str) -> None:
    """Chunks of people, one transaction each, every one on disk."""
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE person (draft TEXT)")
    number = 0
    while True:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO person VALUES (?)", [("x" * 500,)] * ROWS_EACH)
        connection.execute("COMMIT")
        if number == 0:
            print("ready", flush=True)
        number += 1


if __name__ == "__main__":
    main(sys.argv[1])
