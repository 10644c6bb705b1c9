"""Random kills of the command while answers get lost and strangers take names: nobody lost, doubled or adopted.

Commands run in forked processes, so that a kill costs milliseconds and a thousand of them minutes; the kills of real
processes are in `test_kills`. Moments are drawn: from the start of the process, or from a call or a transaction on.
"""

from dataclasses import dataclass, field

from tests.simulation.stage import Scene, Stage, assert_status_is_true, kind_of
from tests.support.crash_driver import KILLED
from tests.support.desk import Ended
from tests.support.interference import Point, Temper
from tests.support.oracle import check, wait_until_idle
from tests.support.strangers import free_people

STRANGERS = 20
STRANGERS_BEFORE = 8
STRANGERS_EACH_TIME = 3
SPEED = 10.0
CALL_MS = 80.0
CONNECTIONS = 2  # so that one start does not do the work of many
STEPS_BEFORE_WORK = 5  # calls and transactions until the first account is made
STEPS_MAX = 10
DELAY_S_MAX = 0.12
START_S = (0.03, 0.5)
WORK_WHILE_KILLING = 0.9  # the rest is done by the start that nobody kills
LAG_S = {"get_s": (0.0, 4.0), "filter_s": (0.0, 10.0)}
STARTS_MAX = 3


@dataclass
class KillFigures:
    """What a story came to. `received`: creates that reached the directory."""

    people: int
    kills: int = 0
    conflicts: int = 0
    adopted_strangers: int = 0
    received: int = 0
    unheard: int = 0
    amplification: float = 0.0
    where: dict[str, int] = field(default_factory=dict)


def kill_story(stage: Stage, *, people: int, kills: int, seed: int) -> KillFigures:
    """Play it and judge it; AssertionError when anything does not hold."""
    limits = {"settle_seconds": 60, "connections": CONNECTIONS}
    with stage.scene(seed=seed, people=people, kind=kind_of(seed), speed=SPEED, limits=limits) as scene:
        figures = KillFigures(people)
        scene.emulator.lag(**LAG_S, seed=seed)
        scene.emulator.faults(
            {"operation": "users.create", "status": 504, "after_write": True, "rate": 0.05, "item": True},
            {"operation": "batch", "kind": "cut_after", "rate": 0.05},
            {"operation": "batch", "kind": "slow", "delay_ms": CALL_MS * SPEED},
            seed=seed,
        )
        scene.plant(scene.chance.sample(scene.truth.people, STRANGERS_BEFORE))
        when_to_plant = {kills * turn // 5 for turn in range(1, 5)}
        ended = Ended(KILLED, "", "")
        starts = 0
        while ended.code == KILLED:
            starts += 1
            assert starts <= STARTS_MAX * kills + 10
            ended = _run(scene, figures, kills)
            if figures.kills in when_to_plant and ended.code == KILLED:
                when_to_plant.discard(figures.kills)
                _plant_between(scene)
        assert ended.code == 1, (ended.code, ended.err)
        assert figures.kills >= kills * 2 // 3, f"done after {figures.kills} kills"
        judged = check(scene.truth, scene.emulator, scene.tenant, scene.desk)
        assert_status_is_true(scene)
        assert judged.conflicts == len(scene.truth.strangers)
        assert judged.accounts == people - judged.conflicts
        figures.conflicts, figures.received, figures.unheard = (
            judged.conflicts,
            judged.received,
            judged.unheard,
        )
        figures.amplification = judged.received / people
        return figures


def _run(scene: Scene, figures: KillFigures, kills: int) -> Ended:
    temper = Temper(speed=SPEED)
    if figures.kills >= kills:
        return scene.run(temper=temper)
    due = WORK_WHILE_KILLING * (figures.kills + 1) / kills * len(scene.truth.people)
    behind = int(scene.emulator.counts()["received"].get("users.create", 0)) < due
    where, moment = _moment(scene, behind=behind)
    ended = scene.run(temper=temper, **moment)
    if ended.code == KILLED:
        figures.kills += 1
        figures.where[where] = figures.where.get(where, 0) + 1
    return ended


def _moment(scene: Scene, *, behind: bool) -> tuple[str, dict[str, object]]:
    """Late in the run where work lags behind the kills, else early: while it starts, plans, and asks about the past."""
    chance = scene.chance
    delay_s = chance.uniform(0.0, DELAY_S_MAX)
    kind = chance.choice(("call", "call", "write", "time" if behind else "write"))
    if kind == "time":
        return kind, {"kill_after_s": chance.uniform(*START_S)}
    number = chance.randint(*((STEPS_BEFORE_WORK, STEPS_MAX) if behind else (1, STEPS_BEFORE_WORK)))
    when = chance.choice(("before", "sent", "last byte") if kind == "call" else ("before", "inside", "after"))
    return f"{kind} {when}", {"point": Point(kind, when, number, delay_s=delay_s)}


def _plant_between(scene: Scene) -> None:
    """Names of people who have no account yet, though a call for them may have been announced."""
    wait_until_idle(scene.emulator)  # what a killed process sent is still on its way in
    free = free_people(scene.truth, scene.emulator, scene.tenant, scene.desk)
    scene.plant(free[:1] + scene.chance.sample(free[1:], STRANGERS_EACH_TIME - 1))
