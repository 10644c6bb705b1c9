"""What becomes of a sign-in: who is asked, what is written, what is told, and what never happens."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from tests.support.memory_sign_ins import (
    ADDRESS,
    TIMED_OUT,
    UNREACHABLE,
    MemoryVerifier,
    SignInWorld,
    mode_b,
    unreachable,
)

from idferry.errors import GuardUnavailable
from idferry.ports import Booked, LegacyRef
from idferry.rules.attempts import UNDER_WAY_MAX, GuardRules
from idferry.rules.entry import EventKind
from idferry.rules.happenings import SignInDecided
from idferry.rules.lifecycle import State
from idferry.rules.lockout import LegacyLockout, schedule_that_fits
from idferry.rules.sign_in import Cause, Decision, Outcome, SignInRules, Writer, Written
from idferry.rules.submission import Front
from idferry.rules.verdict import Barred, Condition, Match, Mismatch, NoAnswer, NoSuchUser, Silence, Verdict
from idferry.stores.submissions import FOLLOWERS_OF_ONE_MAX

ANA, OLD, NEW = "ana@example.com", "Old-Password-1", "New-Password-2"


def of(decision: Decision) -> tuple[Outcome, Cause]:
    return decision.outcome, decision.cause


# --- the four first answers --------------------------------------------------------------------------------------


def test_a_right_password_is_welcome_and_the_tenant_writes_it() -> None:
    world = SignInWorld()
    account = world.person(ANA)
    assert of(world.sign_in(ANA, OLD)) == (Outcome.WELCOME, Cause.MATCHED)
    assert world.directory.writes == 0
    assert world.directory.passwords[account] == "random 1"
    assert [(one.kind, one.state) for one in world.ledger.notes] == [(EventKind.VOUCHED, State.CONFIRMING)]
    assert world.told == [SignInDecided(Outcome.WELCOME, Cause.MATCHED)]


def test_in_mode_b_we_write_password_and_flag_in_one_call() -> None:
    world = SignInWorld(rules=mode_b())
    account = world.person(ANA)
    assert of(world.sign_in(ANA, OLD)) == (Outcome.WELCOME, Cause.MATCHED)
    assert (world.directory.writes, world.directory.passwords[account]) == (1, OLD)
    assert world.directory.accounts[account].flag is False
    assert [(one.kind, one.state) for one in world.ledger.notes] == [
        (EventKind.PASSWORD_WRITTEN, State.COMPLETE)
    ]


def test_wrong_unknown_unflagged_and_locked_are_told_alike() -> None:
    world = SignInWorld()
    world.person(ANA)
    world.person("ben@example.com", flag=False)
    ends = [
        world.sign_in(ANA, "wrong"),
        world.sign_in("nobody@example.com", "x"),
        world.sign_in("ben@example.com", OLD),
        *(world.sign_in(ANA, f"wrong {number}") for number in range(30)),
        world.sign_in(ANA, ""),
    ]
    assert {one.outcome for one in ends} == {Outcome.NEGATIVE}
    assert {one.cause for one in ends} >= {
        Cause.MISMATCH,
        Cause.UNKNOWN_HERE,
        Cause.NOT_FLAGGED,
        Cause.LOCKED,
        Cause.EMPTY_PASSWORD,
    }
    assert world.directory.writes == 0


def test_an_empty_password_reaches_nobody() -> None:
    world = SignInWorld()
    world.person(ANA, password="")
    assert of(world.sign_in(ANA, "")) == (Outcome.NEGATIVE, Cause.EMPTY_PASSWORD)
    assert (world.legacy.asked, world.guard.booked) == ([], 0)


def test_an_unknown_name_is_booked_and_asks_no_legacy_system() -> None:
    world = SignInWorld()
    for number in range(40):
        world.sign_in("nobody@example.com", f"guess {number}")
    assert world.legacy.asked == []
    assert 0 < world.guard.booked < 40, "it locks like a known name"


def test_the_legacy_system_is_asked_by_its_own_spelling_and_hears_the_address() -> None:
    world = SignInWorld()
    world.person("Ana@Example.com")
    world.sign_in("ANA@example.COM", OLD)
    who = world.legacy.asked[0]
    assert (who.source, who.key, who.asked_name, who.client_address) == (
        "crm",
        "1",
        "Ana@Example.com",
        ADDRESS,
    )


# --- who it is ---------------------------------------------------------------------------------------------------


def test_with_an_object_id_the_typed_name_finds_nobody() -> None:
    world = SignInWorld(front=Front.EXTERNAL_ID)
    world.person(ANA)
    ben = world.person("ben@example.com", password="Bens-Password-1")
    decision = world.sign_in(ANA, OLD, object_id=ben, nonce="n1")
    assert of(decision) == (Outcome.NEGATIVE, Cause.MISMATCH)
    assert [one.key for one in world.legacy.asked] == ["2"]
    stranger = "00000000-0000-4000-8000-00000000ffff"
    decision = world.sign_in(ANA, OLD, object_id=stranger, nonce="n2")
    assert of(decision) == (Outcome.NEGATIVE, Cause.UNKNOWN_HERE)
    assert len(world.legacy.asked) == 1


def test_an_account_whose_creation_was_never_answered_is_found_by_its_legacy_id() -> None:
    world = SignInWorld(front=Front.EXTERNAL_ID)
    account = world.person(ANA)
    seen_as = "00000000-0000-4000-8000-0000000000aa"
    world.directory.accounts[seen_as] = world.directory.accounts.pop(account)
    assert of(world.sign_in(ANA, OLD, object_id=seen_as, nonce="n")) == (Outcome.WELCOME, Cause.MATCHED)


@pytest.mark.parametrize("front", list(Front))
def test_an_account_with_another_legacy_id_is_never_written(front: Front) -> None:
    world = SignInWorld(front=front, rules=mode_b())
    account = world.person(ANA)
    facts = world.directory.accounts[account]
    world.directory.accounts[account] = type(facts)(
        account, "contoso:crm:other", True, True, facts.created_at, facts.password_changed_at
    )
    assert of(world.sign_in(ANA, OLD, object_id=account)) == (Outcome.NEGATIVE, Cause.NOT_OURS)
    assert world.directory.writes == 0


# --- reset before the first sign-in ------------------------------------------------------------------------------


@pytest.mark.parametrize("front", list(Front))
@pytest.mark.parametrize("rules", [SignInRules(), mode_b()], ids=["tenant writes", "we write"])
def test_a_password_that_was_chosen_here_is_never_written_over(front: Front, rules: SignInRules) -> None:
    world = SignInWorld(front=front, rules=rules)
    account = world.person(ANA)
    world.directory.set_password(account, NEW)
    world.clock.advance(20)
    decision = world.sign_in(ANA, OLD, object_id=account, nonce="n")
    assert of(decision) == (Outcome.NEGATIVE, Cause.PASSWORD_CHANGED_HERE)
    assert world.directory.passwords[account] == NEW
    assert world.directory.cleared == [account]
    assert [(one.kind, one.state) for one in world.ledger.notes] == [
        (EventKind.PASSWORD_FOUND_CHANGED, None),
        (EventKind.FLAG_CLEARED, State.COMPLETE),
    ]


def test_a_directory_that_shows_the_reset_late_refuses_as_soon_as_it_does() -> None:
    world = SignInWorld(front=Front.EXTERNAL_ID)
    account = world.person(ANA)
    world.directory.lag_s = 3.0
    world.directory.set_password(account, NEW)
    world.clock.advance(2)
    # What remains, and what the limits page says: for as long as reading by id lags, a reset cannot be seen.
    assert world.sign_in(ANA, OLD, object_id=account, nonce="n1").outcome is Outcome.WELCOME
    world.clock.advance(2)
    decision = world.sign_in(ANA, OLD, object_id=account, nonce="n2")
    assert of(decision) == (Outcome.NEGATIVE, Cause.PASSWORD_CHANGED_HERE)


@pytest.mark.parametrize("rules", [SignInRules(), mode_b()], ids=["tenant writes", "we write"])
def test_a_reset_while_a_slow_legacy_system_is_thinking_is_seen(rules: SignInRules) -> None:
    world = SignInWorld(rules=rules)
    account = world.person(ANA)

    def thinks(_: LegacyRef) -> Verdict:
        world.directory.set_password(account, NEW)
        world.clock.advance(3)
        return Match()

    world.legacy.says = thinks
    assert of(world.sign_in(ANA, OLD)) == (Outcome.NEGATIVE, Cause.PASSWORD_CHANGED_HERE)
    assert world.directory.passwords[account] == NEW


def test_a_disabled_account_is_not_migrated() -> None:
    world = SignInWorld(rules=mode_b())
    account = world.person(ANA)
    facts = world.directory.accounts[account]
    world.directory.accounts[account] = type(facts)(
        account, facts.legacy_id, True, False, facts.created_at, facts.password_changed_at
    )
    assert of(world.sign_in(ANA, OLD)) == (Outcome.NEGATIVE, Cause.ACCOUNT_DISABLED)
    assert world.directory.writes == 0


def test_dates_that_are_not_shown_refuse_and_clear_nothing() -> None:
    world = SignInWorld()
    account = world.person(ANA)
    facts = world.directory.accounts[account]
    world.directory.accounts[account] = type(facts)(account, facts.legacy_id, True, True, None, None)
    assert of(world.sign_in(ANA, OLD)) == (Outcome.NEGATIVE, Cause.PASSWORD_CHANGED_HERE)
    assert world.directory.cleared == []


# --- silence -----------------------------------------------------------------------------------------------------


def test_nothing_is_migrated_while_the_directory_gives_no_answer() -> None:
    world = SignInWorld(rules=mode_b())
    world.person(ANA)
    world.directory.fails = unreachable()
    assert of(world.sign_in(ANA, OLD)) == (Outcome.UNAVAILABLE, Cause.DIRECTORY_SILENT)
    world.directory.fails, world.directory.never = None, True
    decision = world.sign_in(ANA, OLD, correlation_id="2", within_s=0.05)
    assert of(decision) == (Outcome.UNAVAILABLE, Cause.DIRECTORY_SILENT)
    assert (world.directory.writes, world.ledger.notes) == (0, [])


def test_an_outage_is_never_a_wrong_password_and_costs_nothing_where_nobody_was_reached() -> None:
    world = SignInWorld()
    world.person(ANA)
    world.legacy.says = lambda _: UNREACHABLE
    for number in range(50):
        decision = world.sign_in(ANA, f"p{number}")
        assert of(decision) == (Outcome.UNAVAILABLE, Cause.LEGACY_SILENT)
    world.legacy.says = None
    assert world.sign_in(ANA, OLD).outcome is Outcome.WELCOME


def test_while_a_legacy_system_is_out_every_name_hears_the_same() -> None:
    world = SignInWorld()
    world.person(ANA)
    world.person("ben@example.com", flag=False)
    world.legacy.is_out = True
    world.legacy.says = lambda _: NoAnswer(Silence.BREAKER_OPEN, reached=False)
    names = (ANA, "ben@example.com", "nobody@example.com")
    assert {world.sign_in(name, "guess").outcome for name in names} == {Outcome.UNAVAILABLE}


def test_a_guard_a_ledger_or_a_deadline_that_fails_lets_nobody_in(monkeypatch: pytest.MonkeyPatch) -> None:
    world = SignInWorld()
    world.person(ANA)
    assert of(world.sign_in(ANA, OLD, within_s=0)) == (Outcome.UNAVAILABLE, Cause.TOO_LATE)
    world.ledger.fails = True
    assert of(world.sign_in(ANA, OLD)) == (Outcome.UNAVAILABLE, Cause.LEDGER_SILENT)
    world.ledger.fails = False

    def broken(**_: object) -> Booked:
        raise GuardUnavailable("the test says so")

    monkeypatch.setattr(world.guard, "book", broken)
    assert of(world.sign_in(ANA, OLD)) == (Outcome.UNAVAILABLE, Cause.GUARD_SILENT)
    assert world.legacy.asked == []


# --- retries -----------------------------------------------------------------------------------------------------


def test_retries_in_three_forms_count_once_and_make_one_call() -> None:
    world = SignInWorld(front=Front.EXTERNAL_ID)
    account = world.person(ANA)
    how = {"object_id": account, "correlation_id": "journey"}
    ends = [
        world.sign_in(ANA, "wrong", nonce="n1", **how),
        world.sign_in(ANA, "wrong", nonce="n1", **how),  # same bytes, or the same nonce encrypted anew
        world.sign_in(ANA, "wrong", nonce="n2", **how),  # a new nonce
    ]
    assert {of(one) for one in ends} == {(Outcome.NEGATIVE, Cause.MISMATCH)}
    assert (len(world.legacy.asked), world.guard.booked) == (1, 1)


def test_the_same_nonce_with_another_password_is_a_conflict_and_asks_nobody() -> None:
    world = SignInWorld(front=Front.EXTERNAL_ID)
    account = world.person(ANA)
    world.sign_in(ANA, "wrong", nonce="n1", object_id=account)
    decision = world.sign_in(ANA, OLD, nonce="n1", object_id=account)
    assert of(decision) == (Outcome.NEGATIVE, Cause.CONFLICTING_SUBMISSION)
    assert len(world.legacy.asked) == 1


@pytest.mark.parametrize("front", list(Front))
def test_a_correlation_id_is_no_licence_to_guess(front: Front) -> None:
    calls = []
    for one_journey in (True, False):
        world = SignInWorld(front=front)
        account = world.person(ANA)
        for number in range(1000):
            journey = "same" if one_journey else str(number)
            world.sign_in(ANA, f"g{number}", correlation_id=journey, nonce=str(number), object_id=account)
        calls.append(len(world.legacy.asked))
    assert calls[0] <= calls[1]
    assert 0 < calls[0] <= 5


def test_a_retry_of_what_we_wrote_hears_that_it_is_welcome() -> None:
    world = SignInWorld(rules=mode_b())
    account = world.person(ANA)
    assert world.sign_in(ANA, OLD, correlation_id="c").outcome is Outcome.WELCOME
    world.clock.advance(30)
    assert world.sign_in(ANA, OLD, correlation_id="c").outcome is Outcome.WELCOME
    assert (world.directory.writes, len(world.legacy.asked)) == (1, 1)
    world.clock.advance(30)
    world.directory.set_password(account, NEW)
    decision = world.sign_in(ANA, OLD, correlation_id="c")
    assert decision.outcome is Outcome.NEGATIVE, "somebody has reset it since"
    assert world.directory.passwords[account] == NEW


# --- late verdicts -----------------------------------------------------------------------------------------------


def test_a_late_match_is_kept_for_the_next_try() -> None:
    world = SignInWorld()
    world.person(ANA)
    world.legacy.says = lambda _: TIMED_OUT
    assert of(world.sign_in(ANA, OLD)) == (Outcome.UNAVAILABLE, Cause.LEGACY_SILENT)
    world.clock.advance(3)
    world.legacy.late[-1](Match())
    assert world.sign_in(ANA, OLD, correlation_id="next").outcome is Outcome.WELCOME
    assert len(world.legacy.asked) == 1


def test_a_late_mismatch_costs_its_attempt() -> None:
    world = SignInWorld()
    world.person(ANA)
    world.legacy.says = lambda _: TIMED_OUT
    for number in range(30):
        world.sign_in(ANA, f"guess {number}")
        world.legacy.late[-1](Mismatch())
    assert len(world.legacy.asked) <= 5


def test_a_retry_while_the_call_is_under_way_waits_and_makes_no_other() -> None:
    world = SignInWorld()
    world.person(ANA)
    world.legacy.says = lambda _: TIMED_OUT
    world.sign_in(ANA, OLD, correlation_id="c")
    again = world.sign_in(ANA, OLD, correlation_id="c", within_s=0.05)
    assert of(again) == (Outcome.UNAVAILABLE, Cause.LEGACY_SILENT)
    assert len(world.legacy.asked) == 1


def test_where_others_were_still_to_be_asked_a_late_no_is_not_kept() -> None:
    first, second = MemoryVerifier("a"), MemoryVerifier("b")
    world = SignInWorld(verifiers=[first, second])
    world.person(ANA)
    first.says = lambda _: TIMED_OUT
    world.sign_in(ANA, OLD)
    assert second.asked == []
    first.late[-1](NoSuchUser())
    first.says = lambda _: NoSuchUser()
    world.clock.advance(30)
    assert world.sign_in(ANA, OLD, correlation_id="2").outcome is Outcome.WELCOME


# --- several verifiers and legacy users --------------------------------------------------------------------------


CHAINS: list[tuple[list[Verdict], Outcome, int]] = [
    ([Match(), Mismatch()], Outcome.WELCOME, 1),
    ([NoSuchUser(), Match()], Outcome.WELCOME, 2),
    ([UNREACHABLE, Match()], Outcome.WELCOME, 2),
    ([Mismatch(), Match()], Outcome.NEGATIVE, 1),
    ([Barred(proven=True), Match()], Outcome.BARRED, 1),
    ([Barred(proven=False), Match()], Outcome.NEGATIVE, 1),
    ([NoSuchUser(), NoSuchUser()], Outcome.NEGATIVE, 2),
    ([NoSuchUser(), UNREACHABLE], Outcome.UNAVAILABLE, 2),
    ([UNREACHABLE, NoSuchUser()], Outcome.UNAVAILABLE, 2),
]


@pytest.mark.parametrize(("verdicts", "outcome", "asked"), CHAINS)
def test_verifiers_are_asked_in_their_order(verdicts: list[Verdict], outcome: Outcome, asked: int) -> None:
    verifiers = [MemoryVerifier(str(number)) for number in range(len(verdicts))]
    for verifier, verdict in zip(verifiers, verdicts, strict=True):
        verifier.says = lambda _, verdict=verdict: verdict  # type: ignore[misc]
    world = SignInWorld(verifiers=verifiers)
    world.person(ANA)
    assert world.sign_in(ANA, OLD).outcome is outcome
    assert sum(len(one.asked) for one in verifiers) == asked


PEOPLE: list[tuple[list[Verdict], Outcome]] = [
    ([Mismatch(), Match()], Outcome.WELCOME),
    ([Barred(proven=True), Match()], Outcome.WELCOME),
    ([Barred(proven=True), Mismatch()], Outcome.BARRED),
    ([Mismatch(), UNREACHABLE], Outcome.UNAVAILABLE),
    ([Mismatch(), NoSuchUser()], Outcome.NEGATIVE),
]


@pytest.mark.parametrize(("verdicts", "outcome"), PEOPLE)
def test_any_legacy_user_of_a_person_may_prove_the_password(
    verdicts: list[Verdict], outcome: Outcome
) -> None:
    world = SignInWorld()
    world.person(ANA, keys=["a", "b"])
    said = dict(zip("ab", verdicts, strict=True))
    world.legacy.says = lambda who: said[who.key]
    assert world.sign_in(ANA, OLD).outcome is outcome


def test_what_one_system_counted_is_not_given_back_because_another_was_silent() -> None:
    world = SignInWorld()
    world.person(ANA, keys=["a", "b"])
    said: dict[str, Verdict] = {"a": Mismatch(), "b": UNREACHABLE}
    world.legacy.says = lambda who: said[who.key]
    for number in range(40):
        world.sign_in(ANA, f"guess {number}")
    assert sum(one.key == "a" for one in world.legacy.asked) <= 5


def test_nobody_responsible_is_an_outage_and_no_wrong_password() -> None:
    world = SignInWorld()
    world.person(ANA)
    world.parts.verifiers.verifiers = []  # type: ignore[attr-defined]
    assert of(world.sign_in(ANA, OLD)) == (Outcome.UNAVAILABLE, Cause.LEGACY_SILENT)


def test_a_verifier_with_a_bug_leaves_nothing_open() -> None:
    world = SignInWorld()
    world.person(ANA)

    def broken(_: LegacyRef) -> Verdict:
        raise RuntimeError

    world.legacy.says = broken
    with pytest.raises(RuntimeError):
        world.sign_in(ANA, OLD)
    assert world.guard.tickets == {}
    world.legacy.says = None
    assert world.sign_in(ANA, OLD).outcome is Outcome.WELCOME


# --- the third answer, and writes that fail ----------------------------------------------------------------------


def test_must_change_and_what_cannot_be_stored_are_told_after_proof_only() -> None:
    world = SignInWorld(rules=mode_b())
    account = world.person(ANA, password="Пароль-Старый-1")
    assert of(world.sign_in(ANA, "Пароль-Старый-1")) == (Outcome.MUST_CHANGE, Cause.NOT_STORABLE)
    assert of(world.sign_in(ANA, "Пароль-Другой-1")) == (Outcome.NEGATIVE, Cause.MISMATCH)
    world.legacy.says = lambda _: Match(Condition.MUST_CHANGE)
    assert of(world.sign_in(ANA, OLD)) == (Outcome.MUST_CHANGE, Cause.MUST_CHANGE)
    assert (world.directory.writes, world.directory.accounts[account].flag) == (0, True)


def test_whoever_cannot_reset_is_migrated_although_the_password_must_change() -> None:
    world = SignInWorld(front=Front.EXTERNAL_ID)
    account = world.person("ana")
    world.legacy.says = lambda _: Match(Condition.MUST_CHANGE)
    decision = world.sign_in("ana", OLD, object_id=account, nonce="n", can_reset=False)
    assert of(decision) == (Outcome.WELCOME, Cause.MATCHED)


def test_a_second_factor_is_not_replaced_by_the_password_alone() -> None:
    world = SignInWorld(rules=mode_b())
    world.person(ANA)
    world.legacy.says = lambda _: Match(Condition.SECOND_FACTOR)
    assert of(world.sign_in(ANA, OLD)) == (Outcome.BARRED, Cause.SECOND_FACTOR)
    assert world.directory.writes == 0


@pytest.mark.parametrize(
    ("said", "is_written", "outcome"),
    [
        (Written.REFUSED, False, Outcome.MUST_CHANGE),
        (Written.FAILED, False, Outcome.UNAVAILABLE),
        (Written.UNCLEAR, False, Outcome.UNAVAILABLE),
        (Written.UNCLEAR, True, Outcome.WELCOME),
    ],
)
def test_a_write_is_believed_only_when_the_account_shows_it(
    said: Written, is_written: bool, outcome: Outcome
) -> None:
    world = SignInWorld(rules=mode_b())
    account = world.person(ANA)
    world.directory.says, world.directory.writes_although = (lambda: said), is_written
    assert world.sign_in(ANA, OLD).outcome is outcome
    assert world.directory.accounts[account].flag is not is_written
    assert (State.COMPLETE in world.states) is is_written


def test_after_a_write_that_failed_the_legacy_password_works_at_the_next_try() -> None:
    world = SignInWorld(rules=mode_b())
    world.person(ANA)
    world.directory.says = lambda: Written.FAILED
    world.sign_in(ANA, OLD, correlation_id="1")
    world.directory.says = lambda: Written.DONE
    assert world.sign_in(ANA, OLD, correlation_id="2").outcome is Outcome.WELCOME


@pytest.mark.parametrize(
    ("password", "stores_weak", "lifted"),
    [
        (OLD, True, False),
        ("sunny-meadow", True, True),
        ("Anastasia-Is-Here-1", True, True),
        ("Anastasia-Is-Here-1", False, False),
    ],
)
def test_the_strong_rule_is_lifted_only_where_it_must_and_may_be(
    password: str, stores_weak: bool, lifted: bool
) -> None:
    world = SignInWorld(rules=SignInRules(writer=Writer.US, stores_weak=stores_weak))
    world.person("anastasia@example.com", password=password)
    world.sign_in("anastasia@example.com", password)
    assert world.directory.lifted == [lifted]


def test_a_legacy_system_slower_than_the_deadline_is_never_guessed_into_its_lock() -> None:
    """It answers after 3 s, and 1,000 guesses come from everywhere: its own counter stays below its threshold."""
    lockout = LegacyLockout(threshold=10, window=timedelta(minutes=10))
    schedule = schedule_that_fits(lockout, under_way=UNDER_WAY_MAX)
    assert schedule
    world = SignInWorld()
    world.guard.rules = GuardRules(schedule=schedule)
    world.person(ANA)
    world.legacy.says = lambda _: TIMED_OUT
    failed_at: list[float] = []
    for number in range(1_000):
        asked = len(world.legacy.asked)
        world.sign_in(ANA, f"guess {number}", client_address=f"198.51.{number % 200}.{number % 250}")
        world.clock.advance(3.0)
        if len(world.legacy.asked) > asked:
            failed_at.append(world.clock.elapsed())
            world.legacy.late[-1](Mismatch())
    assert failed_at
    for first in failed_at:
        assert sum(first <= one <= first + 600 for one in failed_at) < lockout.threshold


def test_a_thousand_copies_at_once_make_one_legacy_call() -> None:
    world = SignInWorld(front=Front.EXTERNAL_ID)
    account = world.person(ANA)
    opened = threading.Event()

    def waits(_: LegacyRef) -> Verdict:
        opened.wait(5)
        return Match()

    world.legacy.says = waits

    def copy(number: int) -> Outcome:
        if number == 900:
            opened.set()
        return world.sign_in(ANA, OLD, object_id=account, nonce="n", correlation_id="c").outcome

    with ThreadPoolExecutor(max_workers=950) as threads:
        outcomes = list(threads.map(copy, range(1_000)))
    # Those for whom there was no room to wait hear of an overload, and may try again.
    assert set(outcomes) <= {Outcome.WELCOME, Outcome.UNAVAILABLE}
    assert outcomes.count(Outcome.WELCOME) >= 1 + FOLLOWERS_OF_ONE_MAX
    assert (len(world.legacy.asked), world.guard.booked) == (1, 1)
