"""The sample's loop and ours on the same people, faults and kills: how many of each one's verdicts are wrong."""

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.simulation.sample_loop import LoopOrder
from tests.simulation.stage import Scene, Stage
from tests.support.crash_driver import KILLED
from tests.support.forked_product import REPOSITORY
from tests.support.graph_http import GraphHttp
from tests.support.interference import Point, Temper
from tests.support.oracle import check, legacy_id, wait_until_idle

from idferry.flows.send_people import CHUNK_PEOPLE_MAX

PEOPLE = 2_000
KILLS = 3
LOST_ANSWERS = 0.05
SPEED = 40.0
CALLS_AT_START = 7  # token, applications, attributes, quota and the like: nobody is created before
LOOP_SECONDS_MAX = 300.0


@dataclass(frozen=True)
class PeerFigures:
    """Wrong: reported as failed although the account exists, or as created although it does not."""

    people: int
    kills: int
    loop_reported_failed: int
    loop_wrong: int
    ours_wrong: int


def peer_story(stage: Stage, *, seed: int, people: int = PEOPLE) -> PeerFigures:
    """Both, one after the other, in B2C tenants as new."""
    with stage.scene(seed=seed, people=people, kind="b2c", speed=SPEED) as scene:
        _lose_answers(scene, seed)
        failed, wrong = _play_loop(scene)
    with stage.scene(seed=seed, people=people, kind="b2c", speed=SPEED) as scene:
        _lose_answers(scene, seed)
        ours_wrong = _play_ours(scene)
    return PeerFigures(people, KILLS, failed, wrong, ours_wrong)


def _lose_answers(scene: Scene, seed: int) -> None:
    rule = {"operation": "users.create", "status": 504, "after_write": True, "rate": LOST_ANSWERS}
    scene.emulator.faults(rule, seed=seed)


def _play_loop(scene: Scene) -> tuple[int, int]:
    graph = GraphHttp(scene.tenant)
    try:
        graph.declare("legacyId")
        order = _order(scene, graph)
        for kill in range(KILLS):
            _start_and_kill(scene, order, accounts=len(scene.truth.people) * (kill + 1) // (KILLS + 1))
        subprocess.run(_command(order), cwd=REPOSITORY, check=True, timeout=LOOP_SECONDS_MAX)
    finally:
        graph.close()
    wait_until_idle(scene.emulator)
    name = scene.tenant.extension("legacyId")
    there = {account.get(name) for account in scene.emulator.dump(scene.tenant)}
    lines = Path(order.report).read_text(encoding="utf-8").splitlines()
    reported = dict(line.split(" ", 1) for line in lines)
    wrong = sum((verdict == "created") != (legacy_id(key) in there) for key, verdict in reported.items())
    return sum(verdict != "created" for verdict in reported.values()), wrong


def _order(scene: Scene, graph: GraphHttp) -> LoopOrder:
    return LoopOrder(
        graph=scene.tenant.graph_http,
        token=str(graph.http.headers["Authorization"]).removeprefix("Bearer "),
        domain=scene.tenant.domain,
        legacy_id=scene.tenant.extension("legacyId"),
        export=str(scene.desk.export),
        report=str(scene.desk.folder / "loop-report.txt"),
        speed=SPEED,
    )


def _command(order: LoopOrder) -> list[str]:
    return [sys.executable, "-m", "tests.simulation.sample_loop", order.as_json()]


def _start_and_kill(scene: Scene, order: LoopOrder, *, accounts: int) -> None:
    with subprocess.Popen(_command(order), cwd=REPOSITORY) as process:
        try:
            deadline = time.monotonic() + LOOP_SECONDS_MAX
            while process.poll() is None and _created(scene) < accounts:
                assert time.monotonic() < deadline
                time.sleep(scene.chance.uniform(0.005, 0.02))
        finally:
            process.kill()


def _created(scene: Scene) -> int:
    outcomes = scene.emulator.counts()["outcomes"].get("users.create", {})
    return sum(count for outcome, count in outcomes.items() if outcome.endswith("201"))


def _play_ours(scene: Scene) -> int:
    """The oracle asserts that no verdict is wrong; what it lets pass is none."""
    # By calls, not by seconds: however fast the machine is, each start gets so far and no further.
    share = len(scene.truth.people) // CHUNK_PEOPLE_MAX // (KILLS + 1)
    for _ in range(KILLS):
        point = Point("call", scene.chance.choice(["sent", "last byte"]), CALLS_AT_START + share)
        assert scene.run(temper=Temper(speed=SPEED), point=point).code == KILLED
    assert 0 < _created(scene) < len(scene.truth.people), "the kills were not in the middle"
    ended = scene.run(temper=Temper(speed=SPEED))
    assert ended.code == 0, ended.err
    check(scene.truth, scene.emulator, scene.tenant, scene.desk)
    return 0
