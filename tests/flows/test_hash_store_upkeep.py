"""Hashes come into the store with their source and leave it with whoever needs them no more."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.support.any_ledger import merge
from tests.support.builders import MemorySource, World, crowd
from tests.support.later_export import LaterExport
from tests.support.memory_hash_store import MemoryHashStore

from idferry.connectors.csv_copy import plain_copy as csv_plain_copy
from idferry.connectors.csv_table import CsvSource
from idferry.connectors.json_lines import JsonLinesSource
from idferry.connectors.json_lines_copy import plain_copy
from idferry.errors import Stopped
from idferry.flows.forget_hashes import forget_settled_hashes
from idferry.flows.load_hashes import LoadReport, load_hashes
from idferry.hashes import Bounds, Descriptor, Lacking
from idferry.ports import HashRow, SourceRecord
from idferry.rules.departure import Departures, WhenBarred, WhenVanished
from idferry.rules.entry import EventKind, Observation, Selection
from idferry.rules.happenings import Happening
from idferry.rules.legacy_user import BadRecord, LegacyUser, LegacyUserKey, Place
from idferry.rules.lifecycle import State
from idferry.rules.stored_hash import StoredHash
from idferry.rules.withholding import withholding

BCRYPT = "$2y$04$mIJxfrCaEI3GukZe11CiXublhEFanu5.ododkll1WphfSp6pn4zIu"
EXPORTED = datetime(2026, 10, 1, tzinfo=UTC)


@dataclass
class HashedSource:
    """Records with hashes, by key. Satisfies `ports.LegacySource`."""

    hashes: dict[str, StoredHash | None]
    disabled: set[str] = field(default_factory=set)
    name: str = "shop"
    place: str = ""

    def digest(self) -> str:
        return "one"

    def records(self) -> Iterator[SourceRecord | BadRecord]:
        yield BadRecord("shop", 1, "", "broken")
        for number, (key, hashed) in enumerate(self.hashes.items()):
            user = LegacyUser(
                self.name, key, Place("shop", number + 2, number), enabled=key not in self.disabled
            )
            yield SourceRecord(user, None, hashed)


def loaded(
    source: HashedSource,
    store: MemoryHashStore | None = None,
    exported_at: datetime | None = EXPORTED,
    **said: Any,
) -> LoadReport:
    descriptor = Descriptor.of(said)
    assert isinstance(descriptor, Descriptor)
    told: list[Happening] = []
    return load_hashes(
        source=source, descriptor=descriptor, exported_at=exported_at, store=store, tell=told.append
    )


# --- load ------------------------------------------------------------------------------------------------------------


def test_what_was_known_of_a_hash_is_kept_where_nobody_says_when_it_was_exported() -> None:
    store = MemoryHashStore()
    loaded(HashedSource({"1": StoredHash(BCRYPT), "2": StoredHash(BCRYPT)}), store)
    changed = BCRYPT.replace("zIu", "zIO")
    later: dict[str, StoredHash | None] = {
        "1": StoredHash(BCRYPT),
        "2": StoredHash(changed),
        "3": StoredHash(BCRYPT),
    }
    assert loaded(HashedSource(later), store, exported_at=None).taken == 3
    assert {one.key: one.exported_at for one in store.rows()} == {"1": EXPORTED, "2": None, "3": None}


def test_hashes_are_taken_with_what_reads_them() -> None:
    store = MemoryHashStore()
    source = HashedSource(
        {
            "1": StoredHash(BCRYPT),
            "2": StoredHash("01dfae6e5d4d90d9892622325959afbe", "7050461"),
            "3": None,
            "4": StoredHash(BCRYPT[:-1]),
            "5": StoredHash("!"),
            "6": StoredHash("$2b$16$nFguVi9LsCAcvTZFKQlRKeLVydo8ETv483lkNsSFI/Wl1Rz1Ypo1K"),
            "7": StoredHash(
                json.dumps({"algorithm": "md5", "hash": {"value": "8743b52063cd84097a65d1633f5c74f5"}})
            ),
            "8": StoredHash("$y$j9T$abc"),
        }
    )
    report = loaded(source, store, scheme="md5", template="{PASSWORD}{SALT}")
    assert (report.records, report.taken, report.without_hash, report.malformed) == (8, 3, 1, 1)
    assert report.schemes == {"bcrypt": 1, "md5": 1, "digest": 1}
    assert report.lacking == {Lacking.NO_PASSWORD: 1, Lacking.OVER_BOUNDS: 1, Lacking.NOT_BUILT: 1}
    assert [one.key for one in report.refused] == ["4", "6", "8"]
    assert report.refused_count == 3
    assert store.of("shop", "2") == HashRow(
        "shop",
        "2",
        "md5",
        "01dfae6e5d4d90d9892622325959afbe",
        '{"salt":"7050461","template":"{PASSWORD}{SALT}"}',
        "",
        EXPORTED,
    )
    assert set(store.kept) == {("shop", key) for key in ("1", "2", "7")}


def test_a_dry_run_counts_the_same_and_keeps_nothing() -> None:
    source = HashedSource({"1": StoredHash(BCRYPT), "2": StoredHash("damaged")})
    assert loaded(source) == loaded(source, MemoryHashStore())


def test_values_and_passwords_stay_out_of_the_report() -> None:
    report = loaded(HashedSource({"1": StoredHash(BCRYPT[:-1]), "2": StoredHash(BCRYPT)}))
    assert BCRYPT[10:40] not in repr(report) + repr(StoredHash(BCRYPT)) + str(StoredHash(BCRYPT))


def test_whoever_is_barred_in_the_source_loses_the_hash() -> None:
    store = MemoryHashStore()
    source = HashedSource({"1": StoredHash(BCRYPT), "2": StoredHash(BCRYPT)})
    loaded(source, store)
    source.disabled.add("2")
    report = loaded(source, store)
    assert (report.barred, report.taken) == (1, 1)
    assert set(store.kept) == {("shop", "1")}


def test_a_later_export_replaces_and_takes_away() -> None:
    store = MemoryHashStore()
    loaded(HashedSource({"1": StoredHash(BCRYPT), "2": StoredHash(BCRYPT), "3": StoredHash(BCRYPT)}), store)
    newer = BCRYPT.replace("$2y$", "$2b$")
    loaded(HashedSource({"1": StoredHash(newer), "2": None, "3": StoredHash("damaged")}), store)
    assert {key: row.value for (_, key), row in store.kept.items()} == {"1": newer}


def test_bounds_are_checked_when_loading() -> None:
    source = HashedSource({"1": StoredHash(BCRYPT)})
    report = load_hashes(
        source=source,
        descriptor=Descriptor(),
        exported_at=EXPORTED,
        store=None,
        bounds=Bounds(bcrypt_cost=3),
        tell=lambda _: None,
    )
    assert report.lacking == {Lacking.OVER_BOUNDS: 1}


def test_loading_stops_between_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("idferry.flows.load_hashes.BATCH_RECORDS", 2)
    store = MemoryHashStore()
    with pytest.raises(Stopped, match="after 2 hashes"):
        load_hashes(
            source=HashedSource({str(number): StoredHash(BCRYPT) for number in range(5)}),
            descriptor=Descriptor(),
            exported_at=EXPORTED,
            store=store,
            tell=lambda _: None,
            stop=lambda: True,
        )
    assert len(store.kept) == 2


# --- forget ----------------------------------------------------------------------------------------------------------


def hashed_world(people: int = 6) -> tuple[World, MemoryHashStore]:
    humans = [replace(one, password=None) for one in crowd(people)]
    world = World(MemorySource(humans))
    world.premigrate()
    store = MemoryHashStore()
    store.put([HashRow(world.source.name, one.key, "", BCRYPT) for one in humans])
    return world, store


def kept_keys(store: MemoryHashStore) -> set[str]:
    return {key for _, key in store.kept}


def test_settled_people_lose_their_hash_and_waiting_ones_keep_it() -> None:
    humans = crowd(4)
    mixed = [replace(humans[0], password=None), replace(humans[1], password=None), *humans[2:]]
    world = World(MemorySource(mixed))
    world.premigrate()
    store = MemoryHashStore()
    store.put([HashRow(world.source.name, one.key, "", BCRYPT) for one in mixed])
    waiting = {
        one.key for one in world.ledger.report.entries(Selection()) if one.state is State.AWAITING_PASSWORD
    }
    assert 0 < len(waiting) < 4
    assert forget_settled_hashes(store=store, report=world.ledger.report) == 4 - len(waiting)
    assert kept_keys(store) == waiting
    assert forget_settled_hashes(store=store, report=world.ledger.report) == 0


def test_who_was_merged_loses_the_hashes_of_every_system() -> None:
    world = World(MemorySource([replace(one, password=None) for one in crowd(2)]))
    world.premigrate()
    settled, waiting = world.ledger.report.entries(Selection())
    web, app = LegacyUserKey("web", "z"), LegacyUserKey("app", "a")
    merge(world.ledger, settled.key, web, app)
    fell = Observation(settled.person_id, EventKind.FLAG_SEEN_DOWN, State.COMPLETE)
    world.ledger.observations.observe(run="", observed=[fell], at=world.clock.now())
    store = MemoryHashStore()
    for source, key in ((settled.source, settled.key), web[:2], app[:2], (waiting.source, waiting.key)):
        store.put([HashRow(source, key, "", BCRYPT)])
    assert forget_settled_hashes(store=store, report=world.ledger.report) == 3
    assert kept_keys(store) == {waiting.key}


@pytest.mark.parametrize("departures", [Departures(), Departures(WhenVanished.LIST, WhenBarred.LIST)])
def test_vanished_and_barred_people_lose_their_hash_whatever_else_was_asked(departures: Departures) -> None:
    world, store = hashed_world()
    gone, barred = world.source.humans[0].key, world.source.humans[1].key
    world.source.humans = [replace(one, enabled=one.key != barred) for one in world.source.humans[1:]]
    LaterExport(world, departures, hashes=store).run(execute=False)
    assert len(store.kept) == 6, "a plan changes nothing"
    LaterExport(world, departures, hashes=store).run()
    assert {gone, barred}.isdisjoint(kept_keys(store))
    assert len(store.kept) == 4


# --- sources ---------------------------------------------------------------------------------------------------------

RECORDS = [
    {"key": "1", "signInName": "a@example.com", "passwordHash": BCRYPT, "hashedName": "Anna"},
    {"key": "2", "signInName": "b@example.com", "passwordHash": "abc", "passwordSalt": "salt"},
    {"key": "3", "signInName": "c@example.com"},
]


def json_lines(folder: Path, records: list[dict[str, Any]]) -> JsonLinesSource:
    file = folder / "people.jsonl"
    file.write_text("".join(json.dumps(one) + "\n" for one in records), encoding="utf-8")
    return JsonLinesSource(path=file, name="people")


def table(folder: Path, value: str = BCRYPT) -> CsvSource:
    file = folder / "people.csv"
    rows = [
        "key,signInName,pass,salt,hashedName",
        f"1,a@example.com,{value},,Anna",
        "2,b@example.com,abc,salt,",
        "3,c@example.com,,,",
    ]
    file.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return CsvSource(path=file, name="people", columns={"pass": "passwordHash", "salt": "passwordSalt"})


@pytest.mark.parametrize("kind", ["json_lines", "csv"])
def test_records_carry_their_hash_beside_the_user(kind: str, tmp_path: Path) -> None:
    source = json_lines(tmp_path, RECORDS) if kind == "json_lines" else table(tmp_path)
    records = [one for one in source.records() if isinstance(one, SourceRecord)]
    assert [one.hashed for one in records] == [
        StoredHash(BCRYPT, "", "Anna"),
        StoredHash("abc", "salt", ""),
        None,
    ]
    assert all(one.password is None for one in records)
    assert BCRYPT not in repr([one.user for one in records])


@pytest.mark.parametrize("kind", ["json_lines", "csv"])
def test_another_hash_is_no_other_record_but_another_export(kind: str, tmp_path: Path) -> None:
    def read(value: str) -> tuple[list[bytes], str]:
        changed = [{**RECORDS[0], "passwordHash": value}, *RECORDS[1:]]
        source = json_lines(tmp_path, changed) if kind == "json_lines" else table(tmp_path, value)
        return [
            one.user.record_digest for one in source.records() if isinstance(one, SourceRecord)
        ], source.digest()

    before, after = read(BCRYPT), read(BCRYPT.replace("$2y$", "$2b$"))
    assert before[0] == after[0]
    assert before[1] != after[1]


@pytest.mark.parametrize("kind", ["json_lines", "csv"])
def test_no_copy_for_people_holds_a_hash(kind: str, tmp_path: Path) -> None:
    def everybody(keys: Any) -> Any:
        return keys

    if kind == "json_lines":
        copy = b"".join(plain_copy(json_lines(tmp_path, RECORDS), everybody, withholding({})))
    else:
        copy = b"".join(csv_plain_copy(table(tmp_path), everybody, withholding({})))
    assert b"a@example.com" in copy
    for word in (BCRYPT.encode(), b"Anna", b"passwordHash", b"passwordSalt", b"abc", b"salt", b"pass"):
        assert word not in copy, word


def test_an_object_in_a_line_is_read_as_the_product_wrote_it(tmp_path: Path) -> None:
    described = {"algorithm": "md5", "hash": {"value": "8743b52063cd84097a65d1633f5c74f5", "encoding": "hex"}}
    source = json_lines(tmp_path, [{"key": "1", "signInName": "a@example.com", "passwordHash": described}])
    store = MemoryHashStore()
    load_hashes(
        source=source, descriptor=Descriptor(), exported_at=EXPORTED, store=store, tell=lambda _: None
    )
    [row] = store.rows()
    assert (row.scheme, row.value) == ("digest", "8743b52063cd84097a65d1633f5c74f5")
