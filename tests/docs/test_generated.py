"""Every generated page is what the code says today."""

import pytest
from tests.docs.generate import PAGES, ROOT


@pytest.mark.parametrize("path", PAGES)
def test_page_is_fresh(path: str) -> None:
    written = (ROOT / path).read_text(encoding="utf-8")
    assert written == PAGES[path](), f"{path} is stale: run `make docs`"
