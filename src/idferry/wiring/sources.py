"""From SOURCE on the command line to a connector: a name from `[sources]`, or the path of an export.

And what goes with a source: mended records that lie over it, lists of keys, and copies without secrets.
"""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import assert_never

from idferry.connectors import csv_copy, json_lines_copy, users_data_copy
from idferry.connectors.corrected import (
    CorrectedSource,
    check_everybody_is_there,
    collect_corrections,
    keys_in,
    original_digest,
)
from idferry.connectors.csv_table import CsvSource
from idferry.connectors.json_lines import JsonLinesSource
from idferry.connectors.recognition import Kind, candidates, recognise
from idferry.connectors.users_data import UsersDataSource
from idferry.errors import SourceChanged, SourceError, UsageError
from idferry.ports import LegacySource, RecordCopier, Take
from idferry.rules.correction import Corrected, Correction
from idferry.rules.entry import Run
from idferry.rules.key_list import SUFFIX, KeyList
from idferry.rules.legacy_user import BadRecord
from idferry.rules.withholding import Withholds, withholding
from idferry.settings import Settings, Source

Connector = JsonLinesSource | UsersDataSource | CsvSource


def source_of(settings: Settings, source: str, *, name: str = "") -> LegacySource:
    """The legacy source that `source` means; `name` replaces the file's stem for a path.

    Raises:
        SourceError: no such source and no such file, or a file of no known format.
        UsageError: the name cannot be part of a legacyId.
    """
    return _original(settings, source, name)


def corrected_source_of(
    settings: Settings, source: str, *, name: str = "", corrections: Path | None
) -> tuple[LegacySource, Corrected]:
    """The same with the mended records of the file `corrections` laid over it, and whom these mend.

    Both files are read once, to know that they fit.

    Raises:
        SourceError: the corrections cannot be read or find no record; and as above.
        UsageError: as above.
    """
    original = _original(settings, source, name)
    if corrections is None:
        return original, Corrected()
    found = collect_corrections(_corrections(original, corrections.absolute()), corrections)
    renamed = check_everybody_is_there(original, found, corrections)
    mended = CorrectedSource(original=original, corrections=found, corrections_path=corrections.absolute())
    return mended, Corrected(frozenset(found), renamed)


def exported_source_of(
    settings: Settings, source: str, *, name: str = "", run: Run | None = None
) -> tuple[LegacySource, RecordCopier]:
    """The source whose people failed, and what copies records of it: `source` as it is named, else that of `run`.

    Raises:
        SourceError: it is not where it was.
        SourceChanged: it is not what `run` read. A source that is named is taken as it is.
        UsageError: nobody knows where it was.
    """
    original = _original(settings, source, name) if run is None else _original_of_run(settings, run)
    return original, _Copier(original, withholding(settings.shape.attributes))


def listed_keys(arguments: list[str]) -> tuple[KeyList | None, list[str]]:
    """`--only` taken apart: the keys of all files of keys together (None: no file is named), and the expressions.

    Raises:
        SourceError: such a file cannot be read, or they list nobody.
    """
    files = [one for one in arguments if one.endswith(SUFFIX) and (Path(one).exists() or "=" not in one)]
    keys = frozenset[str]().union(*(keys_in(Path(one)) for one in files))
    if files and not keys:
        raise SourceError(
            f"{', '.join(files)} lists no keys", remedy="Write one key to a line, or leave --only out."
        )
    return (KeyList(keys) if files else None), [one for one in arguments if one not in files]


def _original(settings: Settings, source: str, name: str) -> Connector:
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


def _original_of_run(settings: Settings, run: Run) -> Connector:
    by_hand = "Name the export with --source; its records are then found by their keys."
    if not run.place:
        raise UsageError(
            f"an older release wrote run {run.run}, and it did not note where the source {run.source} was",
            remedy=by_hand,
        )
    place = Path(run.place)
    if not place.is_file():
        raise SourceError(
            f"the source {run.source} was read from {place}, and there is no such file any more",
            remedy=f"Put it back. {by_hand}",
        )
    declared = settings.sources.get(run.source)
    fits = declared is not None and (settings.folder / declared.path).absolute() == place
    original = _connector(declared if declared and fits else Source(path=run.place), place, run.source)
    if original.digest() != original_digest(run.source_digest):
        raise SourceChanged(
            f"{place} is not the file that run {run.run} read",
            remedy=f"Put that file back. {by_hand}",
        )
    return original


def _connector(chosen: Source, path: Path, name: str) -> Connector:
    kind = chosen.kind or recognise(path)
    return _connector_of_kind(
        kind, CsvSource(path=path, name=name, columns=chosen.columns, delimiter=chosen.delimiter or None)
    )


def _connector_of_kind(kind: Kind, table: CsvSource) -> Connector:
    match kind:
        case "json_lines":
            return JsonLinesSource(path=table.path, name=table.name)
        case "users_data":
            return UsersDataSource(path=table.path, name=table.name)
        case "csv":
            return table


def _corrections(original: Connector, path: Path) -> Iterator[Correction | BadRecord]:
    """The corrections in a file of any format; of several that fit, the original's own."""
    fitting = candidates(path)
    own = _kind_of(original)
    kind = own if own in fitting else recognise(path)
    table = original if isinstance(original, CsvSource) else CsvSource(path=path, name=original.name)
    match _connector_of_kind(kind, replace(table, path=path, written_by_us=True)):
        case JsonLinesSource() as file:
            return json_lines_copy.corrections(file)
        case UsersDataSource() as file:
            return users_data_copy.corrections(file)
        case CsvSource() as file:
            names = csv_copy.name_columns(original) if isinstance(original, CsvSource) else ()
            return csv_copy.corrections(file, names=names)
        case other:
            assert_never(other)


def _kind_of(source: Connector) -> Kind:
    match source:
        case JsonLinesSource():
            return "json_lines"
        case UsersDataSource():
            return "users_data"
        case CsvSource():
            return "csv"
        case other:
            assert_never(other)


@dataclass(frozen=True, slots=True)
class _Copier:
    """Satisfies `ports.RecordCopier` for every format."""

    source: Connector
    withholds: Withholds

    def copy(self, take: Take) -> Iterator[bytes]:
        match self.source:
            case JsonLinesSource() as source:
                return json_lines_copy.plain_copy(source, take, self.withholds)
            case UsersDataSource() as source:
                return users_data_copy.plain_copy(source, take, self.withholds)
            case CsvSource() as source:
                return csv_copy.plain_copy(source, take, self.withholds)
            case other:
                assert_never(other)
