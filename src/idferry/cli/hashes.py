"""The `hash` commands: which password hashes are supported, and trying an export with passwords that somebody knows."""

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from idferry.cli.hash_reports import (
    check_document,
    forecast_document,
    load_document,
    print_check,
    print_forecast,
    print_load,
    print_proof,
    print_schemes,
    proof_document,
    schemes_document,
)
from idferry.cli.hash_upkeep import say_when_unknown
from idferry.cli.options import ExecuteOption, JsonOption, NameOption, SettingsOption, SourceArgument
from idferry.cli.output import print_json, say, screen
from idferry.cli.progress import progress
from idferry.cli.stopping import stop_on_signals
from idferry.cli.typed_password import typed_password
from idferry.errors import EXIT_DONE, EXIT_PEOPLE_FAILED, UsageError
from idferry.flows.check_hashes import check_hashes
from idferry.flows.forecast_hashes import forecast_hashes
from idferry.flows.forget_hashes import forget_settled_hashes
from idferry.flows.load_hashes import load_hashes
from idferry.flows.prove_hash import prove_hash
from idferry.hashes import SCHEMES
from idferry.ports.hash_cases import HashCase
from idferry.settings import read_settings
from idferry.wiring import (
    clock_of,
    exported_at_of,
    hash_bounds_of,
    hash_cases_of,
    hash_descriptor_of,
    hash_rows_of,
    hash_store_if_any,
    hash_store_of,
    ledger_if_any,
    processors,
    source_of,
)

DEADLINE_MS = 1_600
"""What External ID leaves us: two seconds, less the way there and back."""

RowsArgument = Annotated[
    Path, typer.Argument(help="JSON Lines with `hash`, `password` and a descriptor.", metavar="FILE")
]


def list_(as_json: JsonOption = False) -> None:
    """List every scheme: what a value looks like, who writes it, and how well it is proven.

    Example: idferry hash list
    """
    if as_json:
        print_json(schemes_document(SCHEMES))
    else:
        print_schemes(screen(), SCHEMES)


def check(file: RowsArgument, as_json: JsonOption = False) -> int:
    """Check rows of hashes against passwords that you know, and say match, mismatch, malformed or unsupported.

    A row that has `expect` and got another verdict makes the exit code 1. Passwords are never printed or kept.

    Example: idferry hash check rows.jsonl
    """
    with stop_on_signals() as stop:
        report = check_hashes(cases=hash_rows_of(file), stop=stop)
    if as_json:
        print_json(check_document(report))
    else:
        print_check(screen(), report)
    return EXIT_PEOPLE_FAILED if report.differing else EXIT_DONE


def prove(
    file: RowsArgument,
    line: Annotated[int, typer.Option("--line", help="The row's line in the file, from 1.", metavar="N")] = 1,
    as_json: JsonOption = False,
) -> int:
    """Find out how one row's hash was made, and print the descriptor for the settings.

    The password is the row's `password`; without one it is asked for on the terminal, or read from standard input.
    Tries schemes, the salt's place and spelling, encodings, digests of digests and rounds. Exit code 0: found.

    Example: idferry hash prove rows.jsonl --line 3
    """
    case = _row(file, line)
    password = case.password or typed_password()
    with stop_on_signals() as stop:
        proof = prove_hash(case=case, password=password, stop=stop)
    if as_json:
        print_json(proof_document(proof, given=case.descriptor))
    else:
        print_proof(screen(), proof, given=case.descriptor)
    return EXIT_DONE if proof.descriptor else EXIT_PEOPLE_FAILED


def forecast(
    source: Annotated[
        str,
        typer.Argument(help="A name from [sources] in the settings, or a file of rows.", metavar="SOURCE"),
    ],
    deadline_ms: Annotated[
        int,
        typer.Option(
            "--deadline-ms", help="How long the caller waits, in milliseconds.", metavar="MS", min=100
        ),
    ] = DEADLINE_MS,
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> int:
    """Measure one verification of each kind of hash, and say how many sign-ins this machine can take.

    Needs no passwords. Exit code 1: somebody's verification would end after the deadline.

    Example: idferry hash forecast shop --deadline-ms 1600
    """
    read = read_settings(settings)
    clock = clock_of(read)
    threads = processors()
    with stop_on_signals() as stop:
        found = forecast_hashes(
            cases=hash_cases_of(read, source).cases(),
            clock=clock,
            threads=threads,
            deadline_s=deadline_ms / 1000,
            bounds=hash_bounds_of(read),
            memory_kib=read.hashes.memory_mib * 1024,
            stop=stop,
        )
    if as_json:
        print_json(forecast_document(found, threads=threads, deadline_ms=deadline_ms))
    else:
        print_forecast(screen(), found, deadline_ms=deadline_ms)
    fits = found.forecast is not None and found.forecast.fits
    return EXIT_DONE if fits else EXIT_PEOPLE_FAILED


def load(
    source: SourceArgument,
    exported_at: Annotated[
        str,
        typer.Option(
            "--exported-at",
            help="When the source was exported, ISO 8601 with a zone; default: the settings'. Hashes of unknown age are stale.",
            metavar="TIME",
        ),
    ] = "",
    plain_hash_store: Annotated[
        bool,
        typer.Option(
            "--plain-hash-store", help="Make a store without a key, for tests: it protects nothing."
        ),
    ] = False,
    execute: ExecuteOption = False,
    name: NameOption = "",
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> int:
    """Take the password hashes of a source into the encrypted hash store. Without --execute it only counts.

    Exit code 1: there are hashes that nobody could sign in with. People who are settled lose theirs at once.

    Example: idferry hash load shop --execute
    """
    read = read_settings(settings)
    clock = clock_of(read)
    legacy = source_of(read, source, name=name)
    moment = exported_at_of(read, legacy, given=exported_at)
    store = hash_store_of(read, plain=plain_hash_store) if execute else nullcontext()
    with (
        store as kept,
        ledger_if_any(read, clock) if execute and read.ledger_path.exists() else nullcontext() as ledger,
        stop_on_signals() as stop,
        progress(clock, quiet=as_json) as tell,
    ):
        report = load_hashes(
            source=legacy,
            descriptor=hash_descriptor_of(read, legacy.name),
            exported_at=moment,
            store=kept,
            bounds=hash_bounds_of(read),
            tell=tell,
            stop=stop,
        )
        forgotten = forget_settled_hashes(store=kept, report=ledger.report) if kept and ledger else 0
    if as_json:
        print_json(load_document(report, source=legacy.name, executed=execute, forgotten=forgotten))
    else:
        print_load(screen(), report, source=legacy.name, executed=execute, forgotten=forgotten)
    if report.taken:
        say_when_unknown(moment)
    return EXIT_PEOPLE_FAILED if report.refused_count else EXIT_DONE


def destroy(
    execute: ExecuteOption = False, settings: SettingsOption = None, as_json: JsonOption = False
) -> None:
    """Delete the hash store with everything in it, overwritten on disk. Without --execute it only counts.

    Example: idferry hash destroy --execute
    """
    read = read_settings(settings)
    with hash_store_if_any(read) as store:
        count = 0 if store is None else store.destroy() if execute else sum(1 for _ in store.rows())
    if as_json:
        print_json({"hashes": count, "destroyed": execute and store is not None})
        return
    done = "destroyed" if execute else "in the store; --execute destroys it"
    say(screen(), "There is no hash store." if store is None else f"{count:,} hashes {done}.")


def _row(file: Path, line: int) -> HashCase:
    for case in hash_rows_of(file).cases():
        if case.line == line:
            return case
    raise UsageError(f"{file} has no row on line {line}", remedy="Name another with --line.")
