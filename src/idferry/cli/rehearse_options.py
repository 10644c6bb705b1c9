"""The options of `idferry rehearse`, named, so that the command's own text stays readable."""

from typing import Annotated

import typer

from idferry.rules.first_day import VERIFY_MS
from idferry.rules.plan import PasswordMode

APPLICATIONS_MAX = 20
HASHES = ", ".join(VERIFY_MS)

AppsOption = Annotated[
    int | None,
    typer.Option(
        help="Applications that send; default: as many as the settings have for the import.",
        min=1,
        max=APPLICATIONS_MAX,
        metavar="N",
    ),
]
LatencyOption = Annotated[float, typer.Option(help="How long each answer takes. Nobody documents it.", min=0)]
FaultRateOption = Annotated[
    float, typer.Option(help="Share of calls that go wrong, 0 to 0.5.", min=0, max=0.5)
]
PasswordOption = Annotated[PasswordMode, typer.Option(help="As in premigrate: known, random or auto.")]
LimitOption = Annotated[int | None, typer.Option(min=1, help="Only the first N people.", metavar="N")]
ExistingOption = Annotated[
    int, typer.Option(help="Objects that the real tenant holds already; nobody asks it.", min=0)
]
FirstDayOption = Annotated[
    int | None,
    typer.Option(
        help="Reckon also whether so many people an hour can sign in for the first time.",
        min=1,
        metavar="PEOPLE/HOUR",
    ),
]
ModeBOption = Annotated[
    bool, typer.Option("--mode-b", help="First day, B2C: our service writes the passwords, through Graph.")
]
TrialOption = Annotated[bool, typer.Option("--trial", help="First day, External ID: the tenant is a trial.")]
HashOption = Annotated[
    str, typer.Option("--hash", help=f"First day: how passwords are checked: {HASHES}.", metavar="NAME")
]
VerifyOption = Annotated[
    float, typer.Option(help="First day: milliseconds of one core for a check, instead of --hash.", min=0)
]
CoresOption = Annotated[
    int, typer.Option(help="First day: cores that check passwords; 0: as many as this machine has.", min=0)
]
