"""Asks one verifier about one password, so that people can try their settings before anybody signs in.

It asks as the service would, through the same protection. It books no attempt and writes nothing; the legacy system
counts a wrong password as ever.
"""

from dataclasses import dataclass
from datetime import timedelta

from idferry.ports import Clock, Deadline, LegacyRef, ProtectedVerifier
from idferry.rules.password import Password
from idferry.rules.verdict import Verdict

PATIENCE = timedelta(
    seconds=11
)  # beyond the verifier's own abort: nobody waits for this answer but the one who asks


@dataclass(frozen=True, slots=True)
class Checked:
    """What the verifier said, and after how many seconds."""

    verdict: Verdict
    seconds: float


def check_verifier(
    *, verifier: ProtectedVerifier, who: LegacyRef, password: Password, clock: Clock
) -> Checked:
    """The verdict about this password."""
    began_s = clock.elapsed()
    verdict = verifier.verify(who, password, Deadline.after(PATIENCE, clock))
    return Checked(verdict, clock.elapsed() - began_s)
