"""`idferry rehearse` from the outside: what it says, and that it touches nothing real."""

import os
import re
import signal
import sys
import tempfile
from pathlib import Path

import pytest
from tests.support.desk import Desk, Ended, people
from tests.support.terminal import shown

from idferry.errors import Stopped, Unreachable

NOWHERE = '"https://localhost:1"'


@pytest.fixture
def far_desk(b2c_desk: Desk) -> Desk:
    """Settings of a tenant that cannot be reached."""
    b2c_desk.limits = {}  # waiting costs nothing here
    b2c_desk.write_settings(authority=NOWHERE, graph=NOWHERE)
    return b2c_desk


def test_nothing_real_is_touched_and_nothing_stays(
    far_desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr(tempfile, "tempdir", None)
    far_desk.people("people.jsonl", people(50))
    before = {path.name for path in far_desk.folder.iterdir()}
    report = far_desk.json("rehearse", "people.jsonl")
    assert (report["created"], report["differences"], report["failed"]) == (50, 0, 0)
    assert {path.name for path in far_desk.folder.iterdir()} == before
    assert list(temporary.iterdir()) == []


def test_time_is_the_tenants_and_not_ours(far_desk: Desk) -> None:
    """4,000 people: 3,000 at once and the others at 20 a second, in a few real seconds."""
    far_desk.people("people.jsonl", people(4_000))
    report = far_desk.json("rehearse", "people.jsonl")
    assert report["computed"][0]["duration_s"] == 50.0
    assert 50.0 <= report["duration_s"] <= 60.0
    assert report["real_s"] < 60
    assert (report["writes"], report["applications"]) == (4_000 + 2, 1), "two attributes were created"
    assert report["peak_per_s"] > 100


def test_the_same_rehearsal_measures_the_same(far_desk: Desk) -> None:
    """With one connection every figure but the real time is exact."""
    far_desk.limits = {"connections": 1}
    far_desk.write_settings(authority=NOWHERE, graph=NOWHERE)
    far_desk.people("people.jsonl", people(300))
    first, second = (far_desk.json("rehearse", "people.jsonl", "--fault-rate", "0.1") for _ in range(2))
    assert {**first, "real_s": 0} == {**second, "real_s": 0}


def test_broken_calls_cost_time_and_nobody(far_desk: Desk) -> None:
    far_desk.people("people.jsonl", people(400))
    calm = far_desk.json("rehearse", "people.jsonl")
    stormy = far_desk.json("rehearse", "people.jsonl", "--fault-rate", "0.2")
    assert stormy["created"] + stormy["adopted"] == 400
    assert stormy["differences"] == 0
    assert stormy["duration_s"] > calm["duration_s"]


def test_more_applications_are_faster(far_desk: Desk) -> None:
    far_desk.people("people.jsonl", people(2_000))
    durations = [one["duration_s"] for one in far_desk.json("rehearse", "people.jsonl")["computed"]]
    assert durations == sorted(durations, reverse=True)
    assert far_desk.json("rehearse", "people.jsonl", "--apps", "3", "--limit", "20")["applications"] == 3


def test_a_kind_of_tenant_has_its_own_limits(far_desk: Desk) -> None:
    far_desk.people("people.jsonl", people(3))
    far_desk.write_settings(authority=NOWHERE, graph=NOWHERE, kind='"external"')
    report = far_desk.json("rehearse", "people.jsonl", "--existing", "299998")
    assert [one["objects_max"] for one in report["object_limits"]] == [10_000, 300_000]
    assert [one["fits"] for one in report["object_limits"]] == [False, False]
    assert report["computed"][0]["pessimistic_s"] is None


def test_without_settings_it_is_a_b2c_tenant(far_desk: Desk) -> None:
    far_desk.people("people.jsonl", people(3))
    far_desk.settings_file.unlink()
    report = far_desk.json("rehearse", "people.jsonl")
    assert report["created"] == 3
    assert report["object_limits"][0]["objects_max"] == 1_250_000


def test_the_first_day_says_what_gives_way(far_desk: Desk) -> None:
    far_desk.people("people.jsonl", people(3))
    day = far_desk.json(
        "rehearse", "people.jsonl", "--first-day", "36000", "--verify-ms", "1000", "--cores", "2"
    )
    first = day["first_day"]["bounds"][0]
    assert (day["first_day"]["fits"], first["name"], first["basis"]) == (False, "verifier", "given")
    text = far_desk.ok("rehearse", "people.jsonl", "--first-day", "36000", "--mode-b", "--apps", "3").out
    assert "graph writes gives way first" in text
    assert "reserve_writes" in text
    wrong = far_desk.run("rehearse", "people.jsonl", "--first-day", "1", "--hash", "rot13")
    assert wrong.code == 2
    assert "bcrypt-12" in wrong.err


@pytest.mark.parametrize(
    ("limits", "left"),
    [
        (
            {"creation_writes": 5, "tenant_writes": 3000},
            0.0,
        ),  # 10 a second, all taken by 2 people of 5 writes
        ({"creation_writes": 5}, 0.0),  # 60 a second, all taken by 12 people
        ({"reserve_writes": 0.9, "tenant_writes": 3000}, 9.0),  # the share that is kept is there for sign-ins
    ],
)
def test_the_first_day_reckons_writes_by_the_settings(
    far_desk: Desk, limits: dict[str, int], left: float
) -> None:
    far_desk.limits = limits
    far_desk.write_settings(authority=NOWHERE, graph=NOWHERE)
    far_desk.people("people.jsonl", people(3))
    day = far_desk.json("rehearse", "people.jsonl", "--first-day", "5", "--mode-b", "--apps", "3")[
        "first_day"
    ]
    [writes] = [bound for bound in day["bounds"] if bound["name"] == "graph writes"]
    assert writes["people_per_s"] == left
    assert (day["average_per_s"], day["peak_per_s"]) == (0.0014, 0.0028)


@pytest.mark.parametrize(("kind", "option"), [("b2c", "--trial"), ("external", "--mode-b")])
def test_a_first_day_that_there_is_not_is_refused(far_desk: Desk, kind: str, option: str) -> None:
    far_desk.people("people.jsonl", people(3))
    if kind != "b2c":
        far_desk.write_settings(authority=NOWHERE, graph=NOWHERE, kind=f'"{kind}"')
    wrong = far_desk.run("rehearse", "people.jsonl", "--first-day", "5", option)
    assert wrong.code == 2
    assert option in wrong.err


def check_nothing_stays(ended: Ended, code: str) -> None:
    assert (ended.code, ended.error["code"]) == (3, code), ended.err
    told = f"{ended.error['message']} {ended.error['remedy']}"
    assert "nothing of the rehearsal stays" in told
    assert "starts again" in told
    assert "ledger" not in told
    assert "continues" not in told
    assert "network" not in told


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_who_stops_it_hears_that_nothing_stays(far_desk: Desk) -> None:
    """A terminal gives Ctrl-C to the emulated tenant too."""
    far_desk.people("people.jsonl", people(20_000))
    with far_desk.start("rehearse", "people.jsonl", start_new_session=True) as process:
        assert process.stderr is not None
        began = process.stderr.readline()
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (3, ""), began + err
    assert "error (stopped): the rehearsal was stopped; nothing real was touched" in err
    assert "ledger" not in err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Stopped("stopped; everybody who was settled in this run is in the ledger"), "stopped"),
        (KeyboardInterrupt(), "stopped"),
        (Unreachable("the directory does not answer: timeout"), "unreachable"),
    ],
    ids=["stopped", "stopped at once", "unreachable"],
)
def test_whatever_ends_it_says_that_nothing_stays(
    far_desk: Desk, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: str
) -> None:
    def ends(**_more: object) -> None:
        raise error

    monkeypatch.setattr("idferry.cli.rehearse.flow", ends)
    far_desk.people("people.jsonl", people(3))
    check_nothing_stays(far_desk.run("rehearse", "people.jsonl", "--json"), code)


def test_a_bug_in_it_does_not_say_that_it_continues(far_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(**_more: object) -> None:
        raise RuntimeError("nobody foresaw it")

    monkeypatch.setattr("idferry.cli.rehearse.flow", breaks)
    far_desk.people("people.jsonl", people(3))
    ended = far_desk.run("rehearse", "people.jsonl")
    assert ended.code == 3
    told = " ".join(ended.err.split())
    assert "idferry has a bug: RuntimeError at " in told
    assert "Nothing was changed in any directory" in told
    assert "continues" not in told
    assert "nobody foresaw it" not in told


def test_a_latency_that_nobody_would_wait_for_is_refused(far_desk: Desk) -> None:
    far_desk.people("people.jsonl", people(3))
    far_desk.limits = {"timeout_seconds": 20}
    far_desk.write_settings(authority=NOWHERE, graph=NOWHERE)
    wrong = far_desk.run("rehearse", "people.jsonl", "--latency-ms", "20000")
    assert wrong.code == 2
    assert "20 seconds" in wrong.err
    assert far_desk.json("rehearse", "people.jsonl", "--latency-ms", "19000")["created"] == 3


@pytest.mark.skipif(
    sys.platform == "win32", reason="NOT CHECKED HERE: output on a terminal needs a POSIX pseudo-terminal"
)
@pytest.mark.parametrize("columns", [80, 120])
def test_the_page_fits_the_terminal(far_desk: Desk, columns: int) -> None:
    far_desk.demo_file("people.jsonl")
    seen = shown(
        far_desk.folder,
        "rehearse",
        "people.jsonl",
        "--first-day",
        "9000",
        "--fault-rate",
        "0.1",
        columns=columns,
    )
    assert seen.code == 0, seen.text
    assert seen.too_wide == []
    assert re.search(r"A rehearsal, not a promise", seen.text)
    assert "extension attribute" not in seen.text, (
        "what the rehearsal does to its own tenant is nobody's business"
    )
