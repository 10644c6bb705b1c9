"""`kill -9` of the service under sign-ins and captures, in short: `make soak` plays the same stories a thousand times.

Nobody is left half migrated, nobody gets two accounts, and the last password of a front wins.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.simulation.fronts import FRONTS, SIGN_IN
from tests.simulation.kill_captures import kill_captures, kill_full_queues
from tests.simulation.kill_sign_ins import SignInStage, kill_sign_ins
from tests.support.b2c_stand import PEOPLE, ask, b2c_stand
from tests.support.emulator import running_emulator
from tests.support.forked_product import forked_product
from tests.support.forked_service import forked_services
from tests.support.scripted_server import wait_until

pytestmark = pytest.mark.xdist_group("killed services")

PASSWORD = "Old-Password-1"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SignInStage]:
    """An emulator of its own: what killed services have sent must not reach other tests."""
    folder = tmp_path_factory.mktemp("killed")
    with running_emulator() as emulator, forked_product() as product, forked_services() as services:
        yield SignInStage(emulator, product, services, folder)


@pytest.mark.parametrize("mode", FRONTS)
def test_no_kill_leaves_a_half_state(stage: SignInStage, mode: str, seed: int) -> None:
    figures = kill_sign_ins(stage, mode, kills=3, seed=seed)
    assert (figures.kills, sum(figures.where.values())) == (3, 3)
    assert figures.conflicts == (1 if mode == "mode C" else 0)


def test_the_last_captured_password_wins(stage: SignInStage, seed: int) -> None:
    figures = kill_captures(stage, kills=4, seed=seed, people=25)
    assert figures.kills == 4
    assert figures.changed > 0


def test_what_waits_to_be_captured_is_lost_and_all_flags_are_still_up(stage: SignInStage, seed: int) -> None:
    figures = kill_full_queues(stage, kills=1, seed=seed)
    assert (figures.people, figures.kills, figures.taken) == (50, 1, 10)


def test_in_mode_c_a_claim_whose_answer_nobody_heard_costs_nobody_an_account(
    stage: SignInStage, tmp_path: Path
) -> None:
    """No policy ever wrote: an import takes everybody over once the claims have ended, and nobody before."""
    stage.emulator.reset()
    known = {f"person{number}@example.com": PASSWORD for number in range(12)}
    with b2c_stand(tmp_path, stage.emulator, known, service='mode = "C"') as stand:
        stand.plan()
        service = stage.services.of(tmp_path, "--insecure-loopback")
        service.start()
        with ThreadPoolExecutor(12) as pool:
            bodies = [{"signInName": name, "password": PASSWORD} for name in stand.names]
            asked = [pool.submit(ask, service.address, SIGN_IN, body) for body in bodies]
            wait_until(lambda: stand.states().get("creating", 0) >= 1, seconds=30)
            service.kill()
            assert {one.result()[0] for one in asked} <= {0, 200}
        stage.emulator.advance(16)
        service.start()
        for body in bodies:
            status, claims = ask(service.address, SIGN_IN, body)
            assert (status, claims["createRequired"]) == (200, True)
        assert service.stop() == 0
        assert stand.states() == {"creating": 12}
        assert stand.run("premigrate", PEOPLE, "--execute")["created"] == 0
        stage.emulator.advance(601)
        assert stand.run("premigrate", PEOPLE, "--execute")["created"] == 12
        assert sorted(stand.flags()) == sorted(stand.names)
        assert stand.states() == {"awaiting_password": 12}
