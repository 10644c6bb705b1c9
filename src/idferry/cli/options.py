"""Options that several commands share, so that they are spelled and explained the same everywhere."""

from pathlib import Path
from typing import Annotated

import typer

SettingsOption = Annotated[
    Path | None,
    typer.Option(
        "--settings", help="The settings file; else IDFERRY_SETTINGS, else ./idferry.toml.", metavar="FILE"
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
ExecuteOption = Annotated[
    bool, typer.Option("--execute", help="Act. Without it the command only says what it would do.")
]
SourceArgument = Annotated[
    str,
    typer.Argument(
        help="A name from [sources] in the settings, or the path of an export file.", metavar="SOURCE"
    ),
]
NameOption = Annotated[
    str,
    typer.Option(
        "--name", help="The source's name, part of every legacyId; default: the file's stem.", metavar="NAME"
    ),
]
CorrectionsOption = Annotated[
    Path | None,
    typer.Option(
        "--corrections",
        help="Mended records, as `idferry status --export-failures` wrote them: what they say counts, by key.",
        metavar="FILE",
    ),
]
RunOption = Annotated[str, typer.Option("--run", help="Only people of this run.", metavar="RUN")]
CohortOption = Annotated[str, typer.Option("--cohort", help="Only people of this cohort.", metavar="NAME")]
