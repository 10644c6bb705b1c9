"""The wheel holds everything the product needs, and runs the demo in an empty environment.

The second half downloads and installs, which takes a minute: it runs where IDFERRY_TEST_WHEEL=1, as `.ci/run` sets it.
"""

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
WANTED = os.environ.get("IDFERRY_TEST_WHEEL") == "1"
SITE_PACKAGES_BYTES_MAX = 100 * 1024 * 1024
PACKAGE_DATA = (
    "idferry/py.typed",
    "idferry/cli/settings_template.toml",
    "idferry/cli/demo_company/people.jsonl",
    "idferry/cli/demo_company/people.csv",
    "idferry/cli/demo_company/UsersData.json",
    "idferry/cli/demo_company/UsersDataUsername.json",
    "idferry/emulator/store.sql",
)
BUILD_SECONDS_MAX = 120
INSTALL_SECONDS_MAX = 300
DEMO_SECONDS_MAX = 30


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from what lies here with the build back end of this environment."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    built = subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, timeout=BUILD_SECONDS_MAX, check=False
    )
    assert built.returncode == 0, built.stdout + built.stderr
    [path] = folder.glob("idferry-*-py3-none-any.whl")
    return path


def test_the_wheel_holds_every_file_of_the_package(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert set(PACKAGE_DATA) <= names
    source = REPOSITORY / "src"
    tracked = subprocess.run(
        ["git", "ls-files", "src/idferry"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    kept = {
        str((REPOSITORY / name).relative_to(source))
        for name in tracked.stdout.splitlines()
        if (REPOSITORY / name).is_file()
    }
    assert kept <= names
    assert any(name.endswith("/licenses/LICENSE") for name in names)
    strange = [
        one for one in names - kept if not one.startswith("idferry-") and not one.startswith("idferry/")
    ]
    assert strange == [], "tests or notes have got into the wheel"
    assert not [one for one in names if "__pycache__" in one or one.endswith((".ledger", ".key", ".pem"))]


def test_the_wheel_says_what_it_is(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        [metadata] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        [entry_points] = [name for name in archive.namelist() if name.endswith("entry_points.txt")]
        text = archive.read(metadata).decode()
        scripts = archive.read(entry_points).decode()
    assert "Name: idferry\n" in text
    assert "Requires-Python: >=3.11\n" in text
    assert "License-Expression: MIT\n" in text
    assert "idferry = idferry.cli.app:main" in scripts


@pytest.mark.skipif(not WANTED, reason="NOT CHECKED HERE: set IDFERRY_TEST_WHEEL=1 to install the wheel")
def test_the_demo_runs_in_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    home, empty = tmp_path / "home", tmp_path / "empty"
    for folder in (home, empty):
        folder.mkdir()
    environment = tmp_path / "venv"
    venv.create(environment, with_pip=True)
    scripts = environment / ("Scripts" if sys.platform == "win32" else "bin")
    python = scripts / "python"
    pip = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    lock = REPOSITORY / "requirements" / "base.lock"
    for command in ([*pip, "--require-hashes", "-r", str(lock)], [*pip, "--no-deps", str(wheel)]):
        subprocess.run(command, check=True, timeout=INSTALL_SECONDS_MAX)
    assert _size(environment, besides=("pip", "setuptools")) <= SITE_PACKAGES_BYTES_MAX
    bare = {"PATH": os.defpath, "HOME": str(home)}
    if sys.platform == "win32":  # without it Windows opens no socket
        bare["SYSTEMROOT"] = os.environ["SYSTEMROOT"]
    ended = subprocess.run(
        [str(scripts / "idferry"), "demo"],
        cwd=empty,
        env=bare,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=DEMO_SECONDS_MAX,
        check=False,
    )
    out, err = ended.stdout.decode("utf-8"), ended.stderr.decode("utf-8", "replace")
    assert ended.returncode == 0, out + err
    assert "Traceback" not in out + err
    assert "signed in" in out
    assert "Nothing differs." in out
    assert list(empty.iterdir()) == [], "the demo leaves nothing behind"
    assert [one for one in home.rglob("*") if "idferry" in one.name] == []
    help_ = subprocess.run(
        [str(scripts / "idferry"), "--help"], cwd=empty, env=bare, capture_output=True, check=True, timeout=30
    )
    assert b"premigrate" in help_.stdout


def _size(environment: Path, *, besides: tuple[str, ...]) -> int:
    """Bytes of the installed packages without what every new environment holds already."""
    [site] = [one for one in environment.rglob("site-packages") if one.is_dir()]
    counted = [one for one in site.iterdir() if not one.name.lower().startswith(besides)]
    files = [one for top in counted for one in ([top] if top.is_file() else top.rglob("*"))]
    return sum(one.stat().st_size for one in files if one.is_file())
