"""The judge itself: each invariant is broken once by hand after a clean run, and it says so."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from tests.simulation.stage import Scene, Stage, assert_status_is_true, stage
from tests.support.emulator import Emulator
from tests.support.graph_http import GraphHttp
from tests.support.oracle import check, legacy_id

pytestmark = pytest.mark.xdist_group("soak")

PEOPLE = 20
HIT = 13
Break = Callable[[Scene, GraphHttp], object]


@pytest.fixture(scope="module")
def ready(process: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(tmp_path_factory.mktemp("oracle"), process) as ready:
        yield ready


def account_of(scene: Scene, key: str) -> str:
    name = scene.tenant.extension("legacyId")
    return next(one["id"] for one in scene.emulator.dump(scene.tenant) if one.get(name) == legacy_id(key))


def change(scene: Scene, graph: GraphHttp, object_id: str, **values: object) -> None:
    body = {scene.tenant.extension(name): value for name, value in values.items()}
    assert graph.patch(f"/users/{object_id}", body).status_code == 204


def rewrite(scene: Scene, statement: str) -> None:
    with closing(sqlite3.connect(scene.desk.ledger)) as connection:
        assert connection.execute(statement).rowcount
        connection.commit()


def twice(scene: Scene, graph: GraphHttp) -> None:
    again = {scene.tenant.extension("legacyId"): legacy_id("c-0")}
    graph.create("somebody.else@example.com", **again)


BREAKS: dict[str, Break] = {
    "I1 lost": lambda scene, graph: graph.delete(f"/users/{account_of(scene, 'c-0')}"),
    "I2 twice": twice,
    "I3 another account": lambda scene, _: rewrite(
        scene, "UPDATE person SET object_id = '00000000-0000-0000-0000-000000000000' WHERE key = 'c-0'"
    ),
    "I3 another state": lambda scene, _: rewrite(
        scene, "UPDATE person SET state = 'failed', code = 'conflict', object_id = NULL WHERE key = 'c-0'"
    ),
    "I4 another password": lambda scene, _: scene.emulator.self_service_reset(
        scene.tenant, account_of(scene, "c-0"), "Another-Pass!word7"
    ),
    "I5 a flag too many": lambda scene, graph: change(
        scene, graph, account_of(scene, "c-0"), requiresMigration=True
    ),
    "I5 a flag too few": lambda scene, graph: change(
        scene, graph, account_of(scene, "c-5"), requiresMigration=False
    ),
    "I6 a password on disk": lambda scene, _: scene.desk.file("notes.txt", scene.truth.people[0].password),
    "I7 an intent is missing": lambda scene, _: rewrite(
        scene, "DELETE FROM event WHERE kind = 'sent' AND person_id = (SELECT min(person_id) FROM event)"
    ),
    "an adopted stranger": lambda scene, graph: change(
        scene, graph, scene.truth.strangers[0].object_id, legacyId=legacy_id(f"c-{HIT}")
    ),
}


@pytest.mark.parametrize("broken", [None, *BREAKS])
def test_what_is_broken_is_noticed(ready: Stage, seed: int, broken: str | None) -> None:
    with ready.scene(seed=seed, people=PEOPLE, kind="b2c") as scene:
        scene.plant([scene.truth.people[HIT]])
        assert scene.run().code == 1
        if broken is None:
            assert check(scene.truth, scene.emulator, scene.tenant, scene.desk).conflicts == 1
            assert_status_is_true(scene)
            return
        graph = GraphHttp(scene.tenant)
        try:
            BREAKS[broken](scene, graph)
        finally:
            graph.close()
        with pytest.raises(AssertionError):
            check(scene.truth, scene.emulator, scene.tenant, scene.desk)
