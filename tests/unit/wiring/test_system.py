"""The clock that follows an emulator: whatever does not tell the time is told, and nothing outside is asked."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from idferry.errors import Unreachable
from idferry.settings import Settings, parse_settings
from idferry.wiring.system import clock_of

LATER = timedelta(days=700)


@contextmanager
def clock_that_says(body: bytes, *, status: int = 200) -> Iterator[str]:
    """The address of a clock that answers with these bytes."""

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/clock"
        finally:
            server.shutdown()
            thread.join()


def settings_with(clock: str) -> Settings:
    here = "http://127.0.0.1:8443"
    tenant = {"id": "t-1", "domain": "contoso.onmicrosoft.com", "authority": here, "graph": here}
    return parse_settings({"tenant": tenant, "clock": {"url": clock}}, file=None, folder=Path())


def test_the_time_is_the_emulators_and_no_proxy_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    then = datetime.now(UTC) + LATER  # noqa: TID251  to compare with the machine's time
    with clock_that_says(b'{"now": "%s"}' % then.isoformat().encode()) as address:
        told = clock_of(settings_with(address)).now()
    assert abs(told - then) < timedelta(minutes=1)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b'"now"',
        b"{}",
        b'{"now": null}',
        b'{"now": 1764547200}',
        b'{"now": "soon"}',
        b'{"now": "2026-01-01T00:00:00"}',
        b'{"now": "2026-01-01T00:00:00Z"',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_a_clock_that_does_not_tell_the_time_is_told(body: bytes) -> None:
    with clock_that_says(body) as address, pytest.raises(Unreachable, match="does not tell the time"):
        clock_of(settings_with(address))


def test_a_clock_that_takes_its_time_from_requests_is_not_followed() -> None:
    said = b'{"now": "2026-01-01T00:00:00Z", "from": "requests"}'
    with clock_that_says(said) as address, pytest.raises(Unreachable, match="takes its time from requests"):
        clock_of(settings_with(address))


def test_a_clock_that_is_not_there_is_told() -> None:
    with clock_that_says(b'{"now": "2026-01-01T00:00:00Z"}', status=404) as address:
        gone = address
        with pytest.raises(Unreachable):
            clock_of(settings_with(address))
    for nowhere in (gone, "http://127.0.0.1:99999/clock", "gopher://127.0.0.1/clock", "http://127.0.0.1:x"):
        with pytest.raises(Unreachable):
            clock_of(settings_with(nowhere))
