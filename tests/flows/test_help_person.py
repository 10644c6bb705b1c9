"""The help desk: the legacy password counts again, or none does; for a reason, and never for a stranger's account."""

from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.support.builders import MemorySource, World, crowd

from idferry.errors import DirectoryError, UsageError
from idferry.flows.help_person import Desk, raise_flag, require_reset
from idferry.flows.sweep import sweep
from idferry.ports import Deadline
from idferry.rules.account import Account
from idferry.rules.entry import EventKind, Selection
from idferry.rules.lifecycle import State
from idferry.rules.password import Password
from idferry.rules.sign_in import Written

NAME = "blank1@example.com"


@dataclass
class Passwords:
    """As much of `ports.SignInDirectory` as the desk needs, over the tenant in memory."""

    world: World
    says: Written = Written.DONE
    written: list[Password] = field(default_factory=list)

    def write_password(
        self, object_id: str, password: Password, *, weak: bool, deadline: Deadline
    ) -> "Future[Written]":
        assert not weak
        assert deadline.seconds_left(self.world.clock) > 0
        if self.says is Written.DONE:
            self.world.tenant.person_sets_password(object_id, password)
            self.written.append(password)
        done: Future[Written] = Future()
        done.set_result(self.says)
        return done


@pytest.fixture
def world() -> World:
    made = World(MemorySource(crowd(4)))
    made.premigrate()
    made.clock.advance(3600)
    return made


def desk_of(world: World, passwords: Passwords | None = None) -> Desk:
    return Desk(
        report=world.ledger.report,
        observations=world.ledger.observations,
        reader=world.tenant.reader,
        updater=world.tenant.updater,
        sign_ins=passwords or Passwords(world),  # type: ignore[arg-type]
        inspector=world.tenant.inspector,
        clock=world.clock,
    )


def account(world: World) -> Account:
    entry = world.entries()["r1"]
    return world.tenant.stored[entry.object_id].account


def kinds(world: World) -> list[tuple[EventKind, str]]:
    events = world.ledger.report.events(world.entries()["r1"].person_id)
    return [(one.kind, one.reason) for one in events][-2:]


def swept(world: World) -> int:
    told = sweep(
        selection=Selection(),
        reader=world.tenant.reader,
        updater=world.tenant.updater,
        report=world.ledger.report,
        observations=world.ledger.observations,
        clock=world.clock,
        execute=True,
    )
    return told.cleared


def complete(world: World) -> None:
    """The person has signed in, and has chosen a password here."""
    world.tenant.person_sets_password(account(world).object_id, Password("Own-Password-1"))
    swept(world)
    assert world.entries()["r1"].state is State.COMPLETE


def test_a_flag_is_raised_for_a_reason_and_no_sweep_takes_it_down(world: World) -> None:
    complete(world)
    world.clock.advance(3600)
    raise_flag(desk=desk_of(world), sign_in_name=" Blank1@example.com", reason="ticket 4711")
    assert account(world).flag is True
    assert world.entries()["r1"].state is State.AWAITING_PASSWORD
    assert kinds(world) == [(EventKind.FLAG_RAISED, "ticket 4711"), (EventKind.FLAG_RAISED, "")]
    world.clock.advance(3600)
    assert swept(world) == 0
    world.tenant.change(account(world).object_id, password_changed_at=world.clock.now())
    assert swept(world) == 1, "a password that was chosen after it is the person's"


@pytest.mark.parametrize("keeps_flag", [True, False])
def test_after_a_required_reset_no_password_opens(world: World, keeps_flag: bool) -> None:
    complete(world)
    passwords = Passwords(world)
    require_reset(
        desk=desk_of(world, passwords),
        sign_in_name=NAME,
        reason="phished",
        random_below=lambda most: most // 3,
        keeps_flag=keeps_flag,
    )
    assert len(passwords.written) == 1
    assert not world.tenant.opens(NAME, "Own-Password-1")
    assert account(world).flag is keeps_flag
    expected = State.AWAITING_PASSWORD if keeps_flag else State.COMPLETE
    assert world.entries()["r1"].state is expected
    assert (EventKind.RESET_REQUIRED, "phished") in kinds(world)
    world.clock.advance(3600)
    assert swept(world) == 0


@pytest.mark.parametrize("said", [Written.FAILED, Written.REFUSED, Written.UNCLEAR])
def test_what_the_directory_does_not_take_is_told_and_the_reason_stays(world: World, said: Written) -> None:
    with pytest.raises(DirectoryError):
        require_reset(
            desk=desk_of(world, Passwords(world, says=said)),
            sign_in_name=NAME,
            reason="phished",
            random_below=lambda most: most // 3,
            keeps_flag=True,
        )
    assert kinds(world)[-1] == (EventKind.RESET_REQUIRED, "phished")
    assert world.entries()["r1"].state is State.AWAITING_PASSWORD


def test_nobody_elses_account_is_touched(world: World) -> None:
    before = account(world)
    for spoilt in ({"legacy_id": "contoso:crm:other"}, {"legacy_id": None}):
        changes: dict[str, Any] = spoilt
        world.tenant.change(before.object_id, **changes, flag=False)
        with pytest.raises(UsageError, match="no account"):
            raise_flag(desk=desk_of(world), sign_in_name=NAME, reason="x")
    assert account(world).flag is False
    with pytest.raises(UsageError, match="knows nobody"):
        raise_flag(desk=desk_of(world), sign_in_name="nobody@example.com", reason="x")
    assert kinds(world)[-1][0] is not EventKind.FLAG_RAISED
