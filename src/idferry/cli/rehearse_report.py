"""What a rehearsal found, as JSON (a contract) and as a page of text. It decides nothing."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from rich.console import Console

from idferry.cli.failure_report import failure_documents, failure_rows
from idferry.cli.output import Rows, counts, figures, listing, say, screen
from idferry.cli.plan_report import plan_document, print_plan
from idferry.cli.progress import duration
from idferry.flows.rehearse import RehearsalReport
from idferry.rules.account import TenantKind
from idferry.rules.first_day import (
    PEAK_FACTOR_ASSUMED,
    TRIES_ASSUMED,
    FirstDayForecast,
    people_per_s_behind_one_address,
)
from idferry.rules.forecast import (
    Computed,
    ObjectLimit,
    compute_durations,
    object_limits,
    phone_methods_duration,
)
from idferry.rules.quota import Quota
from idferry.wiring import Conditions, Spent

TITLES = {TenantKind.B2C: "Azure AD B2C", TenantKind.EXTERNAL: "External ID"}


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """One rehearsal: what it was, what it found, and how long it really took."""

    source: str
    kind: TenantKind
    conditions: Conditions
    quota: Quota
    existing: int
    report: RehearsalReport
    spent: Spent
    real_s: float
    first_day: FirstDayForecast | None

    @property
    def create(self) -> int:
        """People who get an account."""
        return self.report.premigrated.plan.create

    @property
    def computed(self) -> tuple[Computed, ...]:
        """Durations by applications."""
        return compute_durations(self.create, kind=self.kind, quota=self.quota)

    @property
    def limits(self) -> "list[ObjectLimit]":
        """Room in tenants of this kind."""
        return list(object_limits(self.existing + self.create, kind=self.kind))

    @property
    def phones_duration(self) -> timedelta:
        """Time for phone methods."""
        return phone_methods_duration(self.report.phones, applications=self.conditions.applications)

    @property
    def went_wrong(self) -> bool:
        """Whether somebody failed, something differs, or there was nobody although there were records."""
        done = self.report.premigrated
        return bool(done.send.failed or self.report.verified.differences or done.plan.nobody_readable)


def rehearsal_document(done: Rehearsed) -> dict[str, Any]:
    """`rehearse --json`; durations in seconds."""
    report = done.report
    sent = report.premigrated.send
    return {
        **plan_document(report.premigrated.plan),
        "created": sent.created,
        "adopted": sent.adopted,
        "failed": sent.failed.total(),
        "failures": [
            {**group, "examples": list(report.failure_examples.get(group["code"], ()))}
            for group in failure_documents(report.failures)
        ],
        "applications": done.conditions.applications,
        "latency_ms": done.conditions.latency / timedelta(milliseconds=1),
        "fault_rate": done.conditions.fault_rate,
        "duration_s": round(report.sending_s, 1),
        "verify_s": round(report.verifying_s, 1),
        "differences": report.verified.differences,
        "peak_per_s": round(report.peak_per_s, 1),
        "computed": [_computed_document(one) for one in done.computed],
        "writes": done.spent.writes,
        "units": done.spent.units,
        "put_off": done.spent.put_off,
        "existing": done.existing,
        "object_limits": [
            {"objects_max": one.objects_max, "condition": one.condition, "fits": one.fits}
            for one in done.limits
        ],
        "phones": report.phones,
        "phones_s": round(done.phones_duration.total_seconds(), 1),
        "real_s": round(done.real_s, 1),
        "first_day": _first_day_document(done.first_day) if done.first_day else None,
    }


def _computed_document(one: Computed) -> dict[str, Any]:
    return {
        "applications": one.applications,
        "duration_s": one.duration.total_seconds(),
        "pessimistic_s": one.pessimistic.total_seconds() if one.pessimistic is not None else None,
    }


def _first_day_document(day: FirstDayForecast) -> dict[str, Any]:
    return {
        "fits": day.fits,
        "average_per_s": _rounded(day.average_per_s),
        "peak_per_s": _rounded(day.peak_per_s),
        "people_per_hour_max": round(day.people_per_hour_max),
        "bounds": [
            {
                "name": bound.name,
                "people_per_s": _rounded(bound.people_per_s),
                "basis": str(bound.basis),
                "explanation": bound.explanation,
            }
            for bound in day.bounds
        ],
    }


def _rounded(per_s: float) -> float:
    """Two digits behind the point; of what is less than one a second, two that are not 0."""
    return round(per_s, 2) if per_s >= 1 else float(f"{per_s:.2g}")


def _rate(per_s: float) -> str:
    """The same for people, with one digit behind the point: a small rate is not none."""
    return f"{per_s:,.1f}" if per_s >= 1 else f"{per_s:.2g}"


def print_rehearsal(done: Rehearsed) -> None:
    """The same for people."""
    console = screen()
    tenant, conditions = TITLES[done.kind], done.conditions
    say(
        console,
        f"Rehearsal of {done.source} on an emulated {tenant} tenant, in {duration(done.real_s)}. Nothing real was "
        "touched, and nothing of it stays.",
    )
    console.print()
    print_plan(console, done.report.premigrated.plan)
    _print_sending(console, done)
    _print_time(console, done)
    _print_room(console, done)
    if done.report.phones:
        _print_phones(console, done)
    if done.first_day:
        _print_first_day(console, done.first_day, done.kind)
    console.print()
    say(
        console,
        "A rehearsal, not a promise. Allowances and limits of objects are Microsoft's published ones; that they work "
        f"like buckets that refill, a latency of {conditions.latency / timedelta(milliseconds=1):g} ms and what "
        "goes wrong are assumed. Other software that writes to the tenant shares its allowance.",
        style="dim",
    )


def _title(console: Console, text: str) -> None:
    console.print(f"\n[bold]{text}[/]")


def _print_sending(console: Console, done: Rehearsed) -> None:
    _title(console, "Sending")
    report, sent = done.report, done.report.premigrated.send
    rows = [("created", f"{sent.created:,}", "")]
    if sent.adopted:
        rows.append(("adopted", f"{sent.adopted:,}", "created by a call whose answer was lost"))
    rows.append(("failed", f"{sent.failed.total():,}", counts(sent.failed)))
    rows.append(("differences", f"{report.verified.differences:,}", "found by reading everybody back"))
    rows.append(("write units", f"{done.spent.writes:,}", "what the writes cost"))
    rows.append(("resource units", f"{done.spent.units:,}", "what all calls cost"))
    rows.append(("peak rate", f"{report.peak_per_s:,.0f}/s", "people in the best 10 seconds"))
    rows.append(("put off", f"{done.spent.put_off:,}", "calls answered with 429"))
    console.print(figures(rows))
    for code, count, remedy in failure_rows(report.failures):
        console.print(f"  [bold]{code}[/] {count}")
        say(console, remedy, indent=4)
        say(console, ", ".join(report.failure_examples.get(code, ())), indent=4, style="dim")


def _print_time(console: Console, done: Rehearsed) -> None:
    _title(console, "Time")
    report, apps = done.report, done.conditions.applications
    by_apps = f"{apps} application{'s' if apps > 1 else ''}"
    broken = f", {done.conditions.fault_rate:.0%} of calls broken" if done.conditions.fault_rate else ""
    rows = [
        ("creating", duration(report.sending_s), f"measured, with {by_apps}{broken}"),
        ("reading back", duration(report.verifying_s), "measured (verify)"),
    ]
    console.print(figures(rows))
    console.print()
    console.print(_computed_table(done))
    if done.kind is TenantKind.B2C:
        say(
            console,
            "The pessimistic time holds if the four extra units that creating costs in B2C count as writes too, which "
            "Microsoft's page does not say.",
            indent=2,
            style="dim",
        )


def _computed_table(done: Rehearsed) -> Rows:
    """Durations by applications, as the limits of the settings allow them at best."""
    rows = [(str(one.applications), *_durations(one)) for one in done.computed]
    heads = ("applications", "computed, at best", "pessimistic")
    return listing(heads[: len(rows[0])], rows)


def _durations(one: Computed) -> tuple[str, ...]:
    known = [each for each in (one.duration, one.pessimistic) if each is not None]
    return tuple(duration(each.total_seconds()) for each in known)


def _print_room(console: Console, done: Rehearsed) -> None:
    _title(console, "Room")
    limits = done.limits
    rows = [
        ("objects", f"{done.existing + done.create:,}", f"{done.existing:,} there, {done.create:,} to come")
    ]
    rows += [
        ("limit", f"{one.objects_max:,}", f"{one.condition}: {'fits' if one.fits else 'does not fit'}")
        for one in limits
    ]
    console.print(figures(rows))
    if not all(one.fits for one in limits):
        say(
            console,
            "A higher limit takes a request to Microsoft support: allow weeks, nobody promises a time. "
            "Objects in the recycle bin may count for 30 days.",
            indent=2,
        )
    if not done.existing:
        say(console, "--existing tells how many objects the real tenant holds; nobody asked it.", indent=2)


def _print_phones(console: Console, done: Rehearsed) -> None:
    _title(console, "Phone methods")
    time = duration(done.phones_duration.total_seconds())
    console.print(
        figures([("with a phone", f"{done.report.phones:,}", f"{time} to register them as methods")])
    )
    say(
        console,
        "About 30 in 10 seconds for each application: reported practice, not documented. This release does not write "
        "them.",
        indent=2,
        style="dim",
    )


def _print_first_day(console: Console, day: FirstDayForecast, kind: TenantKind) -> None:
    _title(console, "First day")
    tightest = day.tightest
    say(
        console,
        f"{_rate(day.average_per_s)} first sign-ins a second, {_rate(day.peak_per_s)} in the busiest minutes: "
        + (
            "everything carries that."
            if day.fits
            else f"too many. {tightest.name} gives way first, at {day.people_per_hour_max:,.0f} people an hour."
        ),
        indent=2,
    )
    if tightest.shared_with_import and not day.fits:
        say(
            console,
            "That holds while an import runs at full speed: before and after it there are all the writes, and "
            "reserve_writes in [limits] keeps a share of them for sign-ins.",
            indent=2,
        )
    rows = [
        (bound.name, f"{_rate(bound.people_per_s)}/s", f"{bound.explanation} ({bound.basis})")
        for bound in day.bounds
    ]
    shared = people_per_s_behind_one_address(kind)
    rows.append(("one address", f"{_rate(shared)}/s", "people who share one, such as an office (documented)"))
    console.print(figures(rows))
    say(
        console,
        f"Assumed: the busiest minutes bring {PEAK_FACTOR_ASSUMED:g} times the average, and each person tries "
        f"{TRIES_ASSUMED:g} times. Figures of hashes are orders of magnitude: --verify-ms takes your own.",
        indent=2,
        style="dim",
    )
