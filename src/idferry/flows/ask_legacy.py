"""Ask the verifiers of a person's legacy users whether a password is right, for one booked attempt.

The attempt is settled here, whatever happens: at once by what was said, or, where a call outlives the deadline, by what
that call says later. Nothing here judges the account.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from idferry.errors import GuardUnavailable
from idferry.ports import (
    AttemptGuard,
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
from idferry.rules.verdict import Match, NoAnswer, Silence, Verdict

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
) -> tuple[Verdict, bool]:
    """What is said of the password by the deadline, and whether a call is still under way.

    In that case `later` hears exactly once what it said, and the attempt is settled then. It may be before this returns.
    A guard that cannot be asked leaves the attempt as it was booked.
    """
    asking = _Asking(check, verifiers, guard, clock, later)
    try:
        verdict, pending = asking.ask()
    except BaseException:
        asking.settle(Settlement.ABORTED)  # a bug: nobody knows what the legacy system saw
        raise
    if not pending:
        asking.settle(settlement_of(asking.heard))
    return verdict, pending


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

    def ask(self) -> tuple[Verdict, bool]:
        of_each: list[Verdict] = []
        for number, (who, responsible) in enumerate(self._turns):
            is_last_person = number == len(self._turns) - 1
            said: list[Verdict] = []
            for nth, verifier in enumerate(responsible):
                is_last = is_last_person and nth == len(responsible) - 1
                verdict = self._ask_one(verifier, who, tuple(of_each), tuple(said), is_last=is_last)
                said.append(verdict)
                if is_pending(verdict):
                    return of_person([*of_each, of_legacy_user(said)]), True
                self.heard.append(verdict)
                if ends_the_chain(verdict):
                    break
            of_each.append(of_legacy_user(said))
            if isinstance(of_each[-1], Match):
                break
        return (of_person(of_each) if of_each else NOBODY_ASKED), False

    def _ask_one(
        self,
        verifier: ProtectedVerifier,
        who: LegacyRef,
        of_each: Sequence[Verdict],
        said: Sequence[Verdict],
        *,
        is_last: bool,
    ) -> Verdict:
        check = self._check
        late = self._hears_late(tuple(self.heard), of_each, said, is_last=is_last)
        return verifier.verify(who, check.password, check.deadline, late=late)

    def _hears_late(
        self,
        heard: Sequence[Verdict],
        of_each: Sequence[Verdict],
        said: Sequence[Verdict],
        *,
        is_last: bool,
    ) -> OnLateVerdict:
        """Settles by everything that was heard. Where others were still to be asked, only a match says something."""

        def late(verdict: Verdict) -> None:
            self.settle(settlement_of([*heard, verdict]))
            overall = of_person([*of_each, of_legacy_user([*said, verdict])])
            self._later(overall if is_last or isinstance(overall, Match) else _LOST)

        return late

    def settle(self, settlement: Settlement) -> None:
        with suppress(GuardUnavailable):
            self._guard.settle(self._check.ticket, settlement, at=self._clock.now())
