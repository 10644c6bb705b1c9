"""The service ends when it is told to, whatever gives no answer at that moment."""

import asyncio
import io
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.service.test_over_sockets import SETTINGS, project
from tests.support.hand_clock import HandClock
from tests.support.service_process import running_service

from idferry.settings import read_settings
from idferry.wiring.service import ServiceParts, service_parts_of
from idferry.wiring.timers import Timer

OF_MODE_B = """
[[application]]
name = "import"
use = "import"
client_id = "99999999-8888-4777-8666-555555555555"
secret = "not-a-real-secret"

[[verifier]]
name = "shop"
kind = "web_service"
url = "{address}/check"
legacy_lockout = {{ threshold = 1000, window_seconds = 60 }}
"""


class Silent:
    """Takes connections at an address of this machine and says nothing."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._taken: list[socket.socket] = []
        self.somebody_came = threading.Event()
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        try:
            while True:
                self._taken.append(self._listener.accept()[0])
                self.somebody_came.set()
        except OSError:
            return  # the test is over

    def close(self) -> None:
        # Closing alone does not wake who waits for a connection.
        self._listener.shutdown(socket.SHUT_RDWR)
        for one in (self._listener, *self._taken):
            one.close()


@pytest.fixture
def silent() -> Iterator[Silent]:
    made = Silent()
    yield made
    made.close()


def test_a_tenant_that_gives_no_answer_keeps_the_service_from_nothing(tmp_path: Path, silent: Silent) -> None:
    """It is asked from time to time beside the answers, and such a question may take minutes."""
    project(tmp_path, OF_MODE_B.format(address=silent.address))
    settings = (tmp_path / "idferry.toml").read_text(encoding="utf-8")
    settings = settings.replace("https://localhost:1", silent.address)
    (tmp_path / "idferry.toml").write_text(
        settings.replace("[service]\n", '[service]\nmode = "B"\n'), encoding="utf-8"
    )
    assert SETTINGS.count("[service]\n") == 1
    with running_service(tmp_path) as service:
        assert silent.somebody_came.wait(30)
        assert service.stop() == 0


def parts_of(folder: Path) -> ServiceParts:
    project(folder)
    settings = read_settings(folder / "idferry.toml")
    return service_parts_of(settings, HandClock(), log_stream=io.BytesIO())


def test_what_takes_hours_takes_no_thread_from_those_who_answer(tmp_path: Path) -> None:
    parts = parts_of(tmp_path)
    goes_on, began = threading.Event(), threading.Event()

    def sweep() -> None:
        began.set()
        goes_on.wait(30)

    async def story() -> None:
        running = asyncio.ensure_future(parts.run_timers())
        while not began.is_set():
            await asyncio.sleep(0.005)
        assert parts.context.workers.calls == 0
        running.cancel()
        goes_on.set()

    parts.context.timers.append(Timer("sweep", timedelta(seconds=60), sweep, at_once=True))
    asyncio.run(story())
    parts.close()
