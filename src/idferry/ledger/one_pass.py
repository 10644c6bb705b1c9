"""Planning one source where there is no ledger yet and none is to be made: a survey.

It answers as an empty ledger would (`planning`), and stores nothing of a person but what makes two records meet: key
and sign-in names. What does not fit into a bounded part of memory lies in a file without a name, so that any number
of people take the same memory and nothing stays behind, however the process ends.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from idferry.ledger.database import CACHE_KIB, NOWHERE, Database, told_as_ledger_errors
from idferry.ledger.named_queries import named_queries
from idferry.rules.entry import PlanEffect, PlanItem, TakeUp
from idferry.rules.lifecycle import State
from idferry.rules.names import LOOK_ALIKE_NAMES_MAX, Identity, SignInType, look_alike_form
from idferry.rules.outcomes import LeftOut
from idferry.rules.plan import NotPlanned

FILTER_BYTES = 8 * 1024 * 1024  # of two million texts, one in thirty is looked for on disk for nothing
# Then they are written in order, which a B-tree takes several times faster than one by one.
RECENT_TEXTS_MAX = 25_000

_PLANNED = PlanEffect(State.PLANNED)  # nearly everybody's, so it is made once
_SQL = named_queries("one_pass")
_SPOTS = 8 * FILTER_BYTES - 1  # a mask: the filter has a power of two of bits
_FORM_SPOTS = 1024 * 1024 - 1  # likewise, of bytes: names that are not their own look-alike form are few
_PRAGMAS = {"journal_mode": "MEMORY", "synchronous": "OFF", "cache_size": f"-{CACHE_KIB}"}
# What a text was met as stands in its first letter, so that a key is never taken for a name.
_KEY, _LOCAL, _FEDERATED, _FORM = "k", "l", "f", "~"


@contextmanager
def open_one_pass() -> Iterator["OnePass"]:
    """A PlanLedger for one pass over one source. Raises LedgerError when the temporary folder takes nothing."""
    with told_as_ledger_errors(NOWHERE):
        # SQLite's own kind of private database: https://sqlite.org/inmemorydb.html#temp_db
        database = Database(sqlite3.connect(""), NOWHERE)
    try:
        yield OnePass(database)
    finally:
        database.close()


class OnePass:
    """PlanLedger that plans as an empty ledger would. All records of a pass are of one source."""

    def __init__(self, database: Database) -> None:
        self._met = _Met(database)
        self._form_spots = bytearray(_FORM_SPOTS + 1)

    def begin_planning(self) -> None:
        """Forget the pass before: nobody was sent, so it left nothing that counts. Raises LedgerError."""
        self._met.forget_everything()
        self._form_spots = bytearray(_FORM_SPOTS + 1)

    def plan(
        self,
        items: Sequence[PlanItem],
        *,
        run: str,  # noqa: ARG002  the port's
        take_up: TakeUp,  # noqa: ARG002  as above
        at: datetime,  # noqa: ARG002  as above
    ) -> Sequence[PlanEffect]:
        """One effect per item, in order. `run`, `take_up` and `at` change nothing where nobody was planned before.

        Raises LedgerError.
        """
        effects = [self._settle(item) for item in items]
        self._met.make_room()
        return effects

    def _settle(self, item: PlanItem) -> PlanEffect:
        met, plan, source, key = self._met, item.plan, item.user.source, item.user.key
        is_repeated = met.claim(_KEY + key, key) is not None
        if isinstance(plan, NotPlanned):
            return PlanEffect(State.LEFT_OUT if isinstance(plan.code, LeftOut) else State.REFUSED, plan.code)
        names = _names_of(plan.draft.identities)
        owner = self._claim_names(names, key, only_look=is_repeated)
        if owner is not None:
            return PlanEffect(State.LEFT_OUT, LeftOut.DUPLICATE_SIGN_IN_NAME, f"{source}:{owner}")
        if is_repeated:
            return PlanEffect(State.LEFT_OUT, LeftOut.DUPLICATE_KEY, f"{source}:{key}")
        look_alike = self._look_alike(names, key)
        return _PLANNED if look_alike is None else _planned_beside(f"{source}:{look_alike}")

    def _claim_names(self, names: Sequence[str], key: str, *, only_look: bool) -> str | None:
        """Whose the first of these names is that belongs to somebody; None when all of them are this record's now."""
        if len(names) == 1 and not only_look:  # so it is nearly always
            return self._met.claim(names[0], key)
        for name in names:
            owner = self._met.first(name)
            if owner is not None:
                return owner
        if not only_look:
            for name in names:
                self._met.claim(name, key)
        return None

    def _look_alike(self, names: Sequence[str], key: str) -> str | None:
        """The first key, in their order, of the others with a sign-in name that looks like one of these.

        Of the names that share a form, LOOK_ALIKE_NAMES_MAX are remembered, and the form itself if it is a name.
        """
        if not self._may_look_alike(names):
            return None
        forms = {name: _LOCAL + look_alike_form(name[1:]) for name in names if name[0] == _LOCAL}
        for name, form in forms.items():
            if form != name:
                self._form_spots[hash(form) & _FORM_SPOTS] = 1
                self._remember_form(form, key)
        alike: set[str] = set()
        for form in forms.values():
            others = list(self._keys_behind(form))
            owner = self._met.first(form) if others else None
            alike.update(others, () if owner is None else (owner,))
        return min(alike - {key}, default=None)

    def _may_look_alike(self, names: Sequence[str]) -> bool:
        """Plain names are their own form, and in most sources nobody's looks like one of them."""
        for name in names:  # noqa: SIM110  any() costs five times as much for the one name that most have
            if not name.isascii() or self._form_spots[hash(name) & _FORM_SPOTS]:
                return True
        return False

    def _remember_form(self, form: str, key: str) -> None:
        known = sum(1 for _ in self._keys_behind(form))
        if known < LOOK_ALIKE_NAMES_MAX:
            self._met.claim(f"{_FORM}{known}{form}", key)

    def _keys_behind(self, form: str) -> Iterator[str]:
        for number in range(LOOK_ALIKE_NAMES_MAX):
            key = self._met.first(f"{_FORM}{number}{form}")
            if key is None:
                return
            yield key


def _planned_beside(look_alike: str) -> PlanEffect:
    return PlanEffect(State.PLANNED, look_alike_key=look_alike)


def _names_of(identities: Sequence[Identity]) -> Sequence[str]:
    if len(identities) == 1:  # so it is nearly always
        return (_name_of(identities[0]),)
    return tuple(dict.fromkeys(map(_name_of, identities)))


def _name_of(identity: Identity) -> str:
    return (_FEDERATED if identity.sign_in_type is SignInType.FEDERATED else _LOCAL) + identity.compared


def _without_nul(text: str) -> str:
    """Another text for every text, without the character that ends it in the table."""
    return text.replace("\1", "\1\1").replace("\0", "\1\2")


class _Met:
    """Texts, each with the key of the record that it was met in: the latest in memory, the others on disk.

    A filter with one bit for each hash says of nearly every new text that it is new, without a look at the disk.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        with database.reading() as connection:
            for name, value in _PRAGMAS.items():
                connection.execute(f"PRAGMA {name} = {value}")
            connection.execute(_SQL["schema"])
        self._filter = bytearray(FILTER_BYTES)
        self._recent: dict[str, str] = {}

    def first(self, text: str) -> str | None:
        """The key of the record that this text was met in, if it was. Raises LedgerError."""
        spot = hash(text) & _SPOTS
        return self._known(text) if self._filter[spot >> 3] & (1 << (spot & 7)) else None

    def claim(self, text: str, key: str) -> str | None:
        """The same; a text that was not met before is met now, in the record with this key. Raises LedgerError.

        Whoever claims calls `make_room` now and then.
        """
        spots, spot = self._filter, hash(text) & _SPOTS
        place, bit = spot >> 3, 1 << (spot & 7)
        bits = spots[place]
        if bits & bit:
            known = self._known(text)
            if known is not None:
                return known
        spots[place] = bits | bit
        self._recent[text] = key
        return None

    def make_room(self) -> None:
        """Write the latest when they have become many. Raises LedgerError."""
        if len(self._recent) >= RECENT_TEXTS_MAX:
            self._write()

    def forget_everything(self) -> None:
        """As new. Raises LedgerError."""
        self._filter = bytearray(FILTER_BYTES)
        self._recent.clear()
        with self._database.writing() as connection:
            connection.execute(_SQL["forget_everything"])

    def _known(self, text: str) -> str | None:
        key = self._recent.get(text)
        return self._stored(text) if key is None else key

    def _stored(self, text: str) -> str | None:
        written = _without_nul(text)
        with self._database.reading() as connection:
            row = connection.execute(_SQL["between"], (f"{written}\0", f"{written}\1")).fetchone()
            return row[0].partition("\0")[2] if row else None

    def _write(self) -> None:
        recent = self._recent
        all_texts = "".join(recent)
        # Hardly ever so; to look into each of them would take 0.7 us a person.
        if "\0" in all_texts or "\1" in all_texts:
            recent = {_without_nul(text): key for text, key in recent.items()}
        rows = [f"{text}\0{key}" for text, key in recent.items()]
        with self._database.writing() as connection:
            connection.executemany(_SQL["insert"], zip(sorted(rows), strict=True))
        self._recent.clear()
