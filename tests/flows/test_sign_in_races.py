"""Several requests about one person at once, and what leaves late: nobody with the right password hears that it is wrong."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta

import pytest
from tests.support.memory_sign_ins import TIMED_OUT, SignInWorld, answered, mode_b

from idferry.errors import GuardUnavailable
from idferry.ports import Deadline, LegacyRef
from idferry.rules.password import Password
from idferry.rules.sign_in import LEAVES_WITHIN, Cause, Decision, Outcome, Written
from idferry.rules.submission import Front
from idferry.rules.verdict import Match, Mismatch, Verdict
from idferry.stores.submissions import FOLLOWERS_MAX, FOLLOWERS_OF_ONE_MAX

ANA, OLD = "ana@example.com", "Old-Password-1"


class Held:
    """A legacy system that thinks until the test lets it speak."""

    def __init__(self) -> None:
        self.asked, self.speaks = threading.Event(), threading.Event()

    def __call__(self, _: LegacyRef) -> Verdict:
        self.asked.set()
        assert self.speaks.wait(20)
        return Match()


def until(condition: Callable[[], bool]) -> None:
    for _ in range(10_000):
        if condition():
            return
        time.sleep(0.001)
    pytest.fail("it never came")


def until_somebody_waits(world: SignInWorld) -> None:
    until(lambda: vars(world.parts.submissions)["_followers_left"] < FOLLOWERS_MAX)


@pytest.mark.parametrize("front", list(Front))
def test_the_same_password_on_another_page_waits_for_the_check_that_is_under_way(front: Front) -> None:
    """A slow legacy system, an outage on the page, and the person tries again at once: a new page, a new nonce."""
    world = SignInWorld(front=front)
    account = world.person(ANA)
    world.legacy.says = lambda _: TIMED_OUT
    first = world.sign_in(ANA, OLD, object_id=account, correlation_id="page-one", nonce="n1")
    assert first.outcome is Outcome.UNAVAILABLE
    with ThreadPoolExecutor(1) as threads:
        again = threads.submit(
            world.sign_in, ANA, OLD, object_id=account, correlation_id="page-two", nonce="n2"
        )
        until_somebody_waits(world)
        world.legacy.late[-1](Match())
        assert again.result(10) == Decision(Outcome.WELCOME, Cause.MATCHED)
    assert (len(world.legacy.asked), world.guard.booked) == (1, 1)


def test_of_a_wrong_password_on_two_pages_both_hear_that_it_is_wrong() -> None:
    world = SignInWorld()
    world.person(ANA)
    world.legacy.says = lambda _: TIMED_OUT
    world.sign_in(ANA, "wrong", correlation_id="one")
    with ThreadPoolExecutor(1) as threads:
        again = threads.submit(world.sign_in, ANA, "wrong", correlation_id="two")
        until_somebody_waits(world)
        world.legacy.late[-1](Mismatch())
        assert again.result(10) == Decision(Outcome.NEGATIVE, Cause.MISMATCH)
    assert world.guard.booked == 1


def test_retries_beyond_a_few_are_an_overload_and_keep_no_thread() -> None:
    world = SignInWorld()
    account = world.person(ANA)
    world.legacy.says = held = Held()

    def copy(_: int = 0) -> Decision:
        return world.sign_in(ANA, OLD, object_id=account, correlation_id="c", within_s=30)

    with ThreadPoolExecutor(FOLLOWERS_OF_ONE_MAX + 5) as threads:
        leader = threads.submit(copy)
        assert held.asked.wait(10)
        others: list[Future[Decision]] = [threads.submit(copy) for _ in range(FOLLOWERS_OF_ONE_MAX + 4)]
        until(lambda: sum(one.done() for one in others) == 4)
        held.speaks.set()
        heard = [one.result(10) for one in others]
        assert leader.result(10).outcome is Outcome.WELCOME
    assert heard.count(Decision(Outcome.UNAVAILABLE, Cause.OVERLOADED)) == 4
    assert heard.count(Decision(Outcome.WELCOME, Cause.MATCHED)) == FOLLOWERS_OF_ONE_MAX
    assert (len(world.legacy.asked), world.guard.booked) == (1, 1)


def test_a_guard_that_is_silent_is_told_alike_to_a_first_try_and_its_retry(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A retry of an unknown name that heard "wrong" would tell it from known ones, whose retries hear of the outage."""
    world = SignInWorld()
    world.person(ANA)
    breaks, waits = threading.Event(), threading.Event()

    def booked(**_: object) -> None:
        waits.set()
        assert breaks.wait(20)
        raise GuardUnavailable("the test says so")

    monkeypatch.setattr(world.guard, "book", booked)
    for name in (ANA, "nobody@example.com"):
        waits.clear()
        breaks.clear()
        with ThreadPoolExecutor(2) as threads:
            first = threads.submit(world.sign_in, name, OLD, correlation_id="c")
            assert waits.wait(10)
            retry = threads.submit(world.sign_in, name, OLD, correlation_id="c")
            until_somebody_waits(world)
            breaks.set()
            assert first.result(10).outcome is Outcome.UNAVAILABLE
            assert retry.result(10).outcome is Outcome.UNAVAILABLE


def test_a_password_leaves_soon_after_the_account_was_looked_at_or_not_at_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = SignInWorld(rules=mode_b())
    world.person(ANA)
    asked: list[float] = []

    def write(object_id: str, password: Password, *, weak: bool, deadline: Deadline) -> "Future[Written]":
        asked.append(deadline.seconds_left(world.clock))
        done: Future[Written] = Future()
        done.set_result(Written.FAILED)
        return done

    monkeypatch.setattr(world.directory, "write_password", write)
    world.sign_in(ANA, OLD, within_s=10)
    world.sign_in(ANA, OLD, within_s=1)
    assert asked == [LEAVES_WITHIN / timedelta(seconds=1), 1.0]


def test_a_directory_that_does_not_show_our_write_yet_gets_no_second_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Somebody who has reset meanwhile, which it does not show either, would lose the new password to a retry."""
    world = SignInWorld(rules=mode_b())
    account = world.person(ANA)
    before = world.directory.accounts[account]
    assert world.sign_in(ANA, OLD, correlation_id="c").outcome is Outcome.WELCOME
    world.clock.advance(20)
    world.directory.set_password(account, "Self-Chosen-1")
    monkeypatch.setattr(world.directory, "facts", lambda *_: answered(before))
    for page in ("c", "another"):
        world.clock.advance(5)
        assert world.sign_in(ANA, OLD, correlation_id=page).outcome is Outcome.WELCOME
    assert (world.directory.writes, world.directory.passwords[account]) == (1, "Self-Chosen-1")
