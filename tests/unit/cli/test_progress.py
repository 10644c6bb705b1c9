"""Progress as lines in a pipe, with a clock that a test turns by hand."""

import io

import pytest
from rich.console import Console
from tests.support.hand_clock import HandClock

from idferry.cli.progress import LINE_EVERY_SECONDS, RECORDS_WORTH_TELLING, duration, progress
from idferry.rules.happenings import (
    AccountsRead,
    AccountsRemoved,
    AccountsSought,
    AccountsUpdated,
    AttributeCreated,
    Happening,
    PeopleSettled,
    RecordsCompared,
    RecordsRead,
    RunStarted,
)
from idferry.rules.quota import HeldBy, Pace


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.4, "0 s"),
        (12.2, "12 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (125, "2 min 05 s"),
        (3599.4, "59 min 59 s"),
        (3599.6, "1 h 00 min"),
        (16_680, "4 h 38 min"),
        (360_000, "100 h 00 min"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def lines(capsys: pytest.CaptureFixture[str], *script: Happening | float, quiet: bool = False) -> list[str]:
    """What a pipe sees of happenings; numbers are seconds that pass."""
    clock = HandClock()
    with progress(clock, quiet=quiet) as tell:
        for one in script:
            if isinstance(one, float | int):
                clock.advance(one)
            else:
                tell(one)
    seen = capsys.readouterr()
    assert seen.out == "", "standard output belongs to the result"
    return seen.err.splitlines()


def test_a_run_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    assert lines(
        capsys,
        RecordsRead(1000),
        AttributeCreated("legacyId"),
        10,
        RunStarted("2026-03-01-beef", 1200, resumed=False),
        2,
        PeopleSettled(20, 0),
        3,
        PeopleSettled(50, 1),
        PeopleSettled(60, 1),
        7,
        PeopleSettled(120, 2, Pace(11.6, HeldBy.TENANT)),
        60,
        PeopleSettled(1200, 2),
    ) == [
        "created the extension attribute legacyId",
        "starting run 2026-03-01-beef: 1,200 people to create",
        "50 of 1,200 settled, 10.0/s, 1 failed, 1 min 55 s left",
        "120 of 1,200 settled, 8.6/s, 2 failed, waiting 12 s for the directory, 2 min 06 s left",
        "1,200 of 1,200 settled, 16.7/s, 2 failed",
    ]


def test_planning_is_no_part_of_the_rate(capsys: pytest.CaptureFixture[str]) -> None:
    told = lines(capsys, 3600, RunStarted("r", 40, resumed=True), 10, PeopleSettled(40, 0))
    assert told == ["continuing run r: 40 people to create", "40 of 40 settled, 4.0/s"]


def test_the_end_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    told = lines(capsys, RunStarted("r", 2, resumed=False), 1, *[PeopleSettled(2, 0)] * 5)
    assert told[1:] == ["2 of 2 settled, 2.0/s"]


def test_people_whom_another_run_left_come_on_top(capsys: pytest.CaptureFixture[str]) -> None:
    told = lines(capsys, RunStarted("r", 2, resumed=False), 1, PeopleSettled(3, 0), PeopleSettled(5, 0))
    assert told[1:] == ["3 of 3 settled, 3.0/s", "5 of 5 settled, 5.0/s"]


def test_a_run_with_nobody_to_create_is_silent_about_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert lines(capsys, RunStarted("r", 0, resumed=False)) == ["starting run r: 0 people to create"]


def test_reading_and_removing_speak_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    for happening, line in (
        (AccountsRead(12_345), "read 12,345 accounts"),
        (AccountsSought(40, 12_345), "asked for 40 of 12,345 missing accounts"),
        (RecordsCompared(12_345), "compared 12,345 records"),
        (AccountsRemoved(12_345), "removed 12,345 accounts"),
        (RecordsRead(12_345), "planned 12,345 records"),
    ):
        told = lines(
            capsys, happening, LINE_EVERY_SECONDS, happening, happening, LINE_EVERY_SECONDS, happening
        )
        assert told == [line, line]
    assert lines(capsys, LINE_EVERY_SECONDS, RecordsRead(RECORDS_WORTH_TELLING - 1)) == []


def test_reading_says_how_long_the_rest_takes(capsys: pytest.CaptureFixture[str]) -> None:
    told = lines(
        capsys,
        LINE_EVERY_SECONDS,
        AccountsRead(100, 1_000),
        LINE_EVERY_SECONDS,
        AccountsRead(200, 1_000),
        LINE_EVERY_SECONDS,
        AccountsRead(1_100, 1_000),
    )
    assert told == ["read 100 accounts", "read 200 accounts, 40 s left", "read 1,100 accounts"]


def test_updating_says_how_long_the_rest_takes(capsys: pytest.CaptureFixture[str]) -> None:
    """Twice: first values, then accounts that are disabled."""
    pace, waits = Pace(0, HeldBy.PACING, 20.0, 0), "waiting 30 s for the directory"
    told = lines(
        capsys,
        AccountsUpdated(0, 0, 1_000, 0, pace),
        LINE_EVERY_SECONDS,
        AccountsUpdated(90, 100, 1_000, 1, pace),
        AccountsUpdated(91, 101, 1_000, 1, pace),
        LINE_EVERY_SECONDS,
        AccountsUpdated(180, 200, 1_000, 1, Pace(30, HeldBy.TENANT, 20.0, 0)),
        40,
        AccountsUpdated(900, 1_000, 1_000, 1, pace),
        AccountsUpdated(900, 1_000, 1_000, 1, pace),
        AccountsUpdated(0, 0, 1_000, 0, pace),
        LINE_EVERY_SECONDS,
        AccountsUpdated(50, 50, 1_000, 0, pace),
        AccountsUpdated(0, 0, 30, 0, pace),
        LINE_EVERY_SECONDS,
        AccountsUpdated(30, 30, 30, 0, pace),
    )
    assert told == [
        "updated 90 accounts, 100 of 1,000 people looked at, 20.0/s, 1 failed, 45 s left",
        f"updated 180 accounts, 200 of 1,000 people looked at, 20.0/s, 1 failed, {waits}, 40 s left",
        "updated 900 accounts, 1,000 of 1,000 people looked at, 20.0/s, 1 failed",
        "updated 50 accounts, 50 of 1,000 people looked at, 10.0/s, 1 min 35 s left",
        "updated 30 accounts, 30 of 30 people looked at, 6.0/s",
    ]


def test_quiet_is_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    told = lines(capsys, RunStarted("r", 1, resumed=False), 9, PeopleSettled(1, 0), quiet=True)
    assert told == []


def test_a_name_is_not_markup(capsys: pytest.CaptureFixture[str]) -> None:
    assert lines(capsys, AttributeCreated("[red]x[/y]")) == ["created the extension attribute [red]x[/y]"]


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = io.StringIO()
    terminal = Console(file=seen, force_terminal=True, width=100, highlight=False, color_system=None)
    monkeypatch.setattr("idferry.cli.progress.messages", lambda: terminal)
    clock = HandClock()
    with progress(clock) as tell:
        tell(RecordsRead(1000))
        tell(AttributeCreated("legacyId"))
        tell(RunStarted("r", 40, resumed=True))
        clock.advance(10)
        tell(PeopleSettled(20, 1, Pace(3, HeldBy.TENANT)))
        tell(PeopleSettled(41, 1))
        tell(AccountsRead(7))
        tell(AccountsRemoved(7))
    shown = seen.getvalue()
    assert "continuing run r" in shown
    assert "created the extension attribute legacyId" in shown
    assert "41/41" in shown


def test_waits_are_told_with_their_reason(capsys: pytest.CaptureFixture[str]) -> None:
    def told(pace: Pace) -> str:
        return lines(capsys, RunStarted("r", 100, resumed=False), 10, PeopleSettled(50, 0, pace))[1]

    assert told(Pace(12, HeldBy.TENANT, 5.0, 0)) == (
        "50 of 100 settled, 5.0/s, waiting 12 s for the directory, 12 s left"
    )
    assert told(Pace(90, HeldBy.PACING, 5.0, 0)) == (
        "50 of 100 settled, 5.0/s, allowance used up for 90 s, 1 min 30 s left"
    )
    assert told(Pace(1, HeldBy.PACING, 2.0, 0)) == "50 of 100 settled, 5.0/s, 25 s left"
    assert told(Pace(0, HeldBy.NOBODY, 2.0, 40)) == "50 of 100 settled, 5.0/s, 10 s left"
