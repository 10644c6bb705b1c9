"""`idferry status --export-failures FILE`: the records of people who failed, to mend, and `FILE.keys`."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import typer

from idferry.cli.output import command_line
from idferry.cli.progress import progress
from idferry.cli.result_files import backup_of, new_files
from idferry.cli.stopping import stop_on_signals
from idferry.errors import UsageError
from idferry.flows.export_failures import export_failures
from idferry.ports import Clock, LegacySource
from idferry.rules.entry import Run, Selection
from idferry.rules.key_list import SUFFIX, key_line
from idferry.rules.lifecycle import State
from idferry.rules.plan import PasswordMode
from idferry.settings import Settings
from idferry.wiring import LedgerParts, exported_source_of, spared_files

ExportOption = Annotated[
    Path | None,
    typer.Option(
        "--export-failures",
        help="Write the records of people who failed to FILE, without passwords, and their keys to FILE.keys.",
        metavar="FILE",
    ),
]
SourceOption = Annotated[
    str,
    typer.Option(
        "--source",
        help="With --export-failures: the export to take the records from; else where the ledger saw it last.",
        metavar="SOURCE",
    ),
]
ForceOption = Annotated[
    bool,
    typer.Option(
        "--force",
        help="With --export-failures: overwrite FILE and FILE.keys; FILE as it was is kept as FILE.bak.",
    ),
]


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written where. `people` are records written, `not_found` people who failed and have no record there.

    `backup` holds what the file held before. `look_command` plans with the mended records, `next_command` takes the people up.
    """

    file: Path
    keys_file: Path
    backup: Path | None
    source: str
    people: int
    not_found: int
    look_command: str
    next_command: str


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What the command line asks for."""

    file: Path
    source: str
    name: str
    force: bool
    settings: Path | None = None


def export(
    request: ExportRequest,
    *,
    settings: Settings,
    ledger: LedgerParts,
    selection: Selection,
    clock: Clock,
    quiet: bool,
) -> Exported | None:
    """Write both files; None: nobody has failed, and nothing was written.

    Raises:
        UsageError: a file exists, or people of several sources failed and none is named.
        SourceError, SourceChanged: the source is not there any more, or is another one.
        LedgerError, Stopped.
    """
    last_runs = _last_runs(ledger)
    run = None if request.source else _run_with_failures(ledger, selection, last_runs)
    if run is None and not request.source:
        return None
    source, copier = exported_source_of(settings, request.source, name=request.name, run=run)
    failed = ledger.report.states(_failed(selection, source.name)).get(State.FAILED, 0)
    if not failed:
        return None
    keys_file = request.file.with_name(request.file.name + SUFFIX)
    spared = spared_files(settings, runs=ledger.report.runs(), sources=[source.place])
    backup = backup_of(request.file)  # somebody may have mended it
    backups = {request.file: backup} if backup else {}
    places = [request.file, keys_file]
    with (
        new_files(places, overwrite=request.force, spared=spared, backups=backups) as (records, keys),
        progress(clock, quiet=quiet) as tell,
        stop_on_signals() as stop,
    ):
        keys.write(f"# failed people of {source.name}, one key to a line\n".encode())
        report = export_failures(
            source_name=source.name,
            copier=copier,
            records=ledger.records,
            selection=selection,
            write=records.write,
            write_key=lambda key: keys.write(f"{key_line(key)}\n".encode()),
            tell=tell,
            stop=stop,
        )
    command = ["idferry", "premigrate", *_arguments(request, settings, source)]
    command += _password_option(last_runs.get(source.name))
    command += ["--only", str(keys_file), "--corrections", str(request.file)]
    command += ["--settings", str(request.settings)] if request.settings else []
    return Exported(
        request.file,
        keys_file,
        backup,
        source.name,
        report.people,
        max(failed - report.people, 0),
        command_line(command),
        command_line([*command, "--execute"]),
    )


def export_document(exported: Exported | None) -> dict[str, Any] | None:
    """The key `exported` of `status --json`."""
    if exported is None:
        return None
    return {
        "file": str(exported.file),
        "keys_file": str(exported.keys_file),
        "backup": str(exported.backup) if exported.backup else None,
        "source": exported.source,
        "people": exported.people,
        "not_found": exported.not_found,
        "next": exported.next_command,
    }


def _last_runs(ledger: LedgerParts) -> dict[str, Run]:
    """Source -> the last run over it, of those that noted where it was if there is one."""
    oldest_first = list(reversed(ledger.report.runs()))
    return {run.source: run for run in (*oldest_first, *(run for run in oldest_first if run.place))}


def _run_with_failures(ledger: LedgerParts, selection: Selection, last_runs: Mapping[str, Run]) -> Run | None:
    """The last run over the one source whose people failed; None where nobody did."""
    failed = [name for name in last_runs if ledger.report.states(_failed(selection, name))]
    if len(failed) > 1:
        raise UsageError(
            f"people of several sources failed: {', '.join(sorted(failed))}",
            remedy="Export one source at a time: name it with --source.",
        )
    return last_runs[failed[0]] if failed else None


def _failed(selection: Selection, source: str) -> Selection:
    return Selection(run=selection.run, source=source, cohort=selection.cohort, states=(State.FAILED,))


def _arguments(request: ExportRequest, settings: Settings, source: LegacySource) -> list[str]:
    """How `premigrate` is told of this source."""
    if source.name in settings.sources and request.source in ("", source.name):
        return [source.name]
    path = request.source or source.place
    return [path] if Path(path).stem.lower() == source.name else [path, "--name", source.name]


def _password_option(run: Run | None) -> list[str]:
    """As the people were planned before; nothing for what is the default."""
    words = run.command.split() if run else []
    modes = [mode for option, mode in pairwise(words) if option == "--password" and mode != PasswordMode.AUTO]
    return ["--password", modes[0]] if modes else []
