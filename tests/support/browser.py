"""A real browser for the hosted pages: the system's chromium, driven by playwright; nothing is downloaded.

with chromium() as browser:
    page = browser.new_context(**PHONE).new_page()
"""

import http.server
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

SWITCHES = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# The emulator's authority is thrown away with it; no script may be needed.
DESKTOP: dict[str, Any] = {
    "viewport": {"width": 1280, "height": 800},
    "ignore_https_errors": True,
    "java_script_enabled": False,
}
PHONE: dict[str, Any] = {
    **DESKTOP,
    "viewport": {"width": 320, "height": 640},
    "is_mobile": True,
    "has_touch": True,
}


@contextmanager
def chromium() -> Iterator[Browser]:
    """A started browser; the test is skipped where there is none."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip(
            "NOT CHECKED HERE: the hosted pages in a browser need chromium (apt-get install chromium)"
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=SWITCHES)
        yield browser
        browser.close()


class _Shop(http.server.BaseHTTPRequestHandler):
    """An application that a browser comes back to; it remembers with what."""

    def do_GET(self) -> None:
        self.server.visits.append(self.path)  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>Shop</title><h1>Welcome to the shop</h1>")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name is the base class's
        pass


@contextmanager
def shop() -> Iterator[tuple[str, list[str]]]:
    """An application's address for returning people, and the paths they came back with."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Shop)
    server.visits = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://localhost:{server.server_address[1]}/signed-in", server.visits  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
