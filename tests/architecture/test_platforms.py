"""What runs on Linux alone must stand behind a look at the platform: the tool is promised on Windows and macOS too.

The type checker knows which names each system has, so `make types` runs it for all three. This file holds that it does,
that it would see, and what it cannot know.
"""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from tests.architecture.test_layout import MODULES, ROOT, of_kind

POSIX_ONLY = """
import fcntl, grp, os, pwd, resource, signal, termios
fcntl.flock(0, fcntl.LOCK_EX)
grp.getgrall(), pwd.getpwall()
os.fork(), os.geteuid(), os.mkfifo("x")
resource.getrlimit(resource.RLIMIT_FSIZE)
signal.SIGKILL, signal.SIGHUP, signal.alarm(1)
termios.tcgetattr(0)
"""


@pytest.mark.parametrize("platform", ["linux", "win32", "darwin"])
def test_types_are_checked_for_every_system(platform: str) -> None:
    [recipe] = [
        part
        for part in (ROOT / "Makefile").read_text(encoding="utf-8").split("\n\n")
        if part.startswith("types:")
    ]
    assert f"mypy --platform {platform}" in recipe


@pytest.mark.parametrize("guarded", [False, True])
def test_the_type_checker_sees_what_windows_has_not(guarded: bool, tmp_path: Path) -> None:
    lines = POSIX_ONLY.strip().splitlines()
    if guarded:
        lines = ["import sys", 'if sys.platform != "win32":', *(f"    {line}" for line in lines)]
    module = tmp_path / "module.py"
    module.write_text("\n".join(lines) + "\n", encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--platform",
        "win32",
        "--config-file",
        "",
        "--cache-dir",
        str(tmp_path),
    ]
    done = subprocess.run(
        [*command, str(module)], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120
    )
    unseen = [
        line
        for number, line in enumerate(lines, start=1)
        if number > 1 and f"module.py:{number}:" not in done.stdout
    ]
    assert (done.returncode == 0) is guarded, done.stdout
    assert guarded or unseen == [], done.stdout


def test_nobody_kills_by_number_or_needs_what_windows_cannot_install() -> None:
    """`os.kill` exists on Windows, and ends the process there whatever the signal; uvloop has types, and no build."""
    killers = [
        f"{name}:{node.lineno}"
        for name, _, tree in MODULES
        for node in of_kind(tree, ast.Attribute)
        if node.attr == "kill" and isinstance(node.value, ast.Name) and node.value.id == "os"
    ]
    importers = [
        f"{name}:{node.lineno}"
        for name, _, tree in MODULES
        for node in of_kind(tree, ast.Import, ast.ImportFrom)
        if "uvloop" in (getattr(node, "module", None) or "", *(one.name for one in node.names))
    ]
    assert (killers, importers) == ([], [])
