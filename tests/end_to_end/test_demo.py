"""The demo on a bad day. What it shows on a good one, README shows too, and test_readme compares."""

from pathlib import Path

import pytest
from tests.support.desk import Desk

from idferry.cli import emulated_tenant


def test_an_emulated_tenant_that_does_not_start_ends_the_demo(
    b2c_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emulated_tenant, "START_SECONDS_MAX", 0.001)
    ended = b2c_desk.run("demo")
    assert ended.code == 3
    assert "error (unreachable): the emulated tenant did not start" in ended.err


def test_a_folder_that_exists_is_not_written_to(b2c_desk: Desk, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    assert "exists already" in b2c_desk.ok("demo", "--folder", tmp_path, code=2).err
    assert sorted(tmp_path.iterdir()) == before
