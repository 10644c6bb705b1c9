"""What is added to the hash itself: by the verifier (store, encryption, bounds), and by everything that a sign-in is."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import bcrypt

from benchmarks.external_id_requests import Requests
from benchmarks.external_id_stand import Served, load, running_accounts, running_service
from benchmarks.measuring import cpu_s_of
from benchmarks.rows import Bench, Row, at_least
from idferry.connectors.hash_verifier import HashVerifier
from idferry.connectors.memory_share import MemoryShare
from idferry.hashes import BOUNDS
from idferry.ports import Deadline, HashRow, LegacyRef
from idferry.rules.hash_trust import Freeze
from idferry.rules.password import Password
from idferry.rules.verdict import Match
from idferry.settings import read_settings
from idferry.stores.hash_store import open_hash_store
from idferry.wiring.hash_store import hash_store_of
from idferry.wiring.system import SystemClock, random_bytes

CHECKS = 40
THREADS = 2
REPETITIONS = 3
RATIO_MIN = 0.9
FROZEN = datetime(2026, 1, 1, tzinfo=UTC)
TYPED = "hello"
SECRET = "x" * 40
BURSTS = 7
BURST = 6  # so many at once keep both threads busy, and are done in time on a busy machine too
AT_ONCE_RATE = 1_000.0
VERIFIER = """[[verifier]]
name = "hashes"
kind = "hashes"
legacy_frozen_at = "2026-01-01T00:00:00Z"
[hashes]
key = "{secret}"
"""
VALUE = "$2b$10$nFguVi9LsCAcvTZFKQlRKeLVydo8ETv483lkNsSFI/Wl1Rz1Ypo1K"


def rows(bench: Bench) -> Iterator[Row]:
    """In turns with the bare hash, so that whatever else the machine does hits both."""
    yield _of_the_verifier(bench)
    yield _of_sign_ins(bench)


def _of_the_verifier(bench: Bench) -> Row:
    """Checks in a second on two threads."""
    checks = max(2, round(CHECKS * bench.part))
    with open_hash_store(bench.folder / "hashes", secret=SECRET, random_bytes=random_bytes) as store:
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
    return at_least(
        best / bare,
        target=RATIO_MIN,
        what=f"passwords checked by the hash verifier, bcrypt of cost 10, {THREADS} threads",
        compared_with="bare bcrypt.checkpw on as many threads",
        figures=(f"{best:.1f} in a second", f"{bare:.1f} in a second", f"{checks} checks a thread"),
    )


def _of_sign_ins(bench: Bench) -> Row:
    """Sign-ins at External ID for each CPU second of the service, which is what it gives with cores of its own."""
    bursts = max(1, round(BURSTS * bench.part))
    people = BURST * (1 + REPETITIONS * bursts)
    requests = Requests(bench.folder, people, password=TYPED)
    with running_accounts(requests) as graph:
        requests.write_settings(graph, verifier=VERIFIER.format(secret=SECRET))
        settings = read_settings(bench.folder / "idferry.toml")
        with hash_store_of(settings) as store:
            store.put([HashRow("bench", str(one), "", VALUE, "", "", FROZEN) for one in range(1, people + 1)])
        with running_service(bench.folder) as service:
            _sign_in_ms(service, requests, 1)  # to warm up
            costs = [
                (_sign_in_ms(service, requests, bursts), _bare_ms(bursts * BURST)) for _ in range(REPETITIONS)
            ]
    ours, bare = (min(some) for some in zip(*costs, strict=True))
    return at_least(
        bare / ours,
        target=RATIO_MIN,
        what="sign-ins for each CPU second of the service, bcrypt of cost 10, the account read through Graph",
        compared_with="bare bcrypt.checkpw",
        figures=(
            f"{ours:.1f} ms CPU for a sign-in",
            f"{bare:.1f} ms",
            f"{bursts} times {BURST} at once",
        ),
    )


def _sign_in_ms(service: Served, requests: Requests, bursts: int) -> float:
    before = cpu_s_of(service.process_id)
    called = [one for _ in range(bursts) for one in load(service, requests, rate=AT_ONCE_RATE, count=BURST)]
    if not all(one.is_welcome for one in called):
        raise RuntimeError(f"answers of another kind: {Counter(one.action for one in called)}")
    return (cpu_s_of(service.process_id) - before) / len(called) * 1e3


def _bare_ms(count: int) -> float:
    began = time.process_time()
    for _ in range(count):
        if not _bare():
            raise RuntimeError("a right password was refused")
    return (time.process_time() - began) / count * 1e3


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
