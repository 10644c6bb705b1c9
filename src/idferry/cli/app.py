"""The command line: registers every command, and turns whatever ends one into a sentence and an exit code."""

import inspect
import os
import sys
import traceback
from typing import Annotated

import typer
from typer.exceptions import TyperException

from idferry import __version__
from idferry.cli import (
    demo,
    emulator,
    find,
    hashes,
    ids,
    init,
    ledger,
    premigrate,
    rehearse,
    remove,
    serve,
    status,
    survey,
    sweep,
    verifier,
    verify,
)
from idferry.cli.output import command_line, escape_what_streams_cannot_hold, messages, print_error, say
from idferry.errors import (
    EXIT_DONE,
    EXIT_MEANINGS,
    EXIT_STOPPED,
    EXIT_USAGE,
    IdferryError,
    SourceChanged,
    Stopped,
    UsageError,
)
from idferry.wiring.system import collect_garbage_rarely

DEBUG_VARIABLE = "IDFERRY_DEBUG"
INTERRUPTED = 130  # what typer makes of KeyboardInterrupt, also where it is asked to raise everything
COMMANDS = (
    (init.init, "Write a commented settings file to fill in."),
    (survey.survey, "Read an export and say what would be created, and what not."),
    (rehearse.rehearse, "Run the whole migration on an emulated tenant, and say what it takes."),
    (premigrate.premigrate, "Create one account per person."),
    (status.status, "Where everybody stands, what failed, and what to do."),
    (verify.verify, "Read the directory back and compare it with the ledger."),
    (sweep.sweep, "Take flags down where somebody has chosen another password."),
    (find.find, "Accounts in the directory, with the ledger's entry."),
    (find.person, "One person's story: entry, events, account, flag."),
    (remove.remove, "Delete what this tool created and nobody uses yet."),
    (remove.restore, "Take removed accounts out of the recycle bin."),
    (remove.purge, "Delete removed accounts for good."),
    (serve.serve, "Answer the tenant while people sign in."),
    (emulator.emulator, "Run emulated tenants on this machine."),
    (demo.demo, "See the main job done with a fictional company."),
)
"""Every command, in the order of the story, with its line in `idferry --help`."""
GROUPS = (
    (
        "ledger",
        "Mend the ledger itself.",
        ((ledger.rebuild, "Make a lost ledger anew from an export and the directory."),),
    ),
    (
        "verifier",
        "Who says whether a legacy password is right.",
        ((verifier.check, "Ask one verifier about one password, to try the settings."),),
    ),
    (
        "hash",
        "Password hashes of legacy systems.",
        (
            (hashes.list_, "Which schemes are supported."),
            (hashes.check, "Try rows of hashes with passwords that you know."),
            (hashes.prove, "Find out how one hash was made."),
            (hashes.forecast, "How many sign-ins this machine can take."),
            (hashes.load, "Take a source's hashes into the encrypted store."),
            (hashes.destroy, "Delete the store with everything in it."),
        ),
    ),
    (
        "ids",
        "Old and new ids of people.",
        ((ids.export, "Write which account belongs to which old id."),),
    ),
)
"""Commands of two words: the first one, its line, and what may follow it."""


def _examples() -> str:
    """The example of every command's own help, so that the overview shows them all."""
    every = [*COMMANDS, *(one for _, _, commands in GROUPS for one in commands)]
    lines = [line.strip() for command, _ in every for line in (inspect.getdoc(command) or "").splitlines()]
    examples = [line.removeprefix("Example: ") for line in lines if line.startswith("Example: ")]
    return "\n".join(["\b", "Examples:", *(f"  {example}" for example in examples)])


app = typer.Typer(
    name="idferry",
    add_completion=False,  # it would write into the shell's own files
    pretty_exceptions_enable=False,  # they would print local variables, and passwords with them
    rich_markup_mode=None,  # boxes leave half of a narrow terminal for the text
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=f"{_examples()}\n\n\b\nExit codes:\n"
    + "\n".join(f"  {code}  {meaning}" for code, meaning in EXIT_MEANINGS.items()),
)


def _print_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"idferry {__version__}\n")
        raise typer.Exit


@app.callback()
def _idferry(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_print_version),
    ] = False,
) -> None:
    """Move people's accounts into Azure AD B2C or Microsoft Entra External ID.

    Nobody lost, nobody created twice. Nothing changes a directory without --execute.
    """


for command, line in COMMANDS:
    app.command(short_help=line)(command)
for word, line, members in GROUPS:
    group = typer.Typer(help=line, rich_markup_mode=None)
    group.callback()(lambda: None)  # without one a group of one command would be that command
    for member, member_line in members:
        # `list` is a word of Python's own, so its function has a line behind it.
        group.command(member.__name__.removesuffix("_"), short_help=member_line)(member)
    app.add_typer(group, name=word, help=line, short_help=line)


def main() -> None:
    """Run the command line and leave with its exit code. Nothing that happens prints a traceback."""
    escape_what_streams_cannot_hold()
    collect_garbage_rarely()
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command; the exit code is returned, also for wrong usage."""
    as_json = "--json" in arguments
    try:
        # `obj` reaches every command as its context's: `demo` types commands, and must not import this module.
        result = app(arguments or ["--help"], prog_name="idferry", standalone_mode=False, obj=run)
    except IdferryError as error:
        print_error(error, as_json=as_json, next_command=_next_command(arguments, error))
        return error.exit_code
    except TyperException as error:
        print_error(_wrong_usage(error), as_json=as_json)
        return EXIT_USAGE
    except (KeyboardInterrupt, typer.Abort):
        result = INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone: nothing is left to say, and the interpreter must not try again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_STOPPED
    except Exception as error:  # noqa: BLE001  the outermost place: people get a sentence, developers the traceback
        return _bug(error, arguments=arguments, as_json=as_json)
    if result == INTERRUPTED:
        stopped = Stopped("stopped at once; what was answered is in the ledger")
        print_error(stopped, as_json=as_json, next_command=_next_command(arguments, stopped))
        return EXIT_STOPPED
    if not arguments:
        return EXIT_USAGE
    return result if isinstance(result, int) else EXIT_DONE


def _next_command(arguments: list[str], error: IdferryError) -> str:
    """What continues a command that acts, as it was typed; nothing where there is something to decide first."""
    to_decide = isinstance(error, SourceChanged) and error.changes is not None
    continues = "--execute" in arguments and error.exit_code == EXIT_STOPPED and not to_decide
    return command_line(["idferry", *arguments]) if continues else ""


def _wrong_usage(error: TyperException) -> UsageError:
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "idferry"
    message = error.format_message().rstrip(".")
    return UsageError(message[:1].lower() + message[1:], remedy=f"See {command} --help.")


def _bug(error: Exception, *, arguments: list[str], as_json: bool) -> int:
    """An error nobody foresaw. Its message may quote data, so only its kind and place are shown."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{os.path.basename(last.filename)}:{last.lineno}"  # noqa: PTH119  a name to show, not a path to use
    # Only what acts has something to continue; a rehearsal and a plan begin anew.
    acts = "--execute" in arguments
    after = "Nothing is lost: the same command continues" if acts else "Nothing was changed in any directory"
    message = f"idferry has a bug: {type(error).__name__} at {place}. {after}"
    remedy = f"Set {DEBUG_VARIABLE}=1 to see where it came from, and report it."
    bug = IdferryError(message, remedy=remedy)
    print_error(bug, as_json=as_json, next_command=_next_command(arguments, bug))
    if os.environ.get(DEBUG_VARIABLE):
        for line in "".join(traceback.format_tb(error.__traceback__)).splitlines():
            say(messages(), line)
    return EXIT_STOPPED
