"""Measure one verification of each kind of hash in a file or store, and say what sign-ins on this machine come to."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from idferry.errors import Stopped, UsageError
from idferry.hashes import BOUNDS, Bounds, Hash, Malformed, parse
from idferry.ports import Clock, Stop, never
from idferry.ports.hash_cases import HashCase
from idferry.rules.hash_forecast import HashKind, SignInForecast, forecast_sign_ins
from idferry.rules.password import Password

KINDS_MAX = 200
"""So many kinds are measured; a store with more of them has a cost in every row of its own."""
MEASURED_S_MIN = 0.02
REPEATS_MAX = 50
_WRONG = Password("a password that nobody has")


@dataclass(frozen=True, slots=True)
class HashForecast:
    """The forecast (None where no row can be checked), and the rows that cannot be checked at all."""

    forecast: SignInForecast | None
    malformed: int
    unsupported: int


def forecast_hashes(
    *,
    cases: Iterable[HashCase],
    clock: Clock,
    threads: int,
    deadline_s: float,
    bounds: Bounds = BOUNDS,
    stop: Stop = never,
) -> HashForecast:
    """Count the kinds, measure one of each, forecast.

    Raises:
        SourceError: the rows cannot be read.
        UsageError: more kinds than can be measured, or more memory needed than there is.
        Stopped: `stop` said so.
    """
    counts: Counter[tuple[str, str]] = Counter()
    examples: dict[tuple[str, str], Hash] = {}
    refused: Counter[bool] = Counter()
    for case in cases:
        parsed = case.unreadable or parse(case.value, case.descriptor, bounds=bounds)
        if isinstance(parsed, Hash):
            kind = (parsed.scheme, parsed.cost)
            counts[kind] += 1
            examples.setdefault(kind, parsed)
        else:
            refused[isinstance(parsed, Malformed)] += 1
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
    forecast = forecast_sign_ins(kinds, threads=threads, deadline_s=deadline_s) if kinds else None
    return HashForecast(forecast, malformed=refused[True], unsupported=refused[False])


def _seconds(example: Hash, clock: Clock) -> float:
    """Seconds of one verification; quick ones are repeated until the clock can tell."""
    begun = clock.elapsed()
    for repeats in range(1, REPEATS_MAX + 1):
        example.verify(_WRONG)
        taken = clock.elapsed() - begun
        if taken >= MEASURED_S_MIN:
            return taken / repeats
    return (clock.elapsed() - begun) / REPEATS_MAX
