"""What the guard says to an attempt, and what a booked one leaves behind, for a name, an address and for everybody.

Pure: the counts at this moment and the moment itself come in, the counts afterwards go out. It must not know how they are
stored. Moments are seconds since 1970.
"""

import ipaddress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from math import exp, expm1, inf
from typing import assert_never

import msgspec

from idferry.rules.lockout import EMPTY, LaneState, Schedule

UNDER_WAY_MAX = timedelta(seconds=15)
"""How long an attempt may be on its way: the verifiers' own abort after 10 s, and room for a busy machine."""
CHECKS_OF_A_NAME_MAX = 3
CLOCK_SLIP_S = 60.0
"""How far threads' own readings of the clock may lie apart."""
MINUTE_S = 60.0
DAY_S = 86_400.0
IPV6_NETWORK_BITS = 64
"""What one subscriber has: https://www.rfc-editor.org/rfc/rfc6177"""


class Booking(StrEnum):
    """What the guard says to an attempt."""

    BOOKED = "booked"
    LOCKED = "locked"
    """Too many wrong passwords for this name, from this address or from anywhere: not forwarded and not counted."""
    BUSY = "busy"
    """Another check of this name is under way from here, or three are: try again."""
    ADDRESS_SPENT = "address_spent"
    GLOBAL_LIMIT = "global_limit"


class Settlement(StrEnum):
    """How a booked attempt ended."""

    MATCHED = "matched"
    """Given back, and the name's failures are forgotten."""
    FAILED = "failed"
    """Wrong or nobody of that name: it stays."""
    NEVER_SENT = "never_sent"
    """The legacy system certainly never saw the password: given back everywhere."""
    ABORTED = "aborted"
    """Sent, and no verdict in time: given back to the name, not to the address and global counters."""


@dataclass(frozen=True, slots=True)
class AddressLimit:
    """What one address may fail, whatever the names: so many a day, refilled evenly, and so many names at a time."""

    failures_a_day: int = 100
    names: int = 10
    names_within: timedelta = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class EveryoneLimit:
    """When failures everywhere look like somebody who tries stolen passwords.

    That is when more than `failures_per_minute` fail and their share is over five times the learned one. Then only
    those get through from whose address no other name has failed lately.
    """

    failures_per_minute: int = 120
    times_learned: float = 5.0
    share_min: float = 0.5
    share_max: float = 0.9
    learning_s: float = 21_600.0


@dataclass(frozen=True, slots=True)
class GuardRules:
    """All limits of the guard. `spared`: networks of many people, such as an office behind one address."""

    schedule: Schedule = field(default_factory=Schedule)
    address: AddressLimit = field(default_factory=AddressLimit)
    everyone: EveryoneLimit = field(default_factory=EveryoneLimit)
    known_for: timedelta = timedelta(days=30)
    spared: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()

    def spares(self, block: str) -> bool:
        """Whether this address (`address_block`) is in a network where what fails is not counted by address."""
        if not self.spared:
            return False
        address = ipaddress.ip_address(block)
        return any(address in network for network in self.spared)


class Spent(msgspec.Struct, frozen=True, gc=False):
    """What an address has failed; it is forgiven evenly over a day."""

    failures: float = 0.0
    at: float = -inf

    def left_over(self, limit: AddressLimit, at: float) -> float:
        """What still counts at this moment."""
        passed = max(at - self.at, 0.0)
        return max(self.failures - passed * limit.failures_a_day / DAY_S, 0.0)


class Everyone(msgspec.Struct, frozen=True, gc=False):
    """What everybody did in the last minute or so, and the share of failures that is usual here."""

    failures: float = 0.0
    matches: float = 0.0
    usual_share: float = 0.1
    at: float = -inf

    def by(self, limit: EveryoneLimit, at: float) -> "Everyone":
        """The same at a later moment: what happened fades; what was calm is learned."""
        # A clock that was set back must not stop the fading for as long as it was wrong.
        passed = max(at - self.at, 0.0)
        fades = exp(-passed / MINUTE_S)
        usual = self.usual_share
        seen = self.failures + self.matches
        if seen >= _LEARNED_FROM_MIN and not self.is_stormy(limit):
            usual -= (self.failures / seen - usual) * expm1(-min(passed, MINUTE_S) / limit.learning_s)
        return Everyone(self.failures * fades, self.matches * fades, usual, at)

    def is_stormy(self, limit: EveryoneLimit) -> bool:
        """Whether more fails than people's own mistakes explain."""
        if self.failures <= limit.failures_per_minute:
            return False
        share = min(max(self.usual_share * limit.times_learned, limit.share_min), limit.share_max)
        return self.failures > share * (self.failures + self.matches)


_LEARNED_FROM_MIN = 20.0


@dataclass(slots=True)
class Counts:
    """Everything that is counted about one attempt's name, address and everybody.

    `pair`: the lane of the name at this address; `known`: the person has signed in from there. `is_told`: there is an
    address; `address` is None where there is none, and for one that is spared. `open_of_pair` and `open_of_strangers`: checks under way at this
    name, from this address and from addresses that are not known. `other_names`: names that failed, or are being
    checked, from this address lately, without this one; `counts_name`: this one is among them.
    """

    name: LaneState = EMPTY
    pair: LaneState = EMPTY
    known: bool = False
    is_told: bool = False
    address: Spent | None = None
    everyone: Everyone = field(default_factory=Everyone)
    open_of_pair: int = 0
    open_of_strangers: int = 0
    other_names: int = 0
    counts_name: bool = False


def decide(rules: GuardRules, counts: Counts, *, at: float) -> Booking:
    """What is said to an attempt. The order matters: who is locked is not told that it is busy."""
    own_lane = rules.schedule.known if counts.known else rules.schedule.address
    if own_lane.opens_at(own_lane.fresh(counts.pair, at)) > at:
        return Booking.LOCKED
    anywhere = rules.schedule.anywhere
    if not counts.known and anywhere.opens_at(anywhere.fresh(counts.name, at)) > at:
        return Booking.LOCKED
    if counts.open_of_pair:
        return Booking.BUSY
    # Three attackers who keep a slow legacy system busy must not bar the person at home.
    if not counts.known and counts.open_of_strangers >= CHECKS_OF_A_NAME_MAX:
        return Booking.BUSY
    if counts.known:
        return Booking.BOOKED
    if counts.address is not None and _is_spent(rules.address, counts.address, counts, at):
        return Booking.ADDRESS_SPENT
    if counts.everyone.by(rules.everyone, at).is_stormy(rules.everyone) and not _is_clean(rules, counts, at):
        return Booking.GLOBAL_LIMIT
    return Booking.BOOKED


def after_booking(rules: GuardRules, counts: Counts, *, at: float) -> Counts:
    """The counts with one more attempt under way, which counts as failed until it is settled."""
    schedule = rules.schedule
    own_lane = schedule.known if counts.known else schedule.address
    everyone = counts.everyone.by(rules.everyone, at)
    spent = counts.address
    if spent is not None:
        spent = Spent(spent.left_over(rules.address, at) + 1.0, at)
    return Counts(
        name=counts.name if counts.known else schedule.anywhere.fresh(counts.name, at).booked(at),
        pair=own_lane.fresh(counts.pair, at).booked(at),
        known=counts.known,
        is_told=counts.is_told,
        address=spent,
        everyone=Everyone(everyone.failures + 1.0, everyone.matches, everyone.usual_share, everyone.at),
        counts_name=True,
    )


def mended(rules: GuardRules, counts: Counts, *, at: float) -> Counts | None:
    """The counts of somebody who was refused, if a clock that has been set back would lock them: None, it would not.

    Locks then count from this moment on, and not for as long as the clock was wrong.
    """
    if max(counts.name.last_at, counts.pair.last_at) <= at + CLOCK_SLIP_S:
        return None
    own_lane = rules.schedule.known if counts.known else rules.schedule.address
    return replace(
        counts, name=rules.schedule.anywhere.fresh(counts.name, at), pair=own_lane.fresh(counts.pair, at)
    )


def after_settling(
    rules: GuardRules, counts: Counts, settlement: Settlement, *, on_known: bool, booked_at: float, at: float
) -> Counts:
    """The counts once a booked attempt has ended. `on_known`: it was booked as one from a known address.

    `open_of_pair` and `open_of_strangers` are without this attempt. An attempt that is settled later than any may be
    under way gives nothing back: the series it belonged to may be over.
    """
    in_time = at - booked_at <= UNDER_WAY_MAX.total_seconds()
    match settlement:
        case Settlement.FAILED:
            return counts
        case Settlement.MATCHED:
            return _after_match(rules, counts, at=at)
        case Settlement.NEVER_SENT:
            return _given_back(rules, counts, on_known=on_known, at=at) if in_time else counts
        case Settlement.ABORTED:
            return _forgiven(rules, counts, on_known=on_known) if in_time else counts
        case _:
            assert_never(settlement)


def address_block(told: str) -> str:
    """The address as it is counted: an IPv4 address, or the /64 of an IPv6 one; empty for none and for nonsense."""
    address = told_address(told)
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((int(address), IPV6_NETWORK_BITS), strict=False).network_address)
    return "" if address is None else str(address)


def told_address(told: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that a tenant tells, with or without its port; None for none and for nonsense.

    It has no zone: that may be any text, and what is told may become part of a header.
    """
    text = told.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped) or address


def _is_spent(limit: AddressLimit, spent: Spent, counts: Counts, at: float) -> bool:
    if spent.left_over(limit, at) + 1.0 > limit.failures_a_day:
        return True
    return counts.other_names >= limit.names


def _is_clean(rules: GuardRules, counts: Counts, at: float) -> bool:
    """Whether no other name has failed from this address lately; where the tenant tells none, not even this one.

    Stolen passwords come with a name each; somebody who mistypes stays with one, whose own lanes count that.
    """
    if counts.is_told:
        own = rules.schedule.address.fresh(counts.pair, at).level
        return counts.address is None or counts.address.left_over(rules.address, at) <= own
    return rules.schedule.anywhere.fresh(counts.name, at).streak == 0


def _after_match(rules: GuardRules, counts: Counts, *, at: float) -> Counts:
    everyone = counts.everyone.by(rules.everyone, at)
    return Counts(
        # What others have under way at this moment is not forgotten: it may yet fail.
        name=_only_open(counts.open_of_strangers, at),
        pair=_only_open(counts.open_of_pair, at),
        known=counts.is_told,
        is_told=counts.is_told,
        address=_one_less(rules, counts.address, at),
        everyone=Everyone(
            max(everyone.failures - 1.0, 0.0), everyone.matches + 1.0, everyone.usual_share, everyone.at
        ),
        counts_name=False,
    )


def _given_back(rules: GuardRules, counts: Counts, *, on_known: bool, at: float) -> Counts:
    everyone = counts.everyone.by(rules.everyone, at)
    pair = counts.pair.unsent()
    return Counts(
        name=counts.name if on_known else counts.name.unsent(),
        pair=pair,
        known=counts.known,
        is_told=counts.is_told,
        address=_one_less(rules, counts.address, at),
        everyone=Everyone(
            max(everyone.failures - 1.0, 0.0), everyone.matches, everyone.usual_share, everyone.at
        ),
        counts_name=pair.level > 0,
    )


def _forgiven(rules: GuardRules, counts: Counts, *, on_known: bool) -> Counts:
    most = rules.schedule.forgiven
    return Counts(
        name=counts.name if on_known else counts.name.aborted(most),
        pair=counts.pair.aborted(most),
        known=counts.known,
        is_told=counts.is_told,
        address=counts.address,
        everyone=counts.everyone,
        counts_name=counts.counts_name,
    )


def _only_open(checks: int, at: float) -> LaneState:
    return LaneState(checks, checks, 0, at)


def _one_less(rules: GuardRules, spent: Spent | None, at: float) -> Spent | None:
    return None if spent is None else Spent(max(spent.left_over(rules.address, at) - 1.0, 0.0), at)
