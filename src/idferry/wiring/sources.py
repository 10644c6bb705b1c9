"""From SOURCE on the command line to a connector: a name from `[sources]`, or the path of an export."""

import difflib
from pathlib import Path

from idferry.connectors.csv_table import CsvSource
from idferry.connectors.json_lines import JsonLinesSource
from idferry.connectors.recognition import recognise
from idferry.connectors.users_data import UsersDataSource
from idferry.errors import SourceError, UsageError
from idferry.ports import LegacySource
from idferry.settings import Settings, Source


def source_of(settings: Settings, source: str, *, name: str = "") -> LegacySource:
    """The legacy source that `source` means; `name` replaces the file's stem for a path.

    Raises:
        SourceError: no such source and no such file, or a file of no known format.
        UsageError: the name cannot be part of a legacyId.
    """
    declared = settings.sources.get(source)
    if declared is None and not Path(source).is_file():
        known = ", ".join(settings.sources) or "none"
        nearest = difflib.get_close_matches(source, settings.sources, n=1)
        hint = f" Did you mean {nearest[0]}?" if nearest else ""
        raise SourceError(
            f"{source} is neither a source of the settings (known: {known}) nor a file",
            remedy=f"Check the path.{hint}",
        )
    chosen = declared or Source(path=str(Path(source).absolute()))
    path = settings.folder / chosen.path
    final_name = name or (source if declared else path.stem.lower())
    if not final_name or ":" in final_name:
        raise UsageError(
            f"{final_name!r} cannot name a source: a name holds no colon", remedy="Give one with --name."
        )
    return _connector(chosen, path, final_name)


def _connector(chosen: Source, path: Path, name: str) -> LegacySource:
    match chosen.kind or recognise(path):
        case "json_lines":
            return JsonLinesSource(path=path, name=name)
        case "users_data":
            return UsersDataSource(path=path, name=name)
        case "csv":
            return CsvSource(path=path, name=name, columns=chosen.columns, delimiter=chosen.delimiter or None)
