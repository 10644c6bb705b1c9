"""Small builders for tests of flows: people, a source in memory, and one premigration that can be killed and resumed.

The oracle is always the tenant and the input, never what a flow reports about itself.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count
from typing import Any

from tests.support.hand_clock import HandClock
from tests.support.memory_directory import FLAG, MemoryTenant
from tests.support.memory_ledger import MemoryLedger

from idferry.flows.premigrate import Intake, Ledgers, PremigrateReport, premigrate
from idferry.flows.send_people import SendLimits
from idferry.ports import SourceRecord
from idferry.rules.account import Account, TenantKind, legacy_id_of
from idferry.rules.attributes import AttributeValue
from idferry.rules.entry import Entry, EventKind, Selection, TakeUp
from idferry.rules.happenings import Happening
from idferry.rules.legacy_user import BadRecord, LegacyUser, Place
from idferry.rules.lifecycle import State
from idferry.rules.names import Identity, SignInType, local_identity
from idferry.rules.password import Password
from idferry.rules.pilot import InPilot
from idferry.rules.plan import PasswordMode, PlanRules

PROJECT = "contoso"
SOURCE = "crm"
STRONG = "Sunny-Meadow-{}!"
WEAK = "sunny"


@dataclass(frozen=True)
class Human:
    """One record as a test writes it down. `federated` is (issuer, id)."""

    key: str
    email: str = ""
    user_name: str = ""
    federated: tuple[str, str] | None = None
    password: str | None = None
    display_name: str = "Somebody"
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)
    last_sign_in: datetime | None = None
    enabled: bool = True

    @property
    def identities(self) -> tuple[Identity, ...]:
        local = [local_identity(self.email)] if self.email else []
        local += [local_identity(self.user_name, SignInType.USER_NAME)] if self.user_name else []
        if self.federated:
            local.append(Identity(SignInType.FEDERATED, self.federated[1], self.federated[0]))
        return tuple(local)

    @property
    def legacy_id(self) -> str:
        return legacy_id_of(project=PROJECT, source=SOURCE, key=self.key)

    def record(self, ordinal: int, *, source: str) -> SourceRecord:
        everything = repr(replace(self, password=None)).encode()
        user = LegacyUser(
            source=source,
            key=self.key,
            place=Place("people.jsonl", ordinal + 1, ordinal),
            identities=self.identities,
            display_name=self.display_name,
            attributes=self.attributes,
            last_sign_in=self.last_sign_in,
            enabled=self.enabled,
            record_digest=hashlib.blake2b(everything, digest_size=8).digest(),
        )
        return SourceRecord(user, None if self.password is None else Password(self.password))


def with_password(number: int) -> Human:
    return Human(
        f"k{number}",
        f"known{number}@example.com",
        password=STRONG.format(number),
        display_name=f"Known {number}",
    )


def without_password(number: int) -> Human:
    return Human(f"r{number}", f"blank{number}@example.com", display_name=f"Blank {number}")


def weak_password(number: int) -> Human:
    return Human(f"w{number}", f"weak{number}@example.com", password=WEAK, display_name=f"Weak {number}")


def federated_only(number: int) -> Human:
    return Human(f"f{number}", federated=("google.com", f"g-{number}"), display_name=f"Federated {number}")


def crowd(people: int) -> list[Human]:
    """So many people, of every kind in turn."""
    kinds = (with_password, without_password, weak_password, federated_only)
    return [kinds[number % len(kinds)](number) for number in range(people)]


@dataclass
class MemorySource:
    """`ports.LegacySource`. `humans` may be changed between two readings; `before_reading` hears which one begins."""

    humans: list[Human]
    name: str = SOURCE
    bad: tuple[BadRecord, ...] = ()
    before_reading: Callable[[int], None] = lambda _reading: None
    readings: int = 0
    place: str = ""

    def digest(self) -> str:
        return hashlib.sha256(repr(self.humans).encode()).hexdigest()

    def records(self) -> Iterator[SourceRecord | BadRecord]:
        self.readings += 1
        self.before_reading(self.readings)
        yield from self.bad
        for ordinal, human in enumerate(self.humans):
            yield human.record(ordinal, source=self.name)


class Killed(BaseException):
    """The process is gone: nothing handles this, and nothing may be written after it."""


@dataclass
class Mortality:
    """Counts the ledger's writes and kills at one of them; the dead touch neither ledger nor directory."""

    deadly_write: int = 0
    writes: int = 0
    dead: bool = False

    def after_write(self, _name: str) -> None:
        self.writes += 1
        if self.writes == self.deadly_write:
            self.die()

    def die(self) -> None:
        self.dead = True
        raise Killed


class Living:
    """A port that answers as long as its process lives."""

    def __init__(self, port: object, mortality: Mortality) -> None:
        self._port = port
        self._mortality = mortality

    def __getattr__(self, name: str) -> object:
        if self._mortality.dead:
            raise Killed
        return getattr(self._port, name)


@dataclass
class World:
    """A tenant, a ledger, a source and the command that brings them together. Every run uses fresh flow objects."""

    source: MemorySource
    tenant: MemoryTenant = field(default_factory=MemoryTenant)
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    mode: PasswordMode = PasswordMode.AUTO
    kind: TenantKind = TenantKind.B2C
    weak_allowed: bool = False
    chance: Iterator[int] = field(default_factory=count)
    kills: int = 0
    told: list[Happening] = field(default_factory=list)
    limits: SendLimits = field(default_factory=lambda: SendLimits(chunks_under_way_max=2))
    attribute_names: Mapping[str, str] = field(default_factory=dict)

    @property
    def clock(self) -> HandClock:
        assert isinstance(self.tenant.clock, HandClock)
        return self.tenant.clock

    @property
    def rules(self) -> PlanRules:
        return PlanRules(
            project=PROJECT,
            tenant_kind=self.kind,
            password_mode=self.mode,
            weak_passwords_allowed=self.weak_allowed,
            attribute_names=self.attribute_names,
        )

    def premigrate(
        self,
        *,
        command: str = "premigrate",
        take_up: TakeUp | None = None,
        in_pilot: InPilot = lambda _user: True,
        limit: int | None = None,
        accept_changes: bool = False,
        stop: Callable[[], bool] = lambda: False,
        mortality: Mortality | None = None,
        **intake: Any,
    ) -> PremigrateReport:
        life = mortality or Mortality()
        self._shelves.after_write = life.after_write
        ledger, tenant = self.ledger, self.tenant
        try:
            return premigrate(
                command=command,
                source=self.source,
                intake=Intake(self.rules, take_up or TakeUp(), in_pilot, limit, accept_changes, **intake),
                ledgers=Ledgers(
                    Living(ledger.plan, life),  # type: ignore[arg-type]
                    Living(ledger.runs, life),  # type: ignore[arg-type]
                    Living(ledger.send, life),  # type: ignore[arg-type]
                    ledger.records,
                ),
                inspector=Living(tenant.inspector, life),  # type: ignore[arg-type]
                writer=Living(tenant.writer, life),  # type: ignore[arg-type]
                flag=FLAG,
                clock=self.clock,
                random_below=self._below,
                tell=self.told.append,
                stop=stop,
                limits=self.limits,
            )
        finally:
            self._shelves.after_write = lambda _name: None

    def killed_at(self, write: int, *, accept_changes: bool = False) -> None:
        """Run, and be killed right after the ledger's write number `write`."""
        try:
            self.premigrate(mortality=Mortality(write), accept_changes=accept_changes)
        except Killed:
            self.kills += 1

    @property
    def _shelves(self) -> "object":
        return self.ledger.plan._shelves

    def _below(self, bound: int) -> int:
        # Not chance: a counter stirred well, so that a failing test fails again.
        return (
            int.from_bytes(hashlib.blake2b(str(next(self.chance)).encode(), digest_size=8).digest()) % bound
        )

    # --- what is there -------------------------------------------------------------------------------------------

    def entries(self) -> dict[str, Entry]:
        """key -> entry."""
        return {entry.key: entry for entry in self.ledger.report.entries(Selection())}

    def states(self) -> dict[State, int]:
        return dict(self.ledger.report.states(Selection()))

    def failures(self) -> dict[str, int]:
        return {group.code: group.count for group in self.ledger.report.failures(Selection())}

    def events_of(self, key: str) -> list[EventKind]:
        return [event.kind for event in self.ledger.report.events(self.entries()[key].person_id)]

    def account_of(self, key: str) -> Account:
        wanted = legacy_id_of(project=PROJECT, source=self.source.name, key=key)
        (found,) = [one for one in self.tenant.accounts() if one.legacy_id == wanted]
        return found

    def creates(self) -> int:
        return sum(kind == "create" for kind, _ in self.tenant.calls)


def assert_true_to_life(world: World, *, strangers: Mapping[str, Account] | None = None) -> None:
    """Invariants I1 to I5 and I7 over tenant, ledger and input, when everybody has been dealt with."""
    accounts = world.tenant.accounts()
    ours = [one for one in accounts if (one.legacy_id or "").startswith(f"{PROJECT}:")]
    _nobody_twice(accounts, [one for one in ours if one.object_id not in (strangers or {})])
    for object_id, before in (strangers or {}).items():
        assert world.tenant.stored[object_id].account == before, "a stranger's account was touched"
    by_legacy_id = {one.legacy_id: one for one in ours if one.object_id not in (strangers or {})}
    entries = world.entries()
    for human in world.source.humans:
        assert human.key in entries, f"{human.key} is lost"
    for entry in entries.values():
        _ledger_is_reality(entry, by_legacy_id.get(entry.legacy_id))
    known_ids = {entry.legacy_id for entry in entries.values() if entry.state.has_account}
    assert set(by_legacy_id) <= known_ids, "an account that the ledger does not know"
    _passwords_are_right(world, entries)
    _calls_are_explained(world, entries)


def _nobody_twice(accounts: list[Account], ours: list[Account]) -> None:
    names = Counter((one.is_local, one.compared) for account in accounts for one in account.identities)
    assert not [name for name, often in names.items() if often > 1]
    assert not [one for one, often in Counter(account.legacy_id for account in ours).items() if often > 1]


def _ledger_is_reality(entry: Entry, account: Account | None) -> None:
    if entry.state.has_account:
        assert account is not None, f"{entry.key} is {entry.state} and has no account"
        assert account.object_id == entry.object_id
        assert (account.flag is True) == (entry.state is State.AWAITING_PASSWORD), entry.key
    else:
        assert entry.state not in (State.PLANNED, State.CREATING), f"{entry.key} was not dealt with"
        assert account is None, f"{entry.key} is {entry.state} and has an account"


def _passwords_are_right(world: World, entries: Mapping[str, Entry]) -> None:
    humans = {human.key: human for human in world.source.humans}
    random: list[str] = []
    for kept in world.tenant.live():
        source, _, key = (kept.account.legacy_id or "").removeprefix(f"{PROJECT}:").partition(":")
        human, entry = humans.get(key), entries.get(key)
        if source != SOURCE or human is None or entry is None or not entry.state.has_account:
            continue
        if not any(one.is_local for one in kept.account.identities):
            assert kept.password is None, f"{key} signs in elsewhere and needs no password"
            continue
        assert kept.password is not None
        typed = kept.password.reveal_to(lambda text: text)
        if kept.account.flag is True:
            random.append(typed)
            assert typed != human.password
        else:
            assert typed == human.password, f"{key} cannot sign in with the legacy password"
    assert len(set(random)) == len(random), "two people share a random password"


def _calls_are_explained(world: World, entries: Mapping[str, Entry]) -> None:
    """I7: a create arrived for every `sent` event but those that a kill cut off before it left."""
    received = Counter(legacy_id for kind, legacy_id in world.tenant.calls if kind == "create")
    for entry in entries.values():
        sent = world.events_of(entry.key).count(EventKind.SENT)
        arrived = received.pop(entry.legacy_id, 0) if entry.legacy_id else 0
        assert 0 <= sent - arrived <= world.kills, f"{entry.key}: {sent} sent, {arrived} arrived"
    assert not received, "creates that no ledger row explains"
