"""`errors.md` and `exit-codes.md`: the tree of operating errors, and what a command's end means, from errors.py."""

from tests.docs.markdown import code, page, table

from idferry import errors
from idferry.errors import EXIT_MEANINGS, IdferryError, every_error

ENDS = {
    errors.EXIT_DONE: "The command did what it says, for everybody.",
    errors.EXIT_PEOPLE_FAILED: (
        "`premigrate`, `rehearse`: somebody failed in this run, or no record could be read. `verify`: something "
        "differs. `find`, `person`: nobody was found. "
        "`remove`: an account was kept or could not be deleted. `restore`, `purge`: an account could not be dealt with."
    ),
    errors.EXIT_USAGE: (
        "Correct the command line, the settings, the export or the tenant first. Nothing was done; only `remove`, "
        "`restore` and `purge`, whose secret expired in the middle, have dealt with some accounts, as the ledger says."
    ),
    errors.EXIT_STOPPED: (
        "What was answered is in the ledger. The same command continues. So ends also what would have been wrong "
        "settings before the first account, such as a secret that expires in the middle of a run."
    ),
}
"""When a command ends with each exit code."""
ERRORS = """
Every operating error has a code, a sentence on this one case, and a remedy. The command line prints both:

```
error (ledger_busy): another run holds the ledger ...
what to do: Wait until the other run has ended, or stop it with Ctrl-C.
```

With `--json` the same stands on standard output as `{"error": {"code", "message", "remedy"}}`. A remedy in a message
may be more precise than the one on this page. Codes are added and never renamed.
"""


PEOPLE = """
## When a person failed

The run went on without these people. The ledger keeps the code of each, `idferry status` groups people by it, and
`idferry person` shows the reason. Nobody who failed is tried again unless `--retry-failed` asks for it. Any other code
is dealt with alike: mend what the reason says, then `--retry-failed`.
"""


def exit_codes() -> dict[str, int]:
    """Every exit code by the name of its constant."""
    return {
        name: value
        for name, value in vars(errors).items()
        if name.startswith("EXIT_") and isinstance(value, int)
    }


def errors_page() -> str:
    """`errors.md`."""
    rows = [
        (
            code(cls.code),
            f"{_indent(cls)}{cls.__name__}",
            _meaning(cls),
            cls.default_remedy,
            str(cls.exit_code),
        )
        for cls in every_error()
    ]
    columns = ["code", "class", "what happened", "what to do", "exit code"]
    note = (
        "A dot before a class stands for one level of the tree: who catches the class above catches it too."
    )
    failed = [(code(cls.code), cls.remedy_for_people) for cls in every_error() if _fails_people(cls)]
    people = table(["code", "what helps these people"], failed)
    return page("Errors", ERRORS, table(columns, rows), note, PEOPLE, people)


def exit_codes_page() -> str:
    """`exit-codes.md`."""
    rows = []
    for value, meaning in EXIT_MEANINGS.items():
        ended = ", ".join(code(cls.code) for cls in every_error() if cls.exit_code == value)
        rows.append((code(value), meaning.partition(";")[0], ENDS[value], ended))
    return page(
        "Exit codes",
        "The same four for every command, so that a script can tell what to do next.",
        table(["exit code", "name", "when", "errors that end with it"], rows),
        "An error that nobody foresaw also ends with 3: intent and observation are in the ledger, and the same command continues.",
    )


def _fails_people(cls: type[IdferryError]) -> bool:
    return cls is not IdferryError and "remedy_for_people" in vars(cls)


def _indent(cls: type[IdferryError]) -> str:
    depth = len([one for one in cls.__mro__ if issubclass(one, IdferryError)]) - 1
    return "· " * depth


def _meaning(cls: type[IdferryError]) -> str:
    return " ".join((cls.__doc__ or "").split())
