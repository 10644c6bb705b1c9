"""Ask the verifiers of a person's legacy users whether a password is right, for one booked attempt.

The attempt is settled here, whatever happens: at once by what was said, or, where a call outlives the deadline, by what
that call says later. Somebody who was merged has several legacy users: each live system that is really asked counts on
its own too, because a match in one of them forgives nothing in another. Nothing here judges the account.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from idferry.errors import GuardUnavailable
from idferry.ports import (
    AttemptGuard,
    Booked,
    Booking,
    CheckResult,
    Clock,
    Deadline,
    LegacyRef,
    OnLateVerdict,
    ProtectedVerifier,
    Settlement,
    Verifiers,
)
from idferry.rules.legacy_checks import (
    NOBODY_ASKED,
    ends_the_chain,
    is_pending,
    of_legacy_user,
    of_person,
    settlement_of,
)
from idferry.rules.password import Password
from idferry.rules.submission import key_of_legacy_user
from idferry.rules.verdict import Match, NoAnswer, Silence, Verdict

_NO_WINDOW = Booked(Booking.BOOKED)
_LOST = NoAnswer(Silence.TIMED_OUT, reached=True)

OnLater = Callable[[Verdict], None]
"""Hears what came of a check whose caller had left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BookedCheck:
    """One attempt that the guard has booked under `ticket`, and whom to ask about."""

    ticket: str
    people: Sequence[LegacyRef]
    password: Password
    deadline: Deadline


def ask_legacy(
    check: BookedCheck, *, verifiers: Verifiers, guard: AttemptGuard, clock: Clock, later: OnLater
) -> tuple[CheckResult, bool]:
    """What is said of the password by the deadline, and whether a call is still under way.

    A Booking is said where the guard lets no legacy user of a merged person be asked.

    In that case `later` hears exactly once what it said, and the attempt is settled then. It may be before this returns.
    A guard that cannot be asked leaves the attempt as it was booked.
    """
    asking = _Asking(check, verifiers, guard, clock, later)
    try:
        verdict, pending = asking.ask()
    except GuardUnavailable:
        asking.settle(settlement_of(asking.heard))
        raise
    except BaseException:
        asking.settle(Settlement.ABORTED)  # a bug: nobody knows what the legacy system saw
        raise
    if not pending:
        asking.settle(settlement_of(asking.heard))
    return verdict, pending


@dataclass(slots=True)
class _Turn:
    """Asking about one legacy user: `window` is the ticket of its own window, empty where there is none.

    `of_each`: what was said of those before.
    """

    who: LegacyRef
    window: str
    of_each: Sequence[Verdict]
    is_last: bool
    said: list[Verdict] = field(default_factory=list)


class _Asking:
    def __init__(
        self,
        check: BookedCheck,
        verifiers: Verifiers,
        guard: AttemptGuard,
        clock: Clock,
        later: OnLater,
    ) -> None:
        self._check = check
        self._guard = guard
        self._clock = clock
        self._later = later
        self._turns = [(who, list(verifiers.responsible_for(who))) for who in check.people]
        self.heard: list[Verdict] = []

    def ask(self) -> tuple[CheckResult, bool]:
        of_each: list[Verdict] = []
        refused: Booking | None = None
        for number, (who, responsible) in enumerate(self._turns):
            window = self._book_window(who, responsible)
            if window.booking is not Booking.BOOKED:
                refused = window.booking
                continue
            turn = _Turn(who, window.ticket, tuple(of_each), is_last=number == len(self._turns) - 1)
            pending = self._ask_about(turn, responsible)
            of_each.append(of_legacy_user(turn.said))
            if pending:
                return of_person(of_each), True
            if isinstance(of_each[-1], Match):
                break
        if not of_each:
            return refused or NOBODY_ASKED, False
        return of_person(of_each), False

    def _book_window(self, who: LegacyRef, responsible: Sequence[ProtectedVerifier]) -> Booked:
        """One attempt on the own window of a live system, for somebody who has several legacy users."""
        if len(self._turns) == 1 or not any(one.is_live for one in responsible):
            return _NO_WINDOW
        key = key_of_legacy_user(who.source, who.key)
        now = self._clock.now()
        return self._guard.book(name_key=key, address=who.client_address, at=now, within=True)

    def _ask_about(self, turn: "_Turn", responsible: Sequence[ProtectedVerifier]) -> bool:
        """Ask about one legacy user; whether a call is still under way. The window is settled by what was said."""
        check = self._check
        try:
            for nth, verifier in enumerate(responsible):
                is_last = turn.is_last and nth == len(responsible) - 1
                late = self._hears_late(tuple(self.heard), turn, tuple(turn.said), is_last=is_last)
                verdict = verifier.verify(turn.who, check.password, check.deadline, late=late)
                turn.said.append(verdict)
                if is_pending(verdict):
                    return True
                self.heard.append(verdict)
                if ends_the_chain(verdict):
                    break
        except BaseException:
            self._settle(turn.window, Settlement.ABORTED)
            raise
        self._settle(turn.window, settlement_of(turn.said))
        return False

    def _hears_late(
        self, heard: Sequence[Verdict], turn: "_Turn", said: Sequence[Verdict], *, is_last: bool
    ) -> OnLateVerdict:
        """Settles by everything that was heard. Where others were still to be asked, only a match says something."""

        def late(verdict: Verdict) -> None:
            self._settle(turn.window, settlement_of([*said, verdict]))
            self.settle(settlement_of([*heard, verdict]))
            overall = of_person([*turn.of_each, of_legacy_user([*said, verdict])])
            self._later(overall if is_last or isinstance(overall, Match) else _LOST)

        return late

    def settle(self, settlement: Settlement) -> None:
        self._settle(self._check.ticket, settlement)

    def _settle(self, ticket: str, settlement: Settlement) -> None:
        if ticket:
            with suppress(GuardUnavailable):
                self._guard.settle(ticket, settlement, at=self._clock.now())
