"""What a store of hashes means for sign-ins on one machine, out of one measured verification of each kind. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

HEADROOM = 0.8
"""How busy the cores may be: beyond it people wait for each other more than for the hash."""
ANSWER_MARGIN_S = 0.1
"""What the tenant's deadline must leave after the fixed time of answers that are not a match."""
ROUNDED_TO_S = 0.05


@dataclass(frozen=True, slots=True)
class HashKind:
    """Hashes of one scheme and cost: how many there are, and how long one verification took, in seconds."""

    scheme: str
    cost: str
    count: int
    seconds: float


@dataclass(frozen=True, slots=True)
class BoundedCost:
    """The costliest hash of a scheme that the bounds allow: the bounds that say so, seconds on this machine, its memory."""

    scheme: str
    bound: str
    seconds: float
    memory_kib: int


@dataclass(frozen=True, slots=True)
class SignInForecast:
    """`mean_s`, `p95_s`, `p99_s`: one verification of a person picked evenly; `per_second`: what the cores sustain.

    `negative_reply_at_s` is when answers that are no match should leave; 0 where the deadline leaves no such moment.
    """

    kinds: tuple[HashKind, ...]
    people: int
    mean_s: float
    p95_s: float
    p99_s: float
    slowest_s: float
    per_second: float
    negative_reply_at_s: float

    @property
    def fits(self) -> bool:
        """Whether everybody's verification ends before the deadline."""
        return self.negative_reply_at_s > 0


def forecast_sign_ins(kinds: Sequence[HashKind], *, threads: int, deadline_s: float) -> SignInForecast:
    """The forecast for at least one kind."""
    ordered = tuple(sorted(kinds, key=lambda one: one.seconds))
    people = sum(one.count for one in ordered)
    mean = sum(one.count * one.seconds for one in ordered) / people
    slowest = ordered[-1].seconds
    p99 = _quantile(ordered, people, 0.99)
    return SignInForecast(
        kinds=ordered,
        people=people,
        mean_s=mean,
        p95_s=_quantile(ordered, people, 0.95),
        p99_s=p99,
        slowest_s=slowest,
        per_second=HEADROOM * threads / max(mean, 1e-6),
        negative_reply_at_s=_reply_at(slowest, deadline_s),
    )


def _quantile(ordered: Sequence[HashKind], people: int, share: float) -> float:
    seen = 0
    for one in ordered:
        seen += one.count
        if seen >= share * people:
            return one.seconds
    return ordered[-1].seconds


def _reply_at(slowest_s: float, deadline_s: float) -> float:
    """Twice the slowest kind, because two may meet on one core, in round steps; as late as the deadline allows."""
    latest = deadline_s - ANSWER_MARGIN_S
    wanted = (int(2 * slowest_s / ROUNDED_TO_S) + 1) * ROUNDED_TO_S
    if slowest_s >= latest:
        return 0.0
    return round(min(wanted, latest), 3)
