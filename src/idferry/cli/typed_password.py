"""One password that somebody types, for commands that try one: never an argument, which the shell and others keep."""

import sys

import typer

from idferry.errors import UsageError
from idferry.rules.password import Password

PASSWORD_CHARACTERS_MAX = 1_024


def typed_password() -> Password:
    """From the terminal without an echo, else one line of standard input.

    Raises:
        UsageError: nothing was typed.
    """
    if sys.stdin.isatty():
        typed = str(typer.prompt("Password", hide_input=True, default="", show_default=False, err=True))
    else:
        typed = sys.stdin.readline(PASSWORD_CHARACTERS_MAX + 2).removesuffix("\n").removesuffix("\r")
    if not typed:
        raise UsageError("there is no password to check", remedy="Type one; an empty one is never sent.")
    return Password(typed)
