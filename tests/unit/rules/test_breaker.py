from hypothesis import given
from hypothesis import strategies as st

from idferry.rules.breaker import (
    ODDITIES_TO_DOUBT,
    OPEN_SECONDS_MAX,
    OPEN_SECONDS_MIN,
    SILENCES_TO_OPEN,
    Breaker,
    CallRate,
    Entry,
    Sign,
    sign_of,
)
from idferry.rules.verdict import (
    VERDICT_NAMES,
    Barred,
    Match,
    Mismatch,
    NoAnswer,
    NoSuchUser,
    Silence,
    verdict_name,
)


def after(breaker: Breaker, *signs: Sign, now_s: float = 0.0) -> Breaker:
    for sign in signs:
        entry, breaker = breaker.enter(now_s)
        breaker = breaker.heard(entry, sign, now_s)
    return breaker


def test_an_answer_of_any_kind_is_a_sign_of_health() -> None:
    for verdict in (Match(), Mismatch(), NoSuchUser(), Barred(proven=True), Barred(proven=False)):
        assert sign_of(verdict) is Sign.WELL
    assert sign_of(NoAnswer(Silence.UNREACHABLE, reached=False)) is Sign.ILL
    assert {silence: sign_of(NoAnswer(silence, reached=True)) for silence in Silence} == {
        Silence.UNREACHABLE: Sign.ODD,
        Silence.TIMED_OUT: Sign.ILL,
        Silence.UNEXPECTED: Sign.ODD,
        Silence.THROTTLED: Sign.OVERLOADED,
        Silence.BREAKER_OPEN: Sign.NOTHING,
        Silence.QUEUE_FULL: Sign.NOTHING,
        Silence.UNSUPPORTED: Sign.NOTHING,
        Silence.NOT_CONFIGURED: Sign.NOTHING,
    }


def test_it_opens_after_silences_in_a_row_and_not_before() -> None:
    almost = [Sign.ILL] * (SILENCES_TO_OPEN - 1)
    assert not after(Breaker(), *almost).is_out(0)
    assert not after(Breaker(), *almost, Sign.WELL, *almost).is_out(0)
    assert after(Breaker(), *almost, Sign.NOTHING, Sign.ILL).is_out(0)


ENOUGH = [Sign.ODD] * ODDITIES_TO_DOUBT


def test_odd_answers_alone_never_shut_the_door_and_send_one_witness() -> None:
    almost = after(Breaker(), *ENOUGH[1:])
    assert not almost.sending_witness()[0]
    assert not after(almost, Sign.WELL, *ENOUGH[1:]).sending_witness()[0]
    assert not after(almost, Sign.ILL).is_out(0), "silences and oddities are counted apart"
    doubted = after(almost, Sign.ODD, *ENOUGH * 20)
    assert not doubted.is_out(0)
    is_due, witnessing = doubted.sending_witness()
    assert is_due
    assert not after(witnessing, *ENOUGH * 2).sending_witness()[0], "one at a time"
    assert not after(witnessing, *ENOUGH * 2).is_out(0)


def test_what_the_witness_hears_decides() -> None:
    _, witnessing = after(Breaker(), *ENOUGH).sending_witness()
    for sign in (Sign.ODD, Sign.ILL, Sign.OVERLOADED):
        assert witnessing.witnessed(sign, 0.0).is_out(OPEN_SECONDS_MIN - 0.1)
    assert witnessing.witnessed(Sign.WELL, 0.0) == Breaker()
    never_asked = witnessing.witnessed(Sign.NOTHING, 0.0)
    assert not never_asked.is_out(0)
    assert after(never_asked, Sign.ODD).sending_witness()[0], "the next odd answer sends another one"


def test_a_proper_answer_makes_the_witness_superfluous() -> None:
    assert not after(Breaker(), *ENOUGH, Sign.WELL).sending_witness()[0]


def test_a_probe_with_an_odd_answer_neither_closes_nor_lengthens_it_before_the_witness_has_spoken() -> None:
    entry, probing = after(Breaker(), Sign.OVERLOADED).enter(OPEN_SECONDS_MIN)
    odd = probing.heard(entry, Sign.ODD, OPEN_SECONDS_MIN)
    assert odd.enter(OPEN_SECONDS_MIN)[0] is Entry.REFUSED
    is_due, witnessing = odd.sending_witness()
    assert is_due
    assert witnessing.witnessed(Sign.WELL, OPEN_SECONDS_MIN) == Breaker()
    assert witnessing.witnessed(Sign.ODD, OPEN_SECONDS_MIN).is_out(3 * OPEN_SECONDS_MIN - 0.1)
    assert witnessing.witnessed(Sign.NOTHING, OPEN_SECONDS_MIN).enter(OPEN_SECONDS_MIN)[0] is Entry.PROBE


def test_throttling_opens_it_at_once() -> None:
    assert after(Breaker(), Sign.OVERLOADED).is_out(0)


def test_one_probe_finds_out_and_all_others_wait_for_it() -> None:
    opened = after(Breaker(), Sign.OVERLOADED)
    assert opened.enter(OPEN_SECONDS_MIN - 0.1)[0] is Entry.REFUSED
    entry, probing = opened.enter(OPEN_SECONDS_MIN)
    assert entry is Entry.PROBE
    assert probing.enter(OPEN_SECONDS_MIN)[0] is Entry.REFUSED
    assert probing.heard(entry, Sign.WELL, OPEN_SECONDS_MIN) == Breaker()
    assert probing.withdrawn(entry).enter(OPEN_SECONDS_MIN)[0] is Entry.PROBE
    assert probing.heard(entry, Sign.NOTHING, OPEN_SECONDS_MIN).enter(OPEN_SECONDS_MIN)[0] is Entry.PROBE


def test_it_stays_open_longer_each_time_the_probe_hears_nothing() -> None:
    breaker, now_s, waits = after(Breaker(), Sign.OVERLOADED), 0.0, []
    for _ in range(20):
        assert breaker.open_until_s is not None
        waits.append(breaker.open_until_s - now_s)
        now_s = breaker.open_until_s
        breaker = after(breaker, Sign.ILL, now_s=now_s)
    assert waits[:4] == [OPEN_SECONDS_MIN, 20, 40, OPEN_SECONDS_MAX]
    assert max(waits) == OPEN_SECONDS_MAX


def test_calls_from_before_the_opening_neither_close_it_nor_keep_it_open() -> None:
    opened = after(Breaker(), Sign.OVERLOADED)
    for sign in Sign:
        assert opened.heard(Entry.PASS, sign, 5.0) == opened


@given(st.integers(1, 20), st.lists(st.floats(0, 0.4), max_size=80))
def test_no_second_sees_more_calls_than_the_rate(calls_max: int, gaps: list[float]) -> None:
    rate, now_s, left = CallRate(calls_max), 0.0, []
    for gap in gaps:
        now_s += gap
        leaves_s = now_s + rate.wait_s(now_s)
        rate = rate.leaving(leaves_s)
        left.append(leaves_s)
    assert left == sorted(left)
    for place in range(calls_max, len(left)):
        assert left[place] - left[place - calls_max] >= 1.0 - 1e-9


def test_no_rate_means_no_waiting() -> None:
    rate = CallRate(0)
    for _ in range(100):
        rate = rate.leaving(0.0)
    assert rate.wait_s(0.0) == 0.0


def test_every_verdict_has_a_name() -> None:
    assert {verdict_name(one) for one in VERDICT_NAMES.values()} == set(VERDICT_NAMES)
    assert len({name for name in VERDICT_NAMES if name.startswith("no_answer_")}) == len(Silence)
