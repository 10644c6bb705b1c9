"""What `restore` and `purge` share: which removed accounts are still ours, and counting what became of them."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from idferry.errors import Unreachable
from idferry.rules.account import Account
from idferry.rules.entry import Entry
from idferry.rules.removal import is_still_ours

CHUNK_ACCOUNTS = 20


@dataclass(slots=True)
class RecycleReport:
    """What purging or restoring did, or would do (`found`): accounts in the recycle bin that this tool removed.

    For restoring, `found` and `done` include those that are in the directory again already. `absent` are nowhere to
    be found, `foreign` carry another legacyId now, `failed` counts by code of the error class.
    """

    found: int = 0
    done: int = 0
    absent: int = 0
    foreign: int = 0
    failed: Counter[str] = field(default_factory=Counter)

    def sentence(self, verb: str) -> str:
        """How many accounts were purged or restored so far, in a sentence; "" before any was looked for."""
        begun = self.found + self.absent + self.foreign
        return f"{self.done:,} accounts were {verb}" if begun else ""

    def find(self, chunk: Sequence[Entry], accounts: Mapping[str, Account]) -> list[Entry]:
        """Count a chunk by the accounts that were found (object id -> account); those that are still ours."""
        there = [entry for entry in chunk if entry.object_id in accounts]
        ours = [entry for entry in there if is_still_ours(entry, accounts[entry.object_id])]
        self.found += len(ours)
        self.absent += len(chunk) - len(there)
        self.foreign += len(there) - len(ours)
        return ours

    def settle(self, ours: Sequence[Entry], answers: Mapping[str, str]) -> list[Entry]:
        """Count what was answered (object id -> "" or the code of the error class); those with whom it was done."""
        codes = {entry.person_id: answers.get(entry.object_id, Unreachable.code) for entry in ours}
        done = [entry for entry in ours if not codes[entry.person_id]]
        self.done += len(done)
        self.failed.update(filter(None, codes.values()))
        return done


def chunks_of(people: Iterable[Entry]) -> Iterator[list[Entry]]:
    """People in chunks of the size that the directory is asked about at once."""
    waiting = iter(people)
    while chunk := list(islice(waiting, CHUNK_ACCOUNTS)):
        yield chunk


def ids_of(people: Iterable[Entry]) -> list[str]:
    """Their accounts."""
    return [entry.object_id for entry in people]
