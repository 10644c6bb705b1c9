"""A hundred thousand people stream through survey and plan in the memory that forty thousand take."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.xdist_group("heavy"),
    pytest.mark.skipif(sys.platform == "win32", reason="peak memory is asked for with getrusage"),
]

FEW, MANY = 40_000, 100_000  # planning begins with small batches, and has its largest ones from 30,000 on
PEAK_MIB_MAX = 200
GROWTH_MAX = 1.1
MIB = 1024 * 1024

# A process inherits the peak of the one that starts it (Linux keeps it over exec), so a small one starts the product.
LAUNCHER = """
import json, resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
unit = 1 if sys.platform == "darwin" else 1024
print(json.dumps({"code": code, "peak": usage.ru_maxrss * unit, "cpu_s": usage.ru_utime + usage.ru_stime}))
"""


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """An export of so many people; every tenth has no password, every hundredth the name of another."""
    folder = tmp_path_factory.mktemp("exports")

    def write(people: int) -> Path:
        path = folder / f"people-{people}.jsonl"
        if not path.exists():
            with path.open("w", encoding="utf-8") as file:
                file.writelines(map(_line, range(people)))
        return path

    return write


def _line(number: int) -> str:
    password = f'"password":"Ferry-{number:06}-Boat!9a",' if number % 10 else ""
    name = f"person.{number - 1 if number % 100 == 99 else number}@example.com"
    return (
        f'{{"key":"c-{number}","signInName":"{name}","displayName":"Person {number}","givenName":"Zoë",{password}'
        f'"surname":"O\'Neill {number}","email":"contact.{number}@example.org","lastSignIn":"2026-05-31T09:30:00Z",'
        f'"attributes":{{"city":"Porto","loyaltyNumber":"P-{number}","newsletter":true}}}}\n'
    )


def _peak_mib(export: Path, *command: str) -> float:
    product = [sys.executable, "-m", "idferry", command[0], str(export), *command[1:], "--json"]
    launched = subprocess.run(
        [sys.executable, "-c", LAUNCHER, *product], cwd=export.parent, stdout=subprocess.PIPE, check=True
    )
    measured = json.loads(launched.stdout)
    assert measured["code"] == 0
    print(f"{' '.join(command)} {export.name}: {measured['peak'] / MIB:.1f} MiB, {measured['cpu_s']:.1f} s")  # noqa: T201
    return float(measured["peak"]) / MIB


@pytest.mark.parametrize("command", [("survey",), ("premigrate", "--password", "auto")], ids=lambda c: c[0])
def test_memory_does_not_grow_with_the_export(
    export: Callable[[int], Path], command: tuple[str, ...]
) -> None:
    few, many = _peak_mib(export(FEW), *command), _peak_mib(export(MANY), *command)
    assert many < PEAK_MIB_MAX
    assert many <= GROWTH_MAX * few
