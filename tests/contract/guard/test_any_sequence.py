"""Whatever happens in whatever order: the file says what the memory says."""

import secrets
import tempfile
from ipaddress import ip_network
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.any_guard import later
from tests.support.memory_guard import MemoryGuard

from idferry.ports.sign_ins import Settlement
from idferry.rules.attempts import AddressLimit, EveryoneLimit, GuardRules
from idferry.rules.lockout import Lane, Schedule
from idferry.stores.guard_opening import open_guard

LANE = Lane(attempts=2, lock_s=4, lock_s_max=30, silence_s=60, stop=6, rest_s=200)
RULES = GuardRules(
    schedule=Schedule(LANE, Lane(3, 10, 30, 60, 8, 300), LANE, known_addresses=1, forgiven=1),
    address=AddressLimit(failures_a_day=20, names=2),
    everyone=EveryoneLimit(failures_per_minute=6),
    spared=(ip_network("192.0.2.0/24"),),
)
NAMES = st.sampled_from(["anna", "ben", "cid", "dee"])
ADDRESSES = st.sampled_from(["10.0.0.1", "10.0.0.2", "10.0.0.3", "192.0.2.9", "2001:db8::1", ""])
WAITS = st.sampled_from([0.0, 0.0, 0.5, 4.0, 10.0, 16.0, 61.0, 300.0, 700.0, 90_000.0, -30.0, -4_000.0])
STEPS = st.one_of(
    st.tuples(st.just("book"), NAMES, ADDRESSES),
    st.tuples(st.just("book"), NAMES, ADDRESSES),
    st.tuples(st.just("settle"), st.integers(0, 5), st.sampled_from(list(Settlement))),
    st.tuples(st.just("unlock"), NAMES, st.just("")),
    st.tuples(st.just("look"), NAMES, st.just("")),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(WAITS, STEPS), max_size=60))
def test_the_file_says_what_the_memory_says(story: list[tuple[float, tuple[str, str | int, str]]]) -> None:
    memory, now, tickets = MemoryGuard(RULES), 0.0, []
    with (
        tempfile.TemporaryDirectory() as folder,
        open_guard(Path(folder, "guard"), rules=RULES, random_bytes=secrets.token_bytes) as file,
    ):
        file._store._connection.execute("PRAGMA synchronous = OFF")
        for wait, (what, which, how) in story:
            now += wait
            at = later(now)
            match what:
                case "book":
                    said = [one.book(name_key=str(which), address=how, at=at) for one in (memory, file)]
                    assert said[0].booking is said[1].booking
                    assert bool(said[0].ticket) is bool(said[1].ticket)
                    tickets += [said] if said[0].ticket else []
                case "settle" if tickets:
                    ours = tickets[int(which) % len(tickets)]
                    for one, booked in zip((memory, file), ours, strict=True):
                        one.settle(booked.ticket, Settlement(how), at=at)
                case "unlock":
                    for one in (memory, file):
                        one.unlock(str(which), at=at)
                case _:
                    assert memory.standing(str(which), at=at) == file.standing(str(which), at=at)
        for name in ("anna", "ben", "cid", "dee"):
            assert memory.standing(name, at=later(now)) == file.standing(name, at=later(now))
