"""The options of `premigrate` alone: who is taken, with which password, and what is taken up again."""

from typing import Annotated

import typer

from idferry.rules.plan import PasswordMode

PasswordOption = Annotated[
    PasswordMode,
    typer.Option(
        help="known: the source's passwords; random: fresh ones and the migration flag; "
        "auto: known where the source has one that the directory takes, random elsewhere."
    ),
]
OnlyOption = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        help="A pilot: NAME=PATTERN or NAME!=PATTERN, with * and ?; all must hold. "
        "Or a file that ends in .keys: the people whose keys it lists, also those who failed.",
        metavar="EXPR|FILE",
    ),
]
LimitOption = Annotated[
    int | None, typer.Option(min=1, help="A pilot: only the first N people.", metavar="N")
]
CohortLabelOption = Annotated[
    str, typer.Option(help="A label for these people, for reports and removal.", metavar="NAME")
]
AgainOption = Annotated[bool, typer.Option("--again", help="Also take up people whose account was removed.")]
RetryFailedOption = Annotated[
    bool, typer.Option("--retry-failed", help="Take up people who failed, and nobody else.")
]
AcceptChangesOption = Annotated[
    bool,
    typer.Option(
        "--accept-changes",
        help="Go on with a source that has changed since an interrupted run: that run is closed, everybody planned anew.",
    ),
]
