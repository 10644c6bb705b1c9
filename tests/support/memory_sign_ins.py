"""Everything one sign-in needs, in memory: accounts, people, verifiers. `SignInWorld` puts it together.

world = SignInWorld()
world.person("ana@example.com", password="old one 1A")
decision = world.sign_in("ana@example.com", "old one 1A")
"""

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from tests.support.hand_clock import HandClock
from tests.support.memory_guard import MemoryGuard

from idferry.errors import DirectoryError, LedgerError, Unreachable
from idferry.flows.migrate_on_sign_in import SignIn, SignInParts, migrate_on_sign_in
from idferry.ports import Deadline, LegacyRef, OnLateVerdict, PersonHere, ProtectedVerifier
from idferry.rules.entry import Observation
from idferry.rules.happenings import Happening
from idferry.rules.legacy_user import LegacyUserKey
from idferry.rules.lifecycle import State
from idferry.rules.names import compared_form
from idferry.rules.password import Password
from idferry.rules.sign_in import AccountFacts, Decision, SignInRules, Writer, Written
from idferry.rules.submission import Front
from idferry.rules.verdict import Match, Mismatch, NoAnswer, Silence, Verdict
from idferry.stores.submissions import RunningSubmissions
from idferry.stores.written_passwords import RecentlyWritten

ADDRESS = "203.0.113.9"


def answered(value: Any) -> "Future[Any]":
    """A future that is done."""
    done: Future[Any] = Future()
    if isinstance(value, BaseException):
        done.set_exception(value)
    else:
        done.set_result(value)
    return done


class MemorySignInDirectory:
    """Satisfies ports.SignInDirectory. `says` replaces what a write is answered; `lag` shows older facts for so long."""

    def __init__(self, clock: HandClock) -> None:
        self.clock = clock
        self.accounts: dict[str, AccountFacts] = {}
        self.passwords: dict[str, str] = {}
        self.fails: DirectoryError | None = None
        self.never = False
        self.writes = 0
        self.lifted: list[bool] = []
        self.cleared: list[str] = []
        self.raised: list[str] = []
        self.says: Callable[[], Written] = lambda: Written.DONE
        self.writes_although: bool | None = None
        self.lag_s = 0.0
        self._before: dict[str, tuple[float, AccountFacts]] = {}

    def facts(self, object_id: str, deadline: Deadline) -> "Future[AccountFacts | None]":
        if self.never:
            return Future()
        if self.fails:
            return answered(self.fails)
        changed = self._before.get(object_id)
        if changed and self.clock.elapsed() - changed[0] < self.lag_s:
            return answered(changed[1])
        return answered(self.accounts.get(object_id))

    def write_password(
        self, object_id: str, password: Password, *, weak: bool, deadline: Deadline
    ) -> "Future[Written]":
        self.writes += 1
        self.lifted.append(weak)
        said = self.says()
        is_written = said is Written.DONE if self.writes_although is None else self.writes_although
        if is_written:
            self.set_password(object_id, password.reveal_to(str), flag=False)
        return answered(said)

    def clear_flag(self, object_id: str, deadline: Deadline) -> "Future[bool]":
        if self.fails:
            return answered(value=False)
        self.cleared.append(object_id)
        self.accounts[object_id] = replace(self.accounts[object_id], flag=False)
        return answered(value=True)

    def raise_flag(self, object_id: str, deadline: Deadline) -> "Future[bool]":
        if self.fails:
            return answered(value=False)
        self.raised.append(object_id)
        self.accounts[object_id] = replace(self.accounts[object_id], flag=True)
        return answered(value=True)

    def set_password(self, object_id: str, password: str, *, flag: bool | None = None) -> None:
        """Somebody's write: ours, the policy's, or a self-service reset (which leaves the flag)."""
        before = self.accounts[object_id]
        self._before[object_id] = (self.clock.elapsed(), before)
        self.passwords[object_id] = password
        after = replace(before, password_changed_at=self.clock.now())
        self.accounts[object_id] = after if flag is None else replace(after, flag=flag)


class MemorySignInLedger:
    """Satisfies ports.SignInLedger."""

    def __init__(self) -> None:
        self.people: list[PersonHere] = []
        self.notes: list[Observation] = []
        self.takes_notes, self.notes_hang = True, False
        self.fails = False

    def by_object_id(self, object_id: str) -> PersonHere | None:
        return self._first(lambda one: one.object_id == object_id)

    def by_legacy_id(self, legacy_id: str) -> PersonHere | None:
        return self._first(lambda one: one.legacy_id == legacy_id)

    def by_sign_in_name(self, compared: str) -> PersonHere | None:
        return self._first(lambda one: compared in [compared_form(name) for name in one.sign_in_names])

    def note(self, observation: Observation, *, at: datetime) -> "Future[bool]":
        self.notes.append(observation)
        noted: Future[bool] = Future()
        if self.notes_hang is False:
            noted.set_result(self.takes_notes)
        return noted

    def _first(self, wanted: Callable[[PersonHere], bool]) -> PersonHere | None:
        if self.fails:
            raise LedgerError("the test says so")
        return next((one for one in self.people if wanted(one)), None)


class MemoryVerifier:
    """Satisfies ports.ProtectedVerifier over a table of passwords; `says` replaces what it answers."""

    def __init__(self, name: str = "legacy") -> None:
        self._name = name
        self.passwords: dict[str, str] = {}
        self.says: Callable[[LegacyRef], Verdict] | None = None
        self.is_out, self.is_live = False, True
        self.asked: list[LegacyRef] = []
        self.late: list[OnLateVerdict] = []

    @property
    def name(self) -> str:
        return self._name

    def verify(
        self, who: LegacyRef, password: Password, deadline: Deadline, *, late: OnLateVerdict | None = None
    ) -> Verdict:
        self.asked.append(who)
        if late:
            self.late.append(late)
        if self.says:
            return self.says(who)
        right = self.passwords.get(who.key)
        return Match() if right is not None and password.reveal_to(lambda one: one == right) else Mismatch()


@dataclass
class MemoryVerifiers:
    """Satisfies ports.Verifiers: all of them for everybody."""

    verifiers: Sequence[MemoryVerifier]

    def responsible_for(self, who: LegacyRef) -> Sequence[ProtectedVerifier]:
        return self.verifiers

    def is_any_out(self, typed_sign_in_name: str) -> bool:
        return any(one.is_out for one in self.verifiers)


TIMED_OUT = NoAnswer(Silence.TIMED_OUT, reached=True)
UNREACHABLE = NoAnswer(Silence.UNREACHABLE, reached=False)


@dataclass
class SignInWorld:
    """One tenant, one ledger, one or several verifiers, one guard."""

    rules: SignInRules = field(default_factory=SignInRules)
    front: Front = Front.B2C
    clock: HandClock = field(default_factory=HandClock)
    verifiers: Sequence[MemoryVerifier] = ()

    def __post_init__(self) -> None:
        self.directory = MemorySignInDirectory(self.clock)
        self.ledger = MemorySignInLedger()
        self.legacy = MemoryVerifier()
        self.verifiers = self.verifiers or [self.legacy]
        self.guard = MemoryGuard()
        self.told: list[Happening] = []
        self.parts = SignInParts(
            ledger=self.ledger,
            directory=self.directory,
            verifiers=MemoryVerifiers(self.verifiers),
            guard=self.guard,
            submissions=RunningSubmissions(),
            written=RecentlyWritten(),
            keyed=lambda text: hashlib.blake2b(text, key=b"test").digest(),
            clock=self.clock,
            rules=self.rules,
            tell=self.told.append,
        )

    def person(
        self, name: str, *, password: str = "Old-Password-1", flag: bool = True, keys: Sequence[str] = ()
    ) -> str:
        """Somebody with an account and legacy users; the object id."""
        number = len(self.ledger.people) + 1
        object_id, legacy_id = f"00000000-0000-4000-8000-{number:012d}", f"contoso:crm:{number}"
        keys = keys or (str(number),)
        person = PersonHere(
            number, object_id, legacy_id, [LegacyUserKey("crm", one) for one in keys], (name,)
        )
        self.ledger.people.append(person)
        for verifier in self.verifiers:
            verifier.passwords[keys[0]] = password
        created = self.clock.now() - timedelta(days=1)
        self.directory.accounts[object_id] = AccountFacts(
            object_id=object_id,
            legacy_id=legacy_id,
            flag=flag,
            enabled=True,
            created_at=created,
            password_changed_at=created + timedelta(seconds=1),
        )
        self.directory.passwords[object_id] = f"random {number}"
        return object_id

    def sign_in(self, name: str, password: str, *, within_s: float = 5.0, **how: Any) -> Decision:
        """One pressing of the button."""
        told = {"front": self.front, "client_address": ADDRESS, **how}
        if told["front"] is Front.EXTERNAL_ID:
            told.setdefault("expires_at", self.clock.now() + timedelta(minutes=10))
        sign_in = SignIn(password=Password(password), typed_name=name, **told)
        deadline = Deadline.after(timedelta(seconds=within_s), self.clock)
        return migrate_on_sign_in(sign_in=sign_in, deadline=deadline, parts=self.parts)

    @property
    def states(self) -> list[State | None]:
        """What the ledger was told to move people to, in order."""
        return [one.state for one in self.ledger.notes]


def mode_b() -> SignInRules:
    """We write."""
    return SignInRules(writer=Writer.US)


def unreachable() -> DirectoryError:
    """The directory is down."""
    return Unreachable("the test says so")
