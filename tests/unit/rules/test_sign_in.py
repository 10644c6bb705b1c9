"""What becomes of a sign-in, decided by facts alone: every verdict, every obstacle, every reading of two dates."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from idferry.rules.attempts import Settlement
from idferry.rules.legacy_checks import (
    NOBODY_ASKED,
    ends_the_chain,
    is_pending,
    of_legacy_user,
    of_person,
    settlement_of,
)
from idferry.rules.password import Password
from idferry.rules.sign_in import (
    AccountFacts,
    Cause,
    Outcome,
    SignInRules,
    Writer,
    decide,
    is_proven,
    obstacle,
    password_is_newer,
)
from idferry.rules.verdict import Barred, Condition, Match, Mismatch, NoAnswer, NoSuchUser, Silence, Verdict

CREATED = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
FACTS = AccountFacts("a", "p:s:1", True, True, CREATED, CREATED + timedelta(seconds=1))
RULES = SignInRules()
STRONG, WEAK, UNSTORABLE = Password("Sunny-Meadow-1"), Password("sunny"), Password("Пароль-1")
TIMED_OUT = NoAnswer(Silence.TIMED_OUT, reached=True)
REFUSED = NoAnswer(Silence.UNREACHABLE, reached=False)
THROTTLED = NoAnswer(Silence.THROTTLED, reached=True)


def against(
    facts: AccountFacts | None, *, legacy_id: str = "p:s:1", written_at: datetime | None = None
) -> object:
    found = obstacle(facts, legacy_id=legacy_id, written_at=written_at, rules=RULES)
    return found and found.cause


def test_nothing_speaks_against_an_account_as_we_made_it() -> None:
    assert against(FACTS) is None


@pytest.mark.parametrize(
    ("facts", "cause"),
    [
        (None, Cause.ACCOUNT_UNSEEN),
        (replace(FACTS, legacy_id=None), Cause.NOT_OURS),
        (replace(FACTS, legacy_id="p:s:2"), Cause.NOT_OURS),
        (replace(FACTS, flag=False), Cause.NOT_FLAGGED),
        (replace(FACTS, flag=None), Cause.NOT_FLAGGED),
        (replace(FACTS, enabled=False), Cause.ACCOUNT_DISABLED),
        (replace(FACTS, password_changed_at=CREATED + timedelta(seconds=6)), Cause.PASSWORD_CHANGED_HERE),
        (replace(FACTS, password_changed_at=None), Cause.PASSWORD_CHANGED_HERE),
        (replace(FACTS, created_at=None), Cause.PASSWORD_CHANGED_HERE),
    ],
)
def test_each_obstacle_is_negative(facts: AccountFacts | None, cause: Cause) -> None:
    found = obstacle(facts, legacy_id="p:s:1", written_at=None, rules=RULES)
    assert found is not None
    assert (found.outcome, found.cause, found.write) == (Outcome.NEGATIVE, cause, False)


def test_the_flag_is_cleared_only_where_a_newer_password_shows() -> None:
    shown = replace(FACTS, password_changed_at=CREATED + timedelta(days=1))
    hidden = replace(FACTS, password_changed_at=None)
    for facts, clears in ((shown, True), (hidden, False), (replace(FACTS, legacy_id="x"), False)):
        found = obstacle(facts, legacy_id="p:s:1", written_at=None, rules=RULES)
        assert found is not None
        assert found.clear_flag is clears


@pytest.mark.parametrize(
    ("seconds", "newer"), [(-5, False), (0, False), (5, False), (5.001, True), (3600, True)]
)
def test_a_password_is_newer_beyond_the_tolerance(seconds: float, newer: bool) -> None:
    facts = replace(FACTS, password_changed_at=CREATED + timedelta(seconds=seconds))
    assert password_is_newer(facts, written_at=None) is newer


def test_what_we_wrote_ourselves_is_not_somebody_elses() -> None:
    facts = replace(FACTS, password_changed_at=CREATED + timedelta(days=2))
    assert password_is_newer(facts, written_at=None)
    assert not password_is_newer(facts, written_at=CREATED + timedelta(days=2))
    assert password_is_newer(facts, written_at=CREATED + timedelta(days=1))
    assert not password_is_newer(FACTS, written_at=CREATED - timedelta(days=1))


DECIDED: list[tuple[Verdict, Password, SignInRules, Outcome, Cause]] = [
    (Match(), STRONG, RULES, Outcome.WELCOME, Cause.MATCHED),
    (Match(), WEAK, RULES, Outcome.WELCOME, Cause.MATCHED),
    (Match(), WEAK, SignInRules(stores_weak=False), Outcome.MUST_CHANGE, Cause.NOT_STORABLE),
    (Match(), UNSTORABLE, RULES, Outcome.MUST_CHANGE, Cause.NOT_STORABLE),
    (Match(Condition.MUST_CHANGE), STRONG, RULES, Outcome.MUST_CHANGE, Cause.MUST_CHANGE),
    (Match(Condition.SECOND_FACTOR), STRONG, RULES, Outcome.BARRED, Cause.SECOND_FACTOR),
    (
        Match(Condition.SECOND_FACTOR),
        STRONG,
        SignInRules(methods_first=False),
        Outcome.WELCOME,
        Cause.MATCHED,
    ),
    (Mismatch(), STRONG, RULES, Outcome.NEGATIVE, Cause.MISMATCH),
    (NoSuchUser(), STRONG, RULES, Outcome.NEGATIVE, Cause.UNKNOWN_THERE),
    (Barred(proven=True), STRONG, RULES, Outcome.BARRED, Cause.BARRED_THERE),
    (Barred(proven=False), STRONG, RULES, Outcome.NEGATIVE, Cause.BARRED_THERE),
    (TIMED_OUT, STRONG, RULES, Outcome.UNAVAILABLE, Cause.LEGACY_SILENT),
    (REFUSED, STRONG, RULES, Outcome.UNAVAILABLE, Cause.LEGACY_SILENT),
]


@pytest.mark.parametrize(("verdict", "password", "rules", "outcome", "cause"), DECIDED)
def test_each_verdict_has_its_decision(
    verdict: Verdict, password: Password, rules: SignInRules, outcome: Outcome, cause: Cause
) -> None:
    for writer in Writer:
        found = decide(verdict, password=password, rules=replace(rules, writer=writer))
        assert (found.outcome, found.cause) == (outcome, cause)
        assert found.write is (outcome is Outcome.WELCOME and writer is Writer.US)


@pytest.mark.parametrize("condition", [Condition.NONE, Condition.MUST_CHANGE])
def test_whoever_cannot_reset_keeps_the_password(condition: Condition) -> None:
    for password in (STRONG, WEAK, UNSTORABLE):
        found = decide(Match(condition), password=password, rules=RULES, can_reset=False)
        assert found.outcome is Outcome.WELCOME


def test_only_a_match_and_a_proven_bar_prove_the_password() -> None:
    proven = [one for one in (*(row[0] for row in DECIDED), THROTTLED) if is_proven(one)]
    assert all(isinstance(one, Match) or one == Barred(proven=True) for one in proven)
    assert len(proven) == 8


SETTLED: list[tuple[list[Verdict], Settlement]] = [
    ([], Settlement.NEVER_SENT),
    ([Match()], Settlement.MATCHED),
    ([Barred(proven=True)], Settlement.MATCHED),
    ([Mismatch()], Settlement.FAILED),
    ([NoSuchUser()], Settlement.FAILED),
    ([Barred(proven=False)], Settlement.FAILED),
    ([REFUSED], Settlement.NEVER_SENT),
    ([THROTTLED], Settlement.ABORTED),
    ([TIMED_OUT], Settlement.ABORTED),
    ([Mismatch(), REFUSED], Settlement.FAILED),
    ([NoSuchUser(), TIMED_OUT], Settlement.FAILED),
    ([REFUSED, THROTTLED], Settlement.ABORTED),
    ([Mismatch(), Match()], Settlement.MATCHED),
]


@pytest.mark.parametrize(("verdicts", "settlement"), SETTLED)
def test_what_was_heard_settles_the_attempt(verdicts: list[Verdict], settlement: Settlement) -> None:
    assert settlement_of(verdicts) is settlement


def test_who_ends_a_chain_and_what_it_says() -> None:
    assert [one for one in (NoSuchUser(), REFUSED, THROTTLED) if ends_the_chain(one)] == []
    assert all(map(ends_the_chain, (Match(), Mismatch(), Barred(proven=False), TIMED_OUT)))
    assert is_pending(TIMED_OUT)
    assert not is_pending(NoAnswer(Silence.TIMED_OUT, reached=False))
    assert of_legacy_user([]) == NOBODY_ASKED
    assert of_legacy_user([REFUSED, Mismatch()]) == Mismatch()
    assert of_legacy_user([NoSuchUser(), REFUSED]) == REFUSED
    assert of_legacy_user([NoSuchUser(), NoSuchUser()]) == NoSuchUser()
    assert of_person([]) == NOBODY_ASKED
    assert of_person([Barred(proven=False), NoSuchUser()]) == Barred(proven=False)
    assert of_person([NoSuchUser(), NoSuchUser()]) == NoSuchUser()
    assert of_person([Mismatch(), THROTTLED, NoSuchUser()]) == THROTTLED
