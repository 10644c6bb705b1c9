"""Every generated page is what the code says today."""

import importlib
import importlib.util

import pytest
from tests.docs.generate import COVERAGE, PAGES, ROOT


@pytest.mark.parametrize("path", PAGES)
def test_page_is_fresh(path: str) -> None:
    written = (ROOT / path).read_text(encoding="utf-8")
    assert written == PAGES[path](), f"{path} is stale: run `make docs`"


def test_emulator_coverage_is_fresh() -> None:
    if importlib.util.find_spec(COVERAGE) is None:
        pytest.skip("there is no coverage page yet")
    written = (ROOT / "docs/reference/emulator-coverage.md").read_text(encoding="utf-8")
    assert written == importlib.import_module(COVERAGE).render(), "run `make docs`"
