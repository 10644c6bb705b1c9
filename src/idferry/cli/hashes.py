"""The `hash` commands: which password hashes are supported, and trying an export with passwords that somebody knows."""

from pathlib import Path
from typing import Annotated

import typer

from idferry.cli.hash_reports import (
    check_document,
    forecast_document,
    print_check,
    print_forecast,
    print_proof,
    print_schemes,
    proof_document,
    schemes_document,
)
from idferry.cli.options import JsonOption
from idferry.cli.output import print_json, screen
from idferry.cli.stopping import stop_on_signals
from idferry.cli.typed_password import typed_password
from idferry.errors import EXIT_DONE, EXIT_PEOPLE_FAILED, UsageError
from idferry.flows.check_hashes import check_hashes
from idferry.flows.forecast_hashes import forecast_hashes
from idferry.flows.prove_hash import prove_hash
from idferry.hashes import SCHEMES
from idferry.ports.hash_cases import HashCase
from idferry.settings import read_settings
from idferry.wiring import clock_of, hash_rows_of, processors

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
    file: RowsArgument,
    deadline_ms: Annotated[
        int,
        typer.Option(
            "--deadline-ms", help="How long the caller waits, in milliseconds.", metavar="MS", min=100
        ),
    ] = DEADLINE_MS,
    as_json: JsonOption = False,
) -> int:
    """Measure one verification of each kind of hash, and say how many sign-ins this machine can take.

    Needs no passwords. Exit code 1: somebody's verification would end after the deadline.

    Example: idferry hash forecast rows.jsonl --deadline-ms 1600
    """
    clock = clock_of(read_settings(None))
    threads = processors()
    with stop_on_signals() as stop:
        found = forecast_hashes(
            cases=hash_rows_of(file).cases(),
            clock=clock,
            threads=threads,
            deadline_s=deadline_ms / 1000,
            stop=stop,
        )
    if as_json:
        print_json(forecast_document(found, threads=threads, deadline_ms=deadline_ms))
    else:
        print_forecast(screen(), found, threads=threads, deadline_ms=deadline_ms)
    fits = found.forecast is not None and found.forecast.fits
    return EXIT_DONE if fits else EXIT_PEOPLE_FAILED


def _row(file: Path, line: int) -> HashCase:
    for case in hash_rows_of(file).cases():
        if case.line == line:
            return case
    raise UsageError(f"{file} has no row on line {line}", remedy="Name another with --line.")
