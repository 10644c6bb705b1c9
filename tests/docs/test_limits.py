"""The page of limits says of every question who answers it: the probe by its own name, or somebody's hands."""

from tests.docs.repository import ROOT
from tools.probe_tenant.questions import QUESTIONS

HANDS = {"a browser", "the portal", "the legacy system", "a policy", "a run"}


def test_every_question_of_the_limits_is_answered_by_the_probe_or_by_hand() -> None:
    page = (ROOT / "docs" / "explain" / "limits.md").read_text(encoding="utf-8")
    table = page.partition("| question |")[2].partition("\n\n")[0].splitlines()[2:]
    asked_by = [line.rsplit("|", 2)[1].strip() for line in table]
    by_probe = {one.strip(" `") for cell in asked_by if cell.startswith("`") for one in cell.split(",")}
    assert by_probe == set(QUESTIONS)
    assert {cell for cell in asked_by if not cell.startswith("`")} == HANDS
