"""Every benchmark runs from end to end in seconds; what it measures at this size proves nothing."""

from pathlib import Path

import pytest
from benchmarks.__main__ import NAMES, main

pytestmark = pytest.mark.xdist_group("heavy")

TINY = "0.00005"


@pytest.mark.parametrize("name", NAMES)
def test_a_tiny_run_gives_rows_with_figures(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "results.md"
    main([name, "--part", TINY, "--output", str(output)])
    page = output.read_text(encoding="utf-8")
    assert "the figures prove nothing" in page
    assert page.count("\n| ") >= 2
    assert str(tmp_path) not in page
