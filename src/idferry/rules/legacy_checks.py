"""Several checks of one password, made for one sign-in: what they say together, and what they cost in the guard.

Pure. A person may own several legacy users, and a legacy user may be known to several verifiers. Nothing that a legacy
system has counted as a wrong password may be given back because another system was silent.
"""

from collections.abc import Sequence
from typing import assert_never

from idferry.rules.attempts import Settlement
from idferry.rules.verdict import Barred, Match, Mismatch, NoAnswer, NoSuchUser, Silence, Verdict

NOBODY_ASKED = NoAnswer(Silence.NOT_CONFIGURED, reached=False)


def ends_the_chain(verdict: Verdict) -> bool:
    """Whether no other verifier is asked about the same legacy user.

    After a call that outlived the deadline nobody is: there is no time left, and its own word comes later.
    """
    match verdict:
        case Match() | Mismatch() | Barred():
            return True
        case NoAnswer():
            return is_pending(verdict)
        case NoSuchUser():
            return False
        case _:
            assert_never(verdict)


def is_pending(verdict: Verdict) -> bool:
    """Whether a call is still under way, whose verdict comes late."""
    return isinstance(verdict, NoAnswer) and verdict.silence is Silence.TIMED_OUT and verdict.reached


def of_legacy_user(verdicts: Sequence[Verdict]) -> Verdict:
    """What the verifiers of one legacy user say together: the first definite word, else silence, else nobody's name."""
    for verdict in verdicts:
        if isinstance(verdict, Match | Mismatch | Barred):
            return verdict
    return next((one for one in verdicts if isinstance(one, NoAnswer)), _nobody(verdicts))


def of_person(verdicts: Sequence[Verdict]) -> Verdict:
    """What is said of all legacy users of a person together, in their order."""
    wanted: tuple[type[Verdict], ...] = (Match, NoAnswer, Mismatch, Barred)
    if proven := next((one for one in verdicts if isinstance(one, Barred) and one.proven), None):
        return next((one for one in verdicts if isinstance(one, Match)), proven)
    for kind in wanted:
        for verdict in verdicts:
            if isinstance(verdict, kind):
                return verdict
    return _nobody(verdicts)


def settlement_of(verdicts: Sequence[Verdict]) -> Settlement:
    """How the attempt is settled that all these calls were made for."""
    if any(isinstance(one, Match) or (isinstance(one, Barred) and one.proven) for one in verdicts):
        return Settlement.MATCHED
    if any(isinstance(one, Mismatch | NoSuchUser | Barred) for one in verdicts):
        return Settlement.FAILED
    if any(isinstance(one, NoAnswer) and one.reached for one in verdicts):
        return Settlement.ABORTED
    return Settlement.NEVER_SENT


def _nobody(verdicts: Sequence[Verdict]) -> Verdict:
    return NoSuchUser() if verdicts else NOBODY_ASKED
