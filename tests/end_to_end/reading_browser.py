"""The browser of somebody who reads a tutorial: opens a page, types, looks, and takes pictures.

The picture is as wide as the page's card and as high as what it shows, so that it stays small in the documentation.
"""

from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from playwright.sync_api import Page, expect
from tests.support.browser import DESKTOP, chromium

WAIT_MS = 10_000
# Light and without a caret that blinks, so that two pictures of one page are alike.
_WINDOW: dict[str, Any] = {**DESKTOP, "viewport": {"width": 560, "height": 460}, "color_scheme": "light"}


class ReadersBrowser:
    """A browser with one window; a context manager. Skips the test where there is no browser."""

    def __init__(self) -> None:
        self._open = ExitStack()
        self._page: Page | None = None

    def __enter__(self) -> Self:
        with ExitStack() as opening:
            browser = opening.enter_context(chromium())
            context = opening.enter_context(browser.new_context(**_WINDOW))
            context.set_default_timeout(WAIT_MS)
            self._page = context.new_page()
            self._open = opening.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def open(self, address: str) -> None:
        """Go to an address."""
        assert self._page
        self._page.goto(address)

    def follow(self, verb: str, what: str | Path) -> None:
        """`type` and `press` at the keyboard, `see` a text in the page, take a `picture` into a file."""
        assert self._page
        if verb == "picture":
            self._page.screenshot(path=what, full_page=True, caret="hide")
        elif verb == "see":
            expect(self._page.locator("body")).to_contain_text(str(what), timeout=WAIT_MS)
        elif verb == "type":
            # A page is there before its field has the focus: what was typed too early would be lost.
            expect(self._page.locator("input:focus")).to_be_visible(timeout=WAIT_MS)
            self._page.keyboard.type(str(what))
        else:
            assert verb == "press", verb
            self._page.keyboard.press(str(what))
