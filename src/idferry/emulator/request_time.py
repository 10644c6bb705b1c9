"""Time from requests: an emulator without a clock of its own, for programs that step through hours in seconds.

Now is what a request says (`x-emulator-now`, seconds since 1970); an answer says how long it took (`x-emulator-took`,
seconds). Nothing is really waited for: a request is carried out at the moment it names, and its sender lets the time
of the answer pass. Nobody documents how long Microsoft Graph takes, so that figure comes from the control API.
"""

from contextvars import ContextVar

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from idferry.emulator.clock import Clock
from idferry.emulator.entropy import seeded

NOW_HEADER = b"x-emulator-now"
TOOK_HEADER = b"x-emulator-took"
SAME_MOMENT_MS = 1.0

_took_s: ContextVar[list[float]] = ContextVar("took_s")


class Latency(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """How long an answer takes: `base_ms` and up to `jitter_ms` more, drawn evenly."""

    base_ms: float = 0.0
    jitter_ms: float = 0.0
    seed: int = 0


class RequestClock(Clock):
    """Tells the time of the latest request; before the first one, the system's."""

    def __init__(self) -> None:
        super().__init__()
        self._seen_s: float | None = None
        self.set_latency(Latency())

    def now_s(self) -> float:
        """Seconds since 1970-01-01 UTC, as the latest request told them."""
        return super().now_s() if self._seen_s is None else self._seen_s

    @property
    def offset_s(self) -> float:
        """Seconds by which the emulated time is ahead of the system's."""
        return self.now_s() - super().now_s()

    @property
    def on_the_way_s(self) -> float:
        """How long an answer may be on its way: as long as one takes, but for a slow one.

        Whoever leaves in the very moment in which it arrives has not read it either.
        """
        return (self._latency.base_ms + self._latency.jitter_ms + SAME_MOMENT_MS) / 1000

    def reset(self) -> None:
        """No request has told the time yet, and answers take none."""
        self._seen_s = None
        self.set_latency(Latency())

    def set_latency(self, latency: Latency) -> None:
        """Applies to requests from now on."""
        self._latency = latency
        self._chance = seeded(latency.seed)

    def hear(self, told_s: float | None) -> None:
        """A request begins, and says what time it is; it never goes back."""
        if told_s is not None:
            self._seen_s = max(told_s, self._seen_s or 0.0)
        _took_s.set([(self._latency.base_ms + self._latency.jitter_ms * self._chance.random()) / 1000])

    async def pause(self, seconds: float) -> None:
        """Makes the answer take so much longer."""
        _took_s.get([0.0])[0] += seconds

    def told_with_answers(self) -> list[tuple[bytes, bytes]]:
        """The header that says how long the answer to this request took."""
        return [(TOOK_HEADER, f"{_took_s.get([0.0])[0]:.6f}".encode())]


class TimeFromRequests:
    """An application whose requests tell the clock the time, and whose answers say what they took."""

    def __init__(self, app: ASGIApp, clock: RequestClock) -> None:
        self._app = app
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Carries one request out at the moment that it names."""
        self._clock.hear(_told_s(scope))

        async def send_with_time(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *self._clock.told_with_answers()]
            await send(message)

        await self._app(scope, receive, send_with_time)


def _told_s(scope: Scope) -> float | None:
    for name, value in scope["headers"]:
        if name == NOW_HEADER:
            return float(value)
    return None
