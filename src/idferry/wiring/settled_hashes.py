"""The hashes of people who are settled while the service runs: out of the store of the settings, if there is one."""

from collections.abc import Sequence

from idferry.flows.forget_hashes import SETTLED, forget_hashes
from idferry.ports import Clock
from idferry.service.doors import Books
from idferry.settings import Settings
from idferry.stores.settled_hashes import SettledHashes
from idferry.wiring.hash_store import hash_store_if_any
from idferry.wiring.ledgers import ledger_to_read


def settled_hashes_of(settings: Settings, clock: Clock, *, books: Books) -> SettledHashes:
    """What hears of everybody's steps. Store and ledger are opened for each deletion: either may be made anew meanwhile."""

    def delete(person_ids: Sequence[int]) -> None:
        with hash_store_if_any(settings) as store:
            if store is None:
                return
            with ledger_to_read(settings, clock) as ledger:
                entries = ledger.report.entries_of_people(person_ids)
            # The ledger decides: whoever awaits a password again since keeps the hash.
            settled = [one for one in entries.values() if one.state in SETTLED]
            forgotten = forget_hashes(store=store, people=settled)
        if forgotten:
            books.log.info("hashes_deleted", hashes=forgotten)

    def kept(how_many: int, cause: str) -> None:
        books.metrics.alert("hashes_kept", how_many)
        books.log.warning("hashes_kept", people=how_many, cause=cause)

    return SettledHashes(delete, kept=kept)
