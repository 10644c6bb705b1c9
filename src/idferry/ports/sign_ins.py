"""What sign-ins need from outside: verifiers, the guard that books attempts, the reset status, the hash store."""

from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from idferry.ports.machine import Clock
from idferry.rules.attempts import Booking as Booking
from idferry.rules.attempts import Settlement as Settlement
from idferry.rules.names import compared_form
from idferry.rules.password import Password
from idferry.rules.submission import Submission
from idferry.rules.verdict import Verdict


@dataclass(frozen=True, slots=True)
class LegacyRef:
    """Who is to be checked, as the legacy system knows them.

    `source` and `key` name the legacy user; `typed_sign_in_name` is what the person typed, trimmed; `sign_in_names`
    are all names that the record has, as the source spells them. `client_address` is the person's own, as the tenant
    told it (empty: it did not).
    """

    source: str
    key: str
    typed_sign_in_name: str
    sign_in_names: Sequence[str] = ()
    client_address: str = ""

    @property
    def asked_name(self) -> str:
        """The name to ask the legacy system with, spelled as its own record spells it.

        That is the record's name that was typed, else its first: a name that has meanwhile gone to somebody else in
        the legacy system would prove that person's password. Without names it is the typed one.
        """
        typed = compared_form(self.typed_sign_in_name)
        named = (one for one in self.sign_in_names if compared_form(one) == typed)
        return next(named, self.sign_in_names[0] if self.sign_in_names else self.typed_sign_in_name)


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment on the clock's `elapsed` scale, by which an answer is worth something."""

    at_s: float

    @classmethod
    def after(cls, within: timedelta, clock: Clock) -> "Deadline":
        """So much from now."""
        return cls(clock.elapsed() + within.total_seconds())

    def no_later_than(self, within: timedelta, clock: Clock) -> "Deadline":
        """The same, but so much from now at the latest."""
        return Deadline(min(self.at_s, clock.elapsed() + within.total_seconds()))

    def seconds_left(self, clock: Clock) -> float:
        """Seconds until then; 0 when it has passed."""
        return max(0.0, self.at_s - clock.elapsed())


class PasswordVerifier(Protocol):
    """Checks one password with one legacy system. An empty password never comes here."""

    @property
    def name(self) -> str:
        """The name of its [[verifier]] table: what logs and metrics say."""
        ...

    def verify(self, who: LegacyRef, password: Password, deadline: Deadline) -> Verdict:
        """What the legacy system says. Never raises: whatever goes wrong is NoAnswer."""
        ...


OnLateVerdict = Callable[[Verdict], None]
"""Hears of a call that outlived its caller, exactly once and from another thread."""


class ProtectedVerifier(PasswordVerifier, Protocol):
    """A verifier behind its deadline, circuit breaker, cap on concurrent calls and rate."""

    @property
    def is_live(self) -> bool:
        """Whether a legacy system is asked, which counts wrong passwords itself; hashes are computed here."""
        ...

    @property
    def is_out(self) -> bool:
        """Whether the breaker is open: until it closes, nobody is asked and everybody gets the text of an outage."""
        ...

    def verify(
        self, who: LegacyRef, password: Password, deadline: Deadline, *, late: OnLateVerdict | None = None
    ) -> Verdict:
        """What the legacy system says by the deadline.

        After NoAnswer(TIMED_OUT, reached=True), and after nothing else, `late` is called exactly once: with the
        verdict that came later, or with the same NoAnswer when the call was aborted. That may be before this returns.
        """
        ...


class Verifiers(Protocol):
    """All verifiers of the settings, in their order."""

    def responsible_for(self, who: LegacyRef) -> Sequence[ProtectedVerifier]:
        """Those that may be asked about this legacy user, by source and e-mail domain; none: nobody can tell."""
        ...

    def is_any_out(self, typed_sign_in_name: str) -> bool:
        """Whether a verifier that could be asked about such a name, whoever has it, gives no answers at the moment.

        Then nobody who types one is told that a password is wrong: people of the silent legacy system would stand out.
        """
        ...


@dataclass(frozen=True, slots=True)
class Booked:
    """The guard's answer: `ticket` settles a booked attempt and is empty for a refused one."""

    booking: Booking
    ticket: str = ""


class AttemptGuard(Protocol):
    """Books attempts before the legacy system is asked; atomic, and on disk when a call returns.

    `name_key` is the person's own key where the person is known, else the compared sign-in name; both reach the disk
    only as an HMAC. A store that cannot be used raises GuardUnavailable: callers fail closed.
    """

    def book(self, *, name_key: str, address: str, at: datetime, within: bool = False) -> Booked:
        """Book one attempt, or say why not.

        `within`: one more legacy system is asked within an attempt that is booked already. It counts for this name alone,
        and neither for the address nor for everybody.
        """
        ...

    def settle(self, ticket: str, settlement: Settlement, *, at: datetime) -> None:
        """Settle a booked attempt; a second settlement of the same ticket changes nothing."""
        ...

    def unlock(self, name_key: str, *, at: datetime) -> None:
        """Forget what this name has failed: a self-service reset, or the help desk."""
        ...

    def locked_until(self, name_key: str, *, at: datetime) -> datetime | None:
        """Until when nobody gets through with this name from anywhere, or None."""
        ...


@dataclass(frozen=True, slots=True)
class Standing:
    """How one name stands with the guard, for people who help. Times are in UTC.

    `failures`: attempts since the last success; `locked_until`: when the next one from an address without an earlier
    success may go through, None when it may now; `locked_addresses`: how many addresses have a lock of their own;
    `known_addresses`: from how many the person signed in lately.
    """

    failures: int = 0
    last_at: datetime | None = None
    locked_until: datetime | None = None
    locked_addresses: int = 0
    known_addresses: int = 0


class GuardDesk(Protocol):
    """What the help desk needs of the guard. A store that cannot be used raises GuardUnavailable."""

    def standing(self, name_key: str, *, at: datetime) -> Standing:
        """How this name stands at this moment."""
        ...

    def unlock(self, name_key: str, *, at: datetime) -> None:
        """Forget what this name has failed. What the legacy system has counted is not touched."""
        ...


CheckResult = Verdict | Booking
"""What became of a submission: a verdict, or why the guard did not let it be checked."""


@dataclass(frozen=True, slots=True)
class Leader:
    """The first of its submission: it books, asks, and then settles the submission, whatever happens."""


@dataclass(frozen=True, slots=True)
class Follower:
    """A retry, or a password whose verdict is remembered: no booking and no call. The result may be there already.

    It says what the legacy system said of the password, and nothing of the account, which is read anew each time.
    """

    result: "Future[CheckResult]"


@dataclass(frozen=True, slots=True)
class NonceReused:
    """The nonce of another password or another person: answered as a wrong password, and told as an alert."""


@dataclass(frozen=True, slots=True)
class Crowded:
    """As many wait for checks as may: answered like an overload, whoever it is, and nothing was booked or asked."""


Joined = Leader | Follower | NonceReused | Crowded


class Submissions(Protocol):
    """Which submissions are being checked and what came of the last ones. In memory, bounded, oldest forgotten first."""

    def join(self, submission: Submission, *, at: datetime) -> Joined:
        """Take part in a submission. Whoever leads one must settle it.

        The same password of the same person that is being checked for another page is the same check: a second one
        would be refused as one too many, and whoever typed it told that it is wrong.
        """
        ...

    def settle(
        self, submission: Submission, result: CheckResult, *, at: datetime, late: bool = False
    ) -> None:
        """What came of it: everybody who waits hears it, and verdicts are remembered.

        `late`: the verdict came after the leader had answered. A match is then kept for the person's next try with
        the same password. The first settlement counts.
        """
        ...


class ResetStatus(Protocol):
    """Which people must still reset their password, by sign-in name as typed and by object id."""

    def must_reset(self, sign_in_name: str) -> bool:
        """Whether this person must reset. Raises StatusUnavailable."""
        ...

    def settle(self, *, sign_in_name: str, object_id: str) -> None:
        """The new password was written: all rows of this account go. The same twice is the same once."""
        ...

    def add(self, people: Sequence[tuple[str, Sequence[str]]]) -> None:
        """These must reset: object id and sign-in names. `premigrate` fills the store with it."""
        ...


@dataclass(frozen=True, slots=True)
class HashRow:
    """One password hash of a source: `scheme` and `parameters` as `hashes` understands them.

    `value` is the hash as exported; `hashed_name` the user name where the scheme mixes it in.
    """

    source: str
    key: str
    scheme: str
    value: str
    parameters: str = ""
    hashed_name: str = ""
    exported_at: datetime | None = None

    def __repr__(self) -> str:
        return f"HashRow(source={self.source!r}, key={self.key!r}, scheme={self.scheme!r})"


class HashStore(Protocol):
    """Password hashes, encrypted on disk, for as long as the migration lasts."""

    def put(self, rows: Sequence[HashRow]) -> None:
        """Put some there in one transaction; a later row of the same (source, key) replaces the earlier one."""
        ...

    def of(self, source: str, key: str) -> HashRow | None:
        """The hash of one legacy user."""
        ...

    def rows(self) -> Iterator[HashRow]:
        """All of them, streamed: for `hash forecast`."""
        ...

    def delete(self, people: Collection[tuple[str, str]]) -> int:
        """Delete the rows of these (source, key), overwritten on disk; how many there were."""
        ...

    def destroy(self) -> int:
        """Delete everything, the file included; how many rows there were."""
        ...
