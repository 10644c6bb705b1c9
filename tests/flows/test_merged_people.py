"""One account with several legacy users: asked in the merge's order, and no system is asked oftener than its lock allows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest
from tests.support.memory_sign_ins import (
    TIMED_OUT,
    UNREACHABLE,
    MemoryVerifier,
    SignInWorld,
    mode_b,
)

from idferry.errors import GuardUnavailable
from idferry.ports import Booked, LegacyRef, ProtectedVerifier, Settlement
from idferry.rules.legacy_user import LegacyUserKey
from idferry.rules.sign_in import Cause, Outcome
from idferry.rules.submission import key_of_legacy_user, key_of_person
from idferry.rules.verdict import Barred, Match, Mismatch, NoSuchUser

NAME = "ana@example.com"
SHOP, WEB, APP = (
    LegacyUserKey("shop", "1"),
    LegacyUserKey("web", "7", ("ana.web@example.com",)),
    LegacyUserKey("app", "9"),
)
RIGHT = "Old-Password-1"


@dataclass
class BySource:
    """ports.Verifiers: each source has its own."""

    of: dict[str, list[MemoryVerifier]]

    def responsible_for(self, who: LegacyRef) -> Sequence[ProtectedVerifier]:
        return self.of[who.source]

    def is_any_out(self, typed_sign_in_name: str) -> bool:
        return False


class Merged(SignInWorld):
    """Ana, whom three systems know; each says what its verifier is told to say, else that the password is wrong."""

    def __init__(self, *legacy_users: LegacyUserKey) -> None:
        super().__init__(rules=mode_b())
        self.account = self.person(NAME)
        self.shop, self.web, self.app = MemoryVerifier("shop"), MemoryVerifier("web"), MemoryVerifier("app")
        self.systems = {"shop": [self.shop], "web": [self.web], "app": [self.app]}
        self.parts = replace(self.parts, verifiers=BySource(self.systems))
        users = legacy_users or (SHOP, WEB, APP)
        self.ledger.people[0] = replace(self.ledger.people[0], legacy_users=users)

    def asked(self) -> list[int]:
        """How often each system was asked."""
        return [len(one.asked) for one in (self.shop, self.web, self.app)]

    def failures(self, key: LegacyUserKey) -> int:
        """What the own window of a system counts."""
        name = key_of_legacy_user(key.source, key.key)
        return self.guard.standing(name, at=self.clock.now()).failures


@pytest.fixture
def merged() -> Merged:
    return Merged()


def test_the_first_match_in_the_merges_order_is_the_password_that_is_stored(merged: Merged) -> None:
    merged.web.passwords[WEB.key] = RIGHT
    merged.app.passwords[APP.key] = "Another-Password-2"
    decision = merged.sign_in(NAME, RIGHT)
    assert (decision.outcome, decision.cause) == (Outcome.WELCOME, Cause.MATCHED)
    assert merged.directory.passwords[merged.account] == RIGHT
    assert merged.asked() == [1, 1, 0], "nobody is asked behind the one that knows"


def test_each_system_is_asked_by_the_name_that_it_knows(merged: Merged) -> None:
    merged.sign_in(NAME, "wrong")
    assert [one.asked[0].asked_name for one in (merged.shop, merged.web, merged.app)] == [
        NAME,
        "ana.web@example.com",
        NAME,
    ]
    assert [one.asked[0].key for one in (merged.shop, merged.web, merged.app)] == ["1", "7", "9"]


def test_one_attempt_for_the_person_and_one_for_each_system_that_is_asked(merged: Merged) -> None:
    merged.web.passwords[WEB.key] = RIGHT
    merged.sign_in(NAME, "wrong")
    person = key_of_person(SHOP.source, SHOP.key)
    now = merged.clock.now()
    assert merged.guard.standing(person, at=now).failures == 1
    assert [merged.failures(one) for one in (SHOP, WEB, APP)] == [1, 1, 1]
    merged.sign_in(NAME, RIGHT)
    assert merged.guard.standing(person, at=now).failures == 0, "the person is in"
    assert [merged.failures(one) for one in (SHOP, WEB, APP)] == [2, 0, 1], "and the shop has counted two"


def test_a_match_in_one_system_forgives_nothing_in_another(merged: Merged) -> None:
    """Signing in by the second password for ever would lock the person in the first system, if a match forgot all."""
    merged.web.passwords[WEB.key] = RIGHT
    outcomes = []
    for _ in range(12):
        merged.directory.accounts[merged.account] = replace(
            merged.directory.accounts[merged.account], flag=True, password_changed_at=merged.clock.now()
        )
        merged.ledger.people[0] = replace(merged.ledger.people[0], written_at=merged.clock.now())
        outcomes.append(merged.sign_in(NAME, RIGHT, correlation_id=str(len(outcomes))).outcome)
        merged.clock.advance(0.01)
    assert set(outcomes) == {Outcome.WELCOME}, "the person gets in all the same"
    assert merged.asked()[0] == 5, "and the first system was asked as often as its own window lets"


def test_a_system_whose_window_is_used_up_is_left_out_and_told_like_a_wrong_password(merged: Merged) -> None:
    now = merged.clock.now()
    for one in (SHOP, WEB, APP):
        for _ in range(5):
            booked = merged.guard.book(
                name_key=key_of_legacy_user(one.source, one.key), address="203.0.113.9", at=now, within=True
            )
            merged.guard.settle(booked.ticket, Settlement.FAILED, at=now)
    decision = merged.sign_in(NAME, RIGHT)
    assert (decision.outcome, decision.cause) == (Outcome.NEGATIVE, Cause.LOCKED)
    assert merged.asked() == [0, 0, 0]
    person = key_of_person(SHOP.source, SHOP.key)
    assert merged.guard.standing(person, at=now).failures == 0, "nobody was asked: it costs nothing"


def test_stored_hashes_have_no_window(merged: Merged) -> None:
    """Computing one costs no legacy system anything: only the person's own attempt counts."""
    merged.web.is_live = False
    merged.sign_in(NAME, "wrong")
    assert [merged.failures(one) for one in (SHOP, WEB, APP)] == [1, 0, 1]


def test_whoever_has_one_legacy_user_has_one_counter(merged: Merged) -> None:
    one = Merged(SHOP)
    booked: list[str] = []
    book = one.guard.book
    one.guard.book = lambda **how: booked.append(how["name_key"]) or book(**how)  # type: ignore[method-assign, func-returns-value]
    one.sign_in(NAME, "wrong")
    assert booked == [key_of_person(SHOP.source, SHOP.key)]


def test_an_outage_of_one_system_does_not_hide_the_match_of_another(merged: Merged) -> None:
    merged.shop.says = lambda _: UNREACHABLE
    merged.app.passwords[APP.key] = RIGHT
    assert merged.sign_in(NAME, RIGHT).outcome is Outcome.WELCOME
    assert merged.failures(SHOP) == 0, "it has not seen the password"


def test_an_outage_of_one_system_is_never_a_wrong_password(merged: Merged) -> None:
    merged.shop.says = lambda _: UNREACHABLE
    decision = merged.sign_in(NAME, RIGHT)
    assert (decision.outcome, decision.cause) == (Outcome.UNAVAILABLE, Cause.LEGACY_SILENT)


def test_who_is_barred_in_one_system_and_right_in_another_is_let_in(merged: Merged) -> None:
    merged.shop.says = lambda _: Barred(proven=True)
    merged.web.says = lambda _: Match()
    assert merged.sign_in(NAME, RIGHT).outcome is Outcome.WELCOME


def test_a_call_that_outlives_the_deadline_settles_its_own_window_when_it_ends(merged: Merged) -> None:
    merged.web.says = lambda _: TIMED_OUT
    assert merged.sign_in(NAME, RIGHT).outcome is Outcome.UNAVAILABLE
    assert merged.asked() == [1, 1, 0], "there is one deadline, and it is over"
    assert (merged.failures(SHOP), merged.failures(WEB)) == (1, 1)
    [late] = merged.web.late
    late(Match())
    assert (merged.failures(SHOP), merged.failures(WEB)) == (1, 0)
    late_mismatch = Merged()
    late_mismatch.web.says = lambda _: TIMED_OUT
    late_mismatch.sign_in(NAME, RIGHT)
    late_mismatch.web.late[0](Mismatch())
    assert late_mismatch.failures(WEB) == 1


def test_no_such_user_in_every_system_is_like_a_wrong_password(merged: Merged) -> None:
    for one in (merged.shop, merged.web, merged.app):
        one.says = lambda _: NoSuchUser()
    assert merged.sign_in(NAME, RIGHT).outcome is Outcome.NEGATIVE
    assert merged.asked() == [1, 1, 1]


def test_a_guard_that_fails_between_two_systems_closes_and_keeps_what_the_first_has_counted(
    merged: Merged,
) -> None:
    book, calls = merged.guard.book, []

    def fails(**how: object) -> Booked:
        calls.append(how)
        if len(calls) > 2:
            raise GuardUnavailable("the test says so")
        return book(**how)  # type: ignore[arg-type]

    merged.guard.book = fails  # type: ignore[method-assign, assignment]
    decision = merged.sign_in(NAME, RIGHT)
    assert (decision.outcome, decision.cause) == (Outcome.UNAVAILABLE, Cause.GUARD_SILENT)
    merged.guard.book = book  # type: ignore[method-assign]
    person = key_of_person(SHOP.source, SHOP.key)
    assert merged.guard.standing(person, at=merged.clock.now()).failures == 1
    assert (merged.asked(), merged.failures(SHOP)) == ([1, 0, 0], 1)


def test_guesses_at_a_merged_person_reach_no_system_oftener_than_at_anybody(merged: Merged) -> None:
    for number in range(400):
        merged.sign_in(
            NAME,
            f"guess {number}",
            correlation_id=str(number),
            client_address=f"10.0.{number // 250}.{number % 250}",
        )
        merged.clock.advance(1.5)
    single = Merged(SHOP)
    for number in range(400):
        single.sign_in(
            NAME,
            f"guess {number}",
            correlation_id=str(number),
            client_address=f"10.0.{number // 250}.{number % 250}",
        )
        single.clock.advance(1.5)
    assert max(merged.asked()) <= single.asked()[0]
    assert single.asked()[0] > 5
