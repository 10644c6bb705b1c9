"""The help desk: locks are shown for the person, whatever name is asked for, and ended for a reason."""

import pytest
from tests.support.any_guard import AT, fail_from_anywhere
from tests.support.builders import MemorySource, World, crowd
from tests.support.memory_guard import MemoryGuard

from idferry.errors import GuardUnavailable, UsageError
from idferry.flows.unlock_person import look_at_locks, unlock_person
from idferry.ports.sign_ins import Standing
from idferry.rules.entry import EventKind
from idferry.rules.submission import key_of_person, key_of_unknown

NAME = "known0@example.com"


@pytest.fixture
def world() -> World:
    made = World(MemorySource(crowd(4)))
    made.premigrate()
    return made


def unlock(world: World, guard: MemoryGuard, name: str = NAME, reason: str = "ticket 4711") -> None:
    unlock_person(
        guard=guard,
        report=world.ledger.report,
        observations=world.ledger.observations,
        sign_in_name=name,
        reason=reason,
        at=AT,
    )


def test_a_lock_is_ended_and_the_reason_stays(world: World) -> None:
    guard, entry = MemoryGuard(), world.entries()["k0"]
    fail_from_anywhere(guard, 31, AT, name=key_of_person(entry.source, entry.key))
    before = look_at_locks(guard=guard, entry=entry, sign_in_name=NAME, at=AT)
    assert (before.failures, before.locked_until is None) == (30, False)
    unlock(world, guard, name=" Known0@Example.com")
    after = look_at_locks(guard=guard, entry=entry, sign_in_name=NAME, at=AT)
    assert (after.failures, after.locked_until) == (0, None)
    last = world.ledger.report.events(entry.person_id)[-1]
    assert (last.kind, last.reason, last.at, last.run) == (EventKind.UNLOCKED, "ticket 4711", AT, "")
    assert world.entries()["k0"].state is entry.state


def test_a_name_that_nobody_has_is_shown_and_not_unlocked(world: World) -> None:
    guard = MemoryGuard()
    fail_from_anywhere(guard, 2, AT, name=key_of_unknown("x@example.com"))
    shown = look_at_locks(guard=guard, entry=None, sign_in_name="X@example.com", at=AT)
    assert shown.failures == 2
    with pytest.raises(UsageError, match="knows nobody"):
        unlock(world, guard, name="x@example.com")
    assert look_at_locks(guard=guard, entry=None, sign_in_name="x@example.com", at=AT) == shown


def test_the_reason_is_in_the_ledger_before_the_guard_is_asked(world: World) -> None:
    class Broken(MemoryGuard):
        def unlock(self, name_key: str, *, at: object) -> None:
            raise GuardUnavailable("full")

        def standing(self, name_key: str, *, at: object) -> Standing:
            return Standing()

    with pytest.raises(GuardUnavailable):
        unlock(world, Broken())
    person_id = world.entries()["k0"].person_id
    assert world.ledger.report.events(person_id)[-1].kind is EventKind.UNLOCKED
