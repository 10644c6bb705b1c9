"""Premigration that is stopped, killed, lied to or starved: the same command continues, and nobody is lost or doubled."""

from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import chain, cycle, islice, repeat

import pytest
from tests.support.builders import (
    Human,
    Killed,
    MemorySource,
    Mortality,
    World,
    assert_true_to_life,
    crowd,
    federated_only,
    with_password,
    without_password,
)
from tests.support.hand_clock import HandClock
from tests.support.memory_directory import Fault, LostAfter, LostBefore, MemoryTenant
from tests.support.memory_ledger import MemoryLedger

from idferry.errors import (
    EXIT_STOPPED,
    Forbidden,
    IdferryError,
    LedgerUnwritable,
    QuotaExceeded,
    SourceChanged,
    Stopped,
    Throttled,
    TokenRefused,
    Unreachable,
)
from idferry.flows.send_people import POSTPONEMENTS_MAX, SendLimits
from idferry.ports import CreateOrder
from idferry.rules.account import AccountDraft
from idferry.rules.answers import (
    CreateAnswer,
    Fatal,
    Postponed,
    Rejected,
    Undelivered,
)
from idferry.rules.entry import EventKind, Observation
from idferry.rules.legacy_user import LegacyUser
from idferry.rules.lifecycle import State
from idferry.rules.password import Password
from idferry.rules.quota import UNPACED, Pace

PEOPLE = 90
SCRIPTS: dict[str, list[Fault | None]] = {
    "every answer comes": [None],
    "answers lost before the write": [None, LostBefore(), None],
    "answers lost after the write": [None, LostAfter(), None],
    "lost before, lost after": [LostBefore(), LostAfter(), None],
    "throttled": [None, None, Postponed()],
    "not delivered": [None, Undelivered("connection refused")],
    "a little of everything": [None, LostAfter(), Postponed(), LostBefore(), None, Undelivered("refused")],
}
LAGS = {"at once": timedelta(0), "after a minute": timedelta(minutes=1)}


def fresh_world(script: str = "every answer comes", lag: timedelta = timedelta(0)) -> World:
    world = World(MemorySource(crowd(PEOPLE)), MemoryTenant(lag=lag))
    world.tenant.plan_faults(cycle(SCRIPTS[script]))
    return world


def writes_of(world: World) -> int:
    life = Mortality()
    world.premigrate(mortality=life)
    return life.writes


@pytest.mark.parametrize("lag", LAGS.values(), ids=LAGS)
@pytest.mark.parametrize("script", SCRIPTS)
def test_killed_after_any_write_of_the_ledger_the_same_command_finishes(script: str, lag: timedelta) -> None:
    writes = writes_of(fresh_world(script, lag))
    assert writes >= 7
    for write in range(1, writes + 1):
        world = fresh_world(script, lag)
        world.killed_at(write)
        assert world.kills == 1
        report = world.premigrate()
        assert report.resumed == (write < writes), "the run is over with its last write, and not before"
        assert_true_to_life(world)
        assert not world.failures()


@pytest.mark.parametrize("script", ["every answer comes", "answers lost after the write"])
def test_killed_after_every_single_write_it_still_gets_there(script: str) -> None:
    """Every process lives for one write more than the last one needed to get nowhere."""
    world = fresh_world(script)
    for lifetime in chain(range(4, 40), repeat(40)):
        before = world.kills
        world.killed_at(lifetime)
        if world.kills == before:
            break
    assert world.kills >= 2
    assert_true_to_life(world)


def test_killed_while_calls_are_on_their_way() -> None:
    for deadly_call in range(1, PEOPLE + 1, 7):
        world = fresh_world("answers lost after the write", timedelta(seconds=30))
        life, calls = Mortality(), iter(range(1, 10_000))

        def interrupt(_draft: AccountDraft, life: Mortality = life, calls: Iterator[int] = calls) -> None:
            if next(calls) == deadly_call:  # noqa: B023  it is called before the loop goes on
                life.die()

        world.tenant.interrupt = interrupt
        with pytest.raises(Killed):
            world.premigrate(mortality=life)
        world.kills += 1
        world.tenant.interrupt = lambda _draft: None
        world.premigrate()
        assert_true_to_life(world)


def test_strangers_planted_before_and_between_kills_are_conflicts_and_nothing_else() -> None:
    writes = writes_of(fresh_world("answers lost after the write"))
    for write in range(1, writes + 1):
        world = fresh_world("answers lost after the write", timedelta(seconds=30))
        strangers = _plant(world, ["k0", "r21"])
        world.killed_at(write)
        strangers |= _plant(world, [key for key in ("k64", "w66") if not _has_account(world, key)])
        world.premigrate()
        conflicts = {key for key, entry in world.entries().items() if entry.state is State.FAILED}
        assert len(conflicts) == len(strangers)
        assert world.failures() == {"conflict": len(strangers)}
        for object_id, account in strangers.items():
            assert world.tenant.stored[object_id].account == account
            assert all(entry.object_id != object_id for entry in world.entries().values())
        assert not [one for one in world.entries().values() if one.state in (State.PLANNED, State.CREATING)]


def _plant(world: World, keys: Iterable[str]) -> dict[str, object]:
    humans = {human.key: human for human in world.source.humans}
    owners = [None, "fabrikam:crm:1"]
    planted = [
        world.tenant.plant(*humans[key].identities, legacy_id=owners[number % 2])
        for number, key in enumerate(keys)
    ]
    return {object_id: world.tenant.stored[object_id].account for object_id in planted}


def _has_account(world: World, key: str) -> bool:
    return any((one.legacy_id or "").endswith(f":{key}") for one in world.tenant.accounts())


# --- a ledger that cannot be written -----------------------------------------------------------------------------


@dataclass
class Unwritable:
    """Refuses turns from the chosen one on: the disk is full. Nothing of a refused turn is kept."""

    ledger: MemoryLedger
    from_turn: int
    until_turn: int = 10_000
    turns: int = 0
    refused: int = 0

    def __post_init__(self) -> None:
        self._turn = self.ledger.send.turn
        self.ledger.send.turn = self.turn  # type: ignore[method-assign]

    def turn(self, *, run: str, observed: list[Observation], sending: list[int], at: datetime) -> None:
        self.turns += 1
        if self.from_turn <= self.turns < self.until_turn:
            self.refused += 1
            raise LedgerUnwritable("no space left on the device")
        self._turn(run=run, observed=observed, sending=sending, at=at)

    def mend(self) -> None:
        self.ledger.send.turn = self._turn  # type: ignore[method-assign]


@pytest.mark.parametrize("passing", [True, False], ids=["for a moment", "for good"])
def test_a_full_disk_stops_the_run_and_loses_nothing(passing: bool) -> None:
    for turn in range(1, 8):
        world = fresh_world("answers lost after the write")
        disk = Unwritable(world.ledger, turn, turn + 1 if passing else 10_000)
        sent_before = world.creates()
        with pytest.raises(LedgerUnwritable):
            world.premigrate()
        intents = sum(world.events_of(key).count(EventKind.SENT) for key in world.entries())
        assert world.creates() - sent_before == intents, "nothing leaves without its intent on disk"
        disk.mend()
        world.premigrate()
        assert_true_to_life(world)


# --- refusals that concern everybody -----------------------------------------------------------------------------


@pytest.mark.parametrize("people", [1, 19, 20, 45])
@pytest.mark.parametrize(
    ("code", "error"),
    [(QuotaExceeded.code, QuotaExceeded), (Forbidden.code, Forbidden), (TokenRefused.code, TokenRefused)],
)
def test_a_refusal_of_everybody_stops_the_run_which_can_be_resumed(
    people: int, code: str, error: type[IdferryError]
) -> None:
    world = World(MemorySource(crowd(people)))
    refused = people // 2
    world.tenant.plan_faults(chain(repeat(None, refused), repeat(Fatal(code, "no more"))))
    with pytest.raises(error, match="no more") as ended:
        world.premigrate()
    assert ended.value.exit_code == EXIT_STOPPED, "the same command continues"
    assert not world.failures(), "nobody is marked as failed for what concerns everybody"
    assert len(world.tenant.accounts()) == refused
    world.tenant.plan_faults(())
    report = world.premigrate()
    assert report.resumed
    assert_true_to_life(world)


def test_the_remedy_of_a_refusal_of_everybody_reaches_whoever_started_the_run() -> None:
    world = World(MemorySource(crowd(3)))
    world.tenant.plan_faults(repeat(Fatal(TokenRefused.code, "expired", "Make a new client secret.")))
    with pytest.raises(TokenRefused) as ended:
        world.premigrate()
    assert ended.value.remedy == "Make a new client secret."


def _token_refused() -> None:
    raise TokenRefused("the directory refuses the token")


def test_a_token_that_is_refused_to_a_question_is_a_stop_and_no_wrong_setting() -> None:
    """The run has begun, so the same command continues: the exit code says so, whichever call was refused."""
    world = World(MemorySource(crowd(5)))
    world.tenant.plan_faults(repeat(LostBefore("HTTP 503"), 500))
    world.tenant.check_reachable = _token_refused  # type: ignore[method-assign]
    world.tenant.inspector.inspect = lambda: FACTS  # type: ignore[method-assign]
    with pytest.raises(TokenRefused) as ended:
        world.premigrate()
    assert ended.value.exit_code == EXIT_STOPPED
    assert not world.failures()
    del world.tenant.check_reachable
    world.tenant.plan_faults(())
    world.premigrate()
    assert_true_to_life(world)


def test_a_directory_that_is_full_in_the_middle_stops_the_run() -> None:
    world = World(MemorySource(crowd(45)), MemoryTenant(quota=45))
    real = world.tenant.inspector.inspect
    world.tenant.inspector.inspect = lambda: replace(real(), objects_max=None)  # type: ignore[method-assign]
    world.tenant.quota = 44
    with pytest.raises(QuotaExceeded):
        world.premigrate()
    world.tenant.quota = 50
    world.premigrate()
    assert_true_to_life(world)


@pytest.mark.parametrize("people", [5, 20, 400])
@pytest.mark.parametrize("fault", [Undelivered("connection refused"), LostBefore("HTTP 503")])
def test_a_directory_that_never_answers_is_unreachable_after_a_bounded_number_of_calls(
    people: int, fault: Fault
) -> None:
    world = World(MemorySource(crowd(people)))
    world.tenant.plan_faults(repeat(fault))
    # Nor does it answer questions.
    world.tenant.check_reachable = _unreachable if isinstance(fault, LostBefore) else lambda: None  # type: ignore[method-assign]
    world.tenant.inspector.inspect = lambda: FACTS  # type: ignore[method-assign]
    with pytest.raises(Unreachable):
        world.premigrate()
    assert world.creates() <= 16 * 20
    assert not world.failures()
    assert Unreachable.exit_code == EXIT_STOPPED
    del world.tenant.check_reachable
    world.tenant.plan_faults(())
    world.premigrate()
    assert_true_to_life(world)


def _unreachable() -> None:
    raise Unreachable("no connection")


FACTS = MemoryTenant().inspector.inspect()


def test_writes_that_stay_unclear_while_reads_work_fail_these_people_only() -> None:
    world = World(MemorySource(crowd(3)), limits=SendLimits(attempts_max=3))
    world.tenant.plan_faults(chain(*repeat([None, LostBefore(), None], 1), repeat(LostBefore(), 9)))
    report = world.premigrate()
    assert (report.send.created, report.send.failed) == (2, {"unreachable": 1})
    assert world.creates() == 3 + 2
    assert world.entries()["r1"].reason == "no clear answer in 3 attempts: HTTP 503"


def test_a_tenant_that_postpones_for_ever_stops_the_run() -> None:
    world = World(MemorySource(crowd(2)))
    world.tenant.plan_faults(repeat(Postponed()))
    with pytest.raises(Throttled):
        world.premigrate()
    assert world.creates() <= 2 * (POSTPONEMENTS_MAX + 1)
    world.tenant.plan_faults(())
    world.premigrate()
    assert_true_to_life(world)


def test_postponed_calls_cost_no_attempt() -> None:
    world = World(MemorySource(crowd(2)), limits=SendLimits(attempts_max=1))
    world.tenant.plan_faults(chain(repeat(Postponed(), 20), repeat(None)))
    world.premigrate()
    assert_true_to_life(world)


@pytest.mark.parametrize("costless", [Postponed(), Undelivered("connection refused")])
def test_only_unclear_answers_use_attempts_up(costless: Fault) -> None:
    world = World(MemorySource(crowd(1)), limits=SendLimits(attempts_max=2))
    world.tenant.plan_faults([costless] * 5 + [LostBefore(), None])
    assert world.premigrate().send.created == 1


def test_rejections_fail_one_person_each_with_their_code() -> None:
    world = World(MemorySource(crowd(4)))
    world.tenant.plan_faults(
        [Rejected("invalid_value", "displayName"), None, Rejected("unexpected_answer", "HTTP 418")]
    )
    assert world.premigrate().send.failed == {"invalid_value": 1, "unexpected_answer": 1}
    assert world.failures() == {"invalid_value": 1, "unexpected_answer": 1}
    assert_true_to_life(world)


def test_a_refusal_says_nothing_about_the_attempt_before_it() -> None:
    world = World(MemorySource(crowd(4)))
    world.tenant.plan_faults(
        [LostAfter(), LostBefore(), None, None, *repeat(Rejected("invalid_value", "x"), 2)]
    )
    report = world.premigrate()
    assert (report.send.adopted, report.send.created, report.send.failed) == (1, 2, {"invalid_value": 1})
    assert_true_to_life(world)


# --- answers that are under way when something ends the run ------------------------------------------------------


@dataclass
class SlowWriter:
    """A writer whose answers come when the test says so: what was written is written at once."""

    tenant: MemoryTenant
    waiting: list[tuple["Future[object]", object]] = field(default_factory=list)
    answer_when: int = 2

    def create(self, chunk: list[CreateOrder]) -> "Future[object]":
        answers: list[CreateAnswer] = [self.tenant.create(order) for order in chunk]
        future: Future[object] = Future()
        self.waiting.append((future, answers))
        if len(self.waiting) >= self.answer_when:
            self.release(1)
        return future

    def release(self, how_many: int) -> None:
        for future, answers in self.waiting[:how_many]:
            future.set_result(answers)
        self.waiting = self.waiting[how_many:]


class ReleasingClock(HandClock):
    """Moves on a little whenever it is asked, and lets a slow answer come each time."""

    writer: SlowWriter | None = None

    def elapsed(self) -> float:
        self._elapsed_s += 0.01
        if self.writer:
            self.writer.release(1)
        return super().elapsed()


def slow_world(people: int) -> World:
    clock = ReleasingClock()
    world = World(MemorySource(crowd(people)), MemoryTenant(clock=clock))
    slow = SlowWriter(world.tenant)
    clock.writer = slow
    world.tenant.writer.create = slow.create  # type: ignore[method-assign, assignment]
    return world


def unrecorded(world: World) -> list[str]:
    known = {entry.legacy_id for entry in world.entries().values() if entry.state.has_account}
    return sorted({one.legacy_id or "" for one in world.tenant.accounts()} - known)


def test_answers_under_way_are_recorded_when_the_source_turns_out_changed() -> None:
    world = slow_world(60)

    def change(reading: int) -> None:
        if reading == 2:
            world.source.humans[56] = replace(with_password(56), display_name="Another")

    world.source.before_reading = change
    with pytest.raises(SourceChanged):
        world.premigrate()
    assert world.tenant.accounts()
    assert unrecorded(world) == []


def test_answers_under_way_are_recorded_when_a_question_cannot_be_asked() -> None:
    world = slow_world(60)
    for human in world.source.humans[:20]:
        world.tenant.plant(*human.identities)
    world.tenant.check_reachable = _unreachable  # type: ignore[method-assign]
    world.tenant.inspector.inspect = lambda: FACTS  # type: ignore[method-assign]
    with pytest.raises(Unreachable, match="no connection"):
        world.premigrate()
    assert len(world.tenant.accounts()) > 20
    assert unrecorded(world) == [""]


def test_answers_under_way_are_recorded_when_somebody_stops_the_run() -> None:
    world = slow_world(60)
    asked = iter([False, False, False, True])
    with pytest.raises(Stopped):
        world.premigrate(stop=lambda: next(asked, True))
    assert world.tenant.accounts()
    assert unrecorded(world) == []


# --- stopping ----------------------------------------------------------------------------------------------------


def test_stopped_in_the_middle_it_continues() -> None:
    for after in range(10):
        world = World(MemorySource(crowd(100)), limits=SendLimits(chunks_under_way_max=1))
        asked = chain(repeat(False, after), repeat(True))
        try:
            world.premigrate(stop=lambda asked=asked: next(asked))  # type: ignore[misc]
        except Stopped:
            states = world.states()
            assert State.CREATING not in states, "answers that came are in the ledger"
            assert len(world.tenant.accounts()) == 100 - states.get(State.PLANNED, 0)
            assert world.premigrate().resumed
        assert_true_to_life(world)


def test_stopped_while_it_plans_a_long_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("idferry.flows.plan_people.BATCH_PEOPLE", 10)
    world = World(MemorySource([federated_only(number) for number in range(30)]))
    with pytest.raises(Stopped, match="while planning"):
        world.premigrate(stop=lambda: len(world.told) >= 2)
    assert (world.states(), world.creates()) == ({State.PLANNED: 20}, 0)
    assert world.premigrate().resumed
    assert_true_to_life(world)


def test_a_stop_is_heard_while_nobody_of_a_long_source_is_wanted() -> None:
    world, read = World(MemorySource(crowd(30))), []

    def in_pilot(user: LegacyUser) -> bool:
        read.append(user.key)
        return False

    with pytest.raises(Stopped, match="while planning"):
        world.premigrate(in_pilot=in_pilot, stop=lambda: len(read) == 7)
    assert len(read) == 7


@pytest.mark.parametrize("when", ["the room is checked", "the past is settled"])
def test_a_stop_is_heard_while_the_tenant_holds_a_question_back(when: str) -> None:
    """A Retry-After may keep the answer away for minutes; the first Ctrl-C must not wait for it."""
    world = World(MemorySource(crowd(20)), MemoryTenant(quota=5))
    if when == "the past is settled":
        world.tenant.quota = 100
        world.tenant.plan_faults([*repeat(LostBefore(), 20), Fatal("quota_exceeded", "full")])
        with pytest.raises(QuotaExceeded):
            world.premigrate()
        assert State.CREATING in world.states()
    asked: list[Future[object]] = []

    def ours(_drafts: object) -> "Future[object]":
        asked.append(Future())
        return asked[-1]

    world.tenant.writer.ours = ours  # type: ignore[method-assign, assignment]
    with pytest.raises(Stopped):
        world.premigrate(stop=lambda: bool(asked))
    del world.tenant.writer.ours
    world.tenant.quota = 100
    world.premigrate()
    assert_true_to_life(world)


def test_asked_to_stop_when_all_is_done_it_is_done() -> None:
    world = World(MemorySource(crowd(5)))
    world.premigrate(stop=lambda: len(world.tenant.accounts()) == 5)
    assert_true_to_life(world)


# --- a source that changed ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["record", "order", "vanished", "emptied"])
def test_a_source_that_changes_between_plan_and_send_gives_nobody_a_wrong_password(what: str) -> None:
    world = World(MemorySource([with_password(number) for number in range(10)]))

    def change(reading: int) -> None:
        humans = world.source.humans
        if reading != 2:
            return
        match what:
            case "record":
                humans[5] = replace(humans[5], display_name="Another")
            case "order":
                humans[5], humans[6] = humans[6], humans[5]
            case "vanished":
                del humans[5]
            case "emptied":
                humans[5] = replace(humans[5], password="")

    world.source.before_reading = change
    with pytest.raises(SourceChanged, match="record 6 "):
        world.premigrate()
    world.source.before_reading = lambda _reading: None
    for kept in world.tenant.live():
        key = (kept.account.legacy_id or "").rsplit(":", 1)[1]
        assert kept.password is not None
        assert kept.password.reveal_to(lambda text: text) == with_password(int(key[1:])).password
    world.premigrate(accept_changes=True)
    for human in world.source.humans:
        assert len([one for one in world.tenant.accounts() if one.legacy_id == human.legacy_id]) == 1


def test_people_left_in_the_middle_whose_record_is_gone_do_not_bar_the_others() -> None:
    world = World(MemorySource([with_password(number) for number in range(10)]))
    world.tenant.plan_faults(chain(repeat(None, 3), repeat(Fatal("quota_exceeded", "full"))))
    with pytest.raises(QuotaExceeded):
        world.premigrate()
    gone = world.source.humans.pop(4)
    world.tenant.plan_faults(())
    report = world.premigrate(accept_changes=True)
    assert (report.send.created, report.send.left_creating) == (6, 1)
    assert world.entries()[gone.key].state is State.CREATING, "nobody knows its password; the ledger says so"
    world.source.humans.append(gone)
    world.premigrate()
    assert_true_to_life(world)


def test_people_left_in_the_middle_whose_record_changed_are_created_once() -> None:
    world = World(MemorySource([with_password(number) for number in range(10)]))
    world.tenant.plan_faults(chain(repeat(None, 3), repeat(Fatal("quota_exceeded", "full"))))
    with pytest.raises(QuotaExceeded):
        world.premigrate()
    world.source.humans[4] = replace(world.source.humans[4], password="Another-Meadow-4!")
    world.source.humans.insert(0, without_password(77))
    world.source.humans.reverse()
    world.tenant.plan_faults(())
    world.premigrate(accept_changes=True)
    assert world.tenant.opens("known4@example.com", "Another-Meadow-4!")
    assert_true_to_life(world)


def test_unsettled_people_of_another_source_are_adopted_or_left_alone() -> None:
    world = World(MemorySource([with_password(number) for number in range(4)]))
    world.tenant.plan_faults([LostAfter(), LostBefore(), *repeat(Fatal("forbidden", "no"), 2)])
    with pytest.raises(Forbidden):
        world.premigrate()
    other = MemorySource([federated_only(9)], name="shop")
    crm, world.source = world.source, other
    world.tenant.plan_faults(())
    report = world.premigrate()
    assert (report.send.adopted, report.send.left_creating, report.send.created) == (1, 3, 1)
    world.source = crm
    assert world.premigrate().send.created == 3
    assert len(world.tenant.accounts()) == 5


# --- cost --------------------------------------------------------------------------------------------------------


def test_questions_do_not_pile_up_without_bound() -> None:
    """Everybody's name is taken and the directory is slow to say by whom."""
    world = World(MemorySource([federated_only(number) for number in range(900)]))
    for human in world.source.humans:
        world.tenant.plant(*human.identities, legacy_id=human.legacy_id)
    real, waiting, most = world.tenant.writer.holders, [], [0]

    def holders(drafts: object) -> "Future[object]":
        future: Future[object] = Future()
        waiting.append((future, real(drafts).result()))  # type: ignore[arg-type]
        most[0] = max(most[0], len(waiting))
        return future

    last = [0]

    def pace() -> Pace:
        """An answer comes only while nobody else is sent."""
        if world.creates() == last[0]:
            for future, answer in islice(waiting, 1):
                future.set_result(answer)
                del waiting[0]
        last[0] = world.creates()
        return UNPACED

    world.tenant.writer.holders = holders  # type: ignore[method-assign, assignment]
    world.tenant.writer.pace = pace  # type: ignore[method-assign]
    assert world.premigrate().send.adopted == 900
    assert most[0] <= 40


def test_creates_are_as_many_as_people_when_nothing_fails() -> None:
    world = World(MemorySource(crowd(500)))
    world.premigrate()
    assert world.creates() == 500
    assert not [call for call in world.tenant.calls if call[0] in ("holders", "ours")]


def test_random_passwords_of_two_runs_differ() -> None:
    world = World(MemorySource([Human(str(n), f"p{n}@example.com") for n in range(30)]))
    world.tenant.plan_faults(cycle([LostBefore(), None]))
    world.killed_at(5)
    world.premigrate()
    typed = [kept.password.reveal_to(lambda text: text) for kept in world.tenant.live() if kept.password]
    assert len(set(typed)) == 30
    assert all(Password(text).weakness() is None for text in typed)
