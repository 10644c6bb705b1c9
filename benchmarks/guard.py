"""What booking an attempt costs, and whether an import beside it makes sign-ins wait."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.measuring import part_of_ours
from benchmarks.rows import Bench, Row, at_most
from idferry.ports.sign_ins import Booking, Settlement
from idferry.rules.attempts import GuardRules
from idferry.stores.guard import SqliteGuard
from idferry.stores.guard_opening import open_guard
from idferry.wiring.system import random_bytes

ATTEMPTS = 10_000
WAITED_FOR = 2_000  # each of them writes to the disk twice
REPETITIONS = 3
BOOK_US_MAX = 100.0
P99_FACTOR_MAX = 2.0
BEGIN = datetime(2026, 3, 1, tzinfo=UTC)


def rows(bench: Bench) -> Iterator[Row]:
    """CPU without the disk, then the time that a caller waits, with it."""
    attempts = bench.people(ATTEMPTS)
    with _guard(bench.folder / "cpu.guard") as guard:
        guard._store._connection.execute("PRAGMA synchronous = OFF")  # noqa: SLF001  the disk is measured below
        costs = [_cpu_us(guard, attempts, number) for number in range(REPETITIONS)]
    book_us, settle_us = (min(one) for one in zip(*costs, strict=True))
    yield Row(
        what="booking an attempt, CPU without writing to the disk",
        compared_with="-",
        target=f"< {BOOK_US_MAX:.0f} us",
        measured=f"{book_us:.0f} us",
        holds=book_us < BOOK_US_MAX,
        figures=(f"settling {settle_us:.0f} us", f"{attempts:,} names and addresses"),
    )
    attempts = bench.people(WAITED_FOR)
    with _guard(bench.folder / "wait.guard") as guard:
        quiet, beside = [], []
        for number in range(REPETITIONS):
            quiet.append(_p99_ms(guard, attempts, 2 * number))
            with _import(bench.folder / f"{number}.ledger"):
                beside.append(_p99_ms(guard, attempts, 2 * number + 1))
    yield at_most(
        min(beside) / min(quiet),
        target=P99_FACTOR_MAX,
        what="p99 of booking beside an import that commits at full speed on the same disk",
        compared_with="nothing else at work",
        figures=(f"{min(beside):.2f} ms", f"{min(quiet):.2f} ms", f"{attempts:,} bookings, all let through"),
    )


def _guard(file: Path) -> SqliteGuard:
    return open_guard(file, rules=GuardRules(), random_bytes=random_bytes)


def _cpu_us(guard: SqliteGuard, attempts: int, run: int) -> tuple[float, float]:
    """CPU of one booking and of one settlement, in microseconds."""
    began = time.process_time()
    tickets = [_book(guard, run, number) for number in range(attempts)]
    booked = time.process_time()
    for number, ticket in enumerate(tickets):
        settlement = Settlement.FAILED if number % 2 else Settlement.MATCHED
        guard.settle(ticket, settlement, at=_moment(run, number))
    settled = time.process_time()
    return (booked - began) / attempts * 1e6, (settled - booked) / attempts * 1e6


def _p99_ms(guard: SqliteGuard, attempts: int, run: int) -> float:
    took = []
    for number in range(attempts):
        began = time.perf_counter()
        ticket = _book(guard, run, number)
        took.append(time.perf_counter() - began)
        guard.settle(ticket, Settlement.MATCHED, at=_moment(run, number))
    return sorted(took)[int(0.99 * (attempts - 1))] * 1e3


def _book(guard: SqliteGuard, run: int, number: int) -> str:
    address = f"10.{run}.{number >> 8 & 255}.{number & 255}"
    booked = guard.book(name_key=f"person {run} {number}", address=address, at=_moment(run, number))
    if booked.booking is not Booking.BOOKED:
        raise RuntimeError(f"an attempt was refused: {booked.booking}")
    return booked.ticket


def _moment(run: int, number: int) -> datetime:
    # Fifty a second, and runs far enough apart that one is not the other's storm.
    return BEGIN + timedelta(hours=run, seconds=number / 50)


@contextmanager
def _import(file: Path) -> Iterator[None]:
    with subprocess.Popen(part_of_ours("commit_loop", str(file)), stdout=subprocess.PIPE) as process:
        try:
            if process.stdout is None or not process.stdout.readline():
                raise RuntimeError("the import did not start")
            yield
        finally:
            process.kill()
