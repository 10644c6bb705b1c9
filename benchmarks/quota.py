"""Creating people under a tenant's quota, in stepped time, against the best that the quota allows.

The real flow, ledger, pacing and client, over HTTP, against an emulator that takes its time from requests. Nobody
documents whether Microsoft counts by buckets, fixed or sliding windows, so the worst of the three counts.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import msgspec

from benchmarks.ideal_sender import Granted, IdealSender
from benchmarks.rows import Bench, Row, at_least, at_most
from idferry.cli.emulated_tenant import emulated_tenant
from idferry.emulator.graph.allowances import AllowanceKind
from idferry.flows.premigrate import Intake, Ledgers, premigrate
from idferry.rules.entry import TakeUp
from idferry.rules.happenings import Happening, RunStarted
from idferry.settings import parse_settings
from idferry.wiring import (
    Conditions,
    EmulatedStage,
    SteppedClock,
    plan_rules_of,
    random_below,
    send_limits_of,
    source_of,
)

PERIODS = {1: 40, 3: 33}
"""How many periods a run under the published quota lasts, by applications: 120,000 and 297,000 people, because the last
period is never quite full and a latency of every one is lost."""
UNANNOUNCED_PERIODS = {1: 12, 3: 9}
SLACK = 0.03
"""Of a period's writes: pre-flight creates attributes, and one write too many would cost a whole window."""
SCALE_MIN = 0.005
"""An allowance of a few writes would refuse pre-flight itself."""
APP_WRITES, TENANT_WRITES = (3_000, 150), (18_000, 300)
SHARE = 0.6
LATENCY = timedelta(milliseconds=300)
START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
TIME_MAX, REQUESTS_MAX = 1.01, 1.01
GRANTED_MIN, UNANNOUNCED_REQUESTS_MAX = 0.95, 1.05
MECHANISMS: tuple[tuple[str, AllowanceKind, int], ...] = (
    ("bucket", "bucket", 0),
    ("fixed windows", "fixed-window", 1),
    ("fixed windows, another phase", "fixed-window", 2),
    ("sliding window", "sliding-window", 0),
)


@dataclass(frozen=True, slots=True)
class Tenant:
    """How a tenant really behaves, whatever it has announced."""

    share: float = 1.0
    retry_after: str = "seconds"


@dataclass(frozen=True, slots=True)
class Trial:
    """One run to make: so many people, how the tenant is, and how large everything is (1.0: published)."""

    people: int
    applications: int
    tenant: Tenant
    scale: float

    def granted(self, kind: AllowanceKind) -> Granted:
        """What the tenant grants, whatever it has announced."""
        share = self.scale * self.tenant.share
        return Granted(kind, _times(APP_WRITES, share), _times(TENANT_WRITES, share))


@dataclass(frozen=True, slots=True)
class Sent:
    """One run: stepped seconds, creates that arrived, calls that came while a Retry-After ran, use after the first 429.

    `used` is the share of what an ideal sender would have been granted from the first 429 (or the start) to the end.
    """

    mechanism: str
    people: int
    seconds: float
    arrived: int
    early: int
    used: float

    @property
    def requests(self) -> float:
        """Creates that arrived for each person."""
        return self.arrived / self.people


def rows(bench: Bench) -> Iterator[Row]:
    """Time and requests with 1 and 3 applications; then with 60 % granted, with and without Retry-After."""
    with emulated_tenant("b2c", time_from="from-requests") as ready:
        for applications in (1, 3):
            trial = _trial(bench, PERIODS[applications], applications, Tenant())
            yield from _published(_all(bench, ready, trial), trial)
        for title, tenant in (
            (f"a tenant that grants {SHARE:.0%}", Tenant(SHARE)),
            (f"a tenant that grants {SHARE:.0%}, without Retry-After", Tenant(SHARE, "missing")),
            ("a tenant without Retry-After", Tenant(1.0, "missing")),
        ):
            for applications in (1, 3):
                trial = _trial(bench, UNANNOUNCED_PERIODS[applications], applications, tenant)
                yield from _unannounced(_all(bench, ready, trial), f"{title}, {_apps(applications)}")


def _trial(bench: Bench, periods: int, applications: int, tenant: Tenant) -> Trial:
    in_a_period = applications * APP_WRITES[0] * tenant.share
    full = round((periods - SLACK) * in_a_period)
    people = bench.people(full)
    return Trial(people, applications, tenant, max(people / full, SCALE_MIN))


def _published(runs: list[Sent], trial: Trial) -> Iterator[Row]:
    applications, people = trial.applications, trial.people
    burst = min(applications * APP_WRITES[0], TENANT_WRITES[0]) * trial.scale
    rate = (
        min(applications * APP_WRITES[0] / APP_WRITES[1], TENANT_WRITES[0] / TENANT_WRITES[1]) * trial.scale
    )
    ideal_s = (people - burst) / rate
    what = f"{people:,} people under the published quota, {_apps(applications)}"
    ratios = [(run.mechanism, run.seconds / ideal_s) for run in runs]
    yield at_most(
        max(ratio for _, ratio in ratios),
        target=TIME_MAX,
        what=f"{what}: stepped time",
        compared_with=f"(N - burst) / rate = {ideal_s:,.0f} s; worst of the mechanisms",
        figures=tuple(f"{name} {ratio:.4f}" for name, ratio in ratios),
    )
    yield at_most(
        max(run.requests for run in runs),
        target=REQUESTS_MAX,
        what=f"{what}: creates sent",
        compared_with="one for each person",
        figures=tuple(f"{run.mechanism} {run.requests:.4f}" for run in runs),
    )
    yield _nobody_early(runs, what)


def _unannounced(runs: list[Sent], what: str) -> Iterator[Row]:
    what = f"{runs[0].people:,} people, {what}"
    yield at_least(
        min(run.used for run in runs),
        target=GRANTED_MIN,
        what=f"{what}: used of what it grants after the first 429",
        compared_with="a sender that knows how the tenant counts; worst of the mechanisms",
        figures=tuple(f"{run.mechanism} {run.used:.4f}" for run in runs),
    )
    yield at_most(
        max(run.requests for run in runs),
        target=UNANNOUNCED_REQUESTS_MAX,
        what=f"{what}: creates sent",
        compared_with="one for each person",
        figures=tuple(f"{run.mechanism} {run.requests:.4f}" for run in runs),
    )
    yield _nobody_early(runs, what)


def _nobody_early(runs: list[Sent], what: str) -> Row:
    early = sum(run.early for run in runs)
    return Row(
        what=f"{what}: calls while a Retry-After runs",
        compared_with="none",
        target="0",
        measured=f"{early:,}",
        holds=early == 0,
    )


def _apps(applications: int) -> str:
    return "1 application" if applications == 1 else f"{applications} applications"


# --- one run --------------------------------------------------------------------------------------------------------


def _all(bench: Bench, ready: Mapping[str, Any], trial: Trial) -> list[Sent]:
    export = _export(bench.folder / f"people-{trial.people}.jsonl", trial.people)
    return [send(ready, export, trial, *mechanism) for mechanism in MECHANISMS]


def _export(path: Path, people: int) -> Path:
    """Nobody twice: so many people are so many accounts."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(
            f'{{"key":"{number}","signInName":"p{number}@example.com","password":"Ferry-Boat-{number}!x"}}\n'
            for number in range(people)
        )
    return path


def send(
    ready: Mapping[str, Any], export: Path, trial: Trial, mechanism: str, kind: AllowanceKind, seed: int
) -> Sent:
    """Premigrate the export into a tenant that counts so; `ready` is what the emulator says of itself."""
    limits = {
        "app_writes": max(round(APP_WRITES[0] * trial.scale), 1),
        "tenant_writes": max(round(TENANT_WRITES[0] * trial.scale), 1),
    }
    settings = parse_settings({"project": "bench", "limits": limits}, file=None, folder=export.parent)
    conditions = Conditions(trial.applications, LATENCY)
    with httpx2.Client(base_url=ready["control"], trust_env=False, timeout=600) as control:
        control.post("/reset").raise_for_status()
        stage = EmulatedStage(ready, settings, conditions)
        granted = trial.granted(kind)
        profile = {
            "profile": "published",
            "kind": kind,
            "limits": {"app_writes": granted.app_writes, "tenant_writes": granted.tenant_writes},
            "retry_after": trial.tenant.retry_after,
            "seed": seed,
        }
        control.post("/throttle", json=profile).raise_for_status()
        began_s, ended_s = _premigrate(stage, export)
        counts = control.get("/counts").json()
        used = _used(control, stage, trial, granted, began_s, ended_s)
        stage.close()
    received = counts["received"]["users.create"]
    return Sent(mechanism, trial.people, ended_s - began_s, received, counts["early"], used)


def _premigrate(stage: EmulatedStage, export: Path) -> tuple[float, float]:
    """When sending began and ended, in seconds since 1970."""
    clock, settings = SteppedClock(START), stage.settings
    began_s = 0.0

    def tell(happening: Happening) -> None:
        nonlocal began_s
        if isinstance(happening, RunStarted):
            began_s = clock.now().timestamp()

    with stage.open_directory(clock) as directory, stage.open_ledger(clock.now()) as ledger:
        premigrate(
            command="bench",
            source=source_of(settings, str(export)),
            intake=Intake(plan_rules_of(settings, clock), TakeUp(), lambda _user: True),
            ledgers=Ledgers(ledger.plan, ledger.runs, ledger.send),
            inspector=directory.inspector,
            writer=directory.writer,
            flag=settings.need_tenant().migration_flag,
            clock=clock,
            random_below=random_below,
            tell=tell,
            limits=send_limits_of(settings),
        )
    return began_s, clock.now().timestamp()


def _used(
    control: httpx2.Client,
    stage: EmulatedStage,
    trial: Trial,
    granted: Granted,
    began_s: float,
    ended_s: float,
) -> float:
    """How well the time was used from the first 429 on, or from the start where there was none."""
    spent = control.get("/spent").json()
    accepted = sorted(_moments(control, stage))
    if len(accepted) != trial.people:
        raise RuntimeError(f"{len(accepted)} accounts for {trial.people} people")
    from_s = spent["first_refusal_s"] or began_s
    before = [moment for moment in accepted if moment < from_s]
    ideal = IdealSender(
        granted, phases=spent["phases"], applications=[one.client_id for one in stage.settings.applications]
    )
    ideal.remember(before)
    finished_s = ideal.finish(len(accepted) - len(before), start_s=from_s)
    return max(finished_s - from_s, 1e-9) / max(ended_s - from_s, 1e-9)


def _moments(control: httpx2.Client, stage: EmulatedStage) -> Iterator[float]:
    """When each account was created, to the second."""
    with control.stream("GET", "/dump", params={"tenant_id": stage.settings.need_tenant().id}) as dump:
        for line in dump.iter_lines():
            yield datetime.fromisoformat(msgspec.json.decode(line)["createdDateTime"]).timestamp()


def _times(allowance: tuple[float, float], factor: float) -> tuple[float, float]:
    return allowance[0] * factor, allowance[1]
