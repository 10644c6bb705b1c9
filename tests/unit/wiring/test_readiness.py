"""Why the service is not ready stands in the log by a code, once for each cause, and never with a text of the error."""

import asyncio
import io
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.support.hand_clock import HandClock

from idferry.errors import LedgerBusy, StatusUnavailable
from idferry.service.bearer_tokens import SigningKeys
from idferry.service.logs import open_log
from idferry.service.workers import Workers
from idferry.wiring import readiness
from idferry.wiring.readiness import Readiness


class Asked:
    """A readiness with one check, and its log."""

    def __init__(self) -> None:
        self.clock, self.log = HandClock(), io.BytesIO()
        self.workers = Workers(threads=1, waiting_max=0, name="test")
        self.readiness = Readiness(workers=self.workers, log=open_log(self.log, clock=self.clock))

    def ask(self, check: Callable[[], bool], *keys: SigningKeys) -> bool:
        return asyncio.run(self.readiness.ask({"store": check}, keys=keys))["store"]

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.getvalue().splitlines()]


@pytest.fixture
def asked() -> Iterator[Asked]:
    one = Asked()
    yield one
    one.workers.close()


def raising(error: Exception) -> Callable[[], bool]:
    def check() -> bool:
        raise error

    return check


def test_the_cause_is_logged_when_it_changes_and_not_with_every_question(asked: Asked) -> None:
    for error in (
        StatusUnavailable("secret-host:443"),
        StatusUnavailable("x"),
        LedgerBusy("x"),
        OSError("x"),
    ):
        assert not asked.ask(raising(error))
    assert not asked.ask(lambda: False)
    assert asked.ask(lambda: True)
    assert asked.ask(lambda: True)
    assert [(one["event"], one.get("cause")) for one in asked.lines] == [
        ("not_ready", "status_unavailable"),
        ("not_ready", "ledger_busy"),
        ("not_ready", "OSError"),
        ("not_ready", "no"),
        ("ready_again", None),
    ]
    assert b"secret-host" not in asked.log.getvalue()


def test_a_check_that_hangs_is_a_cause_of_its_own_and_so_are_busy_threads(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "CHECK_SECONDS_MAX", 0.05)
    let_go = threading.Event()

    async def twice() -> None:
        checks = {"store": lambda: let_go.wait(30)}
        await asked.readiness.ask(checks, keys=[])
        await asked.readiness.ask(checks, keys=[])

    asyncio.run(twice())
    let_go.set()
    assert [one["cause"] for one in asked.lines] == ["timed_out", "overloaded"]


def test_keys_that_are_not_known_are_asked_for_once_more(asked: Asked) -> None:
    causes: list[str] = []

    def fetch() -> bytes:
        raise ConnectionError("the address of a secret place")

    keys = SigningKeys(fetch, clock=asked.clock, workers=asked.workers, unread=causes.append)
    asked.ask(lambda: keys.are_known, keys)
    assert causes == ["ConnectionError"]
