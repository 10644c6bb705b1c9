"""A tenant that counts and a sender that paces, in events instead of time: hours of throttling in a second.

The judge is the emulator's allowances, which pacing does not know. Nothing here has threads or HTTP: what is tried is
`idferry.graph.traffic` alone, and how long the gate rests, with connections that carry chunks of 20 people there and back again.
"""

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from idferry.emulator.graph.allowances import Allowance, AllowanceKind, new_allowance
from idferry.graph.costs import Cost
from idferry.graph.pacing import rest_seconds
from idferry.graph.traffic import HeldBack, Passed, Refusal, Scope, Ticket, Traffic, Wait
from idferry.rules.quota import PUBLISHED, Pace, Quota

CHUNK = 20
UNITS_OF_ONE = 5
STARTED_AT_S = 1_000_000.0  # a fixed window may begin at any moment before


@dataclass(frozen=True, slots=True)
class Tenant:
    """What a tenant grants, whatever it publishes: `scale` of it, counted in this way."""

    kind: AllowanceKind = "bucket"
    scale: float = 1.0
    says_when: bool = True  # 429 with Retry-After
    units: float = 8_000  # of the largest class: more than 500 users


class Meter:
    """The allowances of one tenant and so many applications, full at the start."""

    def __init__(self, tenant: Tenant, *, applications: int, seed: int) -> None:
        chance = Random(f"meter {seed}")  # noqa: S311  a test that is to be repeated

        def allowance(amount: float, period_s: float) -> Allowance:
            return new_allowance(
                tenant.kind, amount=amount * tenant.scale, period_s=period_s, phase=chance.random()
            )

        self._says_when = tenant.says_when
        self._writes = [allowance(3_000, 150) for _ in range(applications)]
        self._units = [allowance(tenant.units, 10) for _ in range(applications)]
        self._tenant = allowance(18_000, 300)

    def scale_to(self, factor: float) -> None:
        """Other software comes or goes: from now on the buckets grant so many times as much."""
        for one in (*self._writes, self._tenant):
            one.amount *= factor
            one._per_s *= factor  # type: ignore[attr-defined]

    def judge(self, application: int, people: int, now_s: float) -> list[Refusal]:
        """The refusals among so many creates that arrive now; the others are accepted."""
        limits = [
            (self._units[application], UNITS_OF_ONE, Scope.APPLICATION_UNITS),
            (self._writes[application], 1, Scope.APPLICATION_WRITES),
            (self._tenant, 1, Scope.TENANT_WRITES),
        ]
        if all(one.wait_s(cost * people, now_s=now_s) == 0 for one, cost, _ in limits):
            for one, cost, _ in limits:
                one.spend(cost * people, now_s=now_s)
            return []
        refusals = []
        for _ in range(people):
            wait_s, scope = max(
                ((one.wait_s(cost, now_s=now_s), scope) for one, cost, scope in limits), key=lambda w: w[0]
            )
            for one, cost, _ in limits if wait_s == 0 else limits[:1]:
                one.spend(cost, now_s=now_s)
            if wait_s > 0:
                told = float(math.ceil(max(wait_s, 1.0))) if self._says_when else None
                refusals.append(Refusal(scope, told))
        return refusals


@dataclass(slots=True, kw_only=True)
class Journey:
    """One run of so many people, event by event. Figures are filled while it runs."""

    people: int
    tenant: Tenant = field(default_factory=Tenant)
    applications: int = 1
    quota: Quota = PUBLISHED
    latency_s: float = 0.3
    connections: int = 4
    seed: int = 0
    done: int = 0
    requests: int = 0
    while_held: int = 0
    refused_first: tuple[float, int] | None = None
    watch: Callable[["Journey"], None] = lambda _: None
    meter: Meter = field(init=False)
    traffic: Traffic = field(init=False)
    _now_s: float = STARTED_AT_S
    _events: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = field(default_factory=list)
    _pushed: int = 0
    _rests: int = 0
    _listening: set[int] = field(default_factory=set)
    _waiting: int = 0
    _chance: Random = field(init=False)
    _held_until_s: dict[int | None, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._chance = Random(f"journey {self.seed}")  # noqa: S311  as above
        self.meter = Meter(self.tenant, applications=self.applications, seed=self.seed)
        self.traffic = Traffic(self.quota, applications=self.applications, jitter=self._chance.random)
        self._waiting = self.people

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return self._now_s - STARTED_AT_S

    def pace(self) -> Pace:
        """What the sender believes now."""
        return self.traffic.pace(self._now_s)

    def run(self) -> float:
        """Create everybody; how many seconds it took."""
        for _ in range(self.connections * self.applications):
            self._at(self._now_s, self._take)
        while self.done < self.people:
            self._now_s, _, step, given = heapq.heappop(self._events)
            step(*given)
            self.watch(self)
        return self.seconds

    def look_every(self, seconds: float) -> None:
        """Call `watch` so often, also while nothing happens: a run that waits still tells how long."""
        self._at(self._now_s + seconds, self.look_every, seconds)

    def _at(self, moment_s: float, step: Callable[..., None], *given: Any) -> None:
        self._pushed += 1
        heapq.heappush(self._events, (moment_s, self._pushed, step, given))

    def _take(self) -> None:
        people = min(CHUNK, self._waiting)
        if not people:
            self._at(self._now_s + 0.2, self._take)
            return
        cost = Cost(people * self.quota.creation_writes, people * UNITS_OF_ONE)
        found = self.traffic.enter(cost, now_s=self._now_s)
        if isinstance(found, Wait):
            self._rest(found)
            return
        self._waiting -= people
        self.requests += people
        held = (self._held_until_s.get(None, 0.0), self._held_until_s.get(found.lane, 0.0))
        self.while_held += people if max(held) > self._now_s else 0
        self._at(self._now_s + self._way(), self._arrive, found, people)

    def _rest(self, wait: Wait) -> None:
        """As the gate does: for the time, or until a call is answered where that may help."""
        self._rests += 1
        if wait.listens:
            self._listening.add(self._rests)
        self._at(self._now_s + rest_seconds(wait), self._wake, self._rests, wait.listens)

    def _wake(self, rest: int, listens: bool) -> None:
        if not listens or rest in self._listening:
            self._listening.discard(rest)
            self._take()

    def _wake_who_listen(self) -> None:
        for rest in sorted(self._listening):
            self._at(self._now_s, self._wake, rest, True)

    def _arrive(self, ticket: Ticket, people: int) -> None:
        refusals = self.meter.judge(ticket.lane, people, self._now_s)
        self._at(self._now_s + self._way(), self._hear, ticket, people, refusals)

    def _hear(self, ticket: Ticket, people: int, refusals: list[Refusal]) -> None:
        accepted = people - len(refusals)
        self.done += accepted
        self._waiting += len(refusals)
        for one in refusals:
            whom = ticket.lane if one.scope.is_of_one_application else None
            until_s = self._now_s + (one.retry_after_s or 0.0)
            self._held_until_s[whom] = max(self._held_until_s.get(whom, 0.0), until_s)
        if refusals and self.refused_first is None:
            self.refused_first = (self.seconds, self.done)
        longest = {one.scope: one for one in sorted(refusals, key=lambda one: one.retry_after_s or 0.0)}
        verdict = HeldBack(tuple(longest.values()), some_passed=accepted > 0) if refusals else Passed()
        spent = Cost(accepted * self.quota.creation_writes, accepted * UNITS_OF_ONE)
        self.traffic.report(ticket, verdict, spent=spent, now_s=self._now_s)
        self._wake_who_listen()
        self._take()

    def _way(self) -> float:
        return self.latency_s * self._chance.uniform(0.2, 0.8)
