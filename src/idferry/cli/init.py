"""`idferry init`: a commented settings file to fill in."""

from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from idferry.cli.output import messages, say, write_file
from idferry.errors import UsageError
from idferry.rules.account import TenantKind
from idferry.settings import SETTINGS_FILE


def init(
    tenant_kind: Annotated[TenantKind, typer.Option(help="The directory people move to.")] = TenantKind.B2C,
    output: Annotated[Path, typer.Option(help="Where to write it.", metavar="FILE")] = Path(SETTINGS_FILE),
) -> None:
    """Write a commented idferry.toml to fill in. Never overwrites a file.

    Example: idferry init --tenant-kind external
    """
    template = files("idferry.cli").joinpath("settings_template.toml").read_text(encoding="utf-8")
    if output.exists():
        raise UsageError(f"{output} exists already", remedy="Edit it, or name another file with --output.")
    write_file(output, template.replace("@KIND@", tenant_kind))
    say(messages(), f"Wrote {output}. Fill in [tenant] and [[application]], then try:")
    say(messages(), "idferry survey YOUR_EXPORT", indent=2)
