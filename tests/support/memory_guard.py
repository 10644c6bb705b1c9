"""The guard in memory: the same rules, and none of the file."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from idferry.ports.sign_ins import Booked, Booking, Settlement, Standing
from idferry.rules.attempts import (
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


@dataclass
class Pair:
    lane: LaneState = EMPTY
    counted_at: float | None = None
    known_at: float | None = None


@dataclass
class Ticket:
    name: str
    block: str
    on_known: bool
    booked_at: float
    within: bool = False


@dataclass
class MemoryGuard:
    """Satisfies AttemptGuard and GuardDesk. Not for several threads."""

    rules: GuardRules = field(default_factory=GuardRules)
    names: dict[str, LaneState] = field(default_factory=dict)
    pairs: dict[tuple[str, str], Pair] = field(default_factory=dict)
    addresses: dict[str, Spent] = field(default_factory=dict)
    tickets: dict[str, Ticket] = field(default_factory=dict)
    everyone: Everyone = field(default_factory=Everyone)
    booked: int = 0

    def book(self, *, name_key: str, address: str, at: datetime, within: bool = False) -> Booked:
        now, block = at.timestamp(), address_block(address)
        counts = self._counts(name_key, block, now, within=within)
        booking = decide(self.rules, counts, at=now)
        if booking is not Booking.BOOKED:
            self._put(name_key, block, mended(self.rules, counts, at=now) or counts, within=within)
            return Booked(booking)
        self._put(name_key, block, after_booking(self.rules, counts, at=now), within=within)
        self.pairs[name_key, block].counted_at = None if within else now
        self.booked += 1
        self.tickets[str(self.booked)] = Ticket(name_key, block, counts.known, now, within)
        return Booked(booking, str(self.booked))

    def settle(self, ticket: str, settlement: Settlement, *, at: datetime) -> None:
        booked, now = self.tickets.pop(ticket, None), at.timestamp()
        if booked is None:
            return
        counts = after_settling(
            self.rules,
            self._counts(booked.name, booked.block, now, within=booked.within),
            settlement,
            on_known=booked.on_known,
            booked_at=booked.booked_at,
            at=now,
        )
        self._put(booked.name, booked.block, counts, within=booked.within)
        pair = self.pairs[booked.name, booked.block]
        if not counts.counts_name:
            pair.counted_at = None
        if settlement is Settlement.MATCHED and booked.block:
            pair.known_at = now
            known = [one for (name, _), one in self.pairs.items() if name == booked.name and one.known_at]
            known.sort(key=lambda one: one.known_at or 0.0, reverse=True)
            for older in known[self.rules.schedule.known_addresses :]:
                older.known_at = None

    def unlock(self, name_key: str, *, at: datetime) -> None:
        now = at.timestamp()
        checks = sum(1 for one in self._open(name_key, now) if not one.on_known)
        if name_key in self.names:
            self.names[name_key] = LaneState(checks, checks, 0, now)
        for (name, _), pair in self.pairs.items():
            if name == name_key:
                pair.lane = LaneState(0, 0, 0, pair.lane.last_at)

    def locked_until(self, name_key: str, *, at: datetime) -> datetime | None:
        return self.standing(name_key, at=at).locked_until

    def standing(self, name_key: str, *, at: datetime) -> Standing:
        now, schedule = at.timestamp(), self.rules.schedule
        lane = schedule.anywhere.fresh(self.names.get(name_key, EMPTY), now)
        opens_at = schedule.anywhere.opens_at(lane)
        pairs = [(block, pair) for (name, block), pair in self.pairs.items() if name == name_key]
        known = [block for block, pair in pairs if self._is_known(pair, now)]
        locked = 0
        for block, pair in pairs:
            own = schedule.known if block in known else schedule.address
            locked += own.opens_at(own.fresh(pair.lane, now)) > now
        return Standing(
            failures=lane.streak,
            last_at=None if lane is EMPTY else datetime.fromtimestamp(lane.last_at, UTC),
            locked_until=datetime.fromtimestamp(opens_at, UTC) if opens_at > now else None,
            locked_addresses=locked,
            known_addresses=len(known),
        )

    def _counts(self, name: str, block: str, now: float, *, within: bool) -> Counts:
        pair = self.pairs.get((name, block), Pair())
        lately = now - self.rules.address.names_within.total_seconds()
        others = [
            one
            for (other, at), one in self.pairs.items()
            if at == block and other != name and one.counted_at and one.counted_at > lately
        ]
        running = self._open(name, now)
        counted = bool(block) and not self.rules.spares(block) and not within
        return Counts(
            name=self.names.get(name, EMPTY),
            pair=pair.lane,
            known=self._is_known(pair, now),
            is_told=bool(block),
            address=self.addresses.get(block, Spent()) if counted else None,
            everyone=Everyone() if within else self.everyone,
            open_of_pair=sum(1 for one in running if one.block == block),
            open_of_strangers=sum(1 for one in running if not one.on_known),
            other_names=len(others),
            counts_name=bool(pair.counted_at and pair.counted_at > lately),
        )

    def _put(self, name: str, block: str, counts: Counts, *, within: bool) -> None:
        self.names[name] = counts.name
        self.pairs.setdefault((name, block), Pair()).lane = counts.pair
        if counts.address is not None:
            self.addresses[block] = counts.address
        if not within:
            self.everyone = counts.everyone

    def _is_known(self, pair: Pair, now: float) -> bool:
        return pair.known_at is not None and pair.known_at > now - self.rules.known_for.total_seconds()

    def _open(self, name: str, now: float) -> list[Ticket]:
        oldest = now - UNDER_WAY_MAX.total_seconds()
        return [one for one in self.tickets.values() if one.name == name and one.booked_at > oldest]
