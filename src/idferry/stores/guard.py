"""The guard's counters in a SQLite file of their own: what is booked stays booked, whatever ends the process.

It must not be the ledger's file (an import would make sign-ins wait), must know names and addresses only as HMACs, and
decides nothing: `rules.attempts` does.
"""

import hmac
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self, TypeVar

from idferry.errors import GuardUnavailable
from idferry.ports.sign_ins import Booked, Booking, Settlement, Standing
from idferry.rules.attempts import (
    DAY_S,
    UNDER_WAY_MAX,
    Counts,
    Everyone,
    GuardRules,
    Spent,
    address_block,
    after_booking,
    after_settling,
    decide,
    mended,
)
from idferry.rules.lockout import EMPTY, LaneState
from idferry.stores.group_commit import GroupCommit, StoreBroken
from idferry.stores.named_queries import named_queries
from idferry.stores.private_files import RandomBytes

MARK_BYTES = 16
NONCE_BYTES = 8
PRUNED_EVERY = 64  # bookings
PRUNED_ROWS_MAX = 256  # looked at in one turn and table: more than bookings can add between two turns
TICKET_KEPT_S = 600.0  # a verdict that comes later than that finds nothing to settle

_SQL = named_queries("guard")
_WITHIN = b"\x01"  # at the end of a ticket
_UNDER_WAY_S = UNDER_WAY_MAX.total_seconds()

Result = TypeVar("Result")


class _Who(NamedTuple):
    """Whose attempt it is, as stored. `is_told`: there is an address; `is_counted`: and what fails there counts.

    `is_within`: it counts for the name alone, because another attempt counts for the rest.
    """

    name: bytes
    address: bytes
    is_told: bool
    is_counted: bool
    is_within: bool = False


class _Found(NamedTuple):
    """The counts, and the two moments of the pair that rules do not look at."""

    counts: Counts
    counted_at: float | None
    known_at: float | None


class SqliteGuard:
    """The ports AttemptGuard and GuardDesk over one file; any number of threads may use it."""

    def __init__(
        self, store: GroupCommit, *, key: bytes, rules: GuardRules, random_bytes: RandomBytes, path: Path
    ) -> None:
        self._store = store
        self._key = key
        self._rules = rules
        self._random_bytes = random_bytes
        self._path = path
        self._since_pruned = 0
        self._pruned_up_to = {"name": b"", "pair": b"", "address": b"", "ticket": b""}

    def book(self, *, name_key: str, address: str, at: datetime, within: bool = False) -> Booked:
        """Book one attempt, or say why not; `within` one that is booked. Raises GuardUnavailable."""
        who, now = self._who(name_key, address, within=within), at.timestamp()
        nonce = self._random_bytes(NONCE_BYTES)
        return self._run(lambda connection: self._book(connection, who, nonce, now))

    def settle(self, ticket: str, settlement: Settlement, *, at: datetime) -> None:
        """Settle a booked attempt; a second settlement of the same ticket changes nothing. Raises GuardUnavailable."""
        parts, now = bytes.fromhex(ticket), at.timestamp()
        name, nonce = parts[:MARK_BYTES], parts[MARK_BYTES : MARK_BYTES + NONCE_BYTES]
        within = len(parts) > MARK_BYTES + NONCE_BYTES
        with told_as_unavailable(self._path):
            # Lost in a power cut it leaves the attempt as it was booked, which is the stricter of the two.
            self._store.run_unsynced(
                lambda connection: self._settle(connection, name, nonce, settlement, now, within=within)
            )

    def unlock(self, name_key: str, *, at: datetime) -> None:
        """Forget what this name has failed. What is under way at this moment still counts. Raises GuardUnavailable."""
        name, now = self._name_mark(name_key), at.timestamp()

        def work(connection: sqlite3.Connection) -> None:
            [open_checks] = connection.execute(
                _SQL["open_of_strangers"], (name, now - _UNDER_WAY_S)
            ).fetchone()
            connection.execute(_SQL["unlock_name"], (name, open_checks, now))
            connection.execute(_SQL["unlock_pairs"], (name,))

        self._run(work)

    def locked_until(self, name_key: str, *, at: datetime) -> datetime | None:
        """Until when nobody gets through whose address is not known, or None. Raises GuardUnavailable."""
        return self.standing(name_key, at=at).locked_until

    def standing(self, name_key: str, *, at: datetime) -> Standing:
        """How this name stands at this moment. Raises GuardUnavailable."""
        name, now = self._name_mark(name_key), at.timestamp()

        def work(connection: sqlite3.Connection) -> Standing:
            row = connection.execute(_SQL["name_lane"], (name,)).fetchone()
            return self._standing(
                LaneState(*row) if row else EMPTY, connection.execute(_SQL["pairs"], (name,)), now
            )

        return self._run(work)

    def close(self) -> None:
        """Give the file back."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        with told_as_unavailable(self._path):
            return self._store.run(work)

    def _book(self, connection: sqlite3.Connection, who: _Who, nonce: bytes, now: float) -> Booked:
        found = self._found(connection, who, now)
        booking = decide(self._rules, found.counts, at=now)
        if booking is not Booking.BOOKED:
            in_order = mended(self._rules, found.counts, at=now)
            if in_order:
                self._put(connection, who, in_order, counted_at=found.counted_at, known_at=found.known_at)
            return Booked(booking)
        counts = after_booking(self._rules, found.counts, at=now)
        counted_at = None if who.is_within else now
        self._put(connection, who, counts, counted_at=counted_at, known_at=found.known_at)
        on_known = found.counts.known
        connection.execute(_SQL["put_ticket"], (who.name, nonce, who.address, on_known, now))
        self._since_pruned += 1
        if self._since_pruned >= PRUNED_EVERY:
            self._since_pruned = 0
            self._prune(connection, now)
        return Booked(booking, (who.name + nonce + (_WITHIN if who.is_within else b"")).hex())

    def _settle(
        self,
        connection: sqlite3.Connection,
        name: bytes,
        nonce: bytes,
        settlement: Settlement,
        now: float,
        *,
        within: bool,
    ) -> None:
        row = connection.execute(_SQL["ticket"], (name, nonce)).fetchone()
        if row is None:
            return
        address, on_known, booked_at = row
        connection.execute(_SQL["delete_ticket"], (name, nonce))
        if settlement is Settlement.FAILED:
            return
        is_told = address != self._address_mark("")
        who = _Who(name, address, is_told, is_told and not within, within)
        found = self._found(connection, who, now)
        counts = after_settling(
            self._rules, found.counts, settlement, on_known=bool(on_known), booked_at=booked_at, at=now
        )
        matched = settlement is Settlement.MATCHED
        known_at = now if matched and counts.known else found.known_at
        self._put(
            connection,
            who,
            counts,
            counted_at=found.counted_at if counts.counts_name else None,
            known_at=known_at,
        )
        if matched:
            connection.execute(_SQL["forget_older_known"], (name, self._rules.schedule.known_addresses))

    def _found(self, connection: sqlite3.Connection, who: _Who, now: float) -> _Found:
        limit = self._rules.address
        lately = now - limit.names_within.total_seconds()
        row = connection.execute(
            _SQL["counts"], (who.name, who.address, now - _UNDER_WAY_S, lately)
        ).fetchone()
        counted_at, known_at = row[8], row[9]
        is_known = known_at is not None and known_at > now - self._rules.known_for.total_seconds()
        counts = Counts(
            name=LaneState(*row[0:4]) if row[0] is not None else EMPTY,
            pair=LaneState(*row[4:8]) if row[4] is not None else EMPTY,
            known=is_known,
            is_told=who.is_told,
            address=(Spent(row[10], row[11]) if row[10] is not None else Spent()) if who.is_counted else None,
            everyone=Everyone() if who.is_within else Everyone(*row[12:16]),
            open_of_pair=row[16],
            open_of_strangers=row[17],
            other_names=row[18],
            counts_name=counted_at is not None and counted_at > lately,
        )
        return _Found(counts, counted_at, known_at)

    def _put(
        self,
        connection: sqlite3.Connection,
        who: _Who,
        counts: Counts,
        *,
        counted_at: float | None,
        known_at: float | None,
    ) -> None:
        """Write what may have changed. A lane that nobody has used has no row, and no moment to write."""
        name, pair, spent, everyone = counts.name, counts.pair, counts.address, counts.everyone
        if name is not EMPTY:
            connection.execute(
                _SQL["put_name"], (who.name, name.level, name.streak, name.forgiven, name.last_at)
            )
        lane = (pair.level, pair.streak, pair.forgiven, pair.last_at)
        connection.execute(_SQL["put_pair"], (who.name, who.address, *lane, counted_at, known_at))
        if spent is not None:
            connection.execute(_SQL["put_address"], (who.address, spent.failures, spent.at))
        if not who.is_within:
            values = (everyone.failures, everyone.matches, everyone.usual_share, everyone.at)
            connection.execute(_SQL["put_everyone"], values)

    def _standing(
        self, lane: LaneState, pairs: Iterator[tuple[int, int, int, float, float | None]], now: float
    ) -> Standing:
        schedule = self._rules.schedule
        known_since = now - self._rules.known_for.total_seconds()
        locked, known = 0, 0
        for level, streak, forgiven, last_at, known_at in pairs:
            is_known = known_at is not None and known_at > known_since
            own_lane = schedule.known if is_known else schedule.address
            known += is_known
            locked += (
                own_lane.opens_at(own_lane.fresh(LaneState(level, streak, forgiven, last_at), now)) > now
            )
        lane = schedule.anywhere.fresh(lane, now)
        opens_at = schedule.anywhere.opens_at(lane)
        return Standing(
            failures=lane.streak,
            last_at=_moment(lane.last_at) if lane is not EMPTY else None,
            locked_until=_moment(opens_at) if opens_at > now else None,
            locked_addresses=locked,
            known_addresses=known,
        )

    def _prune(self, connection: sqlite3.Connection, now: float) -> None:
        """Delete some rows that nothing depends on any more, going round the tables a little with each turn."""
        lanes = (self._rules.schedule.address, self._rules.schedule.anywhere, self._rules.schedule.known)
        rested = now - max(lane.rest_s for lane in lanes)
        for table, stale in (
            ("name", (rested,)),
            ("pair", (rested, now - self._rules.known_for.total_seconds())),
            ("address", (now - DAY_S,)),
            ("ticket", (now - TICKET_KEPT_S,)),
        ):
            begin = self._pruned_up_to[table]
            [end] = connection.execute(_SQL[f"next_{table}"], (begin, PRUNED_ROWS_MAX)).fetchone()
            if end is not None:
                connection.execute(_SQL[f"prune_{table}"], (begin, end, *stale))
            self._pruned_up_to[table] = end or b""

    def _who(self, name_key: str, address: str, *, within: bool) -> _Who:
        block = address_block(address)
        is_counted = bool(block) and not self._rules.spares(block) and not within
        return _Who(self._name_mark(name_key), self._address_mark(block), bool(block), is_counted, within)

    def _name_mark(self, name_key: str) -> bytes:
        return _mark(self._key, f"name|{name_key}")

    def _address_mark(self, block: str) -> bytes:
        return _mark(self._key, f"address|{block}")


@contextmanager
def told_as_unavailable(path: Path) -> Iterator[None]:
    """Turn what goes wrong with the file into GuardUnavailable."""
    try:
        yield
    except StoreBroken as error:
        raise GuardUnavailable(f"the guard {path} cannot be used ({error.reason})") from error


def _mark(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode("utf-8", "surrogatepass"), "sha256")[:MARK_BYTES]


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
