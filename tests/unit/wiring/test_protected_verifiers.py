import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from tests.support.legacy_system import LegacySystem
from tests.support.scripted_server import wait_until

from idferry.ports import Deadline, LegacyRef
from idferry.rules.breaker import ODDITIES_TO_DOUBT, OPEN_SECONDS_MIN, SILENCES_TO_OPEN
from idferry.rules.happenings import Happening, LegacyAnswered, PasswordChecked
from idferry.rules.password import Password
from idferry.rules.verdict import Match, Mismatch, NoAnswer, Silence, Verdict
from idferry.wiring import SystemClock
from idferry.wiring.protected_verifiers import WITNESS, CallLimits, Later, Protected, callers_max

WHO = LegacyRef("shop", "1", "anna@example.com")
PASSWORD = Password("Right-1-password")
TIMED_OUT = NoAnswer(Silence.TIMED_OUT, reached=True)
UNREACHABLE = NoAnswer(Silence.UNREACHABLE, reached=False)
SHORT = 0.05
LONG = 5.0


class MovedClock(SystemClock):
    """The machine's clock, which a test moves on."""

    moved = 0.0

    def elapsed(self) -> float:
        return super().elapsed() + self.moved


@dataclass
class Stage:
    legacy: LegacySystem = field(default_factory=LegacySystem)
    clock: MovedClock = field(default_factory=MovedClock)
    limits: CallLimits = field(default_factory=CallLimits)
    later: Later | None = None
    told: list[Happening] = field(default_factory=list)
    late: list[Verdict] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.verifier = Protected(
            self.legacy, limits=self.limits, clock=self.clock, tell=self.told.append, later=self.later
        )

    def ask(self, seconds: float = LONG, password: Password = PASSWORD) -> Verdict:
        deadline = Deadline(self.clock.elapsed() + seconds)
        return self.verifier.verify(WHO, password, deadline, late=self.late.append)


def test_what_the_legacy_system_says_is_passed_on() -> None:
    for verdict in (Match(), Mismatch(), UNREACHABLE):
        stage = Stage(LegacySystem(lambda said=verdict: said))  # type: ignore[misc]  # a default that is bound now
        assert stage.ask() == verdict
        wait_until(lambda told=stage.told: bool(told))  # type: ignore[misc]  # as above
        [happening] = stage.told
        assert isinstance(happening, PasswordChecked)
        assert (happening.verifier, happening.verdict) == ("legacy", verdict)
        assert stage.late == []


def test_an_empty_password_reaches_nobody() -> None:
    stage = Stage()
    assert stage.ask(password=Password("")) == Mismatch()
    assert stage.legacy.calls == 0


def test_a_password_with_a_nul_reaches_nobody_and_breaks_nothing() -> None:
    stage = Stage(LegacySystem(lambda: NoAnswer(Silence.UNREACHABLE, reached=True)))
    for text in ("\0", "Right-1-password\0", "\0Right-1-password"):
        assert stage.ask(password=Password(text)) == Mismatch()
    assert stage.legacy.calls == 0
    assert not stage.verifier.is_out


def test_a_blank_password_is_a_password() -> None:
    stage = Stage()
    assert stage.ask(password=Password(" ")) == Match()


def test_a_caller_leaves_at_the_deadline_and_hears_of_it_later() -> None:
    stage = Stage()
    stage.legacy.hold()
    assert stage.ask(SHORT) == TIMED_OUT
    assert stage.late == []
    stage.legacy.let_go()
    wait_until(lambda: stage.late == [Match()])
    assert stage.legacy.calls == 1


def test_a_call_that_never_ends_is_aborted_and_told_once() -> None:
    pending: list[Callable[[], None]] = []

    def later(seconds: float, action: Callable[[], None]) -> Callable[[], None]:
        assert seconds == pytest.approx(10.5)
        pending.append(action)
        return lambda: None

    stage = Stage(later=later)
    stage.legacy.hold()
    assert stage.ask(SHORT) == TIMED_OUT
    [abort] = pending
    abort()
    assert stage.late == [TIMED_OUT]
    stage.legacy.let_go()
    wait_until(lambda: bool(stage.told))
    assert stage.late == [TIMED_OUT]


def test_a_verifier_that_times_out_by_itself_tells_it_as_one_that_came_late() -> None:
    stage = Stage(LegacySystem(lambda: TIMED_OUT))
    assert stage.ask() == TIMED_OUT
    assert stage.late == [TIMED_OUT]


def test_a_verifier_with_a_bug_is_no_answer() -> None:
    def broken() -> Verdict:
        raise KeyError("Old-Password-1")

    stage = Stage(LegacySystem(broken))
    assert stage.ask() == NoAnswer(Silence.UNEXPECTED, reached=True)
    assert stage.told[0] == LegacyAnswered(stage.verifier.name, "a bug: KeyError"), (
        "its kind, and nothing it quotes"
    )


def test_silences_in_a_row_open_the_breaker_and_one_probe_closes_it() -> None:
    stage = Stage(LegacySystem(lambda: UNREACHABLE))
    for _ in range(SILENCES_TO_OPEN):
        assert not stage.verifier.is_out
        assert stage.ask() == UNREACHABLE
    assert stage.verifier.is_out
    assert stage.ask() == NoAnswer(Silence.BREAKER_OPEN, reached=False)
    assert stage.legacy.calls == SILENCES_TO_OPEN
    stage.clock.moved = OPEN_SECONDS_MIN + 0.1
    stage.legacy.answer = Mismatch
    stage.legacy.hold()
    with ThreadPoolExecutor(1) as pool:
        probe = pool.submit(stage.ask)
        wait_until(lambda: stage.legacy.running == 1)
        assert stage.ask() == NoAnswer(Silence.BREAKER_OPEN, reached=False)
        stage.legacy.let_go()
        assert probe.result() == Mismatch()
    assert stage.ask() == Mismatch()


class Typed(LegacySystem):
    """A legacy system that answers by what it is asked: `odd` for people, `witness` for nobody."""

    def __init__(self, *, people: Verdict, witness: Verdict) -> None:
        super().__init__()
        self._people, self._witness = people, witness
        self.asked: list[LegacyRef] = []
        self.passwords: list[str] = []

    def verify(self, who: LegacyRef, password: Password, deadline: Deadline) -> Verdict:
        self.asked.append(who)
        self.passwords.append(password.reveal_to(str))
        return self._witness if who == WITNESS else self._people


def witness_has_spoken(stage: Stage) -> bool:
    return any(isinstance(one, LegacyAnswered) and one.code.startswith("witness") for one in stage.told)


@pytest.mark.parametrize(
    "odd", [NoAnswer(Silence.UNEXPECTED, reached=True), NoAnswer(Silence.UNREACHABLE, reached=True)]
)
def test_what_somebody_types_cannot_shut_the_door_for_everybody(odd: NoAnswer) -> None:
    legacy = Typed(people=odd, witness=Mismatch())
    stage = Stage(legacy)
    for _ in range(4 * ODDITIES_TO_DOUBT):
        assert stage.ask() == odd
        assert not stage.verifier.is_out
    wait_until(lambda: witness_has_spoken(stage))
    assert 1 <= legacy.asked.count(WITNESS) <= 4
    assert not stage.verifier.is_out
    legacy._people = Match()
    assert stage.ask() == Match()


@pytest.mark.parametrize(
    "odd", [NoAnswer(Silence.UNEXPECTED, reached=True), NoAnswer(Silence.UNREACHABLE, reached=True)]
)
def test_an_outage_that_answers_opens_the_breaker_by_its_witness(odd: NoAnswer) -> None:
    legacy = Typed(people=odd, witness=odd)
    stage = Stage(legacy)
    for _ in range(ODDITIES_TO_DOUBT):
        assert stage.ask() == odd
    wait_until(lambda: witness_has_spoken(stage))
    assert stage.verifier.is_out
    assert stage.ask() == NoAnswer(Silence.BREAKER_OPEN, reached=False)
    assert legacy.asked.count(WITNESS) == 1
    typed = {text for who, text in zip(legacy.asked, legacy.passwords, strict=True) if who == WITNESS}
    assert "Right-1-password" not in typed, "no password of anybody goes with it"


def test_a_witness_with_a_bug_counts_as_an_outage_and_comes_back() -> None:
    class Broken(Typed):
        def verify(self, who: LegacyRef, password: Password, deadline: Deadline) -> Verdict:
            if who == WITNESS:
                raise KeyError("secret")
            return super().verify(who, password, deadline)

    stage = Stage(Broken(people=NoAnswer(Silence.UNEXPECTED, reached=True), witness=Match()))
    for _ in range(ODDITIES_TO_DOUBT):
        stage.ask()
    wait_until(lambda: stage.verifier.is_out)
    wait_until(lambda: LegacyAnswered("legacy", "a bug: KeyError") in stage.told)
    assert not stage.verifier._breaker.witnessing


def test_throttling_opens_the_breaker_at_once() -> None:
    throttled = NoAnswer(Silence.THROTTLED, reached=True)
    stage = Stage(LegacySystem(lambda: throttled))
    assert stage.ask() == throttled
    assert stage.ask() == NoAnswer(Silence.BREAKER_OPEN, reached=False)


def test_calls_that_hang_open_the_breaker_when_they_are_aborted() -> None:
    pending: list[Callable[[], None]] = []

    def later(_seconds: float, action: Callable[[], None]) -> Callable[[], None]:
        pending.append(action)
        return lambda: None

    stage = Stage(later=later)
    stage.legacy.hold()
    for _ in range(SILENCES_TO_OPEN):
        assert stage.ask(0.01) == TIMED_OUT
    for abort in pending:
        abort()
    assert stage.verifier.is_out
    stage.legacy.let_go()


def test_a_probe_that_finds_no_turn_does_not_keep_everybody_out() -> None:
    stage = Stage(LegacySystem(lambda: NoAnswer(Silence.THROTTLED, reached=True)), limits=CallLimits(1, 0))
    stage.ask()
    stage.clock.moved = OPEN_SECONDS_MIN + 0.1
    assert stage.ask(0) == NoAnswer(Silence.QUEUE_FULL, reached=False)
    stage.legacy.answer = Match
    assert stage.ask() == Match()


def test_no_more_calls_at_a_time_than_the_cap_and_a_full_queue_reaches_nobody() -> None:
    stage = Stage(limits=CallLimits(concurrent_calls=2, waiting_max=3))
    stage.legacy.hold()
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(stage.ask) for _ in range(5)]
        wait_until(lambda: len(stage.verifier._waiting) == 3 and stage.legacy.running == 2)
        assert stage.ask() == NoAnswer(Silence.QUEUE_FULL, reached=False)
        stage.legacy.let_go()
        assert [one.result() for one in asked] == [Match()] * 5
    assert (stage.legacy.calls, stage.legacy.running_most) == (5, 2)


def test_who_waits_for_a_turn_until_the_deadline_has_reached_nobody() -> None:
    stage = Stage(limits=CallLimits(concurrent_calls=1))
    stage.legacy.hold()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(stage.ask)
        wait_until(lambda: stage.legacy.running == 1)
        assert stage.ask(SHORT) == NoAnswer(Silence.QUEUE_FULL, reached=False)
        stage.legacy.let_go()
        assert first.result() == Match()
    assert stage.ask() == Match()
    assert stage.legacy.calls == 2


def test_whose_turn_comes_too_late_lets_the_next_one_have_it() -> None:
    stage = Stage(limits=CallLimits(concurrent_calls=1))
    stage.legacy.hold()
    with ThreadPoolExecutor(3) as pool:
        running = pool.submit(stage.ask, 20 * LONG)
        wait_until(lambda: stage.legacy.running == 1)
        late = pool.submit(stage.ask, 6 * LONG)
        wait_until(lambda: len(stage.verifier._waiting) == 1)
        patient = pool.submit(stage.ask, 20 * LONG)
        wait_until(lambda: len(stage.verifier._waiting) == 2)
        # The first call has taken 27.5 s, so that 3.4 s are usual now; the one who waits longest has 2.5 s left.
        stage.clock.moved = 5.5 * LONG
        stage.legacy.let_go()
        assert late.result() == NoAnswer(Silence.QUEUE_FULL, reached=False)
        assert [running.result(), patient.result()] == [Match()] * 2
    assert stage.legacy.calls == 2


def test_the_rate_holds_however_many_ask() -> None:
    stage = Stage(limits=CallLimits(calls_per_second=4))
    departures: list[float] = []
    lock = threading.Lock()

    def answer() -> Verdict:
        with lock:
            departures.append(time.monotonic())
        return Match()

    stage.legacy.answer = answer
    with ThreadPoolExecutor(16) as pool:
        verdicts = list(pool.map(lambda _: stage.ask(1.2), range(16)))
    departures.sort()
    assert all(later - first > 0.95 for first, later in zip(departures, departures[4:], strict=False))
    assert verdicts.count(Match()) == len(departures) == 8
    # Who would have left too late for his caller never did.
    assert verdicts.count(NoAnswer(Silence.QUEUE_FULL, reached=False)) == 8


def test_a_thread_that_cannot_be_had_reaches_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(limits=CallLimits(concurrent_calls=1, waiting_max=0))

    def refused(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refused)
        assert stage.ask() == NoAnswer(Silence.QUEUE_FULL, reached=False)
    assert stage.ask() == Match()


# --- callers -------------------------------------------------------------------------------------------------------------


def test_beyond_so_many_callers_nobody_waits_and_the_system_counts_as_out() -> None:
    stage = Stage(limits=CallLimits(callers_max=2))
    stage.legacy.hold()
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(stage.ask) for _ in range(2)]
        wait_until(lambda: stage.legacy.running == 2)
        assert stage.ask() == NoAnswer(Silence.QUEUE_FULL, reached=False)
        assert stage.verifier.is_out, "else whoever is known would be told apart by it"
        stage.legacy.let_go()
        assert [one.result() for one in waiting] == [Match()] * 2
    assert (stage.ask(), stage.legacy.calls) == (Match(), 3)
    assert not stage.verifier.is_out


def test_a_caller_who_leaves_gives_his_place_back() -> None:
    stage = Stage(limits=CallLimits(callers_max=1))
    stage.legacy.hold()
    assert [stage.ask(SHORT) for _ in range(3)] == [TIMED_OUT] * 3
    assert stage.legacy.calls == 3
    stage.legacy.let_go()


def test_a_system_that_hangs_leaves_threads_to_the_people_of_another_one() -> None:
    threads, systems, callers = 8, 2, 20
    limits = CallLimits(callers_max=callers_max(threads=threads, verifiers=systems))
    shop, club = Stage(limits=limits), Stage(limits=limits)
    shop.legacy.hold()
    with ThreadPoolExecutor(threads) as pool:
        hanging = [pool.submit(shop.ask, 4 * LONG) for _ in range(callers)]
        assert pool.submit(club.ask, 4 * LONG).result() == Match()
        assert shop.legacy.calls <= limits.callers_max
        shop.legacy.let_go()
        heard = [one.result() for one in hanging]
    assert heard.count(Match()) == limits.callers_max
    assert heard.count(NoAnswer(Silence.QUEUE_FULL, reached=False)) == callers - limits.callers_max


@pytest.mark.parametrize("threads", [1, 4, 16, 64])
@pytest.mark.parametrize("verifiers", [1, 2, 3, 8])
def test_whatever_hangs_a_quarter_of_the_threads_is_left(threads: int, verifiers: int) -> None:
    held = verifiers * callers_max(threads=threads, verifiers=verifiers)
    assert held <= max(threads // 2, verifiers)
    assert held > threads // 4 or threads < 2 * verifiers, "no more is kept free than that"
