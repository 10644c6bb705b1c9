"""Verify with the source: what it says now, and everybody of it who should have an account and has none."""

from collections import Counter
from dataclasses import replace
from itertools import repeat

import pytest
from tests.support.builders import (
    Human,
    MemorySource,
    World,
    crowd,
    federated_only,
    with_password,
    without_password,
)
from tests.support.memory_directory import LostBefore
from tests.support.verification import migrated, verified

from idferry.errors import QuotaExceeded
from idferry.flows.send_people import SendLimits
from idferry.rules.absence import Missing
from idferry.rules.answers import Fatal
from idferry.rules.entry import EventKind, Observation, Selection, TakeUp
from idferry.rules.lifecycle import State
from idferry.rules.plan import PasswordMode

# --- the source --------------------------------------------------------------------------------------------------


def test_a_value_that_changed_in_the_source_differs() -> None:
    world = migrated(8)
    human = world.source.humans[0]
    world.source.humans[0] = replace(human, attributes={"city": "Turku"})
    report = verified(world, source=world.source)
    assert [(one.attribute, one.expected, one.found) for one in report.differing] == [
        ("city", "Turku", "Oslo"),
        ("tier", None, "gold"),
    ]


def test_people_who_joined_the_source_are_missing() -> None:
    world = migrated(4)
    world.source.humans += [with_password(50), federated_only(51)]
    report = verified(world, source=world.source)
    assert [one.legacy_id for one in report.missing] == ["contoso:crm:k50", "contoso:crm:f51"]


def test_people_who_stay_behind_by_rule_are_not_missing() -> None:
    humans = [
        *crowd(8),
        Human("same-name", "KNOWN0@example.com"),
        replace(federated_only(3), key="same-federated"),
        replace(without_password(77), key="k0", display_name="Same key"),
        Human("nothing"),
    ]
    for mode in PasswordMode:
        world = World(MemorySource(humans), mode=mode)
        world.premigrate()
        report = verified(world, source=world.source)
        assert (report.differences, report.missing, report.differing) == (0, [], []), mode


def test_a_key_that_comes_again_much_later_is_compared_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("idferry.flows.verify.BATCH_ACCOUNTS", 3)
    humans = [*crowd(8), replace(without_password(77), key="k0", display_name="Same key")]
    world = World(MemorySource(humans))
    world.premigrate()
    assert verified(world, source=world.source).differences == 0


def test_people_of_the_source_who_failed_are_missing_with_the_reason() -> None:
    world = World(MemorySource(crowd(4)))
    world.tenant.plant(*world.source.humans[0].identities)
    run = world.premigrate(take_up=TakeUp(cohort="pilot")).run
    assert world.failures() == {"conflict": 1}
    for selection in (Selection(), Selection(run=run), Selection(cohort="pilot")):
        report = verified(world, source=world.source, selection=selection)
        assert report.missing == [Missing("contoso:crm:k0", "", "failed: conflict")]
        assert (report.differences, report.foreign) == (1, 1)
    assert verified(world, source=world.source, selection=Selection(run="another")).differences == 0
    assert verified(world).differences == 0, "the ledger is right: this person has no account"
    del world.source.humans[0]
    assert verified(world, source=world.source).differences == 0, "nobody asks for an account any more"


def test_people_with_whom_no_run_goes_on_are_missing_without_a_source() -> None:
    """Ended amid calls; then the rows were numbered anew, so that nobody asks for their accounts any more."""
    world = World(MemorySource(crowd(45)), limits=SendLimits(chunks_under_way_max=1))
    world.tenant.plan_faults([*repeat(None, 20), *repeat(LostBefore(), 19), Fatal("quota_exceeded", "full")])
    with pytest.raises(QuotaExceeded):
        world.premigrate()
    assert verified(world).missing == [], "a run that is open goes on with them"
    before, humans = list(world.source.humans), world.source.humans
    keys_now = [human.key for human in [*humans[1:], humans[0]]]
    world.source.humans = [replace(human, key=key) for human, key in zip(humans, keys_now, strict=True)]
    world.premigrate(accept_changes=True)
    creating = world.states()[State.CREATING]
    for source in (None, world.source):
        report = verified(world, source=source)
        stuck = [one for one in report.missing if one.reason.endswith("no run goes on with it")]
        assert len(stuck) == len({one.legacy_id for one in stuck}) == creating > 0
    assert verified(world, selection=Selection(cohort="another")).missing == []
    world.source.humans = before
    world.premigrate(accept_changes=True)
    assert verified(world).differences == 0, "the keys of before settle them"


def test_people_whom_an_interrupted_run_has_not_sent_are_missing() -> None:
    world = World(MemorySource(crowd(45)), limits=SendLimits(chunks_under_way_max=1))
    world.tenant.plan_faults([*repeat(None, 20), *repeat(LostBefore(), 19), Fatal("quota_exceeded", "full")])
    with pytest.raises(QuotaExceeded):
        world.premigrate()
    report = verified(world, source=world.source)
    reasons = Counter(one.reason for one in report.missing)
    states = world.states()
    assert reasons == {
        "planned: was not sent yet": states[State.PLANNED],
        "creating: the call has no answer": states[State.CREATING],
    }
    assert report.differences == 25
    world.premigrate()
    assert verified(world, source=world.source).differences == 0


def test_removed_people_are_not_missing() -> None:
    world = World(MemorySource(crowd(4)))
    world.premigrate()
    for entry in world.entries().values():
        seen = Observation(entry.person_id, EventKind.REMOVED, State.REMOVED)
        world.ledger.observations.observe(run="", observed=[seen], at=world.clock.now())
    world.tenant.stored.clear()
    assert verified(world, source=world.source).differences == 0
