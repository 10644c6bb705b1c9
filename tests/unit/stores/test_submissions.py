from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from idferry.ports.sign_ins import CheckResult, Crowded, Follower, Joined, Leader, NonceReused
from idferry.rules.attempts import Booking
from idferry.rules.submission import Submission, b2c_submission, external_submission
from idferry.rules.verdict import Barred, Match, Mismatch, NoAnswer, NoSuchUser, Silence
from idferry.stores import submissions
from idferry.stores.submissions import RunningSubmissions

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
SILENT = NoAnswer(Silence.TIMED_OUT, reached=True)
VERDICTS: list[CheckResult] = [Match(), Mismatch(), NoSuchUser(), Barred(proven=True), Barred(proven=False)]


def b2c(mark: int = 1, *, ident: str = "journey", person: str = "anna", at: datetime = AT) -> Submission:
    return b2c_submission(correlation_id=ident, person=person, mark=mark, at=at)


def entra(
    mark: int = 1, *, ident: str = "journey", nonce: str = "n1", person: str = "anna", at: datetime = AT
) -> Submission:
    ends = AT + timedelta(minutes=10)
    return external_submission(
        correlation_id=ident, nonce=nonce, person=person, mark=mark, expires_at=ends, at=at
    )


def after(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


def heard(joined: Joined) -> CheckResult | None:
    assert isinstance(joined, Follower)
    return joined.result.result(0) if joined.result.done() else None


@pytest.fixture
def registry() -> RunningSubmissions:
    return RunningSubmissions()


@pytest.mark.parametrize(
    "retry",
    [
        pytest.param(entra(), id="the same bytes"),
        pytest.param(entra(), id="the same nonce freshly encrypted"),
        pytest.param(entra(nonce="n2"), id="a new nonce, the same correlation id"),
    ],
)
@pytest.mark.parametrize("is_running", [True, False])
def test_a_retry_in_each_form_joins_the_first(
    registry: RunningSubmissions, retry: Submission, is_running: bool
) -> None:
    first = entra()
    assert registry.join(first, at=AT) == Leader()
    if is_running:
        joined = registry.join(retry, at=after(1))
        assert heard(joined) is None
        registry.settle(first, Match(), at=after(2))
    else:
        registry.settle(first, Match(), at=after(2))
        joined = registry.join(retry, at=after(3))
    assert heard(joined) == Match()


def test_another_password_under_the_same_correlation_id_is_a_submission_of_its_own(
    registry: RunningSubmissions,
) -> None:
    assert [registry.join(b2c(mark), at=AT) for mark in range(1_000)] == [Leader()] * 1_000


def test_another_password_under_the_same_nonce_is_a_conflict_and_changes_nothing(
    registry: RunningSubmissions,
) -> None:
    registry.join(entra(1), at=AT)
    assert registry.join(entra(2), at=AT) == NonceReused()
    assert registry.join(entra(1, person="ben"), at=AT) == NonceReused()
    assert registry.join(entra(2, ident="another journey"), at=AT) == NonceReused()
    registry.settle(entra(1), Mismatch(), at=AT)
    assert heard(registry.join(entra(1), at=after(5))) == Mismatch()
    assert registry.join(entra(2), at=after(599)) == NonceReused()
    assert registry.join(entra(2), at=after(600)) == Leader()


@pytest.mark.parametrize("verdict", VERDICTS)
def test_a_verdict_is_remembered_for_its_retries_and_no_longer(
    registry: RunningSubmissions, verdict: CheckResult
) -> None:
    first = b2c()
    registry.join(first, at=AT)
    registry.settle(first, verdict, at=after(9))
    assert heard(registry.join(b2c(at=after(119)), at=after(119))) == verdict
    assert registry.join(b2c(at=after(120)), at=after(120)) == Leader()


@pytest.mark.parametrize("result", [SILENT, *(one for one in Booking if one is not Booking.BOOKED)])
def test_an_outage_and_a_refusal_are_shared_and_not_remembered(
    registry: RunningSubmissions, result: CheckResult
) -> None:
    first = b2c()
    registry.join(first, at=AT)
    waiting = registry.join(first, at=AT)
    registry.settle(first, result, at=after(1))
    assert heard(waiting) == result
    assert registry.join(b2c(at=after(1)), at=after(1)) == Leader()


@pytest.mark.parametrize("verdict", [Mismatch(), NoSuchUser()])
def test_the_same_wrong_password_again_is_no_new_attempt_on_whatever_page(
    registry: RunningSubmissions, verdict: CheckResult
) -> None:
    registry.join(b2c(), at=AT)
    registry.settle(b2c(), verdict, at=after(1))
    assert heard(registry.join(b2c(ident="another", at=after(60)), at=after(60))) == verdict
    assert heard(registry.join(entra(ident="e", at=after(60)), at=after(60))) == verdict
    assert registry.join(b2c(person="ben", ident="another"), at=after(60)) == Leader()


@pytest.mark.parametrize("verdict", [Match(), Barred(proven=True)])
def test_what_is_right_in_another_journey_is_asked_again(
    registry: RunningSubmissions, verdict: CheckResult
) -> None:
    registry.join(b2c(), at=AT)
    registry.settle(b2c(), verdict, at=after(1))
    assert registry.join(b2c(ident="another"), at=after(2)) == Leader()


def test_a_late_match_is_kept_a_minute_for_the_next_try_with_the_same_password(
    registry: RunningSubmissions,
) -> None:
    registry.join(b2c(), at=AT)
    registry.settle(b2c(), Match(), at=after(9), late=True)
    assert heard(registry.join(b2c(ident="next", at=after(68)), at=after(68))) == Match()
    assert registry.join(b2c(2, ident="next"), at=after(68)) == Leader()
    assert registry.join(b2c(ident="third", at=after(69)), at=after(69)) == Leader()


def test_the_first_settlement_counts(registry: RunningSubmissions) -> None:
    registry.join(b2c(), at=AT)
    registry.settle(b2c(), Mismatch(), at=after(1))
    registry.settle(b2c(), Match(), at=after(2), late=True)
    assert heard(registry.join(b2c(), at=after(3))) == Mismatch()


def test_a_leader_who_died_holds_nobody_up(registry: RunningSubmissions) -> None:
    registry.join(b2c(), at=AT)
    waiting = registry.join(b2c(), at=after(59))
    assert registry.join(b2c(at=after(61)), at=after(61)) == Leader()
    assert heard(waiting) == SILENT


def test_no_mark_outlives_its_submission(registry: RunningSubmissions) -> None:
    for number in range(50):
        one = entra(number, ident=str(number), nonce=str(number))
        registry.join(one, at=AT)
        registry.settle(one, [Match(), Mismatch()][number % 2], at=AT, late=True)
    registry.join(b2c(ident="much later"), at=after(900))
    kept = vars(registry)["_verdicts"], vars(registry)["_nonces"]
    assert [(len(one._values), len(one._ends)) for one in kept] == [(0, 0), (0, 0)]


def test_memory_is_bounded_and_the_oldest_are_forgotten_first(
    registry: RunningSubmissions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submissions, "REMEMBERED_MAX", 10)
    monkeypatch.setattr(submissions, "RUNNING_MAX", 3)
    for number in range(12):
        one = b2c(number, ident=str(number))
        registry.join(one, at=AT)
        registry.settle(one, Match(), at=AT)
    assert registry.join(b2c(0, ident="0"), at=AT) == Leader()
    assert heard(registry.join(b2c(11, ident="11"), at=AT)) == Match()
    assert [registry.join(b2c(n, ident=f"x{n}"), at=AT) for n in (100, 101)] == [Leader(), Leader()]
    assert registry.join(b2c(102, ident="x"), at=AT) == Crowded()
    for number in range(50):
        registry.join(entra(11, ident="11", nonce=str(number)), at=AT)
    assert len(vars(registry)["_nonces"]._values) == 10


def test_a_thousand_copies_at_the_same_time_have_one_leader(registry: RunningSubmissions) -> None:
    with ThreadPoolExecutor(64) as pool:
        joined = list(pool.map(lambda _: registry.join(entra(), at=AT), range(1_000)))
    assert joined.count(Leader()) == 1
    assert joined.count(Crowded()) == 999 - submissions.FOLLOWERS_OF_ONE_MAX, "threads are for others too"
    registry.settle(entra(), Match(), at=AT)
    assert {heard(one) for one in joined if isinstance(one, Follower)} == {Match()}
    assert heard(registry.join(entra(), at=AT)) == Match(), "what is remembered keeps nobody waiting"


def test_those_who_wait_for_all_checks_together_are_so_many_and_make_room_when_they_end() -> None:
    registry = RunningSubmissions(followers_max=3)
    for number in range(2):
        registry.join(b2c(number), at=AT)
    waiting = [registry.join(b2c(number), at=AT) for number in (0, 0, 1, 1)]
    assert [type(one) for one in waiting] == [Follower, Follower, Follower, Crowded]
    assert registry.join(b2c(2), at=AT) == Leader(), "whoever leads is not one of them"
    registry.settle(b2c(0), Mismatch(), at=AT)
    assert [type(registry.join(b2c(1), at=AT)) for _ in range(3)] == [Follower, Follower, Crowded]
    registry.join(b2c(9, at=after(61)), at=after(61))
    assert vars(registry)["_followers_left"] == 3, "also when a leader has died"


def test_the_same_password_on_another_page_joins_the_check_that_is_under_way(
    registry: RunningSubmissions,
) -> None:
    registry.join(b2c(), at=AT)
    waiting = registry.join(b2c(ident="another page"), at=after(1))
    assert heard(waiting) is None
    assert registry.join(b2c(2, ident="another page"), at=after(1)) == Leader(), "another password"
    assert registry.join(b2c(person="ben", ident="another page"), at=after(1)) == Leader()
    registry.settle(b2c(), Match(), at=after(2))
    assert heard(waiting) == Match()
    assert registry.join(b2c(ident="a third"), at=after(3)) == Leader(), "what is right is asked again"


def test_ends_of_what_is_forgotten_do_not_pile_up(
    registry: RunningSubmissions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submissions, "REMEMBERED_MAX", 10)
    for number in range(500):
        one = b2c(number, ident=str(number))
        registry.join(one, at=AT)
        registry.settle(one, Mismatch(), at=AT)
    remembered = vars(registry)["_verdicts"]
    assert len(remembered._ends) <= 20
    registry.join(b2c(at=after(121)), at=after(121))
    assert (len(remembered._values), len(remembered._ends)) == (0, 0)


def test_fronts_do_not_mix(registry: RunningSubmissions) -> None:
    one = b2c()
    registry.join(one, at=AT)
    assert registry.join(replace(one, front=entra().front), at=AT) == Leader()
