"""One run under one fault at one rate: everybody once, nobody else's account touched, and no more calls than needed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.simulation.fault_table import Fault
from tests.simulation.stage import (
    DONE,
    Scene,
    Stage,
    assert_status_is_true,
    assert_tells_how_to_go_on,
    kind_of,
)
from tests.support.emulator import EmulatedTenant
from tests.support.graph_http import GraphHttp
from tests.support.interference import Temper
from tests.support.oracle import check
from tests.support.population import Person

STRANGERS = 4
GHOSTS = 4
RUNS_MAX = 40
BATCH_SIZE = 20
AMPLIFICATION_MAX = 1.3
EARLY_TIMES = 3
SPEED_MAX_FOR_TOKENS = 1_000
TOKEN_LIFETIME_S = 30 * 24 * 3600
GHOST_WORD = "ghosts"


@dataclass(frozen=True)
class FaultFigures:
    """What a run came to. `amplification`: creates that arrived for one person; `beyond_faults`: the same, for one
    person or one answer that the fault took away.
    """

    people: int
    conflicts: int
    stops: int
    struck: int
    amplification: float
    beyond_faults: float
    early: int


def fault_trial(stage: Stage, fault: Fault, *, rate: float, seed: int) -> FaultFigures:
    """Play it and judge it; AssertionError when anything does not hold.

    On a busy machine a call that left in time can arrive late, while a Retry-After runs that its sender did not know
    of. A sender that does not wait does so each time: only then it counts.
    """
    for _ in range(EARLY_TIMES):
        figures = _play(stage, fault, rate=rate, seed=seed)
        if not figures.early:
            return figures
    raise AssertionError(
        f"{figures.early} calls were sent while a Retry-After ran, {EARLY_TIMES} times in a row"
    )


def _play(stage: Stage, fault: Fault, *, rate: float, seed: int) -> FaultFigures:
    with stage.scene(
        seed=seed, people=fault.people, kind=kind_of(seed), speed=fault.speed, limits=fault.limits
    ) as scene:
        scene.plant(scene.chance.sample(scene.truth.people, STRANGERS))
        ghosts = _future_ghosts(scene) if GHOST_WORD in fault.name else []
        if fault.speed > SPEED_MAX_FOR_TOKENS:
            # An hour is over in moments, and with it the life of a token that is on its way.
            scene.emulator.options(scene.tenant, token_lifetime_s=TOKEN_LIFETIME_S)
        if fault.lag:
            scene.emulator.lag(**fault.lag, seed=seed)
        _delete(scene, ghosts)
        scene.emulator.faults(*fault.rules(rate), seed=seed)
        temper = Temper(speed=fault.speed, skew_s=fault.skew_s, skew_turns=fault.skew_turns)
        stops = _run_to_the_end(scene, fault, temper)
        figures = check(
            scene.truth,
            scene.emulator,
            scene.tenant,
            scene.desk,
            unclear_may_be_lost=fault.hides or bool(fault.stops),
            refused=fault.refused,
        )
        assert_status_is_true(scene)
        # Whoever was refused on demand has failed before the directory looked at names.
        assert figures.conflicts == STRANGERS or fault.refused
        return _figures(fault, figures.received, figures.conflicts, stops, scene.emulator.counts())


def _run_to_the_end(scene: Scene, fault: Fault, temper: Temper) -> int:
    for stops in range(RUNS_MAX):
        ended = scene.run(temper=temper)
        if ended.code in DONE:
            assert ended.code == 1, ended.err  # strangers hold names: some people have failed
            return stops
        assert fault.stops, (ended.code, ended.err)
        assert_tells_how_to_go_on(ended, list(fault.stops))
    raise AssertionError(f"not done after {RUNS_MAX} runs")


def _figures(
    fault: Fault, received: int, conflicts: int, stops: int, counts: Mapping[str, Any]
) -> FaultFigures:
    items, batches = (_struck(counts, operation) for operation in ("users.create", "batch"))
    assert items or batches or fault.unseen, "no fault struck"
    beyond = received / (fault.people + items + BATCH_SIZE * batches)
    assert beyond <= AMPLIFICATION_MAX, (received, items, batches)
    return FaultFigures(
        people=fault.people,
        conflicts=conflicts,
        stops=stops,
        struck=items + batches,
        amplification=received / fault.people,
        beyond_faults=beyond,
        early=counts["early"],
    )


def _struck(counts: Mapping[str, Any], operation: str) -> int:
    """How many were hit: a plain status is how calls end that no fault met."""
    outcomes: Mapping[str, int] = counts["outcomes"].get(operation, {})
    return sum(count for outcome, count in outcomes.items() if not outcome.isdigit())


def _future_ghosts(scene: Scene) -> list[tuple[Person, str]]:
    """Accounts with names of people among the first, to be deleted before the run begins."""
    free = [
        one for one in scene.truth.people[:30] if one.sign_in_name and one.key not in scene.truth.conflicts
    ]
    hit = scene.chance.sample(free, GHOSTS)
    bodies = [_ghost(scene.tenant, one) for one in hit]
    return list(zip(hit, scene.emulator.seed(scene.tenant, bodies), strict=True))


def _ghost(tenant: EmulatedTenant, person: Person) -> dict[str, Any]:
    """Without a mail address, which a deleted account would go on holding; its sign-in name is free at once."""
    body = tenant.local_account(person.sign_in_name, displayName="A ghost")
    return {name: value for name, value in body.items() if name != "mail"}


def _delete(scene: Scene, ghosts: list[tuple[Person, str]]) -> None:
    if not ghosts:
        return
    graph = GraphHttp(scene.tenant)
    try:
        for _, object_id in ghosts:
            assert graph.delete(f"/users/{object_id}").status_code == 204
    finally:
        graph.close()
