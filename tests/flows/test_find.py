"""Finding accounts, and one person's story from ledger and directory together."""

import pytest
from tests.support.builders import Human, MemorySource, World, crowd, weak_password, with_password
from tests.support.memory_ledger import MemoryLedger

from idferry.errors import Unreachable
from idferry.flows.find import Found, find, tell_story
from idferry.rules.entry import EventKind
from idferry.rules.lifecycle import State
from idferry.rules.names import Identity, SignInType


@pytest.fixture
def world() -> World:
    made = World(MemorySource(crowd(8)))
    made.premigrate()
    return made


def found(world: World, **asked: str) -> list[Found]:
    return find(reader=world.tenant.reader, ledger=world.ledger.report, **asked)  # type: ignore[arg-type]


def test_by_sign_in_name_in_any_case(world: World) -> None:
    (one,) = found(world, sign_in_name="KNOWN0@example.com ")
    assert one.account == world.account_of("k0")
    assert one.entry == world.entries()["k0"]


def test_by_display_name_exactly(world: World) -> None:
    stranger = world.tenant.plant(Identity(SignInType.EMAIL_ADDRESS, "x@example.com"), display_name="Known 0")
    both = found(world, display_name="Known 0")
    assert {one.account.object_id: one.entry is not None for one in both} == {
        world.account_of("k0").object_id: True,
        stranger: False,
    }
    assert found(world, display_name="known 0") == []


def test_by_object_id(world: World) -> None:
    (one,) = found(world, object_id=world.account_of("f3").object_id)
    assert one.entry is not None
    assert one.entry.key == "f3"
    assert found(world, object_id="00000000-0000-4000-8000-ffffffffffff") == []


def test_a_namesake_of_another_project_has_no_entry(world: World) -> None:
    world.tenant.plant(Identity(SignInType.EMAIL_ADDRESS, "x@example.com"), legacy_id="fabrikam:crm:k0")
    assert [one.entry for one in found(world, sign_in_name="x@example.com")] == [None]


def test_the_ledger_is_not_needed(world: World) -> None:
    (one,) = find(reader=world.tenant.reader, ledger=None, sign_in_name="known0@example.com")
    assert one.entry is None


def test_a_directory_that_does_not_answer_is_told(world: World) -> None:
    world.tenant.unreachable = True
    with pytest.raises(Unreachable):
        found(world, sign_in_name="known0@example.com")


def test_a_story_has_entry_events_and_account(world: World) -> None:
    story = tell_story(
        reader=world.tenant.reader, ledger=world.ledger.report, sign_in_name="Known0@Example.com"
    )
    assert story.entry == world.entries()["k0"]
    assert [event.kind for event in story.events] == [EventKind.SENT, EventKind.CREATED]
    assert list(story.accounts) == [world.account_of("k0")]


def test_the_story_of_somebody_whose_sign_in_name_changed_shows_the_account_by_its_id(world: World) -> None:
    account = world.account_of("k0")
    renamed = (Identity(SignInType.EMAIL_ADDRESS, "new@example.com"),)
    world.tenant.change(account.object_id, identities=renamed)
    for name in ("known0@example.com", "new@example.com"):
        story = tell_story(reader=world.tenant.reader, ledger=world.ledger.report, sign_in_name=name)
        assert story.entry == world.entries()["k0"]
        assert [one.object_id for one in story.accounts] == [account.object_id]


def test_the_story_of_a_conflict_shows_the_stranger() -> None:
    world = World(MemorySource([with_password(1)]))
    stranger = world.tenant.plant(*with_password(1).identities)
    world.premigrate()
    story = tell_story(
        reader=world.tenant.reader, ledger=world.ledger.report, sign_in_name="known1@example.com"
    )
    assert story.entry is not None
    assert (story.entry.state, story.entry.code) == (State.FAILED, "conflict")
    assert [one.object_id for one in story.accounts] == [stranger]


def test_somebody_whom_nobody_knows_has_an_empty_story() -> None:
    world = World(MemorySource([Human("1"), weak_password(2)]), ledger=MemoryLedger())
    story = tell_story(reader=world.tenant.reader, ledger=world.ledger.report, sign_in_name="who@example.com")
    assert (story.entry, list(story.events), list(story.accounts)) == (None, [], [])
