"""The 14 rows and the traps, at the hosted page of External ID and through a policy of B2C in each of its modes.

Real service, real ledger, real guard; the tenant is emulated, the legacy system is a web service. What is played stands in
`sign_in_matrix`, `sign_in_traps` and `sign_in_stories`.
"""

from collections.abc import Iterator

import pytest
from tests.end_to_end.sign_in_matrix import EXTERNAL, ROWS, Row, migrated_people, play, rows_of
from tests.end_to_end.sign_in_stories import CAPTURES, POLICY_ALONE, STORIES, people_of_stories
from tests.end_to_end.sign_in_traps import TRAPS, people_of_traps
from tests.support.b2c_policy import Mode
from tests.support.emulator import Emulator, running_emulator
from tests.support.matrix_stand import MatrixStand, external_stand, policy_stand

at_the_page = pytest.mark.xdist_group("sign-ins-external")
through_a_policy = pytest.mark.xdist_group("sign-ins-b2c")
PEOPLE = {**migrated_people(), **people_of_traps(), **people_of_stories()}


@pytest.fixture(scope="module")
def external(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MatrixStand]:
    folder = tmp_path_factory.mktemp("external")
    with (
        running_emulator(tenant_kind="external") as emulator,
        external_stand(folder, emulator, PEOPLE) as stand,
    ):
        yield stand


@pytest.fixture(scope="module", params=list(Mode))
def mode(request: pytest.FixtureRequest) -> Mode:
    return Mode(request.param)


@pytest.fixture(scope="module")
def b2c_emulator() -> Iterator[Emulator]:
    with running_emulator(tenant_kind="b2c") as emulator:
        yield emulator


@pytest.fixture(scope="module")
def b2c(
    mode: Mode, b2c_emulator: Emulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MatrixStand]:
    b2c_emulator.reset()
    with policy_stand(tmp_path_factory.mktemp(mode), b2c_emulator, PEOPLE, mode=mode) as stand:
        yield stand


@at_the_page
@pytest.mark.parametrize("row", rows_of(EXTERNAL), ids=str)
def test_each_row_at_the_external_id_page(external: MatrixStand, row: Row) -> None:
    calls = len(external.emulator.sign_ins(external.tenant))
    play(row, external, front=EXTERNAL)
    if row.after:
        [*_, last] = external.emulator.sign_ins(external.tenant)[calls:]
        assert last["calls"] == []


@through_a_policy
@pytest.mark.parametrize("number", [row.number for row in ROWS])
def test_each_row_through_a_b2c_policy(b2c: MatrixStand, mode: Mode, number: int) -> None:
    play(rows_of(mode)[number - 1], b2c, front=mode)


@at_the_page
@pytest.mark.parametrize("trap", TRAPS)
def test_each_trap_at_the_external_id_page(external: MatrixStand, trap: str) -> None:
    TRAPS[trap](external, EXTERNAL)


@through_a_policy
@pytest.mark.parametrize("trap", TRAPS)
def test_each_trap_through_a_b2c_policy(b2c: MatrixStand, mode: Mode, trap: str) -> None:
    TRAPS[trap](b2c, mode)


@at_the_page
@pytest.mark.parametrize("story", CAPTURES)
def test_each_capture_before_the_external_id_page(external: MatrixStand, story: str) -> None:
    CAPTURES[story](external, EXTERNAL)


@at_the_page
@pytest.mark.parametrize("story", [one for one in STORIES if one not in POLICY_ALONE])
def test_each_story_at_the_external_id_page(external: MatrixStand, story: str) -> None:
    STORIES[story](external, EXTERNAL)


@through_a_policy
@pytest.mark.parametrize("story", STORIES)
def test_each_story_through_a_b2c_policy(b2c: MatrixStand, mode: Mode, story: str) -> None:
    STORIES[story](b2c, mode)
