"""What other commands do for the hash store: premigrate fills it, and whoever settles people deletes their hashes."""

from datetime import datetime

from idferry.cli.output import messages, say
from idferry.flows.forget_hashes import forget_settled_hashes
from idferry.flows.load_hashes import load_hashes
from idferry.ports import LedgerReport, LegacySource, Stop
from idferry.rules.happenings import Happening
from idferry.settings import Settings
from idferry.wiring import (
    exported_at_of,
    hash_bounds_of,
    hash_descriptor_of,
    hash_store_if_any,
    hash_store_of,
)


def load_hashes_of(read: Settings, source: LegacySource, *, stop: Stop) -> None:
    """Take the source's hashes, where the settings have a place for them: before anybody can sign in.

    Raises:
        SourceError, SettingsError, HashStoreUnavailable, Stopped.
    """
    if not read.hashes.key:
        return
    exported_at = exported_at_of(read, source)
    with hash_store_of(read) as store:
        report = load_hashes(
            source=source,
            descriptor=hash_descriptor_of(read, source.name),
            exported_at=exported_at,
            store=store,
            bounds=hash_bounds_of(read),
            tell=_unheard,
            stop=stop,
        )
    if report.taken or report.refused_count:
        refused = f", {report.refused_count:,} cannot be checked: see `idferry hash load`"
        say(messages(), f"{report.taken:,} password hashes taken{refused if report.refused_count else ''}")
        say_when_unknown(exported_at)


def say_when_unknown(exported_at: datetime | None) -> None:
    """What it means that nobody knows when hashes were exported."""
    if exported_at is None:
        say(
            messages(),
            "Nobody says when these hashes were exported: new ones are taken for stale, and are not asked. "
            "Write exported_at into the source's settings.",
        )


def forget_hashes_of_settled(read: Settings, ledger: LedgerReport) -> None:
    """Delete the hashes of everybody who has a password in the directory, or gets no account.

    Raises:
        SettingsError, HashStoreUnavailable: the hashes cannot be deleted, which somebody must know.
    """
    with hash_store_if_any(read) as store:
        forgotten = forget_settled_hashes(store=store, report=ledger) if store else 0
    if forgotten:
        say(messages(), f"{forgotten:,} password hashes deleted: their people are settled")


def _unheard(_happening: Happening) -> None:
    """Reading a source once more draws no progress of its own."""
