"""Bad days of a running service, in short: `make soak` plays the same stories at full length."""

from collections.abc import Iterator

import pytest
from tests.simulation.kill_sign_ins import SignInStage
from tests.simulation.kill_upkeep import kill_hash_load, kill_sweeps
from tests.simulation.legacy_bad_days import KINDS, bad_day
from tests.simulation.service_attacks import copies, guesses_between_kills, import_beside, rotate
from tests.support.emulator import running_emulator
from tests.support.forked_product import forked_product
from tests.support.forked_service import forked_services

pytestmark = pytest.mark.xdist_group("killed services")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SignInStage]:
    folder = tmp_path_factory.mktemp("attacks")
    with running_emulator() as emulator, forked_product() as product, forked_services() as services:
        yield SignInStage(emulator, product, services, folder)


def test_guesses_between_kills_of_the_service_are_all_counted(stage: SignInStage, seed: int) -> None:
    guesses_between_kills(stage, kills=5, seed=seed)


def test_copies_of_one_request_at_the_service_make_one_legacy_call(stage: SignInStage, seed: int) -> None:
    copies(stage, count_=100, seed=seed)


def test_while_a_credential_rotates_at_two_replicas_no_sign_in_fails(stage: SignInStage, seed: int) -> None:
    rotate(stage, rotations=1, seed=seed)


def test_an_import_and_sign_ins_on_the_same_people_make_one_account_each(
    stage: SignInStage, seed: int
) -> None:
    import_beside(stage, people=60, seed=seed)


@pytest.mark.parametrize("kind", KINDS)
def test_a_bad_day_of_the_legacy_idp_is_an_outage_for_everybody(
    stage: SignInStage, kind: str, seed: int
) -> None:
    figures = bad_day(stage, kind, "redirect that keeps the body", people=9, seed=seed)
    assert figures.outages > 0
    assert figures.refused > 0


def test_a_hash_load_that_is_killed_leaves_rows_of_one_export_or_the_other(
    stage: SignInStage, seed: int
) -> None:
    assert kill_hash_load(stage, kills=3, people=1_500, seed=seed).kills == 3


def test_a_sweep_that_is_killed_takes_down_no_other_flag(stage: SignInStage, seed: int) -> None:
    assert kill_sweeps(stage, kills=4, seed=seed).kills == 4
