"""The command line: registers every command, and turns whatever ends one into a sentence and an exit code.

Exit codes: 0 done · 1 finished, but some people failed or differ · 2 wrong usage or settings · 3 stopped before the
end; the same command continues.
"""

import os
import sys
import traceback
from typing import Annotated

import typer

from idferry import __version__
from idferry.cli import demo, emulator, find, init, premigrate, remove, status, survey, verify
from idferry.cli.output import messages, print_error
from idferry.errors import EXIT_STOPPED, IdferryError, Stopped, UsageError

DEBUG_VARIABLE = "IDFERRY_DEBUG"
INTERRUPTED = 130
"""What typer returns after a Ctrl-C that no command has caught."""

app = typer.Typer(
    name="idferry",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # they would print local variables, and passwords with them
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 1 finished but some people failed or differ, 2 wrong usage or settings, "
    "3 stopped before the end (the same command continues).",
)


@app.callback(invoke_without_command=True)  # so that --version needs no command
def _idferry(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)
    ] = False,
) -> None:
    """Move people's accounts into Azure AD B2C or Microsoft Entra External ID.

    Nobody lost, nobody created twice. Nothing changes a directory without --execute.
    """
    if version:
        sys.stdout.write(f"idferry {__version__}\n")
        raise typer.Exit


for command in (
    init.init,
    survey.survey,
    premigrate.premigrate,
    status.status,
    verify.verify,
    find.find,
    find.person,
    remove.remove,
    remove.restore,
    remove.purge,
    emulator.emulator,
    demo.demo,
):
    app.command()(command)


def main() -> None:
    """Run the command line and leave with its exit code. Nothing that happens prints a traceback."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command; the exit code is returned, also for wrong usage."""
    as_json = "--json" in arguments
    try:
        result = app(arguments or ["--help"], prog_name="idferry", standalone_mode=False)
    except IdferryError as error:
        return _ended(error, as_json=as_json)
    except typer.TyperException as error:
        return _ended(UsageError(error.format_message()), as_json=as_json)
    except (KeyboardInterrupt, typer.Abort):
        result = INTERRUPTED
    except (BrokenPipeError, SystemExit):
        # Whoever read our output has gone (typer then raises SystemExit): nothing is left to say, and the
        # interpreter must not try again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_STOPPED
    except Exception as error:  # noqa: BLE001  the outermost place: people get a sentence, developers the traceback
        return _bug(error)
    if result == INTERRUPTED:
        return _ended(Stopped("stopped at once; what was answered is in the ledger"), as_json=as_json)
    return result if isinstance(result, int) else 0


def _ended(error: IdferryError, *, as_json: bool) -> int:
    print_error(error, as_json=as_json)
    return error.exit_code


def _bug(error: Exception) -> int:
    """An error nobody foresaw. Its message may quote data, so only its kind and place are shown."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{os.path.basename(last.filename)}:{last.lineno}"  # noqa: PTH119  a name to show, not a path to use
    messages().print(
        f"[bold red]bug[/]: {type(error).__name__} at {place}. Nothing is lost: the same command continues.\n"
        f"Set {DEBUG_VARIABLE}=1 to see where it came from, and report it.",
        soft_wrap=True,
    )
    if os.environ.get(DEBUG_VARIABLE):
        messages().print("".join(traceback.format_tb(error.__traceback__)), markup=False)
    return EXIT_STOPPED
