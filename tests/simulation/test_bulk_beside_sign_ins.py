"""An import and 200 first sign-ins on the same 200 people at once (mode C), and one answer of the tenant in twenty gets lost.

The real command line and the real service, each in its process; a policy is played for each person. The judge is what the
emulated tenant holds in the end.
"""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

import pytest
from tests.support.b2c_policy import Mode
from tests.support.emulator import running_emulator
from tests.support.matrix_stand import PEOPLE, MatrixStand, policy_stand
from tests.support.scripted_server import wait_until
from tests.support.sign_in_ends import End

from idferry.rules.lifecycle import State

COUNT, BEFORE_THE_IMPORT, AT_ONCE = 200, 50, 6
OLD = "Quiet-Meadow-17"
NAMES = [f"person{number}@example.com" for number in range(COUNT)]
CLAIM_ENDS_S, WITHIN_S = 601, 60.0
LOST = (
    {"operation": "users.create", "status": 504, "after_write": True, "rate": 0.025},
    {"operation": "users.create", "status": 503, "rate": 0.025},
)


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[MatrixStand]:
    with (
        running_emulator(tenant_kind="b2c") as emulator,
        policy_stand(tmp_path, emulator, dict.fromkeys(NAMES, OLD), mode=Mode.C) as started,
    ):
        yield started


@pytest.mark.parametrize("lost", [(), LOST], ids=["every answer arrives", "one in twenty is lost"])
def test_an_import_and_200_sign_ins_make_200_accounts(
    stand: MatrixStand, seed: int, lost: tuple[dict[str, Any], ...]
) -> None:
    order = list(NAMES)
    Random(seed).shuffle(order)  # noqa: S311  it must be repeatable
    early, late = order[:BEFORE_THE_IMPORT], order[BEFORE_THE_IMPORT:]
    stand.emulator.faults(*lost, seed=seed)
    with ThreadPoolExecutor(AT_ONCE) as people:
        first = [people.submit(stand.front.sign_in, name, OLD) for name in early]
        wait_until(lambda: bool(stand.emulator.dump(stand.tenant)), seconds=WITHIN_S)
        with bulk(stand.folder) as importing:
            wait_until(lambda: flagged(stand) > 0, seconds=WITHIN_S)
            others = [people.submit(stand.front.sign_in, name, OLD) for name in late]
            # 1: somebody is still being created, by a sign-in of which nobody heard the end.
            assert importing.wait(WITHIN_S) in (0, 1)
    shown = dict(zip(order, [one.result() for one in [*first, *others]], strict=True))
    stand.emulator.faults()
    assert set(shown.values()) <= {End.TOKEN, End.LATER, End.FAILED}
    assert Counter(shown[name] for name in early)[End.TOKEN] > 0, "accounts came with sign-ins"
    everybody_has_one_account(stand)
    assert lost or stand.emulator.counts()["received"]["users.create"] == COUNT, "nobody was sent by both"
    assert all(stand.emulator.sign_in(stand.tenant, name, OLD)["signed_in"] for name in got_in(shown))
    # What nobody heard the end of is settled by the legacyId, or ends and is imported.
    stand.emulator.advance(CLAIM_ENDS_S)
    done = stand.run("premigrate", PEOPLE, "--execute")
    assert done["failed"] == 0
    assert set(done["states"]) <= {State.COMPLETE, State.CONFIRMING, State.AWAITING_PASSWORD}
    everybody_has_one_account(stand, all_of_them=True)
    left = [name for name in NAMES if name not in got_in(shown)]
    assert {stand.front.sign_in(name, OLD) for name in left} <= {End.TOKEN}
    assert {stand.flag(name) for name in NAMES[::10]} == {False}


def bulk(folder: Path) -> "subprocess.Popen[bytes]":
    """The import, as its users start it."""
    command = [sys.executable, "-m", "idferry", "premigrate", PEOPLE, "--execute", "--json"]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)


def flagged(stand: MatrixStand) -> int:
    """How many accounts the import has made."""
    flag = stand.tenant.extension("requiresMigration")
    return sum(one.get(flag) is True for one in stand.emulator.dump(stand.tenant))


def got_in(shown: dict[str, End]) -> list[str]:
    return [name for name, end in shown.items() if end is End.TOKEN]


def everybody_has_one_account(stand: MatrixStand, *, all_of_them: bool = False) -> None:
    """Nobody has two, under a name or a legacyId."""
    accounts = stand.emulator.dump(stand.tenant)
    names = Counter(one["identities"][0]["issuerAssignedId"] for one in accounts)
    ids = Counter(one.get(stand.tenant.extension("legacyId")) for one in accounts)
    assert set(names) <= set(NAMES)
    assert set(names.values()) == set(ids.values()) == {1}
    assert None not in ids
    assert not all_of_them or len(accounts) == COUNT
