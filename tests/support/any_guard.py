"""Both guards in tests, and the few lines every test about them begins with."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count

from tests.support.memory_guard import MemoryGuard

from idferry.ports.sign_ins import Booking, Settlement
from idferry.stores.guard import SqliteGuard

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


def fail_from_anywhere(guard: AnyGuard, times: int, at: datetime, *, name: str = "anna") -> list[Booking]:
    """So many guesses at one name, each from another address."""
    return [guess(guard, at, name=name, address=next(_FRESH)) for _ in range(times)]


_FRESH = addresses()
