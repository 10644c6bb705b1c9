"""What the hash verifier adds to the hash itself: the store, its encryption, reading the value, the bounds."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import bcrypt

from benchmarks.rows import Bench, Row, at_least
from idferry.connectors.hash_verifier import HashVerifier
from idferry.connectors.memory_share import MemoryShare
from idferry.hashes import BOUNDS
from idferry.ports import Deadline, HashRow, LegacyRef
from idferry.rules.hash_trust import Freeze
from idferry.rules.password import Password
from idferry.rules.verdict import Match
from idferry.stores.hash_store import open_hash_store
from idferry.wiring.system import SystemClock, random_bytes

CHECKS = 40
THREADS = 2
REPETITIONS = 3
RATIO_MIN = 0.9
FROZEN = datetime(2026, 1, 1, tzinfo=UTC)
TYPED = "hello"
VALUE = "$2b$10$nFguVi9LsCAcvTZFKQlRKeLVydo8ETv483lkNsSFI/Wl1Rz1Ypo1K"


def rows(bench: Bench) -> Iterator[Row]:
    """Checks in a second on two threads, in turns, so that whatever else the machine does hits both."""
    checks = max(2, round(CHECKS * bench.part))
    with open_hash_store(bench.folder / "hashes", secret="x" * 40, random_bytes=random_bytes) as store:
        store.put([HashRow("shop", "1", "", VALUE, "", "", FROZEN)])
        verifier = HashVerifier(
            name="hashes",
            store=store,
            freeze=Freeze(FROZEN),
            bounds=BOUNDS,
            memory=MemoryShare(kib=BOUNDS.memory_kib_most, clock=SystemClock()),
            clock=SystemClock(),
            tell=lambda _: None,
        )
        password, who = Password(TYPED), LegacyRef("shop", "1", "anna@example.com")

        def ours() -> bool:
            return isinstance(verifier.verify(who, password, Deadline(0.0)), Match)

        rates = [(_rate(ours, checks), _rate(_bare, checks)) for _ in range(REPETITIONS)]
    best, bare = (max(one) for one in zip(*rates, strict=True))
    yield at_least(
        best / bare,
        target=RATIO_MIN,
        what=f"passwords checked by the hash verifier, bcrypt of cost 10, {THREADS} threads",
        compared_with="bare bcrypt.checkpw on as many threads",
        figures=(f"{best:.1f} in a second", f"{bare:.1f} in a second", f"{checks} checks a thread"),
    )


def _bare() -> bool:
    return bcrypt.checkpw(TYPED.encode(), VALUE.encode())


def _rate(check: Callable[[], bool], checks: int) -> float:
    """Checks in a second by all threads together."""
    wrong: list[int] = []

    def work() -> None:
        wrong.extend(number for number in range(checks) if not check())

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        raise RuntimeError("a right password was refused")
    return THREADS * checks / (time.perf_counter() - began)
