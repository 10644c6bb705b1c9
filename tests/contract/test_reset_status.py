"""Who must reset: every store of it behaves alike, seen through the port."""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.any_ledger import counting_bytes, move, person, plan
from tests.support.azurite import running_azurite
from tests.support.hand_clock import HandClock
from tests.support.ledger_records import AT, PROJECT, TENANT, wanted
from tests.support.memory_directory import MemoryTenant
from tests.support.memory_status import MemoryResetStatus

from idferry.errors import StatusUnavailable, Unreachable
from idferry.ledger import open_ledger
from idferry.ledger.reset_status import ANOTHER_FILE_SECONDS_MAX, LedgerPlace, LedgerResetStatus
from idferry.ports import ResetStatus
from idferry.rules.entry import EventKind, Observation
from idferry.rules.lifecycle import State
from idferry.rules.names import local_identity
from idferry.stores.account_attribute import SHOWS_WITHIN, AccountAttributeStatus
from idferry.stores.azure_table import AzureTableStatus, open_azure_table, row_key_of


@dataclass
class Store:
    """One store, and how somebody gets into it; `put` gives the object id."""

    status: ResetStatus
    put: Callable[[Sequence[str]], str]


@pytest.fixture(scope="module")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_azurite(tmp_path_factory.mktemp("azurite")) as connection:
        yield connection


@pytest.fixture(params=["memory", "ledger", "azure_table", "attribute"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "ledger":
        yield from _ledger_store(tmp_path)
    elif request.param == "attribute":
        yield _attribute_store(MemoryTenant())
    else:
        azure = request.param == "azure_table"
        status: ResetStatus = (
            open_azure_table(connection=request.getfixturevalue("azurite")) if azure else MemoryResetStatus()
        )
        ids = iter(range(100))

        def put(names: Sequence[str]) -> str:
            object_id = f"{os.urandom(8).hex()}-{next(ids)}"
            status.add([(object_id, names)])
            return object_id

        yield Store(status, put)


def place(folder: Path, clock: HandClock | None = None) -> LedgerPlace:
    clock = clock or HandClock()
    return LedgerPlace(
        path=folder / "contoso.ledger",
        tenant_id=TENANT,
        project=PROJECT,
        random_bytes=counting_bytes(),
        now=clock.now,
        elapsed=clock.elapsed,
    )


def _ledger_store(folder: Path) -> Iterator[Store]:
    path = folder / "contoso.ledger"
    with open_ledger(path, tenant_id=TENANT, project=PROJECT, random_bytes=counting_bytes(), at=AT) as ledger:
        status = LedgerResetStatus(place(folder))

        def put(names: Sequence[str]) -> str:
            plan(ledger, wanted(names[0], *names))
            move(ledger, names[0], State.AWAITING_PASSWORD)
            return person(ledger, names[0]).object_id

        yield Store(status, put)
        status.close()


def _attribute_store(tenant: MemoryTenant) -> Store:
    status = AccountAttributeStatus(reader=tenant.reader, updater=tenant.updater, clock=tenant.clock)
    return Store(status, lambda names: tenant.plant(*map(local_identity, names), flag=True))


def answers(store: Store, *names: str) -> list[bool]:
    return [store.status.must_reset(name) for name in names]


def test_whoever_was_put_there_must_reset_by_every_name_in_any_case(store: Store) -> None:
    store.put(["zoe@example.com", "zoe"])
    assert answers(store, "zoe@example.com", " ZOE@Example.com ", "Zoe", "zo", "") == [
        True,
        True,
        True,
        False,
        False,
    ]


@pytest.mark.parametrize("said", ["both", "name", "object id"])
def test_a_reset_settles_every_name_of_the_account_and_nobody_else(store: Store, said: str) -> None:
    names = ["ana@example.com", "ana"]
    object_id = store.put(names)
    store.put(["ben@example.com"])
    for _ in range(2):
        store.status.settle(
            sign_in_name="" if said == "object id" else "Ana@example.com",
            object_id="" if said == "name" else object_id,
        )
    assert answers(store, *names, "ben@example.com") == [False, False, True]


def test_nobody_is_settled_by_names_and_ids_that_are_not_there(store: Store) -> None:
    store.put(["cid@example.com"])
    store.status.settle(sign_in_name="nobody@example.com", object_id="")
    store.status.settle(sign_in_name="", object_id="")
    assert answers(store, "cid@example.com") == [True]


@pytest.mark.parametrize(
    "name", ["o'neil@example.com", "a/b#c?d\\e@example.com", "jürgen@example.com", "x" * 600]
)
def test_names_with_strange_characters_are_names(store: Store, name: str) -> None:
    store.put([name])
    long = len(name) > 512
    known = store.status.must_reset(name)
    assert known or (long and isinstance(store.status, AzureTableStatus))
    assert answers(store, "other@example.com") == [False]


# --- the ledger ------------------------------------------------------------------------------------------------------


def test_the_ledger_answers_as_its_last_commit_says_and_keeps_an_event(tmp_path: Path) -> None:
    path = tmp_path / "contoso.ledger"
    with open_ledger(path, tenant_id=TENANT, project=PROJECT, random_bytes=counting_bytes(), at=AT) as ledger:
        status = LedgerResetStatus(place(tmp_path))
        plan(ledger, wanted("1", "ana@example.com"))
        assert status.must_reset("ana@example.com") is False
        move(ledger, "1", State.AWAITING_PASSWORD)
        assert status.must_reset("ana@example.com") is True
        status.settle(sign_in_name="ana@example.com", object_id="")
        assert status.must_reset("ana@example.com") is False
        entry = person(ledger, "1")
        story = [one.kind for one in ledger.report.events(entry.person_id)]
        assert (entry.state, story) == (
            State.COMPLETE,
            [EventKind.SENT, EventKind.CREATED, EventKind.PASSWORD_RESET],
        )
        status.settle(sign_in_name="ana@example.com", object_id="")
        known = [("ANA@example.com", ""), ("", entry.object_id), ("nobody", "nothing")]
        found = [status.legacy_user_of(sign_in_name=name, object_id=one) for name, one in known]
        assert found == [("shop", "1"), ("shop", "1"), None]
        assert len(ledger.report.events(entry.person_id)) == 3
        status.close()


def test_a_ledger_that_takes_another_ones_place_is_noticed(tmp_path: Path) -> None:
    clock = HandClock()
    status = LedgerResetStatus(place(tmp_path, clock))
    with pytest.raises(StatusUnavailable):
        status.must_reset("ana@example.com")
    for state, expected in ((State.AWAITING_PASSWORD, True), (State.COMPLETE, False)):
        for old in tmp_path.glob("contoso.ledger*"):
            old.rename(tmp_path / f"old-{expected}-{old.name}")
        path = tmp_path / "contoso.ledger"
        with open_ledger(
            path, tenant_id=TENANT, project=PROJECT, random_bytes=counting_bytes(), at=AT
        ) as ledger:
            plan(ledger, wanted("1", "ana@example.com"))
            move(ledger, "1", state)
            clock.advance(ANOTHER_FILE_SECONDS_MAX)
            assert status.must_reset("ana@example.com") is expected
    status.close()


def test_a_ledger_of_another_tenant_is_not_believed(tmp_path: Path) -> None:
    stores = _ledger_store(tmp_path)
    next(stores).put(["ana@example.com"])
    status = LedgerResetStatus(replace(place(tmp_path), tenant_id="another"))
    with pytest.raises(StatusUnavailable):
        status.must_reset("ana@example.com")


def test_a_ledger_that_somebody_is_writing_to_answers_and_takes_a_reset_only_afterwards(
    tmp_path: Path,
) -> None:
    stores = _ledger_store(tmp_path)
    store = next(stores)
    store.put(["ana@example.com"])
    import sqlite3

    writer = sqlite3.connect(tmp_path / "contoso.ledger", isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    assert store.status.must_reset("ana@example.com") is True
    with pytest.raises(StatusUnavailable):
        store.status.settle(sign_in_name="ana@example.com", object_id="")
    writer.execute("COMMIT")
    writer.close()
    store.status.settle(sign_in_name="ana@example.com", object_id="")
    assert store.status.must_reset("ana@example.com") is False


def test_an_import_at_full_speed_makes_no_look_fail(tmp_path: Path) -> None:
    """Readers of the file wait for no writer: every look is right while hundreds of turns are committed."""
    stores = _ledger_store(tmp_path)
    store = next(stores)
    who = store.put(["ana@example.com"])
    stop = threading.Event()
    turns: list[int] = []

    def write() -> None:
        path = tmp_path / "contoso.ledger"
        with open_ledger(
            path, tenant_id=TENANT, project=PROJECT, random_bytes=counting_bytes(), at=AT
        ) as ledger:
            noted = Observation(int(who.removeprefix("object-")), EventKind.POSTPONED)
            while not stop.is_set():
                ledger.send.turn(run="run-1", observed=[noted] * 20, sending=(), at=AT)
                turns.append(1)

    writer = threading.Thread(target=write)
    writer.start()
    while len(turns) < 5:
        time.sleep(0.001)
    looks = [store.status.must_reset(name) for name in ("ana@example.com", "nobody") * 300]
    stop.set()
    writer.join()
    assert looks == [True, False] * 300
    assert len(turns) > 5


# --- the account's own attribute -------------------------------------------------------------------------------------


def test_a_password_newer_than_the_account_counts_as_reset() -> None:
    """The tenant's message may have been lost: nobody is asked twice."""
    tenant = MemoryTenant()
    store = _attribute_store(tenant)
    object_id = store.put(["ana@example.com"])
    stored = tenant.stored[object_id]
    for later, expected in ((timedelta(seconds=29), True), (timedelta(seconds=31), False)):
        assert stored.account.created_at
        changed = stored.account.created_at + later
        stored.account = replace(stored.account, password_changed_at=changed)
        assert store.status.must_reset("ana@example.com") is expected


def test_a_reset_counts_although_the_directory_still_shows_the_flag() -> None:
    tenant = MemoryTenant()
    store = _attribute_store(tenant)
    object_id = store.put(["ana@example.com"])
    store.status.settle(sign_in_name="ana@example.com", object_id=object_id)
    stored = tenant.stored[object_id]
    assert stored.account.flag is not True
    stored.account = replace(stored.account, flag=True)
    assert store.status.must_reset("ana@example.com") is False
    tenant.clock.sleep(SHOWS_WITHIN.total_seconds() + 1)
    assert store.status.must_reset("ana@example.com") is True


def test_a_directory_that_gives_no_answer_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = MemoryTenant()
    store = _attribute_store(tenant)
    object_id = store.put(["ana@example.com"])

    def down(*_: object) -> None:
        raise Unreachable("the test says so")

    monkeypatch.setattr(tenant.reader, "by_sign_in_name", down)
    monkeypatch.setattr(tenant.updater, "update", down)
    for call in (
        lambda: store.status.must_reset("ana@example.com"),
        lambda: store.status.settle(sign_in_name="", object_id=object_id),
    ):
        with pytest.raises(StatusUnavailable):
            call()


# --- the table -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("Ana@Example.COM", "ana@example.com"),
        (" ana ", "ana"),
        ("ΣΊΣΥΦΟΣ", "σίσυφοσ"),  # no final sigma
        ("\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}", "\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}"),
        ("STRASSE", "strasse"),
        ("a/b\\c#d?e", "a%2Fb%5Cc%23d%3Fe"),
        ("a\tb\x7f\x85", "a%09b%7F%C2%85"),
        ("x" * 513, ""),
    ],
)
def test_the_key_of_a_row_is_what_dotnet_would_make_of_the_name(typed: str, key: str) -> None:
    assert row_key_of(typed) == key


def test_rows_of_microsofts_own_sample_are_understood(azurite: str) -> None:
    """The sample writes the two keys and nothing else."""
    status = open_azure_table(connection=azurite)
    status.add([("warm-up", ["warm@example.com"])])
    from azure.data.tables import TableServiceClient

    with TableServiceClient.from_connection_string(azurite) as service:
        service.get_table_client("users").create_entity(
            {"PartitionKey": "B2CMigration", "RowKey": "eve@example.com"}
        )
    assert status.must_reset("Eve@example.com") is True
    status.settle(sign_in_name="eve@example.com", object_id="of-eve")
    assert status.must_reset("Eve@example.com") is False


def test_hundreds_of_people_are_put_there_at_once_and_the_same_again_changes_nothing(azurite: str) -> None:
    status = open_azure_table(connection=azurite)
    crowd = [(f"crowd-{number}", [f"crowd-{number}@example.com", f"c{number}"]) for number in range(130)]
    for _ in range(2):
        status.add(crowd)
    assert all(status.must_reset(name) for _, names in crowd[::13] for name in names)
    for object_id, _ in crowd[::13]:
        status.settle(sign_in_name="", object_id=object_id)
    assert not any(status.must_reset(name) for _, names in crowd[::13] for name in names)


def test_a_table_that_cannot_be_reached_is_told_within_its_time() -> None:
    status = open_azure_table(
        connection="DefaultEndpointsProtocol=http;AccountName=a;AccountKey=YQ==;TableEndpoint=http://127.0.0.1:9/a;"
    )
    for call in (
        lambda: status.must_reset("ana"),
        lambda: status.settle(sign_in_name="ana", object_id="id"),
        lambda: status.add([("id", ["ana"])]),
    ):
        with pytest.raises(StatusUnavailable, match="the Azure Table gives no answer"):
            call()
