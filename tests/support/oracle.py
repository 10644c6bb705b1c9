"""Invariants I1 to I7: judged by the emulator's final state and the input, never by what the product reports.

I1 nobody lost, I2 nobody twice, I3 the ledger says what is, I4 passwords open, I5 the flag is up exactly where a
password is awaited, I6 no password on disk, I7 every create that arrived was announced in the ledger.
"""

import sqlite3
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.support.desk import Desk
from tests.support.emulator import EmulatedTenant, Emulator
from tests.support.population import CANARY, Person

PROJECT = "demo"
SOURCE = "people"
IDLE_SECONDS_MAX = 10.0
WEAK_PASSWORD = "weak_password_refused"
ANSWERS = frozenset({"created", "taken", "rejected", "postponed", "unanswered", "undelivered"})


@dataclass(frozen=True)
class Entry:
    """A person as the ledger's table holds it."""

    key: str
    state: str
    code: str
    object_id: str | None
    legacy_id: str | None


@dataclass(frozen=True)
class Ledger:
    """What the oracle reads out of the ledger's file, without the product's code."""

    entries: Mapping[str, Entry]
    kinds: Counter[str]
    unheard: int
    """Announced creates without an answer of their own: the process ended in between."""


@dataclass(frozen=True)
class Stranger:
    """An account of somebody else that holds a sign-in name of a person of the export."""

    object_id: str
    sign_in_name: str
    password: str
    legacy_id: str | None
    hit_key: str


@dataclass
class Truth:
    """The input of a simulation."""

    people: Sequence[Person]
    strangers: list[Stranger] = field(default_factory=list)

    @property
    def conflicts(self) -> set[str]:
        """Keys of the people whose sign-in name a stranger holds."""
        return {stranger.hit_key for stranger in self.strangers}


@dataclass(frozen=True)
class Figures:
    """What a simulation came to."""

    accounts: int
    conflicts: int
    sent: int
    received: int
    unheard: int
    requests: int


def legacy_id(key: str) -> str:
    """The legacyId of a person of the export."""
    return f"{PROJECT}:{SOURCE}:{key}"


def read_ledger(path: Path) -> Ledger:
    """People and events, straight from the tables; nobody where the process ended before it had made them."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'person'").fetchone():
            return Ledger({}, Counter(), 0)
        rows = connection.execute("SELECT key, state, code, object_id, legacy_id FROM person")
        entries = {row[0]: Entry(*row) for row in rows}
        events = connection.execute("SELECT person_id, kind FROM event ORDER BY event_id").fetchall()
    open_attempts: Counter[int] = Counter()
    unheard = 0
    for person_id, kind in events:
        if kind == "sent":
            unheard += open_attempts[person_id]
            open_attempts[person_id] = 1
        elif kind in ANSWERS:
            open_attempts[person_id] = 0
    return Ledger(entries, Counter(kind for _, kind in events), unheard + open_attempts.total())


def check(
    truth: Truth,
    emulator: Emulator,
    tenant: EmulatedTenant,
    desk: Desk,
    *,
    unclear_may_be_lost: bool = False,
    refused: str = "",
    forgotten: bool = False,
) -> Figures:
    """Assert I1 to I7.

    `unclear_may_be_lost`: faults strike whole batches before their items arrive. `refused`: people whom the emulator
    refused on demand have failed with this code. `forgotten`: the disk lied, and the ledger lost intents that were sent.
    """
    wait_until_idle(emulator)
    ledger = read_ledger(desk.ledger)
    dump = emulator.dump(tenant)
    counts = emulator.counts()
    if refused:
        truth, ledger = _without_refused(truth, ledger, counts, refused)
    strange = {stranger.object_id for stranger in truth.strangers}
    ours = [account for account in dump if account["id"] not in strange]
    by_legacy_id = {account.get(tenant.extension("legacyId")): account for account in ours}
    _nobody_twice(dump, ours, by_legacy_id)
    _nobody_lost(truth, by_legacy_id, ledger)
    _flags_and_passwords(truth, by_legacy_id, emulator, tenant)
    _strangers_untouched(truth, dump, emulator, tenant)
    assert files_with(CANARY.encode(), desk.folder, but=desk.export) == []  # I6
    received = int(counts["received"].get("users.create", 0))
    _what_arrived_is_what_is_there(ledger, counts, len(ours))
    if not forgotten:
        _every_create_announced(ledger, counts, unclear_may_be_lost=unclear_may_be_lost)
    return Figures(
        accounts=len(ours),
        conflicts=sum(entry.code == "conflict" for entry in ledger.entries.values()),
        sent=ledger.kinds["sent"],
        received=received,
        unheard=ledger.unheard,
        requests=sum(counts["received"][name] for name in ("batch", "token") if name in counts["received"]),
    )


def _nobody_twice(
    dump: Sequence[Mapping[str, Any]],
    ours: Sequence[Mapping[str, Any]],
    by_legacy_id: Mapping[str | None, Mapping[str, Any]],
) -> None:
    """I2. The emulator keeps sign-in names unique, so a second account for one legacyId is what counts."""
    identities = Counter(
        (one["signInType"], one["issuer"], one["issuerAssignedId"].lower())
        for account in dump
        for one in account["identities"]
    )
    assert [one for one, count in identities.items() if count > 1] == []
    assert len(by_legacy_id) == len(ours), "two accounts carry one legacyId"
    assert None not in by_legacy_id, "an account without legacyId that nobody planted"


def _nobody_lost(truth: Truth, by_legacy_id: Mapping[str | None, Mapping[str, Any]], ledger: Ledger) -> None:
    """I1 and I3: an account for everybody but for those whose name a stranger holds, and the ledger says so."""
    assert set(ledger.entries) == {person.key for person in truth.people}
    expected = {legacy_id(person.key) for person in truth.people if person.key not in truth.conflicts}
    lost, unexpected = expected - set(by_legacy_id), set(by_legacy_id) - expected
    assert (lost, unexpected) == (set(), set()), (lost, unexpected)
    wrong = []
    for person in truth.people:
        entry, account = ledger.entries[person.key], by_legacy_id.get(legacy_id(person.key))
        if person.key in truth.conflicts:
            right = ("failed", "conflict", None)
        else:
            assert account is not None
            state = "awaiting_password" if person.gets_random_password else "complete"
            right = (state, "", account["id"])
        if (entry.state, entry.code, entry.object_id) != right:
            wrong.append((entry, right))
    assert wrong == [], wrong[:5]


def _flags_and_passwords(
    truth: Truth,
    by_legacy_id: Mapping[str | None, Mapping[str, Any]],
    emulator: Emulator,
    tenant: EmulatedTenant,
) -> None:
    """I4 and I5."""
    flag = tenant.extension("requiresMigration")
    emulator.advance(600)  # whatever the replication lag was, sign-in has seen everything by then
    for person in truth.people:
        if person.key in truth.conflicts:
            continue
        account = by_legacy_id[legacy_id(person.key)]
        assert account.get(flag) is (True if person.gets_random_password else None), person
        assert account["hasPassword"] is bool(person.sign_in_name), person
        if person.password:
            opened = emulator.sign_in(tenant, person.sign_in_name, person.password)
            assert (opened["signed_in"], opened["object_id"]) == (True, account["id"]), (person, opened)
        if person.federated:
            opened = emulator.sign_in_federated(tenant, *person.federated)
            assert (opened["signed_in"], opened["object_id"]) == (True, account["id"]), (person, opened)


def _strangers_untouched(
    truth: Truth, dump: Sequence[Mapping[str, Any]], emulator: Emulator, tenant: EmulatedTenant
) -> None:
    """Nobody else's account was adopted or changed."""
    by_id = {account["id"]: account for account in dump}
    for stranger in truth.strangers:
        account = by_id[stranger.object_id]
        assert account.get(tenant.extension("legacyId")) == stranger.legacy_id
        assert tenant.extension("requiresMigration") not in account
        assert account["displayName"] == "A stranger"
        if stranger.sign_in_name:
            assert emulator.sign_in(tenant, stranger.sign_in_name, stranger.password)["signed_in"]


def _without_refused(
    truth: Truth, ledger: Ledger, counts: Mapping[str, Any], code: str
) -> tuple[Truth, Ledger]:
    """The truth about the others: people who were refused on demand have failed, and were sent once.

    One whose name a stranger holds may be told as a conflict all the same. A refused password is replaced.
    """
    outcomes: Mapping[str, int] = counts["outcomes"]["users.create"]
    refusals = sum(count for outcome, count in outcomes.items() if outcome.startswith("refusal_"))
    failed = {entry.key for entry in ledger.entries.values() if (entry.state, entry.code) == ("failed", code)}
    if code == WEAK_PASSWORD:
        replaced = {
            one.key
            for one in truth.people
            if one.password and ledger.entries[one.key].state == "awaiting_password"
        }
        assert len(failed) + len(replaced) <= refusals, (failed, replaced, outcomes)
    else:
        replaced = set()
        assert refusals - len(truth.strangers) <= len(failed) <= refusals, (failed, outcomes)
        assert ledger.kinds["sent"] == len(truth.people), "somebody who was refused was sent again"
    others = [
        replace(one, password="") if one.key in replaced else one
        for one in truth.people
        if one.key not in failed
    ]
    entries = {key: entry for key, entry in ledger.entries.items() if key not in failed}
    return Truth(others, truth.strangers), replace(ledger, entries=entries)


def _every_create_announced(ledger: Ledger, counts: Mapping[str, Any], *, unclear_may_be_lost: bool) -> None:
    """I7: creates received = `sent` events, less those cut before arrival, less those whose process was killed.

    What a gateway delivered twice was announced once.
    """
    outcomes: Mapping[str, int] = counts["outcomes"].get("users.create", {})
    doubled = sum(count for outcome, count in outcomes.items() if outcome.startswith("twice_"))
    batches: Mapping[str, int] = counts["outcomes"].get("batch", {})
    many_doubled = any(outcome.startswith("twice_") for outcome in batches)
    received = int(counts["received"].get("users.create", 0)) - doubled
    could_arrive = ledger.kinds["sent"] - ledger.kinds["undelivered"] - outcomes.get("cut_before", 0)
    doubtful = ledger.unheard
    if unclear_may_be_lost:
        doubtful += ledger.kinds["unanswered"] + ledger.kinds["postponed"] + ledger.kinds["rejected"]
    if many_doubled:
        received = min(received, could_arrive)
    assert could_arrive - doubtful <= received <= could_arrive, (could_arrive, doubtful, received)


def _what_arrived_is_what_is_there(ledger: Ledger, counts: Mapping[str, Any], accounts: int) -> None:
    outcomes: Mapping[str, int] = counts["outcomes"].get("users.create", {})
    done = sum(count for outcome, count in outcomes.items() if outcome.endswith("201"))
    assert done == accounts
    assert ledger.kinds["created"] + ledger.kinds["adopted"] == accounts


def wait_until_idle(emulator: Emulator) -> None:
    """Wait for calls that the emulator still works on although their caller is gone: they would write later."""
    deadline = time.monotonic() + IDLE_SECONDS_MAX
    while _under_way(emulator.counts()):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _under_way(counts: Mapping[str, Any]) -> int:
    ended = counts["outcomes"].get("batch", {})
    return int(counts["received"].get("batch", 0)) - sum(ended.values()) + ended.get("cut_before", 0)


def files_with(needle: bytes, folder: Path, *, but: Path) -> list[str]:
    """Names of the files in this folder that hold these bytes."""
    return [
        str(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path != but and needle in path.read_bytes()
    ]
