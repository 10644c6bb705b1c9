"""Passwords that the directory refuses although planning took them: what is sent instead, and that nobody forgets it."""

from collections.abc import Callable
from itertools import cycle

import pytest
from tests.support.builders import (
    STRONG,
    MemorySource,
    Mortality,
    World,
    assert_true_to_life,
    with_password,
    without_password,
)
from tests.support.memory_directory import Fault, LostAfter, LostBefore

from idferry.flows.send_people import SendLimits, SendReport
from idferry.ports import CreateOrder
from idferry.rules.account import PasswordPlan
from idferry.rules.answers import Postponed, Undelivered
from idferry.rules.entry import EventKind, TakeUp
from idferry.rules.lifecycle import State
from idferry.rules.plan import PasswordMode
from idferry.rules.refused_password import REDRAWS_MAX

Refuses = Callable[[CreateOrder], bool]
REFUSED = "weak_password_refused"


def refuses(*plans: PasswordPlan) -> Refuses:
    """A directory that takes no password of these plans."""
    return lambda order: order.draft.password_plan in plans


def refuses_first(count: int) -> Refuses:
    """A directory that refuses so many passwords, whichever they are."""
    answers = iter([True] * count)
    return lambda _order: next(answers, False)


def world_of(
    refusing: Refuses, *, people: int = 1, mode: PasswordMode = PasswordMode.AUTO, weak: bool = False
) -> World:
    world = World(MemorySource([with_password(n) for n in range(people)]), mode=mode, weak_allowed=weak)
    world.tenant.refuses_password = refusing
    return world


def sent(world: World, **more: Mortality) -> SendReport:
    return world.premigrate(**more).send


def opens(world: World, number: int = 0) -> bool:
    return world.tenant.opens(f"known{number}@example.com", STRONG.format(number))


def test_a_refused_password_becomes_a_random_one_with_the_flag() -> None:
    world = world_of(refuses(PasswordPlan.KNOWN))
    report = sent(world)
    assert (report.created, report.failed, report.refused_passwords) == (1, {}, {"weak_password_random": 1})
    assert world.account_of("k0").flag is True
    assert not opens(world)
    assert_true_to_life(world)
    assert world.events_of("k0") == [
        EventKind.SENT,
        EventKind.REJECTED,
        EventKind.PASSWORD_REPLANNED,
        EventKind.SENT,
        EventKind.CREATED,
    ]


def test_settings_that_allow_weak_passwords_keep_the_persons_own() -> None:
    world = world_of(refuses(PasswordPlan.KNOWN), weak=True)
    assert sent(world).refused_passwords == {"weak_password_kept": 1}
    assert opens(world)
    assert world.states() == {State.COMPLETE: 1}
    assert_true_to_life(world)


def test_refused_twice_the_password_becomes_a_random_one() -> None:
    world = world_of(refuses(PasswordPlan.KNOWN, PasswordPlan.KNOWN_WEAK), weak=True)
    assert sent(world).refused_passwords == {"weak_password_random": 1}
    assert world.states() == {State.AWAITING_PASSWORD: 1}
    assert world.events_of("k0").count(EventKind.SENT) == 3
    assert_true_to_life(world)


@pytest.mark.parametrize("weak", [False, True])
def test_nobody_gets_a_random_password_who_was_to_have_a_known_one(weak: bool) -> None:
    world = world_of(refuses(PasswordPlan.KNOWN, PasswordPlan.KNOWN_WEAK), mode=PasswordMode.KNOWN, weak=weak)
    report = sent(world)
    assert (report.created, report.failed, report.refused_passwords) == (0, {REFUSED: 1}, {})
    assert world.creates() == (2 if weak else 1)
    assert_true_to_life(world)


def test_the_known_password_may_be_kept_as_a_weak_one_where_no_random_one_is_allowed() -> None:
    world = world_of(refuses(PasswordPlan.KNOWN), mode=PasswordMode.KNOWN, weak=True)
    assert sent(world).created == 1
    assert opens(world)


@pytest.mark.parametrize(("refusals", "created"), [(1, 1), (REDRAWS_MAX, 1), (REDRAWS_MAX + 1, 0)])
def test_a_random_password_is_drawn_anew_twice_at_most(refusals: int, created: int) -> None:
    world = World(MemorySource([without_password(0)]))
    world.tenant.refuses_password = refuses_first(refusals)
    seen: list[str] = []
    refused = world.tenant.refuses_password

    def remembering(order: CreateOrder) -> bool:
        assert order.password is not None
        seen.append(order.password.reveal_to(lambda text: text))
        return refused(order)

    world.tenant.refuses_password = remembering
    report = sent(world)
    assert (report.created, report.failed.total()) == (created, 1 - created)
    assert report.refused_passwords == {}, "a random one was planned, and it is a random one"
    assert len(set(seen)) == len(seen) == min(refusals, REDRAWS_MAX) + 1
    assert_true_to_life(world)


def test_a_random_password_after_a_refused_one_may_be_drawn_anew_too() -> None:
    world = world_of(refuses_first(3))
    assert sent(world).created == 1
    assert_true_to_life(world)


SCRIPTS: dict[str, list[Fault | None]] = {
    "every answer comes": [None],
    "lost before": [None, LostBefore(), None],
    "lost after": [LostAfter(), None, None],
    "throttled and not delivered": [None, Postponed(), Undelivered("refused"), None],
    "lost twice in a row": [LostBefore(), LostAfter(), None, None, None],
}


@pytest.mark.parametrize("weak", [False, True])
@pytest.mark.parametrize("script", SCRIPTS)
def test_killed_after_any_write_nobody_forgets_which_password_was_sent(script: str, weak: bool) -> None:
    write = 0
    while True:
        write += 1
        world = world_of(refuses(PasswordPlan.KNOWN, PasswordPlan.KNOWN_WEAK), people=45, weak=weak)
        world.source.humans += [without_password(100 + n) for n in range(5)]
        world.limits = SendLimits(
            chunks_under_way_max=2, attempts_max=50
        )  # a cycle of faults may hit one order always
        world.tenant.plan_faults(cycle(SCRIPTS[script]))
        world.killed_at(write)
        if not world.kills:
            break
        world.premigrate()
        assert_true_to_life(world)
        assert world.states() == {State.AWAITING_PASSWORD: 50}, world.failures()
    assert write > 5


def test_the_ledger_says_which_password_was_sent_last_before_it_is_sent() -> None:
    """The answer to the second choice is lost, and the process with it: the account is found as it was made."""
    world = world_of(refuses(PasswordPlan.KNOWN))
    drafts: list[PasswordPlan] = []

    def look(_draft: object) -> None:
        entry = world.entries()["k0"]
        assert entry.draft is not None
        drafts.append(entry.draft.password_plan)

    world.tenant.interrupt = look
    sent(world)
    assert drafts == [PasswordPlan.KNOWN, PasswordPlan.RANDOM]


def test_an_account_that_an_unclear_call_made_before_the_refusal_is_adopted_as_it_is() -> None:
    """The first call worked and its answer was lost; the tenant then bans the word. The account keeps its password."""
    world = world_of(lambda _order: False)
    calls = iter([False, True])
    world.tenant.refuses_password = lambda _order: next(calls, True)
    world.tenant.plan_faults([LostAfter()])
    report = sent(world)
    assert (report.adopted, report.refused_passwords) == (1, {})
    assert world.states() == {State.COMPLETE: 1}
    assert opens(world)
    assert_true_to_life(world)


def test_retry_failed_begins_with_the_persons_own_password_again() -> None:
    world = world_of(refuses(PasswordPlan.KNOWN), mode=PasswordMode.KNOWN)
    sent(world)
    world.mode = PasswordMode.AUTO
    world.tenant.refuses_password = lambda _order: False
    world.premigrate(command="again", take_up=TakeUp(retry_failed=True))
    assert opens(world)
    assert_true_to_life(world)
