"""Says by a stored hash whether a legacy password is right: no legacy system is asked, so none can lock anybody.

It computes in the thread that asks; how many do so at a time is its caller's business. What they take of the memory
together is bounded here.
"""

from dataclasses import dataclass

import msgspec

from idferry.connectors.memory_share import MemoryShare
from idferry.errors import HashStoreUnavailable
from idferry.hashes import Bounds, Descriptor, Hash, Malformed, Parsed, parse
from idferry.ports import Clock, Deadline, HashRow, HashStore, LegacyRef, Tell
from idferry.rules.happenings import LegacyAnswered
from idferry.rules.hash_trust import Freeze
from idferry.rules.password import Password
from idferry.rules.verdict import Match, Mismatch, NoAnswer, NoSuchUser, Silence, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class HashVerifier:
    """Satisfies `ports.PasswordVerifier` over a hash store."""

    name: str
    store: HashStore
    freeze: Freeze
    bounds: Bounds
    memory: MemoryShare
    clock: Clock
    tell: Tell

    def verify(self, who: LegacyRef, password: Password, deadline: Deadline) -> Verdict:
        """What the stored hash says; NoAnswer for one that is stale, damaged or unsupported."""
        try:
            row = self.store.of(who.source, who.key)
        except HashStoreUnavailable:
            return self._silent("store_unavailable", Silence.UNREACHABLE)
        if row is None:
            return self._said("no_hash", NoSuchUser())
        if not self.freeze.trust(exported_at=row.exported_at, now=self.clock.now()).may_be_asked:
            return self._silent("stale", Silence.NOT_CONFIGURED)
        parsed = parsed_row(row, self.bounds)
        if not isinstance(parsed, Hash):
            code = "malformed" if isinstance(parsed, Malformed) else "unsupported"
            return self._silent(code, Silence.UNSUPPORTED)
        # Only for its turn: a computation cannot be left half done, and the forecast says whether it fits.
        if not self.memory.take(parsed.memory_kib, deadline):
            return self._silent("memory_busy", Silence.QUEUE_FULL)
        try:
            opens = parsed.verify(password, row.hashed_name)
        except MemoryError:
            # One costly hash must not open the breaker for everybody else's.
            return self._silent("no_memory", Silence.UNSUPPORTED)
        finally:
            self.memory.give_back(parsed.memory_kib)
        return self._said("match", Match()) if opens else self._said("mismatch", Mismatch())

    def _silent(self, code: str, silence: Silence) -> NoAnswer:
        self.tell(LegacyAnswered(self.name, code))
        return NoAnswer(silence, reached=False)

    def _said(self, code: str, verdict: Verdict) -> Verdict:
        self.tell(LegacyAnswered(self.name, code))
        return verdict


def parsed_row(row: HashRow, bounds: Bounds) -> Parsed:
    """The hash in a row of the store, read anew: bounds hold at every check, not only when it was loaded."""
    try:
        table = msgspec.json.decode(row.parameters or "{}", type=dict[str, object])
    except msgspec.DecodeError:
        return Malformed("parameters that are no JSON")
    said = table | ({"scheme": row.scheme} if row.scheme else {})
    descriptor = Descriptor.of(said)
    return descriptor if isinstance(descriptor, Malformed) else parse(row.value, descriptor, bounds=bounds)
