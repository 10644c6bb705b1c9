"""What every hash store does; then what the file on disk says, which is nothing."""

import random
import sqlite3
import stat
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.memory_hash_store import MemoryHashStore

from idferry.errors import HashStoreUnavailable
from idferry.ports import HashRow, HashStore
from idferry.stores.hash_store import SqliteHashStore, _Row, is_plain_store, open_hash_store

SECRET = "a secret of thirty-two characters and more"
EXPORTED = datetime(2026, 10, 1, 12, 30, tzinfo=UTC)
chance = random.Random(7)  # noqa: S311  seeded, so that a failure can be repeated


def row(key: str = "1", source: str = "shop", value: str = "$2b$04$value-of-somebody") -> HashRow:
    return HashRow(
        source=source, key=key, scheme="bcrypt", value=value, parameters='{"salt":"ab"}', hashed_name="Anna", exported_at=EXPORTED
    )  # fmt: skip


def opened(path: Path, secret: str = SECRET, *, plain: bool = False) -> SqliteHashStore:
    return open_hash_store(path, secret=secret, random_bytes=chance.randbytes, plain=plain)


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[HashStore]:
    if request.param == "memory":
        yield MemoryHashStore()
    else:
        with opened(tmp_path / "idferry.hashes") as on_disk:
            yield on_disk


# --- the contract ----------------------------------------------------------------------------------------------------


def test_what_was_put_is_found_whole(store: HashStore) -> None:
    store.put([row("1"), row("2")])
    assert store.of("shop", "1") == row("1")
    assert store.of("shop", "3") is None
    assert store.of("other", "1") is None


def test_a_later_row_replaces_the_earlier_one(store: HashStore) -> None:
    store.put([row(value="old")])
    store.put([row(value="newer"), row(value="newest")])
    found = store.of("shop", "1")
    assert found is not None
    assert found.value == "newest"
    assert len(list(store.rows())) == 1


def test_all_rows_are_streamed(store: HashStore) -> None:
    rows = [row(str(number)) for number in range(2_345)]
    store.put(rows)
    assert {one.key for one in store.rows()} == {one.key for one in rows}


def test_rows_of_people_are_deleted_and_counted(store: HashStore) -> None:
    store.put([row("1"), row("2"), row("1", source="crm")])
    assert store.delete([("shop", "1"), ("shop", "9")]) == 1
    assert store.of("shop", "1") is None
    assert store.of("crm", "1") is not None
    assert store.delete([]) == 0
    assert store.delete([("shop", "1")]) == 0


def test_sources_and_keys_do_not_run_into_each_other(store: HashStore) -> None:
    store.put([row("bc", source="a"), row("c", source="ab")])
    assert len(list(store.rows())) == 2


def test_a_destroyed_store_holds_nothing(store: HashStore) -> None:
    store.put([row("1"), row("2")])
    assert store.destroy() == 2


@pytest.mark.parametrize("key", ["", "a\0b", "é", "x" * 5_000])
def test_every_key_is_a_key(store: HashStore, key: str) -> None:
    store.put([row(key)])
    found = store.of("shop", key)
    assert found is not None
    assert found.key == key


# --- the file --------------------------------------------------------------------------------------------------------


def test_it_is_there_when_it_is_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "idferry.hashes"
    with opened(path) as store:
        store.put([row()])
    with opened(path) as store:
        assert store.of("shop", "1") == row()


def test_the_file_says_nothing_and_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "idferry.hashes"
    path.touch(mode=0o644)
    with opened(path) as store:
        store.put([row("a-key-to-look-for", value="$2b$a-value-to-look-for")])
        content = path.read_bytes()
    for word in (b"a-key-to-look-for", b"a-value-to-look-for", b"shop", b"Anna", b"bcrypt"):
        assert word not in content
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_was_deleted_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "idferry.hashes"
    with opened(path) as store:
        store.put([row(str(number)) for number in range(50)])
        with sqlite3.connect(path) as other:
            sealed = [one for (one,) in other.execute("SELECT sealed FROM hash")]
        other.close()
        assert all(one[-24:] in path.read_bytes() for one in sealed)
        store.delete([("shop", str(number)) for number in range(50)])
        content = path.read_bytes()
        assert not [one for one in sealed if one[-24:] in content]
        assert not list(tmp_path.glob("*-journal"))


def test_what_is_sealed_is_printed_nowhere() -> None:
    made = _Row("shop", "1", "bcrypt", "canary", '{"salt":"canary"}', "canary", None)
    assert "canary" not in repr(made)


def test_a_change_that_cannot_be_committed_locks_nobody_out(tmp_path: Path) -> None:
    path = tmp_path / "idferry.hashes"
    with opened(path) as store, opened(path) as another, closing(sqlite3.connect(path)) as reader:
        store._connection.execute("PRAGMA busy_timeout = 50")  # nobody wants to wait for 5 s
        store.put([row("1"), row("2")])
        reading = reader.execute("SELECT * FROM sqlite_schema")
        reading.fetchone()
        with pytest.raises(HashStoreUnavailable):
            store.delete([("shop", "1")])
        reading.close()
        assert another.of("shop", "1") == row("1")
        assert store.delete([("shop", "1")]) == 1
        assert another.of("shop", "1") is None


def test_a_destroyed_store_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "idferry.hashes"
    opened(path).destroy()
    assert list(tmp_path.iterdir()) == []


def test_another_key_opens_nothing(tmp_path: Path) -> None:
    path = tmp_path / "idferry.hashes"
    opened(path).close()
    with pytest.raises(HashStoreUnavailable, match="another key"):
        opened(path, SECRET + "x")
    with pytest.raises(HashStoreUnavailable, match="another key"):
        opened(path, plain=True)


def test_a_short_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HashStoreUnavailable, match="32 characters"):
        opened(tmp_path / "idferry.hashes", "short")
    assert not (tmp_path / "idferry.hashes").exists()


def test_a_plain_store_says_that_it_is_one(tmp_path: Path) -> None:
    plain, sealed = tmp_path / "plain", tmp_path / "sealed"
    opened(plain, "", plain=True).close()
    opened(sealed).close()
    assert (is_plain_store(plain), is_plain_store(sealed), is_plain_store(tmp_path / "none")) == (
        True,
        False,
        False,
    )


def test_a_row_that_was_moved_to_somebody_else_does_not_open(tmp_path: Path) -> None:
    """Whoever can write the file must not give one person another one's password."""
    path = tmp_path / "idferry.hashes"
    with opened(path) as store:
        store.put([row("victim"), row("attacker", value="of the attacker")])
        with sqlite3.connect(path) as other:
            rows = other.execute("SELECT person, sealed FROM hash").fetchall()
            (one, first), (two, second) = rows
            other.execute("UPDATE hash SET sealed = ? WHERE person = ?", (second, one))
            other.execute("UPDATE hash SET sealed = ? WHERE person = ?", (first, two))
        other.close()
        with pytest.raises(HashStoreUnavailable, match="changed"):
            store.of("shop", "victim")


@pytest.mark.parametrize(
    "content", [b"no database at all, but long enough to look at" * 30, b"SQLite format 3\0" + b"\0" * 84]
)
def test_another_file_is_left_alone(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "idferry.hashes"
    path.write_bytes(content)
    with pytest.raises(HashStoreUnavailable):
        opened(path)
    assert path.read_bytes() == content


def test_another_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "idferry.hashes"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE people (name TEXT)")
    other.close()
    with pytest.raises(HashStoreUnavailable, match="no hash store"):
        opened(path)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(HashStoreUnavailable, match="cannot be used"):
        opened(tmp_path / "nowhere" / "idferry.hashes")


def test_threads_do_not_meet(tmp_path: Path) -> None:
    with opened(tmp_path / "idferry.hashes") as store:
        store.put([row(str(number)) for number in range(20)])
        wrong: list[object] = []

        def look() -> None:
            for number in range(20):
                found = store.of("shop", str(number))
                if found is None or found.key != str(number):
                    wrong.append(found)

        threads = [threading.Thread(target=look) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []


def test_nothing_prints_a_value() -> None:
    assert "value-of-somebody" not in repr(row())
