"""From a parsed TOML table to a frozen value. A message names the key and never quotes the value: it may be a secret."""

import difflib
import re
from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any, TypeVar, get_args, get_type_hints

import msgspec

from idferry.errors import SettingsError

_TYPES = re.compile(r"Expected `[^`]+`, got `[^`]+`")

Table = TypeVar("Table")


def table(cls: type[Table], raw: object, *, where: str) -> Table:
    """The table as its dataclass. Raises SettingsError: an unknown or missing key, or a value of a wrong type."""
    table = expect_table(raw, where=where)
    declared = fields(cls)  # type: ignore[arg-type]
    refuse_unknown(table, [one.name for one in declared], where=where)
    for one in declared:
        required = one.default is MISSING and one.default_factory is MISSING
        if required and not table.get(one.name):
            raise SettingsError(f"{where}.{one.name} is missing")
    try:
        return msgspec.convert(table, cls, strict=True)
    except msgspec.ValidationError as error:
        # Not from the error, which may quote the value: it could be a secret in the wrong line.
        raise SettingsError(f"wrong value in the settings: {_explained(str(error), cls, where)}") from None


def _explained(said: str, cls: type, where: str) -> str:
    """msgspec's words without any value: "Expected `int`, got `str` - at `$.connections`", or what may be chosen."""
    what, _, path = said.partition(" - at `$.")
    name = path.rstrip("`")
    choices = ", ".join(map(repr, get_args(get_type_hints(cls).get(name))))
    if not _TYPES.fullmatch(what):
        what = f"Expected one of {choices}" if choices else "Expected another value"
    return f"{what} - at `{where}.{name}`"


def expect_table(raw: object, *, where: str) -> dict[str, Any]:
    """A table, or a SettingsError that says how one is written."""
    if not isinstance(raw, dict):
        raise SettingsError(f"{where} is a table: write [{where}]")
    return raw


def expect_list(raw: object) -> list[object]:
    """A list of tables, or a SettingsError that says how one is written."""
    if not isinstance(raw, list):
        raise SettingsError("application is a list of tables: write [[application]]")
    return raw


def refuse_unknown(table: Mapping[str, Any], known: "list[str] | tuple[str, ...]", *, where: str) -> None:
    """Raises SettingsError for a key that is not known, naming the nearest one that is."""
    for name in table:
        if name not in known:
            nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            place = f"in [{where}]" if where else "at the top of the settings"
            hint = f"Did you mean {nearest[0]}?" if nearest else f"Known there: {', '.join(known)}."
            raise SettingsError(f"unknown setting {name!r} {place}", remedy=hint)


def refuse_nul(value: object, *, where: str) -> None:
    """A NUL character is in no path, no address and no name: what opens them would end with a bug."""
    if isinstance(value, str) and "\0" in value:
        raise SettingsError(f"{where!r} holds a NUL character", remedy="Write it without \\u0000.")
    for one in value if isinstance(value, list) else ():
        refuse_nul(one, where=where)
    for name, one in value.items() if isinstance(value, Mapping) else ():
        refuse_nul([name, one], where=f"{where}.{name}".lstrip("."))
