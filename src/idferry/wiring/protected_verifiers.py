"""A verifier as the service may use it: it answers by the caller's deadline, and the legacy system is not overrun.

Every call has a thread to itself, so that a caller who leaves at the deadline leaves nothing undone: the call goes on
until it is answered or aborted, and what it said then reaches whoever asked for late verdicts. That thread is a daemon:
a legacy system that hangs must not keep the service from ending.
"""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from idferry.ports import Clock, Deadline, LegacyRef, OnLateVerdict, PasswordVerifier, Tell
from idferry.rules.breaker import Breaker, CallRate, Entry, Sign, sign_of
from idferry.rules.call_times import CallTimes
from idferry.rules.happenings import LegacyAnswered, PasswordChecked
from idferry.rules.password import Password
from idferry.rules.verdict import Mismatch, NoAnswer, Silence, Verdict
from idferry.wiring.call_threads import CallThreads
from idferry.wiring.system import random_bytes

ABORT_AFTER_MAX = timedelta(seconds=10)
"""Then a call counts as lost and its booking goes back to the name (decision 2)."""
ABORT_GRACE_SECONDS = 0.5  # what a call may take to notice that its time is over
CONCURRENT_CALLS_MAX = 32
WITNESS = LegacyRef(source="idferry", key="idferry-witness", typed_sign_in_name="nobody@idferry.invalid")
"""Whom the witness of the breaker asks about: nobody has this name, so that a system that works says no."""
WITNESS_WAITS_MAX = timedelta(seconds=10)
"""For a place in the rate, behind people."""

_TIMED_OUT = NoAnswer(Silence.TIMED_OUT, reached=True)

Later = Callable[[float, Callable[[], None]], Callable[[], None]]
"""Seconds and what to do then; what comes back takes it back."""


@dataclass(frozen=True, slots=True)
class CallLimits:
    """How hard one legacy system is worked. `calls_per_second`: 0 is no limit; `waiting_max`: who waits for a turn.

    `callers_max`: how many sign-ins may wait for it in all, for a turn or an answer. Each of them holds a thread.
    """

    concurrent_calls: int = CONCURRENT_CALLS_MAX
    waiting_max: int = CONCURRENT_CALLS_MAX
    callers_max: int = 2 * CONCURRENT_CALLS_MAX
    calls_per_second: int = 0
    abort_after: timedelta = ABORT_AFTER_MAX


def callers_max(*, threads: int, verifiers: int) -> int:
    """How many sign-ins may wait for one of so many verifiers, in a service of so many threads.

    Half of the threads for all verifiers; retries that wait hold a quarter. So whichever legacy system hangs, a quarter
    is left for those who need none of them, and the others have what they always have.
    """
    return max(threads // (2 * verifiers), 1)


class Protected:
    """A ports.ProtectedVerifier around any verifier; safe to use from several threads."""

    def __init__(
        self,
        verifier: PasswordVerifier,
        *,
        limits: CallLimits,
        clock: Clock,
        tell: Tell,
        later: "Later | None" = None,
        is_live: bool = True,
    ) -> None:
        self._verifier = verifier
        self._is_live = is_live
        self._clock = clock
        self._tell = tell
        self._later = later or by_timer
        self._abort_after = min(limits.abort_after, ABORT_AFTER_MAX)
        self._lock = threading.Lock()
        self._breaker = Breaker()
        self._rate = CallRate(limits.calls_per_second)
        self._free = limits.concurrent_calls
        self._waiting_max = limits.waiting_max
        self._callers_max = limits.callers_max
        self._callers = 0
        self._waiting: deque[Future[None]] = deque()
        self._times = CallTimes()
        self._threads = CallThreads(f"idferry-verify-{verifier.name}")

    @property
    def name(self) -> str:
        """The name of its [[verifier]] table."""
        return self._verifier.name

    @property
    def is_live(self) -> bool:
        """Whether a legacy system is asked."""
        return self._is_live

    @property
    def is_out(self) -> bool:
        """Whether the breaker is open, or as many wait as may."""
        with self._lock:
            return self._callers >= self._callers_max or self._breaker.is_out(self._clock.elapsed())

    def verify(
        self, who: LegacyRef, password: Password, deadline: Deadline, *, late: OnLateVerdict | None = None
    ) -> Verdict:
        """What the legacy system says by the deadline; see the port for `late`."""
        if password.is_empty or password.holds_nul:
            # To many systems nothing means "anonymous", and they let it in. At a NUL some end the password, and others
            # fail: whoever types it would make them look broken.
            return Mismatch()
        with self._lock:
            if self._callers >= self._callers_max:
                return NoAnswer(Silence.QUEUE_FULL, reached=False)
            self._callers += 1
        try:
            return self._verified(who, password, deadline, late)
        finally:
            with self._lock:
                self._callers -= 1

    def _verified(
        self, who: LegacyRef, password: Password, deadline: Deadline, late: OnLateVerdict | None
    ) -> Verdict:
        with self._lock:
            entry, self._breaker = self._breaker.enter(self._clock.elapsed())
        if entry is Entry.REFUSED:
            return NoAnswer(Silence.BREAKER_OPEN, reached=False)
        if not self._take_turn(deadline):
            return self._never_made(entry)
        call = _Call(late)
        try:
            self._threads.begin(lambda: self._make(call, entry, who, password, deadline))
        except RuntimeError:  # the system gives no more threads
            self._end_turn()
            return self._never_made(entry)
        self._clock.wait_for([call.verdict], deadline.seconds_left(self._clock))
        return self._leave(call, entry)

    def _leave(self, call: "_Call", entry: Entry) -> Verdict:
        verdict = call.leave()
        if verdict is not None:
            return verdict

        def abort() -> None:
            self._hear(call, entry, _TIMED_OUT)
            call.abort()

        take_back = self._later(self._abort_after.total_seconds() + ABORT_GRACE_SECONDS, abort)
        call.verdict.add_done_callback(lambda _: take_back())
        return _TIMED_OUT

    def _hear(self, call: "_Call", entry: Entry, verdict: Verdict) -> None:
        """The breaker hears of every call once: one that was aborted may still end some day."""
        with self._lock:
            if not call.heard:
                call.heard = True
                self._breaker = self._breaker.heard(entry, sign_of(verdict), self._clock.elapsed())

    def _make(
        self, call: "_Call", entry: Entry, who: LegacyRef, password: Password, deadline: Deadline
    ) -> None:
        """One call, in its own thread; the turn is over before anybody hears of it."""
        try:
            began_s, verdict = self._made(call, entry, who, password, deadline)
        finally:
            self._end_turn()
        call.finish(verdict)
        if began_s is not None:
            self._tell(PasswordChecked(self.name, verdict, self._clock.elapsed() - began_s))
        self._send_witness()

    def _send_witness(self) -> None:
        """Where odd answers have come in a row: find out whether they are due to what people typed. Nobody waits for it."""
        with self._lock:
            is_due, self._breaker = self._breaker.sending_witness()
        if not is_due:
            return
        sign = Sign.NOTHING
        try:
            if self._depart(Deadline.after(WITNESS_WAITS_MAX, self._clock)):
                sign = Sign.ILL
                until = Deadline.after(self._abort_after, self._clock)
                sign = sign_of(self._verifier.verify(WITNESS, Password(random_bytes(16).hex()), until))
        except Exception as error:  # noqa: BLE001  as above: whatever happens, the witness has come back
            self._tell(LegacyAnswered(self.name, f"a bug: {type(error).__name__}"))
        finally:
            with self._lock:
                self._breaker = self._breaker.witnessed(sign, self._clock.elapsed())
        self._tell(LegacyAnswered(self.name, f"witness: {sign.name.lower()}"))

    def _made(
        self, call: "_Call", entry: Entry, who: LegacyRef, password: Password, deadline: Deadline
    ) -> tuple[float | None, Verdict]:
        """When the call began, None for one that was never made; and what came of it."""
        if not self._depart(deadline) or not call.begin():
            return None, self._never_made(entry)
        began_s = self._clock.elapsed()
        try:
            verdict = self._verifier.verify(
                who, password, Deadline(began_s + self._abort_after.total_seconds())
            )
        except Exception as error:  # noqa: BLE001  a bug in one verifier must not leave the breaker half open
            # Its kind alone: the message of a bug may quote what was checked.
            self._tell(LegacyAnswered(self.name, f"a bug: {type(error).__name__}"))
            verdict = NoAnswer(Silence.UNEXPECTED, reached=True)
        self._hear(call, entry, verdict)
        with self._lock:
            self._times = self._times.after(self._clock.elapsed() - began_s)
        return began_s, verdict

    def _depart(self, deadline: Deadline) -> bool:
        """Wait until the rate allows one more call; False when that is too late for the caller."""
        with self._lock:
            now_s = self._clock.elapsed()
            wait_s = self._rate.wait_s(now_s)
            if wait_s > deadline.seconds_left(self._clock):
                return False
            self._rate = self._rate.leaving(now_s + wait_s)
        if wait_s:
            self._clock.sleep(wait_s)
        return True

    def _take_turn(self, deadline: Deadline) -> bool:
        """One of the concurrent calls, first come first served; False when there is none in time.

        Whose turn comes so late that the answer would be too late lets the next one have it: else every call of an
        overload would be made for somebody who is about to leave.
        """
        if not deadline.seconds_left(self._clock):
            return False
        with self._lock:
            if self._free:
                self._free -= 1
                return True
            if len(self._waiting) >= self._waiting_max:
                return False
            turn: Future[None] = Future()
            self._waiting.append(turn)
        self._clock.wait_for([turn], deadline.seconds_left(self._clock))
        with self._lock:
            if not turn.done():
                self._waiting.remove(turn)
                return False
            is_in_time = self._times.ends_within(deadline.seconds_left(self._clock))
        if not is_in_time:
            self._end_turn()
        return is_in_time

    def _end_turn(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set_result(None)
            else:
                self._free += 1

    def _never_made(self, entry: Entry) -> Verdict:
        with self._lock:
            self._breaker = self._breaker.withdrawn(entry)
        return NoAnswer(Silence.QUEUE_FULL, reached=False)


class _Call:
    """Where a call and its caller meet: the caller may leave before, and then hears of it once."""

    def __init__(self, late: OnLateVerdict | None) -> None:
        self.verdict: Future[Verdict] = Future()
        self.heard = False
        self._late = late
        self._lock = threading.Lock()
        self._began = self._left = self._told = False

    def begin(self) -> bool:
        """The password leaves now; False when the caller has left, who then must not have reached anybody."""
        with self._lock:
            self._began = not self._left
            return self._began

    def leave(self) -> Verdict | None:
        """What was said, or None when the call goes on without its caller."""
        with self._lock:
            self._left = True
            said = self.verdict.result() if self.verdict.done() else None
            if said is None and not self._began:
                return NoAnswer(Silence.QUEUE_FULL, reached=False)
        if said == _TIMED_OUT:
            self._tell(said)
        return said

    def finish(self, verdict: Verdict) -> None:
        """The call has ended."""
        with self._lock:
            self.verdict.set_result(verdict)
            left = self._left and self._began
        if left:
            self._tell(verdict)

    def abort(self) -> None:
        """It takes longer than anybody waits for."""
        self._tell(_TIMED_OUT)

    def _tell(self, verdict: Verdict) -> None:
        with self._lock:
            first, self._told = not self._told, True
        if first and self._late:
            self._late(verdict)


def by_timer(seconds: float, action: Callable[[], None]) -> Callable[[], None]:
    """In so many seconds of the machine, in a thread that keeps nothing from ending."""
    timer = threading.Timer(seconds, action)
    timer.daemon = True
    with suppress(RuntimeError):  # no more threads: the call itself still tells
        timer.start()
    return timer.cancel
