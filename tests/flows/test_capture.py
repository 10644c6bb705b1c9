"""A password that a legacy front has proven: what is written, what never is, and what the flag says afterwards."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.support.memory_sign_ins import SignInWorld, answered, unreachable

from idferry.flows.capture import Captured, CaptureParts, capture
from idferry.ports import Deadline
from idferry.rules.capture import CaptureEnd, CaptureEvent, CaptureRules, Proven
from idferry.rules.entry import EventKind
from idferry.rules.lifecycle import State
from idferry.rules.password import Password
from idferry.rules.sign_in import Written
from idferry.stores.person_turns import LocalTurns

ANA, OLD, NEW, OWN = "ana@example.com", "Old-Password-1", "New-Password-2", "Own-Password-3"
SIGN_IN, RESET = CaptureEvent.SIGN_IN, CaptureEvent.PASSWORD_RESET


@dataclass
class CaptureWorld(SignInWorld):
    """A `SignInWorld` whose ledger remembers when we wrote, as the real one does from its events."""

    stores_weak: bool = False
    signed_up: list[Captured] = field(default_factory=list)
    being_created: list[str] = field(default_factory=list)

    def capture(self, event: CaptureEvent, password: str, *, name: str = ANA, **how: Any) -> CaptureEnd:
        arrived_at = how.pop("arrived_at", None) or self.clock.now()
        proven = Proven(event, arrived_at, how.pop("changed_at", None))
        within_s = how.pop("within_s", 5.0)
        who = how or {"sign_in_name": name}
        captured = Captured(proven=proven, password=Password(password), **who)
        deadline = Deadline.after(timedelta(seconds=within_s), self.clock)
        self.remember_writes()
        return capture(captured=captured, deadline=deadline, parts=self.capture_parts)

    def remember_writes(self) -> None:
        """The ledger finds the last of our writes among its events."""
        ours = (EventKind.PASSWORD_WRITTEN, EventKind.PASSWORD_SENT, EventKind.FLAG_RAISED)
        for number, one in enumerate(self.ledger.people):
            at = [when for note, when in self.noted if note.person_id == one.person_id and note.kind in ours]
            self.ledger.people[number] = replace(one, written_at=max(at, default=None))

    def __post_init__(self) -> None:
        super().__post_init__()
        self.noted: list[tuple[Any, datetime]] = []
        note = self.ledger.note

        def noting(observation: Any, *, at: datetime) -> Future[bool]:
            self.noted.append((observation, at))
            return note(observation, at=at)

        self.ledger.note = noting  # type: ignore[method-assign]
        self.capture_parts = CaptureParts(
            ledger=self.ledger,
            directory=self.directory,
            written=self.parts.written,
            turns=LocalTurns(),
            keyed=self.parts.keyed,
            clock=self.clock,
            rules=CaptureRules(stores_weak=self.stores_weak),
            sign_up=self._sign_up,
            is_being_created=lambda captured: captured.sign_in_name in self.being_created,
        )

    def _sign_up(self, captured: Captured, deadline: Deadline) -> CaptureEnd:
        self.signed_up.append(captured)
        return CaptureEnd.CREATED


@pytest.fixture
def world() -> CaptureWorld:
    return CaptureWorld()


def test_a_sign_in_writes_password_and_flag_once(world: CaptureWorld) -> None:
    account = world.person(ANA)
    assert world.capture(SIGN_IN, OLD) is CaptureEnd.WRITTEN
    assert (world.directory.passwords[account], world.directory.accounts[account].flag) == (OLD, False)
    assert world.capture(SIGN_IN, OLD) is CaptureEnd.REPEATED
    world.clock.advance(600)
    assert world.capture(SIGN_IN, OLD) is CaptureEnd.NOT_NEEDED
    assert world.directory.writes == 1
    assert [(one.kind, one.state) for one in world.ledger.notes] == [
        (EventKind.PASSWORD_SENT, None),
        (EventKind.PASSWORD_WRITTEN, State.COMPLETE),
    ]


@pytest.mark.parametrize("how", ["object_id", "legacy_id", "sign_in_name"])
def test_each_name_finds_the_person(world: CaptureWorld, how: str) -> None:
    account = world.person(ANA)
    names = {"object_id": account, "legacy_id": "contoso:crm:1", "sign_in_name": " ANA@example.com"}
    assert world.capture(SIGN_IN, OLD, **{how: names[how]}) is CaptureEnd.WRITTEN


def test_a_later_password_is_written_although_the_flag_is_down(world: CaptureWorld) -> None:
    account = world.person(ANA)
    world.capture(SIGN_IN, OLD)
    world.clock.advance(3600)
    before = world.clock.now() - timedelta(hours=2)
    assert world.capture(SIGN_IN, NEW, changed_at=before) is CaptureEnd.NOT_NEEDED
    wrong_clock = world.clock.now() + timedelta(days=1)
    assert world.capture(SIGN_IN, NEW, changed_at=wrong_clock) is CaptureEnd.NOT_NEEDED
    changed_at = world.clock.now() - timedelta(minutes=1)
    assert world.capture(SIGN_IN, NEW, changed_at=changed_at) is CaptureEnd.WRITTEN
    assert world.directory.passwords[account] == NEW


@pytest.mark.parametrize("event", [CaptureEvent.PASSWORD_RESET, CaptureEvent.PASSWORD_CHANGE])
def test_a_new_password_is_written_flag_up_or_down(world: CaptureWorld, event: CaptureEvent) -> None:
    """Captured, then reset in the front: the directory opens with the new password and refuses the old."""
    account = world.person(ANA)
    world.capture(SIGN_IN, OLD)
    world.clock.advance(60)
    assert world.capture(event, NEW) is CaptureEnd.WRITTEN
    assert world.directory.passwords[account] == NEW
    assert world.capture(event, NEW) is CaptureEnd.REPEATED
    assert world.directory.writes == 2


@pytest.mark.parametrize("event", [SIGN_IN, RESET])
@pytest.mark.parametrize("captured_before", [False, True])
def test_a_password_that_was_chosen_here_is_never_written_over(
    world: CaptureWorld, event: CaptureEvent, captured_before: bool
) -> None:
    account = world.person(ANA)
    if captured_before:
        world.capture(SIGN_IN, OLD)
    world.clock.advance(60)
    world.directory.set_password(account, OWN)
    world.clock.advance(60)
    end = world.capture(event, NEW)
    is_down_and_quiet = captured_before and event is SIGN_IN
    assert end is (CaptureEnd.NOT_NEEDED if is_down_and_quiet else CaptureEnd.CHANGED_HERE)
    assert world.directory.passwords[account] == OWN
    assert world.directory.accounts[account].flag is False
    assert world.directory.raised == []


def test_a_write_that_fails_leaves_the_flag_up(world: CaptureWorld) -> None:
    account = world.person(ANA)
    world.capture(SIGN_IN, OLD)
    world.clock.advance(60)
    for said in (Written.FAILED, Written.UNCLEAR, Written.REFUSED):
        world.directory.says = lambda said=said: said  # type: ignore[misc]
        world.directory.writes_although = False
        world.capture(RESET, NEW)
        assert world.directory.accounts[account].flag is True, said
        assert world.ledger.notes[-1].state is State.AWAITING_PASSWORD
        world.directory.accounts[account] = replace(world.directory.accounts[account], flag=False)
    world.directory.says, world.directory.writes_although = lambda: Written.DONE, None
    world.directory.accounts[account] = replace(world.directory.accounts[account], flag=True)
    world.clock.advance(60)
    assert world.capture(SIGN_IN, NEW) is CaptureEnd.WRITTEN, "the next sign-in at the front is taken"


@pytest.mark.parametrize("silence", ["hangs", "takes nothing"])
def test_nothing_is_written_that_the_ledger_has_not_announced(world: CaptureWorld, silence: str) -> None:
    """Killed after the write, we would take our own password for one that somebody chose here, for ever."""
    account = world.person(ANA)
    world.ledger.notes_hang, world.ledger.takes_notes = silence == "hangs", False
    assert world.capture(SIGN_IN, OLD, within_s=0.05) is CaptureEnd.NOT_NOW
    assert (world.directory.writes, world.directory.raised) == (0, [])
    world.directory.accounts[account] = replace(world.directory.accounts[account], flag=False)
    assert world.capture(RESET, NEW, within_s=0.05) is CaptureEnd.NOT_NOW
    assert world.directory.writes == 0
    assert world.directory.accounts[account].flag is True, "the front's next sign-in is taken"


def test_a_lost_answer_is_settled_by_the_account(world: CaptureWorld) -> None:
    account = world.person(ANA)
    world.clock.advance(60)
    world.directory.says, world.directory.writes_although = lambda: Written.UNCLEAR, True
    assert world.capture(RESET, NEW) is CaptureEnd.WRITTEN
    assert (world.directory.passwords[account], world.directory.raised) == (NEW, [])


@pytest.mark.parametrize("password", ["sunny", "пароль-Пароль-1", "x" * 300])
def test_what_cannot_be_stored_is_refused_and_the_flag_stays_up(world: CaptureWorld, password: str) -> None:
    account = world.person(ANA)
    assert world.capture(SIGN_IN, password) is CaptureEnd.REFUSED
    assert world.directory.accounts[account].flag is True
    assert [one.kind for one in world.ledger.notes] == [EventKind.CAPTURE_REFUSED]
    assert world.directory.writes == 0


def test_a_weak_password_is_stored_where_the_settings_say_so() -> None:
    world = CaptureWorld(stores_weak=True)
    account = world.person(ANA)
    assert world.capture(SIGN_IN, "sunnyday") is CaptureEnd.WRITTEN
    assert world.directory.passwords[account] == "sunnyday"


def test_nobody_is_taken_for_somebody_else(world: CaptureWorld) -> None:
    account = world.person(ANA)
    assert world.capture(RESET, NEW, name="ben@example.com") is CaptureEnd.UNKNOWN_HERE
    facts = world.directory.accounts[account]
    world.directory.accounts[account] = replace(facts, legacy_id="contoso:crm:other")
    assert world.capture(RESET, NEW) is CaptureEnd.NOT_OURS
    assert world.capture(RESET, "") is CaptureEnd.REFUSED
    assert (world.directory.writes, world.directory.raised) == (0, [])


def test_silence_writes_nothing_and_raises_nothing(world: CaptureWorld) -> None:
    """A flag that goes up unseen would let an old password replace one that somebody chose here."""
    world.person(ANA)
    world.directory.fails = unreachable()
    assert world.capture(RESET, NEW) is CaptureEnd.NOT_NOW
    world.directory.fails, world.directory.never = None, True
    assert world.capture(RESET, NEW, within_s=0.05) is CaptureEnd.NOT_NOW
    world.ledger.fails = True
    assert world.capture(RESET, NEW) is CaptureEnd.NOT_NOW
    assert (world.directory.writes, world.directory.raised, world.ledger.notes) == (0, [], [])


def test_a_password_that_waited_does_not_overtake_a_later_one(world: CaptureWorld) -> None:
    account = world.person(ANA)
    waited_since = world.clock.now()
    world.clock.advance(5)
    world.capture(RESET, NEW)
    world.directory.lag_s = 60.0  # the directory still shows the flag up
    world.clock.advance(5)
    assert world.capture(SIGN_IN, OLD, arrived_at=waited_since) is CaptureEnd.SUPERSEDED
    assert world.directory.passwords[account] == NEW


def test_of_two_at_once_one_waits_for_the_other(world: CaptureWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    world.person(ANA)
    under_way, most = [0], [0]
    write: Callable[..., Future[Written]] = world.directory.write_password

    def counted(*args: Any, **more: Any) -> Future[Written]:
        under_way[0] += 1
        most[0] = max(most[0], under_way[0])
        time.sleep(0.005)
        try:
            return write(*args, **more)
        finally:
            under_way[0] -= 1

    monkeypatch.setattr(world.directory, "write_password", counted)
    with ThreadPoolExecutor(8) as pool:
        ends = list(pool.map(lambda n: world.capture(RESET, f"New-Password-{n}"), range(16)))
    assert set(ends) == {CaptureEnd.WRITTEN}
    assert most == [1]


def test_a_directory_that_does_not_show_our_write_yet_gets_no_second_one(
    world: CaptureWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever signs in twice at the front, and resets here in between, would lose the new password."""
    account = world.person(ANA)
    before = world.directory.accounts[account]
    assert world.capture(SIGN_IN, OLD) is CaptureEnd.WRITTEN
    world.clock.advance(20)
    world.directory.set_password(account, OWN)
    monkeypatch.setattr(world.directory, "facts", lambda *_: answered(before))
    world.clock.advance(5)
    assert world.capture(SIGN_IN, OLD) is CaptureEnd.REPEATED
    assert world.directory.passwords[account] == OWN


def test_a_password_that_changes_while_the_account_is_created_is_to_be_said_again(
    world: CaptureWorld,
) -> None:
    """The account comes with the password of the sign-up, and its flag down: nothing would ever replace it."""
    world.being_created.append("new@example.com")
    for event in (CaptureEvent.PASSWORD_CHANGE, RESET):
        assert world.capture(event, NEW, name="new@example.com") is CaptureEnd.NOT_NOW
    assert world.capture(SIGN_IN, NEW, name="new@example.com") is CaptureEnd.UNKNOWN_HERE
    assert world.capture(RESET, NEW, name="nobody@example.com") is CaptureEnd.UNKNOWN_HERE


def test_who_signs_up_and_has_no_account_gets_one_and_nobody_else_does(world: CaptureWorld) -> None:
    assert world.capture(CaptureEvent.SIGN_UP, NEW) is CaptureEnd.CREATED
    assert len(world.signed_up) == 1
    world.person(ANA)
    assert world.capture(CaptureEvent.SIGN_UP, NEW) is CaptureEnd.WRITTEN
    assert len(world.signed_up) == 1
