"""What the page of text says of an execution is true of everybody, also of people whom it could not settle."""

from collections import Counter

import pytest

from idferry.cli.premigrate_report import Done, print_done
from idferry.flows.plan_people import PlanReport
from idferry.flows.premigrate import PremigrateReport
from idferry.flows.send_people import SendReport


@pytest.mark.parametrize(
    ("planned", "left", "said"),
    [
        (2, 0, "Run r-1 has dealt with everybody it planned."),
        (0, 0, "Run r-1 had nobody to create."),
        (2, 1, "Run r-1 is done, and 1 person has a call without an answer that it could not settle."),
        (
            0,
            1200,
            "Run r-1 is done, and 1,200 people have a call without an answer that it could not settle.",
        ),
    ],
)
def test_the_last_sentence_of_a_run_is_true(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, planned: int, left: int, said: str
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    sent = SendReport(left_creating=left)
    report = PremigrateReport("r-1", resumed=False, plan=PlanReport(existing=planned), send=sent)
    print_done(Done(report, states={}, run_states=Counter(), failures=[], unfinished=left))
    assert said in capsys.readouterr().out
