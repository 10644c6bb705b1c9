"""S5 in short form: unknown, unflagged, wrong, locked and slow take the same time, with each kind of legacy system.

`make soak` measures two thousand of each. Here a leak must show in two measurements of a few: a busy machine alone
does not do that, and without the fixed time the same few tell the kinds apart.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.simulation.timing_story import CAUSES, T_MAX, Load, timing_stand
from tests.support.emulator import Emulator, running_emulator

SAMPLES = 20
TRIES = 2


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with running_emulator() as running:
        yield running


@pytest.mark.parametrize(
    ("kind", "reply_at", "load"),
    [
        ("ldap", 0.6, Load(SAMPLES, 20)),
        ("web_service", 1.6, Load(SAMPLES, 20, others=4)),
        ("hashes", 3.0, Load(12, 4)),
    ],
    ids=["ldap", "web service", "hashes"],
)
def test_what_must_look_alike_takes_the_same_time(
    emulator: Emulator, tmp_path: Path, kind: str, reply_at: float, load: Load
) -> None:
    measured = []
    with timing_stand(
        tmp_path, emulator, kind, samples=TRIES * load.samples, reply_at=reply_at, seed=5
    ) as stand:
        while len(measured) < TRIES and (not measured or measured[-1].worst_t >= T_MAX):
            measured.append(stand.measure(load))
        causes = stand.causes()
    assert measured[-1].worst_t < T_MAX, [one.worst_t for one in measured]
    assert min(min(one) for one in measured[-1].taken.values()) >= reply_at
    for cause in set(CAUSES.values()):
        meant = sum(load.samples for sort in CAUSES if CAUSES[sort] == cause)
        assert causes[cause] >= meant * len(measured), "a kind of sign-in was not what it is called"


def test_without_the_fixed_time_they_are_told_apart(emulator: Emulator, tmp_path: Path) -> None:
    """The proof above proves something."""
    with timing_stand(tmp_path, emulator, "ldap", samples=TRIES * SAMPLES, reply_at=0.0, seed=5) as stand:
        measured = [stand.measure(Load(SAMPLES, 20)) for _ in range(TRIES)]
    assert all(one.worst_t > T_MAX for one in measured), [one.worst_t for one in measured]
