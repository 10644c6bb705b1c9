"""The best that anybody could do: a sender that knows how the tenant counts, and spends every write the moment it may.

It asks the allowances that the emulator judges by. No latency, no batches, nothing refused.
"""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from idferry.emulator.graph.allowances import Allowance, AllowanceKind, new_allowance

HAIR_S = 1e-6  # a wait may be too short for a sum of fractions to change


@dataclass(frozen=True)
class Granted:
    """What a tenant really grants: (amount, seconds) for each application and for all of them."""

    kind: AllowanceKind
    app_writes: tuple[float, float]
    tenant_writes: tuple[float, float]


class IdealSender:
    """Sends for some applications of one tenant. Moments are seconds since 1970.

    `phases` name each allowance as the emulator's `spent` does, by name and owner.
    """

    def __init__(self, granted: Granted, *, phases: Mapping[str, float], applications: Sequence[str]) -> None:
        self._tenant = _allowance(granted.kind, granted.tenant_writes, phases, "tenant_writes")
        self._applications = [
            _allowance(granted.kind, granted.app_writes, phases, f"app_writes:{client_id}")
            for client_id in applications
        ]

    def remember(self, moments: Sequence[float]) -> None:
        """Writes that were accepted before, by the applications in turns."""
        for number, at_s in enumerate(moments):
            self._applications[number % len(self._applications)].spend(1.0, now_s=at_s)
            self._tenant.spend(1.0, now_s=at_s)

    def finish(self, people: int, *, start_s: float) -> float:
        """When the last of so many people is accepted, the first one not before `start_s`."""
        waiting = [(start_s, number) for number in range(len(self._applications))]
        now_s = start_s
        while people:
            now_s, number = heapq.heappop(waiting)
            allowance = self._applications[number]
            wait_s = max(allowance.wait_s(1.0, now_s=now_s), self._tenant.wait_s(1.0, now_s=now_s))
            if wait_s > 0:
                heapq.heappush(waiting, (now_s + max(wait_s, HAIR_S), number))
                continue
            allowance.spend(1.0, now_s=now_s)
            self._tenant.spend(1.0, now_s=now_s)
            people -= 1
            heapq.heappush(waiting, (now_s, number))
        return now_s


def _allowance(
    kind: AllowanceKind, granted: tuple[float, float], phases: Mapping[str, float], beginning: str
) -> Allowance:
    amount, period_s = granted
    phase = next((phase for name, phase in phases.items() if name.startswith(beginning)), 0.0)
    return new_allowance(kind, amount=amount, period_s=period_s, phase=phase)
