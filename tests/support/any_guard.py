"""Both guards in tests, and the few lines every test about them begins with."""

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from tests.support.memory_guard import MemoryGuard

from idferry.ports.sign_ins import Booking, Settlement
from idferry.rules.attempts import GuardRules
from idferry.stores.guard import SqliteGuard
from idferry.stores.guard_opening import open_guard

AnyGuard = MemoryGuard | SqliteGuard

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOME = "198.51.100.7"


def later(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


def addresses() -> Iterator[str]:
    """As many addresses as anybody wants, each of another subscriber."""
    return (f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}" for n in count(1))


def guess(
    guard: AnyGuard,
    at: datetime,
    *,
    name: str = "anna",
    address: str = HOME,
    ending: Settlement = Settlement.FAILED,
) -> Booking:
    """One attempt that ends at once, as it does where it got through."""
    booked = guard.book(name_key=name, address=address, at=at)
    if booked.ticket:
        guard.settle(booked.ticket, ending, at=at)
    return booked.booking


def begin(guard: AnyGuard, at: datetime, *, name: str = "anna", address: str = HOME) -> str:
    """One attempt that is under way: its ticket."""
    booked = guard.book(name_key=name, address=address, at=at)
    assert booked.booking is Booking.BOOKED
    return booked.ticket


def guess_at(file: Path, name: str) -> None:
    """Make a guard's file in which this name was tried for ten minutes from one address, and then from anywhere."""
    at = datetime.now(UTC) - timedelta(seconds=5)  # noqa: TID251  the command that reads it has the machine's time
    with open_guard(file, rules=GuardRules(), random_bytes=secrets.token_bytes) as guard:
        guess(guard, at, name=name, address=HOME, ending=Settlement.MATCHED)
        for seconds in range(600):
            guess(guard, at - timedelta(seconds=600 - seconds), name=name, address="198.51.100.8")
        fail_from_anywhere(guard, 31, at, name=name)


def fail_from_anywhere(guard: AnyGuard, times: int, at: datetime, *, name: str = "anna") -> list[Booking]:
    """So many guesses at one name, each from another address."""
    return [guess(guard, at, name=name, address=next(_FRESH)) for _ in range(times)]


_FRESH = addresses()
