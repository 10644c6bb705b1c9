"""Attackers before the guard, as stories that take their length: `make test` plays them in short, `make soak` in full.

Time is made up, so that days take seconds. The judge is a legacy system that locks, and what it has counted; never what
the guard says.
"""

import random
import secrets
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from tests.support.any_guard import AT, AnyGuard, addresses, guess, later
from tests.support.guessing import RIGHT, LegacySystem, Said, Stage, most_within

from idferry.ports.sign_ins import Booking, Crowded, Follower, Leader, Settlement
from idferry.rules.attempts import UNDER_WAY_MAX, GuardRules
from idferry.rules.lockout import LegacyLockout, Schedule, most_forwarded, schedule_that_fits
from idferry.rules.submission import external_submission
from idferry.rules.verdict import Match, Mismatch
from idferry.stores.guard_opening import open_guard
from idferry.stores.submissions import FOLLOWERS_OF_ONE_MAX, RunningSubmissions

MINUTE = timedelta(minutes=1)
DAY_S = 86_400.0
VICTIM = "anna"
HOME = "198.51.100.7"
COMMON_LOCKS = [(5, 30), (10, 10), (10, 60), (20, 15), (30, 720), (3, 5)]

OpenGuard = Callable[[GuardRules], AnyGuard]


@dataclass
class Attack:
    """What an attack came to: `tried`, and `forwarded` to the legacy system; `allowed`: what must not be exceeded."""

    tried: int
    forwarded: int
    allowed: int


@contextmanager
def quick_guards() -> Iterator[OpenGuard]:
    """The real guard on a disk that is not waited for."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="idferry-guards-")))

        def opening(rules: GuardRules) -> AnyGuard:
            file = folder / f"{secrets.token_hex(8)}.guard"
            guard = stack.enter_context(open_guard(file, rules=rules, random_bytes=secrets.token_bytes))
            guard._store._connection.execute("PRAGMA synchronous = OFF")
            return guard

        yield opening


def fitting(lockout: LegacyLockout) -> GuardRules:
    """The limits that `serve` proposes for this lock."""
    found = schedule_that_fits(lockout, under_way=UNDER_WAY_MAX)
    assert found is not None
    return GuardRules(schedule=found)


def one_correlation_id(opened: OpenGuard, *, guesses: int, many_addresses: bool) -> Attack:
    """As many passwords under one correlation id as under as many ids: no more get through (DECISIONS 1)."""
    reached = []
    for one_id in (True, False):
        stage = Stage(opened(GuardRules()))
        fresh = addresses()
        for number in range(guesses):
            address = next(fresh) if many_addresses else HOME
            ident = "the journey" if one_id else f"journey {number}"
            stage.arrive(number * 600 / guesses, VICTIM, f"guess {number}", address, ident=ident)
        stage.play()
        reached.append(len(stage.legacy.calls))
    assert reached[0] <= reached[1]
    assert 5 <= reached[0] <= (40 if many_addresses else 14)
    return Attack(guesses, reached[0], reached[1])


def guesses_at_a_lock(opened: OpenGuard, lockout: LegacyLockout, *, guesses: int, takes_s: float) -> Attack:
    """At one name, half within a second, before a legacy system that answers late (DECISIONS 2): it never locks."""
    stage = Stage(opened(fitting(lockout)), LegacySystem(lockout), lambda: takes_s)
    fresh = addresses()
    half = guesses // 2
    for number in range(guesses):
        at_s = number / half if number < half else number * lockout.window.total_seconds() / guesses
        stage.arrive(at_s, VICTIM, f"guess {number}", next(fresh))
    stage.play()
    assert not stage.legacy.has_locked
    assert 0 < stage.legacy.worst < lockout.threshold
    return Attack(guesses, stage.legacy.worst, lockout.threshold - 1)


def knows_the_limits(opened: OpenGuard, lockout: LegacyLockout, *, days: float, seed: int) -> Attack:
    """Any number of addresses, those of the victim too, and calls that are never answered (DECISIONS 3): it never locks."""
    rules = fitting(lockout)
    chance = random.Random(seed)  # noqa: S311  seeded, so that a failure can be repeated
    stage = Stage(opened(rules), LegacySystem(lockout), lambda: chance.choice([0.5, 3.0, 3.0, 12.0]))
    homes = [f"198.51.100.{n}" for n in range(rules.schedule.known_addresses)]
    for number, home in enumerate(homes):
        assert guess(stage.guard, later(-60 + number), name=VICTIM, address=home, ending=Settlement.MATCHED)
    fresh, now, number = addresses(), 0.0, 0
    while now < days * DAY_S:
        for address in (*homes, next(fresh), next(fresh), next(fresh), next(fresh)):
            stage.arrive(now, VICTIM, f"guess {number}", address)
            number += 1
        # Bursts as fast as checks end, and waits that bring something back.
        now += 4 if number % 7 else chance.choice([60, 450, 903, 1_803, 2_000])
    stage.play()
    assert not stage.legacy.has_locked
    assert stage.legacy.worst >= lockout.threshold // 2, "the attack does not press"
    return Attack(number, stage.legacy.worst, lockout.threshold - 1)


def s1(opened: OpenGuard, *, guesses: int) -> Attack:
    """At one name from one address in a day: at most 100 get through."""
    stage = Stage(opened(GuardRules()))
    for number in range(guesses):
        stage.arrive(number * DAY_S / guesses, VICTIM, f"guess {number}", HOME)
    stage.play()
    assert 20 <= len(stage.legacy.calls) <= 100
    return Attack(guesses, len(stage.legacy.calls), 100)


def s2(opened: OpenGuard, *, names: int) -> Attack:
    """One guess at each name from one address: at most 200 in the first day, and never more than 10 in 10 minutes."""
    stage = Stage(opened(GuardRules()))
    for number in range(names):
        stage.arrive(number * DAY_S / names, f"p{number}", "Winter2026!", HOME)
        stage.arrive(DAY_S + number * 0.5, f"q{number}", "Winter2026!", HOME)
    stage.play()
    first_day = [at_s for at_s, _ in stage.legacy.calls if at_s <= DAY_S]
    assert 100 <= len(first_day) <= 200
    moments = sorted(at_s for at_s, _ in stage.legacy.calls)
    assert most_within(moments, 10 * MINUTE) <= 10
    return Attack(names, len(first_day), 200)


def s3(opened: OpenGuard, *, bots: int, seed: int) -> Attack:
    """50 guesses a second from these addresses, five people a second beside them, half of these under attack too."""
    stage = Stage(opened(GuardRules()), takes=lambda: 0.3, calls_at_once_max=32)
    chance = random.Random(seed)  # noqa: S311  seeded, so that a failure can be repeated
    from_where = [f"10.{n >> 8}.{n & 255}.9" for n in range(bots)]
    seconds = bots // 50 + 60
    for number in range(50 * seconds):
        bot = from_where[number % bots]
        stage.arrive(number / 50, f"p{chance.randrange(10_000)}", f"stolen {number}", bot)
    people, mistyped = _people_meanwhile(stage, seconds)
    stage.play()
    welcome = sum(one.result == Match() for one in people)
    assert welcome >= 0.99 * len(people)
    load = Counter(int(at_s) for at_s, _ in stage.legacy.calls)
    assert max(load.values()) <= 32 / 0.3
    # Once every bot has failed, what it tries is not forwarded any more while the storm lasts.
    late = [load[second] for second in range(seconds - 40, seconds)]
    assert sum(late) / len(late) <= 5 + 0.5 + 120 / 60 + 1
    assert sum(one.result == Match() for one in mistyped) >= 0.99 * len(mistyped)
    return Attack(50 * seconds, len(stage.legacy.calls) - welcome, 50 * seconds)


def _people_meanwhile(stage: Stage, seconds: int) -> tuple[list[Said], list[Said]]:
    """Those who type right at once, and those who do so at the second try."""
    people: list[Said] = []
    mistyped: list[Said] = []
    for number in range(5 * seconds):
        at_s, home = number / 5 + 0.003, f"172.16.{number >> 8}.{number & 255}"
        name = f"p{number * 6}" if number % 2 else f"nobody attacks {number}"
        if number % 10 == 0:
            stage.arrive(at_s, name, "a typo", home)
            mistyped.append(stage.arrive(at_s + 8, name, RIGHT, home))
        else:
            people.append(stage.arrive(at_s, name, RIGHT, home))
    return people, mistyped


def s4(opened: OpenGuard, lockout: LegacyLockout, *, guesses: int) -> Attack:
    """The victim at a known address gets in at the first try, and the legacy system never locks."""
    rules = fitting(lockout)
    stage = Stage(opened(rules), LegacySystem(lockout), lambda: 3.0)
    guess(stage.guard, later(-DAY_S), name=VICTIM, address=HOME, ending=Settlement.MATCHED)
    fresh = addresses()
    for number in range(guesses):
        stage.arrive(number * 3, VICTIM, f"guess {number}", next(fresh))
    moments = [part * 3 * guesses + 0.5 for part in (0.0, 1 / 6, 5 / 6)]
    victim = [stage.arrive(at_s, VICTIM, RIGHT, HOME, ident=f"{at_s}") for at_s in moments]
    stage.play()
    if rules.schedule.known_addresses:  # a lock after so few leaves no room for an address of one's own
        assert [one.result for one in victim] == [Match()] * 3
    assert not stage.legacy.has_locked
    return Attack(guesses, stage.legacy.worst, lockout.threshold - 1)


def s7(folder: Path, *, copies: int) -> Attack:
    """Copies of one request at once, with real threads, the real file and a legacy system that takes its time: one call."""
    copy = external_submission(
        correlation_id="c", nonce="n", person=VICTIM, mark=7, expires_at=later(600), at=AT
    )
    registry, calls, together = RunningSubmissions(), Counter[str](), threading.Barrier(50)

    def deliver(number: int) -> object:
        if number < together.parties:
            together.wait(30)
        joined = registry.join(copy, at=AT)
        if isinstance(joined, Follower):
            return joined.result.result(30)
        if joined == Crowded():
            return None
        assert joined == Leader()
        booked = guard.book(name_key=VICTIM, address=HOME, at=AT)
        calls[booked.booking] += 1
        threading.Event().wait(0.05)
        guard.settle(booked.ticket, Settlement.FAILED, at=AT)
        registry.settle(copy, Mismatch(), at=AT)
        return Mismatch()

    with (
        open_guard(folder / "guard", rules=GuardRules(), random_bytes=secrets.token_bytes) as guard,
        ThreadPoolExecutor(together.parties) as pool,
    ):
        heard = list(pool.map(deliver, range(copies)))
        assert guard.standing(VICTIM, at=AT).failures == 1
    assert calls == {Booking.BOOKED: 1}
    assert set(heard) <= {Mismatch(), None}, "the other ones have no room to wait, and hear of an overload"
    assert heard.count(Mismatch()) > FOLLOWERS_OF_ONE_MAX
    return Attack(copies, 1, 1)


def c5(file: Path, *, kills: int) -> Attack:
    """Five guesses, kill -9, five more ...: each guess that the guard let through was counted."""
    printed, moments = 0, []
    for number in range(kills):
        at = AT.timestamp() + number * 20.0  # so that what a kill left under way has been given up
        command = [sys.executable, "-m", "tests.support.guard_process", "guess", file, str(at)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if line.strip() == Booking.BOOKED:
                    printed += 1
                    moments.append(number * 20.0)
                if line.strip() != Booking.BOOKED or moments.count(number * 20.0) == 5:
                    break
            process.kill()
    span = timedelta(seconds=(kills - 1) * 20)
    allowed = most_forwarded(Schedule(known_addresses=0, forgiven=0), span)
    # Thirty go through before the name is locked; of each six one may be unheard.
    assert 5 * min(kills, 5) <= printed <= allowed
    with open_guard(file, rules=GuardRules(), random_bytes=secrets.token_bytes) as guard:
        counted = guard.standing("anna", at=later(span.total_seconds())).failures
    assert printed <= counted <= printed + kills
    return Attack(5 * kills, printed, allowed)
