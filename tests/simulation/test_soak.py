"""The long programme, in small: kills of forked processes, the peer, replaying one story, and what ONLY picks."""

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import pytest
from tests.simulation import service_programme, soak
from tests.simulation.kill_story import kill_story
from tests.simulation.peer_story import peer_story
from tests.simulation.soak import programme, wanted
from tests.simulation.soak_table import table
from tests.simulation.stage import Stage, stage
from tests.support.emulator import Emulator

pytestmark = pytest.mark.xdist_group("soak")


@pytest.fixture
def ready(process: Emulator, tmp_path: Path):  # type: ignore[no-untyped-def]
    with stage(tmp_path, process) as ready:
        yield ready


def test_kills(ready: Stage, seed: int) -> None:
    figures = kill_story(ready, people=400, kills=8, seed=seed)
    assert sum(figures.where.values()) == figures.kills
    assert json.dumps(asdict(figures)), "it can be noted"


def test_the_sample_loop_tells_what_is_not_so(ready: Stage, seed: int) -> None:
    figures = peer_story(ready, seed=seed, people=400)
    assert figures.loop_wrong > figures.people / 4
    assert figures.ours_wrong == 0


def test_the_programme_is_what_the_documentation_promises() -> None:
    stories = list(programme())
    assert len({story.name for story in stories}) == len(stories)
    assert soak.KILL_STORIES * soak.KILLS_EACH >= 1_000
    assert soak.KILL_STORIES * soak.KILL_PEOPLE >= 40_000
    assert soak.POWER_STORIES * soak.CUTS_EACH >= 500
    families = {story.group for story in stories if story.group.startswith("F") and "@" in story.group}
    assert families == {f"F{number}@{percent}" for number in range(1, 11) for percent in (1, 5, 20)}


@pytest.mark.parametrize(
    ("only", "groups"),
    [
        ("F3@5", {"F3@5"}),
        ("F1", {"F1@1", "F1@5", "F1@20"}),
        ("kills mode B", {"kills mode B"}),
        ("F12", {"F12"}),
        ("S4", {"S4"}),
        ("C5 service#3", {"C5"}),
        ("power#3", {"power"}),
        ("F3 batch 504 after@5#12", {"F3@5"}),
    ],
)
def test_only_picks(only: str, groups: set[str]) -> None:
    picked = [story for story in programme() if wanted(story, only)]
    assert {story.group for story in picked} == groups
    assert len(picked) == 1 or "#" not in only


def test_one_story_is_played_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(soak, "FOLDER", tmp_path)
    assert soak.main(["--seed", "7", "--only", "F2 item 503@5#3", "--jobs", "1"]) == 0
    out = capsys.readouterr().out
    assert "SEED=7" in out
    assert "| F2 | 5 % | 1 | 200 | 0 |" in out
    assert soak.main(["--seed", "7", "--only", "F2 item 503@5#3", "--jobs", "1"]) == 0, (
        "it is not played again"
    )


def test_a_violation_is_told_with_the_command_that_replays_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(soak, "FOLDER", tmp_path)
    (tmp_path / "7").mkdir()
    note = '{"name": "kills#0", "group": "kills", "seed": 1, "violation": "somebody was lost", "seconds": 1}'
    (tmp_path / "7" / "results-0.jsonl").write_text(note + "\n")
    monkeypatch.setattr(soak, "programme", lambda: iter(()))
    assert soak.main(["--seed", "7"]) == 1
    out = capsys.readouterr().out
    assert "VIOLATION: make soak SEED=7 ONLY='kills#0'" in out
    assert "| random SIGKILL | 1 | 0 | 0 | 0 | 0 | 0 | 1 |" in out


def test_stories_of_the_service_are_played_replayed_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(soak, "FOLDER", tmp_path)
    assert soak.main(["--seed", "7", "--only", "S2", "--jobs", "1"]) == 0
    out = capsys.readouterr().out
    assert "| S2 | 1 | tried 1000, forwarded 1" in out
    assert "1 stories, 0 violations" in out


def test_the_service_is_killed_as_often_as_the_documentation_promises() -> None:
    stories = [story for story in programme() if story.of_service]
    killed = Counter(story.group for story in stories)
    for mode in ("mode B", "mode C", "External ID", "capture"):
        assert killed[f"kills {mode}"] * service_programme.KILLS_EACH >= 1_000
    assert service_programme.GUESS_STORIES * service_programme.GUESS_KILLS >= 100
    assert {"F12", "S1", "S2", "S3", "S4", "S5", "S7", "C5", "meeting", "rotation"} <= killed.keys()
    assert len({story.seed(1) for story in stories}) == len(stories)


def test_the_table_adds_up() -> None:
    one = {"people": 10, "amplification": 1.5, "beyond_faults": 1.0, "early": 0}
    two = {**one, "amplification": 1.1, "beyond_faults": 0.9}
    notes = [
        {"name": f"F3 x@5#{n}", "group": "F3@5", "figures": figures} for n, figures in enumerate((one, two))
    ]
    assert "| F3 | 5 % | 2 | 20 | 0 | 1.30 | 1.50 | 1.00 | 0 |" in table(notes, seed=1)
