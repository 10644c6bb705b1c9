"""Which application may make the next call, and when: believed allowances, and who is held back after a refusal.

A tenant that answers 429 holds back everybody who shares the used-up allowance, not only the one that heard it,
because calls made meanwhile still count (https://learn.microsoft.com/graph/throttling). While the directory fails all
applications are held back as one. After either, one call tries before others follow, twice as many each time.

Pure: moments are seconds that are handed in. Nothing here waits, sends, or knows of threads; `pacing` does.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from idferry.graph.costs import Cost
from idferry.graph.grants import Grant
from idferry.graph.waiting import BACKOFF_SECONDS_FIRST, backoff_seconds
from idferry.rules.quota import CREATION_UNITS, HeldBy, Pace, Quota

# Units: 3,500 below 50 users, 8,000 above 500 (https://learn.microsoft.com/graph/throttling-limits). Which class a
# tenant is in is not said, and it grows while people are created.
UNITS_TIMES_MAX = 8_000 / 3_500
# More calls than any setting lets be under way.
WIDTH_MAX = 1 << 20


class Scope(Enum):
    """Whom a 429 is about: the first part of `x-ms-throttle-scope`, with the second where it matters."""

    APPLICATION_WRITES = "Tenant_Application/Write"
    APPLICATION_UNITS = "Tenant_Application"
    APPLICATION_ELSEWHERE = "Application"  # what it spends in all tenants together
    TENANT_WRITES = "Tenant/Write"
    UNKNOWN = ""

    @property
    def is_of_one_application(self) -> bool:
        """Whether the other applications may go on."""
        return self.value.startswith(("Tenant_Application", "Application"))


def scope_of(header: str | None) -> Scope:
    """The scope that a 429 names: https://learn.microsoft.com/graph/throttling-limits."""
    whose, _, rest = (header or "").strip().partition("/")
    what = rest.partition("/")[0]
    match whose.lower(), what.lower():
        case "tenant_application", "write":
            return Scope.APPLICATION_WRITES
        case "tenant_application", _:
            return Scope.APPLICATION_UNITS
        case "application", _:
            return Scope.APPLICATION_ELSEWHERE
        case "tenant", "write":
            return Scope.TENANT_WRITES
    return Scope.UNKNOWN


@dataclass(frozen=True, slots=True)
class Refusal:
    """A 429 of this scope; `retry_after_s`: how long the tenant asked to be left alone."""

    scope: Scope = Scope.UNKNOWN
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Passed:
    """The directory answered the call as it should: each item of it."""


@dataclass(frozen=True, slots=True)
class Stumbled:
    """The directory failed, or did not answer. `retry_after_s`: how long it asked to be left alone."""

    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class HeldBack:
    """The tenant said 429, once per scope. `some_passed`: other items of the same batch went through."""

    refusals: tuple[Refusal, ...]
    some_passed: bool = False


@dataclass(frozen=True, slots=True)
class NotSent:
    """The call did not leave."""


Verdict = Passed | Stumbled | HeldBack | NotSent


@dataclass(frozen=True, slots=True)
class Ticket:
    """A call that may leave: by which application, in which order, and what it may cost."""

    lane: int
    number: int
    cost: Cost
    left_at_s: float


@dataclass(frozen=True, slots=True)
class Wait:
    """No call may leave for so long; None: not before one that is under way is answered.

    `may_end_sooner`: another application tries just now, and may be free as soon as it is answered.
    """

    seconds: float | None
    held_by: HeldBy
    may_end_sooner: bool = False

    @property
    def listens(self) -> bool:
        """Whether to look again when a call is answered, and not only when the time is over."""
        return self.seconds is None or self.may_end_sooner


class _Brake:
    """Holds back whoever shares it, and lets one call try before all the others."""

    def __init__(self) -> None:
        self.opens_at_s = 0.0
        self.failures_in_a_row = 0
        self.under_way = 0
        self._width = WIDTH_MAX
        self._pulled_at = 0

    def wait_s(self, now_s: float) -> float | None:
        """Seconds until the next call may leave; None: not before one that is under way is answered."""
        if self.opens_at_s > now_s:
            return self.opens_at_s - now_s
        return None if self.under_way >= self._width else 0.0

    def pull(self, ticket: Ticket, *, newest: int) -> None:
        """Something went wrong with this call; `newest` is the number of the last one that left."""
        # Calls that were already under way when the first failure was heard tell nothing new.
        if ticket.number > self._pulled_at:
            self.failures_in_a_row += 1
            self._pulled_at = newest
        self._width = 1

    def ease(self, ticket: Ticket) -> None:
        """This call went well."""
        if ticket.number > self._pulled_at:
            self.failures_in_a_row = 0
            self._width = min(self._width * 2, WIDTH_MAX)


class _Lane:
    """One application: what it may spend, and whether it is held back."""

    def __init__(self, quota: Quota) -> None:
        self.writes = Grant(quota.app_writes)
        self.units = Grant(quota.app_units, times_max=UNITS_TIMES_MAX)
        self.brake = _Brake()


class Traffic:
    """All calls to one tenant. Each Ticket is followed by one `report`, whatever happens to the call."""

    def __init__(self, quota: Quota, *, applications: int, jitter: Callable[[], float]) -> None:
        self._lanes = [_Lane(quota) for _ in range(applications)]
        self._tenant = Grant(quota.tenant_writes)
        self._brake = _Brake()
        self._quota = quota
        self._creation_writes = quota.creation_writes
        self._jitter = jitter
        self._entered = 0

    def enter(self, cost: Cost, *, now_s: float, only: int | None = None) -> Ticket | Wait:
        """A ticket of the application with the most room that may pass now, else how long to wait.

        `only`: no other application will do.
        """
        lanes = range(len(self._lanes)) if only is None else (only,)
        waits = [self._wait(lane, cost, now_s) for lane in lanes]
        free = [lane for lane, wait in zip(lanes, waits, strict=True) if wait.seconds == 0]
        if not free:
            known = [wait for wait in waits if wait.seconds is not None]
            if not known:
                return waits[0]
            soonest = min(known, key=lambda wait: wait.seconds or 0.0)
            return replace(soonest, may_end_sooner=len(known) < len(waits))
        chosen = max(free, key=lambda lane: self._room(lane, cost, now_s)) if len(free) > 1 else free[0]
        self._entered += 1
        for grant, amount in self._grants(chosen, cost):
            grant.reserve(amount, now_s)
        for brake in (self._brake, self._lanes[chosen].brake):
            brake.under_way += 1
        return Ticket(chosen, self._entered, cost, now_s)

    def is_open(self, ticket: Ticket, *, now_s: float) -> bool:
        """Whether the call may still leave: between ticket and departure somebody else may have been refused."""
        lane = self._lanes[ticket.lane]
        return max(self._brake.opens_at_s, lane.brake.opens_at_s) <= now_s

    def report(self, ticket: Ticket, verdict: Verdict, *, spent: Cost, now_s: float) -> None:
        """Say how the call went that this ticket let pass, and what of its cost was accepted."""
        lane = self._lanes[ticket.lane]
        for brake in (self._brake, lane.brake):
            brake.under_way -= 1
        accepted = dict(self._grants(ticket.lane, spent))
        for grant, reserved in self._grants(ticket.lane, ticket.cost):
            grant.settle(reserved, accepted=accepted.get(grant, 0.0), left_at_s=ticket.left_at_s, now_s=now_s)
        match verdict:
            case Passed():
                self._brake.ease(ticket)
                lane.brake.ease(ticket)
            case Stumbled(retry_after_s):
                self._hold(self._brake, ticket, retry_after_s, now_s)
            case HeldBack(refusals, some_passed):
                self._refused(ticket, refusals, some_passed=some_passed, now_s=now_s)
            case NotSent():
                pass

    def pace(self, now_s: float, *, cost: Cost | None = None) -> Pace:
        """How fast people may be created from now on; or changed, where a call for one of them has this `cost`."""
        # A call of one person: what it would have to wait for is what everybody waits for. Whoever waits only for an
        # answer is about to move.
        cost = cost or Cost(self._creation_writes, CREATION_UNITS)
        waits = [self._wait(lane, cost, now_s) for lane in range(len(self._lanes))]
        wait = min(waits, key=lambda one: one.seconds or 0.0)
        waiting_s = wait.seconds or 0.0
        # Who is held for long after the others go on adds nothing to what can be foreseen.
        by_s = now_s + waiting_s + self._quota.app_writes.period_s
        lanes = [
            lane
            for lane, one in zip(self._lanes, waits, strict=True)
            if one is wait or lane.brake.opens_at_s <= by_s
        ]
        per_s = min(sum(lane.writes.per_s for lane in lanes), self._tenant.per_s)
        room = min(sum(max(lane.writes.room(now_s), 0.0) for lane in lanes), self._tenant.room(now_s))
        return Pace(
            waiting_s=waiting_s,
            held_by=wait.held_by,
            people_per_s=min(per_s / cost.writes, sum(lane.units.per_s for lane in lanes) / cost.units),
            at_once=max(room, 0.0) / cost.writes,
            burst=self._burst(lanes) / cost.writes,
            period_s=self._quota.app_writes.period_s,
            all_go_in_s=max(one.seconds or 0.0 for one in waits),
        )

    def _burst(self, lanes: Sequence[_Lane]) -> float:
        """The writes that these applications may keep for later, as long as nothing is written."""
        quota = self._quota
        kept = sum(lane.writes.per_s for lane in lanes) * quota.app_writes.period_s
        return min(kept, self._tenant.per_s * quota.tenant_writes.period_s)

    def _grants(self, lane: int, cost: Cost) -> Sequence[tuple[Grant, float]]:
        """The allowances that a call of this cost takes from."""
        one = self._lanes[lane]
        units = (one.units, cost.units)
        return ((one.writes, cost.writes), (self._tenant, cost.writes), units) if cost.writes else (units,)

    def _room(self, lane: int, cost: Cost, now_s: float) -> float:
        one = self._lanes[lane]
        return (one.writes if cost.writes else one.units).room(now_s)

    def _wait(self, lane: int, cost: Cost, now_s: float) -> Wait:
        """Until this application may make a call of this cost."""
        held = [brake.wait_s(now_s) for brake in (self._brake, self._lanes[lane].brake)]
        paced = [grant.wait_s(amount, now_s) for grant, amount in self._grants(lane, cost)]
        for grant, amount in self._grants(lane, cost):
            brake = self._brake if grant is self._tenant else self._lanes[lane].brake
            if brake.under_way and not grant.is_sure(amount):
                paced.append(None)
        known = [seconds for seconds in (*held, *paced) if seconds is not None]
        longest = max(known, default=0.0)
        if longest == 0:
            unknown = len(known) < len(held) + len(paced)
            return Wait(None, HeldBy.PACING) if unknown else Wait(0.0, HeldBy.NOBODY)
        return Wait(longest, HeldBy.TENANT if longest in held else HeldBy.PACING)

    def _refused(
        self, ticket: Ticket, refusals: Sequence[Refusal], *, some_passed: bool, now_s: float
    ) -> None:
        lane = self._lanes[ticket.lane]
        grants = {
            Scope.APPLICATION_WRITES: lane.writes,
            Scope.APPLICATION_UNITS: lane.units,
            Scope.TENANT_WRITES: self._tenant,
        }
        for refusal in refusals:
            brake = lane.brake if refusal.scope.is_of_one_application else self._brake
            if some_passed:
                brake.failures_in_a_row = 0
            grant = grants.get(refusal.scope)
            if grant:
                grant.refuse(left_at_s=ticket.left_at_s, retry_after_s=refusal.retry_after_s, now_s=now_s)
            self._hold(brake, ticket, refusal.retry_after_s, now_s, grant)
            if refusal.retry_after_s is not None:
                brake.failures_in_a_row = 0
            if brake is not self._brake:
                self._brake.ease(ticket)  # a directory that refuses one application is not down

    def _hold(
        self,
        brake: _Brake,
        ticket: Ticket,
        retry_after_s: float | None,
        now_s: float,
        grant: Grant | None = None,
    ) -> None:
        brake.pull(ticket, newest=self._entered)
        wait_s = retry_after_s
        if wait_s is None:
            wait_s = backoff_seconds(max(brake.failures_in_a_row, 1), jitter=self._jitter())
            if grant:
                # What was spent one period ago is granted again: no later than that something will pass.
                wait_s = min(wait_s, max(grant.flows_back_s(now_s), BACKOFF_SECONDS_FIRST))
        brake.opens_at_s = max(brake.opens_at_s, now_s + wait_s)
