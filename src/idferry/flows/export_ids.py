"""Export old and new ids, for applications that stored the old one. Everything comes from the ledger."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from idferry.errors import Stopped
from idferry.ports import LedgerReport, Stop, never
from idferry.rules.entry import Entry, Selection
from idferry.rules.lifecycle import WITH_ACCOUNT


@dataclass(frozen=True, slots=True)
class Ids:
    """What one person was called in the source, and what the account is called.

    `federated` are `<issuer>|<id at the issuer>`, for people whom another identity provider vouches for.
    """

    key: str
    source: str
    object_id: str
    legacy_id: str
    state: str
    sign_in_names: tuple[str, ...]
    federated: tuple[str, ...]


def export_ids(*, ledger: LedgerReport, selection: Selection, stop: Stop = never) -> Iterator[Ids]:
    """The ids of the selected people who have an account, streamed in the order in which they were planned.

    Raises:
        LedgerError, Stopped.
    """
    for entry in ledger.entries(replace(selection, states=WITH_ACCOUNT)):
        if stop():
            raise Stopped("stopped; no file was written", remedy="Run it again.")
        yield _ids(entry)


def count_without_account(*, ledger: LedgerReport, selection: Selection) -> int:
    """How many of the selected people have no account, and are in no export."""
    return sum(
        count
        for state, count in ledger.states(replace(selection, states=())).items()
        if not state.has_account
    )


def _ids(entry: Entry) -> Ids:
    identities = entry.draft.identities if entry.draft else ()
    return Ids(
        key=entry.key,
        source=entry.source,
        object_id=entry.object_id,
        legacy_id=entry.legacy_id,
        state=entry.state.value,
        sign_in_names=tuple(one.issuer_assigned_id for one in identities if one.is_local),
        federated=tuple(f"{one.issuer}|{one.issuer_assigned_id}" for one in identities if not one.is_local),
    )
