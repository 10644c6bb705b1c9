"""`idferry demo`: the main job on this machine alone, with a fictional company's people and an emulated tenant.

Every step is a command that a person could have typed; the demo types them and adds a word of explanation. What it
makes lies in one folder, and the emulated tenant ends with it.
"""

import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated, Any

import httpx2
import typer

from idferry.cli.emulated_tenant import emulated_tenant
from idferry.cli.output import messages, screen
from idferry.errors import EXIT_DONE, EXIT_PEOPLE_FAILED, Unreachable, UsageError

EXPORT = "people.jsonl"
SIGN_IN_TIMEOUT_SECONDS = 10.0

RunCommand = Callable[[list[str]], int]
"""Runs one command of the application and gives its exit code: `idferry.cli.app.run`, which registers this one."""


def demo(
    context: typer.Context,
    folder: Annotated[
        Path | None,
        typer.Option(
            help="Keep export, settings and ledger in this new folder; else a temporary one.", metavar="DIR"
        ),
    ] = None,
    stay: Annotated[
        bool, typer.Option("--stay", help="Keep the emulated tenant running, to try commands on it.")
    ] = False,
) -> None:
    """Premigrate a fictional company into an emulated tenant: export, plan, accounts, first sign-in, report.

    Example: idferry demo --folder try-it --stay
    """
    with _folder(folder) as place, emulated_tenant("b2c") as ready:
        _fill(place, ready)
        typist = _Typist(run=context.obj, settings=str(place / "idferry.toml"))
        export = str(place / EXPORT)
        _say("1  Look at what the legacy system exported. Nothing changes anywhere.")
        typist.type("survey", export)
        _say("2  Create the accounts: known passwords where there are good ones, else a flag.")
        typist.type("premigrate", export, "--execute")
        _say("3  A migrated person signs in with the password of the old system.")
        _sign_in(place, ready)
        _say("4  Read the whole directory back and compare.")
        typist.type("verify", "--source", export)
        _say("5  Where everybody stands.")
        typist.type("status")
        _what_next(place, kept=folder is not None or stay, stay=stay)
        if stay:
            _wait_for_the_end()


@contextmanager
def _folder(asked: Path | None) -> Iterator[Path]:
    if asked is None:
        with tempfile.TemporaryDirectory(prefix="idferry-demo-", ignore_cleanup_errors=True) as temporary:
            yield Path(temporary)
        return
    try:
        asked.mkdir(parents=True)
    except FileExistsError as error:
        raise UsageError(
            f"{asked} exists already", remedy="Name a folder that does not exist yet."
        ) from error
    except OSError as error:
        raise UsageError(f"{asked} cannot be made: {error.strerror}", remedy="Name another place.") from error
    yield asked.absolute()


def _fill(place: Path, ready: dict[str, Any]) -> None:
    with as_file(files("idferry.cli") / "demo_company") as company:
        for file in sorted(company.iterdir()):
            if file.is_file() and file.suffix in (".json", ".jsonl", ".csv"):
                shutil.copyfile(file, place / file.name)
    (place / "idferry.toml").write_text(ready["tenants"][0]["settings"], encoding="utf-8")


def _say(sentence: str) -> None:
    screen().print(f"\n[bold cyan]{sentence}[/]", soft_wrap=True)


@dataclass(frozen=True)
class _Typist:
    """Types commands for everybody to see, always with the settings of the demo."""

    run: RunCommand
    settings: str

    def type(self, *arguments: str) -> None:
        """Show a command as a person would type it, and run it."""
        shown = " ".join(Path(one).name if Path(one).is_absolute() else one for one in arguments)
        screen().print(f"[dim]$[/] idferry {shown}\n", soft_wrap=True)
        code = self.run([*arguments, "--settings", self.settings])
        if code not in (EXIT_DONE, EXIT_PEOPLE_FAILED):
            raise typer.Exit(code)


def _sign_in(place: Path, ready: dict[str, Any]) -> None:
    person = _somebody_with_a_password(place / EXPORT)
    name, tenant = person["signInName"], ready["tenants"][0]["tenant_id"]
    for password, meaning in (
        (person["password"], "the legacy password"),
        ("Guessed-Wrong-1", "a guessed password"),
    ):
        body = {"tenant_id": tenant, "sign_in_name": name, "password": password}
        try:
            answer = httpx2.post(f"{ready['control']}/sign-in", json=body, timeout=SIGN_IN_TIMEOUT_SECONDS)
            signed_in = answer.raise_for_status().json()["signed_in"]
        except httpx2.HTTPError as error:
            raise Unreachable("the emulated tenant does not answer") from error
        screen().print(f"  {name} with {meaning}: {'signed in' if signed_in else 'refused'}", soft_wrap=True)


def _somebody_with_a_password(export: Path) -> dict[str, Any]:
    """The first record with a password that the directory takes as it is."""
    good = (
        one for one in _records(export) if len(str(one.get("password", ""))) >= 12 and "signInName" in one
    )
    person = next(good, None)
    assert person  # noqa: S101  the demo company is our own
    return person


def _records(export: Path) -> Iterator[dict[str, Any]]:
    for line in export.read_text(encoding="utf-8-sig").splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue  # the planted dirt holds a line that is no JSON
        if isinstance(record, dict):
            yield record


def _what_next(place: Path, *, kept: bool, stay: bool) -> None:
    _say("What to try next")
    tries = [("idferry --help", "every command, with an example")]
    if kept:
        tries.append((f"cd {place}", "export, settings and ledger of this demo"))
    if stay:
        tries += [
            ("idferry find --display-name NAME", "an account, as the directory shows it"),
            ("idferry person SIGN_IN_NAME", "one person's story"),
            (f"idferry remove --source {Path(EXPORT).stem}", "what could be taken away again"),
        ]
    else:
        tries += [
            ("idferry demo --folder try-it --stay", "keep the tenant, type commands yourself"),
            ("idferry survey YOUR_EXPORT", "look at your own people; needs no tenant"),
            ("idferry init", "settings for your own tenant"),
        ]
    for command, what in tries:
        screen().print(f"  {command:<36}  {what}", markup=False, soft_wrap=True)


def _wait_for_the_end() -> None:
    messages().print("\nThe emulated tenant runs until you press Ctrl-C.")
    try:
        sys.stdin.read()
    except KeyboardInterrupt:
        return
