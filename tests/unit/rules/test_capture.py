"""What speaks against writing a captured password, fact by fact."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from idferry.rules.capture import (
    CLOCKS_APART_MAX,
    CaptureEnd,
    CaptureEvent,
    CaptureRules,
    Proven,
    end_without_write,
)
from idferry.rules.sign_in import CREATION_TOLERANCE, AccountFacts

CREATED = datetime(2026, 3, 1, tzinfo=UTC)
NOW = CREATED + timedelta(days=10)
FACTS = AccountFacts("id", "contoso:crm:1", True, True, CREATED, CREATED)
HOUR = timedelta(hours=1)


def end(
    event: CaptureEvent = CaptureEvent.SIGN_IN,
    facts: AccountFacts | None = FACTS,
    *,
    written_at: datetime | None = None,
    changed_at: datetime | None = None,
) -> CaptureEnd | None:
    return end_without_write(
        Proven(event, NOW, changed_at),
        facts,
        legacy_id="contoso:crm:1",
        written_at=written_at,
        rules=CaptureRules(),
    )


@pytest.mark.parametrize("event", list(CaptureEvent))
def test_nothing_speaks_against_a_flagged_account_of_ours(event: CaptureEvent) -> None:
    assert end(event) is None


@pytest.mark.parametrize("event", list(CaptureEvent))
@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (None, CaptureEnd.UNKNOWN_HERE),
        (replace(FACTS, legacy_id=None), CaptureEnd.NOT_OURS),
        (replace(FACTS, legacy_id="contoso:crm:2"), CaptureEnd.NOT_OURS),
        (replace(FACTS, password_changed_at=CREATED + HOUR), CaptureEnd.CHANGED_HERE),
        (replace(FACTS, password_changed_at=None), CaptureEnd.CHANGED_HERE),
        (replace(FACTS, created_at=None), CaptureEnd.CHANGED_HERE),
    ],
)
def test_no_event_writes_to_what_is_not_ours_or_was_changed_here(
    event: CaptureEvent, facts: AccountFacts | None, expected: CaptureEnd
) -> None:
    assert end(event, facts) is expected


@pytest.mark.parametrize("flag", [False, None])
def test_with_the_flag_down_only_what_is_later_than_ours_is_written(flag: bool | None) -> None:
    ours_at = CREATED + timedelta(days=1)
    facts = replace(FACTS, flag=flag, password_changed_at=ours_at)
    when = {
        None: CaptureEnd.NOT_NEEDED,
        ours_at - CREATION_TOLERANCE: CaptureEnd.NOT_NEEDED,
        ours_at - CREATION_TOLERANCE + timedelta(seconds=1): None,  # the same moment, by another clock
        ours_at: None,
        ours_at + HOUR: None,
        NOW + CLOCKS_APART_MAX: None,
        NOW + CLOCKS_APART_MAX + HOUR: CaptureEnd.NOT_NEEDED,
    }
    for changed_at, expected in when.items():
        assert end(facts=facts, written_at=ours_at, changed_at=changed_at) is expected, changed_at
    assert end(CaptureEvent.PASSWORD_RESET, facts, written_at=ours_at) is None


def test_a_password_that_was_announced_and_never_arrived_is_still_needed() -> None:
    """The service was killed between announcing and sending: the account says which password it has."""
    ours_at, announced_at = CREATED + HOUR, NOW - HOUR
    facts = replace(FACTS, flag=False, password_changed_at=ours_at)
    changed_at = announced_at - timedelta(seconds=1)
    assert end(facts=facts, written_at=announced_at, changed_at=changed_at) is None


def test_what_waited_is_superseded_by_a_later_write_but_a_new_password_is_not() -> None:
    later = NOW + timedelta(seconds=1)
    assert end(written_at=later) is CaptureEnd.SUPERSEDED
    assert end(CaptureEvent.PASSWORD_CHANGE, written_at=later) is None


def test_every_end_is_taken_or_not() -> None:
    assert {one for one in CaptureEnd if one.is_taken} == {
        CaptureEnd.WRITTEN,
        CaptureEnd.CREATED,
        CaptureEnd.REPEATED,
        CaptureEnd.NOT_NEEDED,
        CaptureEnd.SUPERSEDED,
    }
