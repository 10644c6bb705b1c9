"""Rehearse a migration: premigrate everybody and verify, on a tenant that is nobody's, and measure.

It runs the very flows that a migration runs, on the ports it is given; what it adds is a look at the clock and a
count. Time is whatever its Clock says: with stepped time a night takes minutes.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from idferry.flows.premigrate import Intake, Ledgers, PremigrateReport, premigrate
from idferry.flows.send_people import SendLimits
from idferry.flows.verify import SourceCheck, VerifyReport, VerifyScope, verify
from idferry.ports import (
    AccountReader,
    AccountWriter,
    Clock,
    LedgerReport,
    LegacySource,
    ObservationLedger,
    PlanLedger,
    RandomBelow,
    RecordReport,
    Stop,
    Tell,
    TenantInspector,
    never,
)
from idferry.rules.attributes import GRAPH_NAMES, LEGACY_ID
from idferry.rules.entry import FailureGroup, PlanEffect, PlanItem, Selection, TakeUp
from idferry.rules.happenings import Happening, PeopleSettled, RunStarted
from idferry.rules.lifecycle import State
from idferry.rules.plan import Planned

COMMAND = "rehearse"
PHONE = "mobilePhone"
PEAK_SECONDS = 10.0
EXAMPLES_PER_CODE_MAX = 5


@dataclass(frozen=True, slots=True)
class RehearsalTenant:
    """The ports of the tenant that is rehearsed on, and the name of its migration flag."""

    inspector: TenantInspector
    writer: AccountWriter
    reader: AccountReader
    flag: str


@dataclass(frozen=True, slots=True)
class RehearsalLedger:
    """The parts of the ledger of a rehearsal."""

    premigrate: Ledgers
    report: LedgerReport
    observations: ObservationLedger
    records: RecordReport


@dataclass(frozen=True, slots=True)
class RehearsalReport:
    """What a rehearsal did and what it measured, in seconds of its Clock.

    `peak_per_s` is the best rate over 10 seconds, `phones` how many people who were planned have a mobile phone number.
    `failure_examples` name a few keys per code.
    """

    premigrated: PremigrateReport
    verified: VerifyReport
    sending_s: float
    verifying_s: float
    peak_per_s: float
    phones: int
    failures: Sequence[FailureGroup]
    failure_examples: Mapping[str, Sequence[str]]


def rehearse(
    *,
    source: LegacySource,
    intake: Intake,
    project: str,
    ledger: RehearsalLedger,
    tenant: RehearsalTenant,
    clock: Clock,
    random_below: RandomBelow,
    tell: Tell,
    stop: Stop = never,
    limits: SendLimits | None = None,
    settle: timedelta = timedelta(),
) -> RehearsalReport:
    """Premigrate everybody, read everybody back, and measure both.

    Between the two `settle` passes, which is not measured: new accounts show late.

    Raises:
        everything that `premigrate` and `verify` raise.
    """
    counting, stopwatch = _CountingPlan(ledger.premigrate.plan), _Stopwatch(clock, tell)
    premigrated = premigrate(
        command=COMMAND,
        source=source,
        intake=intake,
        ledgers=Ledgers(counting, ledger.premigrate.runs, ledger.premigrate.send),
        inspector=tenant.inspector,
        writer=tenant.writer,
        flag=tenant.flag,
        clock=clock,
        random_below=random_below,
        tell=stopwatch.tell,
        stop=stop,
        limits=limits,
    )
    sent_at_s = clock.elapsed()
    clock.sleep(settle.total_seconds())
    settled_at_s = clock.elapsed()
    verified = _verify(source, intake, project, ledger, tenant, clock, tell, stop)
    return RehearsalReport(
        premigrated=premigrated,
        verified=verified,
        sending_s=sent_at_s - stopwatch.started_at_s,
        verifying_s=clock.elapsed() - settled_at_s,
        peak_per_s=stopwatch.peak_per_s,
        phones=counting.phones,
        failures=ledger.report.failures(Selection()),
        failure_examples=_examples(ledger.report),
    )


def _verify(
    source: LegacySource,
    intake: Intake,
    project: str,
    ledger: RehearsalLedger,
    tenant: RehearsalTenant,
    clock: Clock,
    tell: Tell,
    stop: Stop,
) -> VerifyReport:
    custom = set(tenant.inspector.inspect().attributes) - {LEGACY_ID, tenant.flag}
    return verify(
        scope=VerifyScope(
            project=project,
            flag_name=tenant.flag,
            value_names=[*GRAPH_NAMES, *sorted(custom)],
            strict=True,
        ),
        reader=tenant.reader,
        ledger=ledger.report,
        observations=ledger.observations,
        clock=clock,
        tell=tell,
        # A part of a source would make the rest of it look forgotten.
        source_check=None if intake.limit else SourceCheck(source, intake.rules, ledger.records),
        stop=stop,
    )


def _examples(ledger: LedgerReport) -> dict[str, list[str]]:
    """A few keys per code of people who failed; no more are read than are needed."""
    wanted = {group.code: group.count for group in ledger.failures(Selection())}
    found: dict[str, list[str]] = {code: [] for code in wanted}
    for entry in ledger.entries(Selection(states=(State.FAILED,))) if wanted else ():
        keys = found.setdefault(entry.code, [])
        if len(keys) < EXAMPLES_PER_CODE_MAX:
            keys.append(entry.key)
        if all(len(keys) >= min(wanted.get(code, 0), EXAMPLES_PER_CODE_MAX) for code, keys in found.items()):
            break
    return found


@dataclass(slots=True)
class _CountingPlan:
    """`ports.PlanLedger` that passes everything on and counts those who bring a phone number."""

    ledger: PlanLedger
    phones: int = 0

    def plan(
        self, items: Sequence[PlanItem], *, run: str, take_up: TakeUp, at: datetime
    ) -> Sequence[PlanEffect]:
        """As `PlanLedger`."""
        effects = self.ledger.plan(items, run=run, take_up=take_up, at=at)
        for item, effect in zip(items, effects, strict=True):
            if effect.state is State.PLANNED and isinstance(item.plan, Planned):
                self.phones += bool(item.plan.draft.attributes.get(PHONE))
        return effects

    def begin_planning(self) -> None:
        """As `PlanLedger`."""
        self.ledger.begin_planning()


@dataclass(slots=True)
class _Stopwatch:
    """Hears what is told, passes it on, and knows when sending began and how fast it was at its best."""

    clock: Clock
    pass_on: Tell
    started_at_s: float = 0.0
    peak_per_s: float = 0.0
    _settled: deque[tuple[float, int]] = field(default_factory=deque)

    def tell(self, happening: Happening) -> None:
        """One happening of premigration."""
        match happening:
            case RunStarted():
                self.started_at_s = self.clock.elapsed()
                self._settled.append((self.started_at_s, 0))
            case PeopleSettled(done=done):
                self._note(self.clock.elapsed(), done)
            case _:
                pass
        self.pass_on(happening)

    def _note(self, at_s: float, done: int) -> None:
        """A rate over less than the whole stretch would make one quick answer a peak."""
        self._settled.append((at_s, done))
        while len(self._settled) > 1 and self._settled[1][0] <= at_s - PEAK_SECONDS:
            self._settled.popleft()
        began_s, before = self._settled[0]
        self.peak_per_s = max(self.peak_per_s, (done - before) / max(at_s - began_s, PEAK_SECONDS))
