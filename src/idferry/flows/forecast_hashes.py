"""Measure one verification of each kind of hash in a file or store, and say what sign-ins on this machine come to."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from idferry.errors import Stopped, UsageError
from idferry.hashes import (
    BOUNDS,
    Bounds,
    BoundsExceeded,
    Costliest,
    Hash,
    Malformed,
    costliest,
    parse,
)
from idferry.ports import Clock, Stop, never
from idferry.ports.hash_cases import HashCase
from idferry.rules.hash_forecast import BoundedCost, HashKind, SignInForecast, forecast_sign_ins
from idferry.rules.password import Password

KINDS_MAX = 200
"""So many kinds are measured; a store with more of them has a cost in every row of its own."""
MEASURED_S_MIN = 0.02
REPEATS_MAX = 50
_WRONG = Password("a password that nobody has")


@dataclass(frozen=True, slots=True)
class HashForecast:
    """The forecast (None where no row can be checked), and the rows that cannot be checked at all.

    `over_bounds`: rows among the unsupported ones that cost too much, by the bound. `bounded`: what the bounds allow.
    `memory_kib`: the most that one of the rows takes; `at_once`: how many checks fit beside each other.
    """

    forecast: SignInForecast | None
    malformed: int
    unsupported: int
    over_bounds: Counter[str]
    bounded: tuple[BoundedCost, ...]
    memory_kib: int
    at_once: int


def forecast_hashes(
    *,
    cases: Iterable[HashCase],
    clock: Clock,
    threads: int,
    deadline_s: float,
    bounds: Bounds = BOUNDS,
    memory_kib: int,
    stop: Stop = never,
) -> HashForecast:
    """Count the kinds, measure one of each and the costliest that the bounds allow, forecast.

    `memory_kib` is what all checks together may take.

    Raises:
        SourceError: the rows cannot be read.
        UsageError: more kinds than can be measured, or more memory needed than there is.
        Stopped: `stop` said so.
    """
    counts: Counter[tuple[str, str]] = Counter()
    examples: dict[tuple[str, str], Hash] = {}
    refused: Counter[bool] = Counter()
    over: Counter[str] = Counter()
    for case in cases:
        parsed = case.unreadable or parse(case.value, case.descriptor, bounds=bounds)
        if isinstance(parsed, Hash):
            kind = (parsed.scheme, parsed.cost)
            counts[kind] += 1
            examples.setdefault(kind, parsed)
        else:
            refused[isinstance(parsed, Malformed)] += 1
            if isinstance(parsed, BoundsExceeded):
                over[parsed.what] += 1
        if stop():
            raise Stopped("stopped; nothing was changed")
    if len(examples) > KINDS_MAX:
        raise UsageError(
            f"{len(examples):,} kinds of hashes are too many to measure", remedy="Forecast a part."
        )
    kinds = []
    for kind, example in examples.items():
        try:
            seconds = _seconds(example, clock)
        except MemoryError as error:
            raise UsageError(
                f"this machine has not the memory for {' '.join(kind)}",
                remedy="Run it where the service will run.",
            ) from error
        kinds.append(HashKind(*kind, count=counts[kind], seconds=seconds))
        if stop():
            raise Stopped("stopped; nothing was changed")
    largest_kib = max((one.memory_kib for one in examples.values()), default=0)
    at_once = min(threads, memory_kib // largest_kib) if largest_kib else threads
    return HashForecast(
        forecast_sign_ins(kinds, threads=at_once, deadline_s=deadline_s) if kinds else None,
        malformed=refused[True],
        unsupported=refused[False],
        over_bounds=over,
        bounded=tuple(_bounded(one, clock) for one in costliest(bounds)),
        memory_kib=largest_kib,
        at_once=at_once,
    )


def _bounded(one: Costliest, clock: Clock) -> BoundedCost:
    try:
        seconds = _seconds(one.part, clock) * one.times
    except MemoryError as error:
        raise UsageError(
            f"this machine has not the memory that {one.bound} allows",
            remedy="Lower it in [hashes] bounds, or run this where the service will run.",
        ) from error
    return BoundedCost(one.part.scheme, one.bound, seconds, one.part.memory_kib)


def _seconds(example: Hash, clock: Clock) -> float:
    """Seconds of one verification; quick ones are repeated until the clock can tell."""
    begun = clock.elapsed()
    for repeats in range(1, REPEATS_MAX + 1):
        example.verify(_WRONG)
        taken = clock.elapsed() - begun
        if taken >= MEASURED_S_MIN:
            return taken / repeats
    return (clock.elapsed() - begun) / REPEATS_MAX
