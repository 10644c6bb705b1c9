"""Stepped time: hours of waiting pass in no time, and nobody computes while they do.

Time belongs to this process. It stands still while anybody is at work, and jumps to the earliest wake-up when all
wait. An emulator that takes its time from requests (`--time from-requests`) is told it with each of them, and says how
long its answer took; the transport lets the answer pass when so much stepped time is over. Only for emulators:
nothing here may ever reach a real tenant.
"""

import heapq
import math
import threading
from collections.abc import Collection
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx2

from idferry.errors import UnexpectedAnswer

NOW_HEADER = "x-emulator-now"
TOOK_HEADER = "x-emulator-took"


@dataclass(slots=True, eq=False)
class _Sleeper:
    """One thread that waits: a lock that somebody else opens, and what may wake it."""

    gate: threading.Lock = field(default_factory=threading.Lock)
    asleep: bool = False


class SteppedClock:
    """`ports.Clock` and the Crew of its threads, in one.

    One thread counts as at work from the start: the flow's, unless it waits here. Threads that begin and end say so.
    """

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._elapsed_s = 0.0
        self._at_work = 1
        # A future may be done by the time we ask it to tell us, and tells us then within the call.
        self._state = threading.RLock()
        self._alarms: list[tuple[float, int, _Sleeper]] = []
        self._alarms_set = 0
        self._awaited: dict[Future[Any], list[_Sleeper]] = {}

    # --- the clock ---------------------------------------------------------------------------------------------------

    def now(self) -> datetime:
        """The stepped time of day, in UTC."""
        return self._start + timedelta(seconds=self._elapsed_s)

    def elapsed(self) -> float:
        """Stepped seconds since the start."""
        return self._elapsed_s

    def sleep(self, seconds: float, *, unless: "Future[None] | None" = None) -> None:
        """Let stepped time pass, or until `unless` is done."""
        if seconds > 0:
            self._wait([unless] if unless else [], seconds)

    def wait_for(self, futures: "Collection[Future[Any]]", seconds: float) -> "Collection[Future[Any]]":
        """Those futures that are done as soon as one is, or after so many stepped seconds."""
        if futures:
            self._wait(futures, seconds)
        return {future for future in futures if future.done()}

    # --- the crew ----------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """One more thread is at work."""
        with self._state:
            self._at_work += 1

    def end(self) -> None:
        """One thread has nothing more to do."""
        with self._state:
            self._rest()

    # --- waiting -----------------------------------------------------------------------------------------------------

    def _wait(self, futures: "Collection[Future[Any]]", seconds: float) -> None:
        sleeper = _Sleeper()
        sleeper.gate.acquire()
        with self._state:
            if not self._watch(futures, sleeper):
                self._forget(futures, sleeper)
                return
            sleeper.asleep = True
            self._alarms_set += 1
            heapq.heappush(self._alarms, (self._elapsed_s + max(seconds, 0.0), self._alarms_set, sleeper))
            self._rest()
        sleeper.gate.acquire()
        with self._state:
            self._forget(futures, sleeper)

    def _watch(self, futures: "Collection[Future[Any]]", sleeper: _Sleeper) -> bool:
        """Have these futures wake the sleeper; False when one of them is done already."""
        for future in futures:
            if future.done():
                return False
            if future not in self._awaited:
                self._awaited[future] = []
                future.add_done_callback(self._wake_those_who_wait_for)
                if future.done():
                    return False
            self._awaited[future].append(sleeper)
        return True

    def _forget(self, futures: "Collection[Future[Any]]", sleeper: _Sleeper) -> None:
        for future in futures:
            waiting = self._awaited.get(future, [])
            if sleeper in waiting:
                waiting.remove(sleeper)

    def _wake_those_who_wait_for(self, future: "Future[Any]") -> None:
        with self._state:
            for sleeper in self._awaited.pop(future, []):
                self._wake(sleeper)

    def _wake(self, sleeper: _Sleeper) -> None:
        """It counts as at work from now on, not from when the system gives it a turn."""
        if sleeper.asleep:
            sleeper.asleep = False
            self._at_work += 1
            sleeper.gate.release()

    def _rest(self) -> None:
        """One less is at work; when nobody is, time jumps to whoever wakes first, and to one of them only.

        Those who wake at the same moment wake one after the other, so that their order does not depend on chance.
        """
        self._at_work -= 1
        while self._at_work == 0 and self._alarms:
            at_s, _, sleeper = heapq.heappop(self._alarms)
            if sleeper.asleep:
                self._elapsed_s = max(self._elapsed_s, at_s)
                self._wake(sleeper)


class SteppedTransport(httpx2.BaseTransport):
    """Carries requests to an emulator without a clock, in stepped time."""

    def __init__(self, inner: httpx2.BaseTransport, clock: SteppedClock) -> None:
        self._inner = inner
        self._clock = clock
        self._took_s = 0.0  # what the last answer took: a connection that is cut tells nothing

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """The answer, when the stepped time that it took has passed, and no later than the request's read timeout.

        Raises:
            UnexpectedAnswer: the address does not take its time from requests.
            httpx2.TransportError.
        """
        # Rounded up: a request that waited for a moment must not seem to come a microsecond before it.
        now_us = math.ceil(self._clock.now().timestamp() * 1e6)
        request.headers[NOW_HEADER] = f"{now_us / 1e6:.6f}"
        try:
            response = self._inner.handle_request(request)
        except httpx2.TransportError:
            self._clock.sleep(self._took_s)
            raise
        try:
            self._pass_time(request, response)
        except Exception:
            response.close()
            raise
        return response

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()

    def _pass_time(self, request: httpx2.Request, response: httpx2.Response) -> None:
        told = response.headers.get(TOOK_HEADER)
        if told is None:
            raise UnexpectedAnswer(f"{request.url.host} does not take its time from requests")
        self._took_s = float(told)
        longest_s = request.extensions.get("timeout", {}).get("read")
        if longest_s is not None and self._took_s > longest_s:
            self._clock.sleep(longest_s)
            raise httpx2.ReadTimeout("", request=request)
        self._clock.sleep(self._took_s)


def open_stepped_client(clock: SteppedClock, *, connections: int, timeout: timedelta) -> httpx2.Client:
    """An HTTP client as the directory's own, for an emulator on this machine over plain HTTP."""
    limits = httpx2.Limits(max_connections=connections, max_keepalive_connections=connections)
    inner = httpx2.HTTPTransport(trust_env=False, limits=limits)
    return httpx2.Client(
        transport=SteppedTransport(inner, clock),
        trust_env=False,
        follow_redirects=False,
        timeout=httpx2.Timeout(timeout.total_seconds()),
    )
