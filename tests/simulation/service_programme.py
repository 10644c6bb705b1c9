"""The long forms of the stories about the sign-in service: which there are, how long each is, and how their figures are told.

Kept apart from the programme of the import, because these stories run on another stage. Each takes its length as an
argument; `make test` plays the same functions in short.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tests.simulation import attack_stories as attacks
from tests.simulation.crowd_story import crowd_story
from tests.simulation.fronts import FRONTS
from tests.simulation.fuzz_story import fuzz_story
from tests.simulation.kill_captures import kill_captures, kill_full_queues
from tests.simulation.kill_sign_ins import SignInStage, kill_sign_ins
from tests.simulation.kill_upkeep import kill_hash_load, kill_sweeps
from tests.simulation.legacy_bad_days import BAD, KINDS, bad_day
from tests.simulation.service_attacks import copies, guesses_between_kills, import_beside, rotate
from tests.simulation.timing_story import Load, timing_stand
from tests.support import wired_service

from idferry.rules.lockout import LegacyLockout

KILLS_EACH = 25
KILL_STORIES = 40
QUEUE_STORIES, QUEUES_EACH = 10, 4
UPKEEP_STORIES, UPKEEP_KILLS, HASHES = 10, 20, 5_000
GUESS_STORIES, GUESS_KILLS = 5, 20
MEETINGS, ROTATIONS = 10, 20
BAD_DAY_PEOPLE = 60
TIMING_TRIES = 2
# Reply time and load, idle and with some four fifths of what checks passwords at work. A core does four of these hashes
# a second, so that two thousand of each would take half a day.
TIMINGS = {
    "ldap idle": (0.6, Load(2_000, 25)),
    "ldap busy": (0.6, Load(2_000, 25, others=26, rest_s=0.3)),
    "web_service idle": (1.6, Load(2_000, 20)),
    "web_service busy": (1.6, Load(2_000, 20, others=26)),
    "hashes idle": (3.0, Load(500, 1.5)),
    "hashes busy": (3.0, Load(500, 1.5, others=2, rest_s=0.15)),
}
FUZZED, OPERATIONS_MIN = 2_000, 5  # so many requests of each front; the smallest has so many operations
TAKES_S = (3.0, 9.9, 12.0)
MOST = ("forwarded", "allowed", "worst_t", "gap_ms", "p95_factor", "unreached")
"""Figures of which the table tells the largest, not the sum."""

ServicePlay = Callable[[SignInStage, int], Any]


@dataclass(frozen=True)
class TimingFigures:
    """What a stopwatch saw: samples of each kind, the worst Welch's t, and the gap of medians."""

    samples: int
    worst_t: float
    gap_ms: float


def service_programme() -> Iterator[tuple[str, str, ServicePlay]]:
    """Name, group and play of every story, so mixed that an interrupted soak has seen something of everything."""
    yield from _attacks()
    for number in range(KILL_STORIES):
        for group, play, count in _KILLED:
            if number < count:
                yield f"{group}#{number}", group, play
    for kind in KINDS:
        for bad in BAD:
            yield f"F12 {kind} {bad}", "F12", partial(_bad_day, kind=kind, bad=bad)
    for name in TIMINGS:
        yield f"S5 {name}", "S5", partial(_timing, name=name)
    yield "L2", "L2", _crowd
    for front in wired_service.FRONTS:
        yield f"fuzz {front}", "fuzz", partial(_fuzz, front=front)


def _attacks() -> Iterator[tuple[str, str, ServicePlay]]:
    with_guards: dict[str, Callable[[attacks.OpenGuard, int], Any]] = {
        "S1": lambda guards, _: attacks.s1(guards, guesses=10_000),
        "S2": lambda guards, _: attacks.s2(guards, names=1_000),
        "S3": lambda guards, seed: attacks.s3(guards, bots=10_000, seed=seed),
        "ids one address": lambda guards, _: attacks.one_correlation_id(
            guards, guesses=10_000, many_addresses=False
        ),
        "ids many addresses": lambda guards, _: attacks.one_correlation_id(
            guards, guesses=1_000, many_addresses=True
        ),
    }
    for threshold, minutes in attacks.COMMON_LOCKS:
        lock = LegacyLockout(threshold, minutes * attacks.MINUTE)
        name = f"{threshold} in {minutes} minutes"
        with_guards[f"S4 {name}"] = partial(_s4, lock=lock)
        with_guards[f"limits {name}"] = partial(_knows, lock=lock)
        for takes_s in TAKES_S:
            with_guards[f"locks {name}, after {takes_s} s"] = partial(_late, lock=lock, takes_s=takes_s)
    for name, attack in with_guards.items():
        yield name, name.split()[0], partial(_guarded, attack=attack)
    yield "S7 registry", "S7", _copies
    yield "S7 service", "S7", lambda on, seed: copies(on, count_=1_000, seed=seed)
    yield "C5 guard", "C5", _killed_guard
    for number in range(GUESS_STORIES):
        yield f"C5 service#{number}", "C5", _guesses


def _guarded(
    _on: SignInStage, seed: int, *, attack: Callable[[attacks.OpenGuard, int], attacks.Attack]
) -> attacks.Attack:
    with attacks.quick_guards() as guards:
        return attack(guards, seed)


def _s4(guards: attacks.OpenGuard, _seed: int, *, lock: LegacyLockout) -> attacks.Attack:
    return attacks.s4(guards, lock, guesses=10_000)


def _knows(guards: attacks.OpenGuard, seed: int, *, lock: LegacyLockout) -> attacks.Attack:
    return attacks.knows_the_limits(guards, lock, days=7, seed=seed)


def _late(guards: attacks.OpenGuard, _seed: int, *, lock: LegacyLockout, takes_s: float) -> attacks.Attack:
    return attacks.guesses_at_a_lock(guards, lock, guesses=1_000, takes_s=takes_s)


def _copies(on: SignInStage, _seed: int) -> attacks.Attack:
    with _folder(on) as folder:
        return attacks.s7(folder, copies=1_000)


def _killed_guard(on: SignInStage, _seed: int) -> attacks.Attack:
    with _folder(on) as folder:
        return attacks.c5(folder / "sign-ins.guard", kills=100)


def _guesses(on: SignInStage, seed: int) -> Any:
    return guesses_between_kills(on, kills=GUESS_KILLS, seed=seed)


def _kills(on: SignInStage, seed: int, *, mode: str) -> Any:
    return kill_sign_ins(on, mode, kills=KILLS_EACH, seed=seed)


def _captures(on: SignInStage, seed: int) -> Any:
    return kill_captures(on, kills=KILLS_EACH, seed=seed)


def _queues(on: SignInStage, seed: int) -> Any:
    return kill_full_queues(on, kills=QUEUES_EACH, seed=seed)


def _hash_loads(on: SignInStage, seed: int) -> Any:
    return kill_hash_load(on, kills=UPKEEP_KILLS, people=HASHES, seed=seed)


def _sweeps(on: SignInStage, seed: int) -> Any:
    return kill_sweeps(on, kills=UPKEEP_KILLS, seed=seed)


def _meeting(on: SignInStage, seed: int) -> Any:
    return import_beside(on, people=200, seed=seed)


def _rotation(on: SignInStage, seed: int) -> Any:
    return rotate(on, rotations=1, seed=seed)


_KILLED: Sequence[tuple[str, ServicePlay, int]] = (
    *((f"kills {mode}", partial(_kills, mode=mode), KILL_STORIES) for mode in FRONTS),
    ("kills capture", _captures, KILL_STORIES),
    ("kills queue", _queues, QUEUE_STORIES),
    ("kills hash load", _hash_loads, UPKEEP_STORIES),
    ("kills sweep", _sweeps, UPKEEP_STORIES),
    ("meeting", _meeting, MEETINGS),
    ("rotation", _rotation, ROTATIONS),
)


def _bad_day(on: SignInStage, seed: int, *, kind: str, bad: str) -> Any:
    return bad_day(on, kind, bad, people=BAD_DAY_PEOPLE, seed=seed)


def _timing(on: SignInStage, seed: int, *, name: str) -> TimingFigures:
    """S5. A busy machine can stretch one measurement; a leak shows in two."""
    reply_at, load = TIMINGS[name]
    kind, samples = name.split()[0], TIMING_TRIES * load.samples
    with (
        _folder(on) as folder,
        timing_stand(folder, on.emulator, kind, samples=samples, reply_at=reply_at, seed=seed) as stand,
    ):
        for _ in range(TIMING_TRIES):
            measured = stand.measure(load)
            if not measured.tells:
                break
    assert not measured.tells, (measured.worst_t, measured.gap_ms)
    return TimingFigures(load.samples, round(measured.worst_t, 2), round(measured.gap_ms, 2))


def _crowd(on: SignInStage, _seed: int) -> Any:
    with _folder(on) as folder:
        return crowd_story(folder)


def _fuzz(on: SignInStage, seed: int, *, front: str) -> Any:
    with _folder(on) as folder:
        return fuzz_story(folder, on.emulator, front, examples=FUZZED // OPERATIONS_MIN, seed=seed)


@contextmanager
def _folder(on: SignInStage) -> Iterator[Path]:
    """A folder that is kept where the story fails."""
    folder = Path(tempfile.mkdtemp(dir=on.folder))
    yield folder
    shutil.rmtree(folder)


def service_table(groups: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """Markdown: one row for each group of these stories."""
    known = {group for _, group, _ in service_programme()}
    rows = ["| story | played | what it came to | violations |", "| --- | --- | --- | --- |"]
    for group in sorted(known & {name for name, notes in groups.items() if notes}):
        notes = groups[group]
        figures = [note["figures"] for note in notes if "figures" in note]
        violations = sum("violation" in note for note in notes)
        rows.append(f"| {group} | {len(notes)} | {_added_up(figures)} | {violations} |")
    return "\n".join(rows) if len(rows) > 2 else ""


def _added_up(figures: Sequence[Mapping[str, Any]]) -> str:
    """Sums, and of some figures the largest; places and names are left out."""
    names = [
        name for name, value in (figures[0] if figures else {}).items() if isinstance(value, int | float)
    ]
    told = []
    for name in names:
        values = [one[name] for one in figures]
        told.append(f"{name.replace('_', ' ')} {max(values) if name in MOST else sum(values)}")
    return ", ".join(told)
