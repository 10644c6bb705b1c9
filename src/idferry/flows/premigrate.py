"""Premigrate: one account per person, with the known password or with a random one and the migration flag.

The flow reads as the documentation tells it: pre-flight, plan, send. It knows no vendor and no file format.
"""

from dataclasses import dataclass

from idferry.errors import Forbidden, QuotaExceeded, SourceError, Stopped, TenantNotReady
from idferry.flows.plan_people import PlanReport, plan_people
from idferry.flows.send_people import SendLimits, SendReport, send_people
from idferry.ports import (
    AccountWriter,
    Clock,
    LegacySource,
    PlanLedger,
    RandomBelow,
    RunLedger,
    SendLedger,
    Stop,
    Tell,
    TenantFacts,
    TenantInspector,
    never,
)
from idferry.rules.attributes import LEGACY_ID
from idferry.rules.entry import TakeUp
from idferry.rules.happenings import AttributeCreated, Happening, RunStarted
from idferry.rules.pilot import InPilot
from idferry.rules.plan import PlanRules

PERMISSIONS_TO_CREATE = frozenset({"User.Create", "User.ReadWrite.All", "Directory.ReadWrite.All"})
PERMISSIONS_TO_READ = frozenset(
    {"User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"}
)
UNDER_WAY_PAGE = 1000

SAMPLE_PEOPLE = 20


@dataclass(frozen=True, slots=True)
class Ledgers:
    """The parts of one ledger that premigration works with."""

    plan: PlanLedger
    runs: RunLedger
    send: SendLedger


@dataclass(frozen=True, slots=True)
class Intake:
    """Who is planned, and by which rules: the same for a dry run and for the real one."""

    rules: PlanRules
    take_up: TakeUp
    in_pilot: InPilot
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class PremigrateReport:
    """What one execution planned and did."""

    run: str
    resumed: bool
    plan: PlanReport
    send: SendReport


def premigrate(
    *,
    command: str,
    source: LegacySource,
    intake: Intake,
    ledgers: Ledgers,
    inspector: TenantInspector,
    writer: AccountWriter,
    flag: str,
    clock: Clock,
    random_below: RandomBelow,
    tell: Tell,
    stop: Stop = never,
    limits: SendLimits | None = None,
) -> PremigrateReport:
    """Create the accounts of a source's people.

    1. Pre-flight: token, permissions, extension app, the attributes `legacyId` and the flag. Nothing was done yet.
    2. Continue the open run of this command and this very source, else open one.
    3. Plan everybody: stream the source into the ledger.
    4. Pre-flight again, now that the numbers are known: room for so many people, and the attributes they bring.
    5. Send, and close the run when everybody has an answer.

    Raises:
        SourceError: an attribute has values of several types.
        Stopped: `stop` said so, in any of the steps.
        everything that `check_tenant`, `plan_people` and `send_people` raise.
    """
    facts = check_tenant(inspector=inspector, flag=flag, tell=tell)
    run, resumed = ledgers.runs.open_run(
        command=command,
        source=source.name,
        source_digest=source.digest(),
        cohort=intake.take_up.cohort,
        at=clock.now(),
    )
    plan = plan_people(
        source=source,
        ledger=ledgers.plan,
        rules=intake.rules,
        run=run.run,
        take_up=intake.take_up,
        in_pilot=intake.in_pilot,
        limit=intake.limit,
        clock=clock,
        tell=_until_stopped(tell, stop),
    )
    total = ledgers.send.count_to_send(run.run)
    new_people = total - _sent_before(ledgers.send)
    if not _ledger_was_lost(ledgers.send, writer, run.run, facts, new_people):
        check_room(facts, new_people)
    add_attributes(inspector=inspector, facts=facts, needed=_types(plan), tell=tell)
    tell(RunStarted(run.run, total, resumed))
    sent = send_people(
        run=run.run,
        source=source,
        ledger=ledgers.send,
        writer=writer,
        clock=clock,
        random_below=random_below,
        tell=tell,
        stop=stop,
        limits=limits,
    )
    ledgers.runs.close_run(run.run, at=clock.now())
    return PremigrateReport(run.run, resumed, plan, sent)


def _until_stopped(tell: Tell, stop: Stop) -> Tell:
    """Tell what happens until somebody asks to stop; planning tells after each batch that is in the ledger."""

    def tell_or_stop(happening: Happening) -> None:
        tell(happening)
        if stop():
            raise Stopped("stopped while planning; nobody was sent yet")

    return tell_or_stop


def check_tenant(*, inspector: TenantInspector, flag: str, tell: Tell) -> TenantFacts:
    """Pre-flight: everything that would stop a run is found before the first account.

    Raises:
        TokenRefused, Unreachable: no token, no directory.
        Forbidden: a permission is missing, as far as the token tells.
        TenantNotReady: an extension attribute is missing and the application may not create it.
    """
    facts = inspector.inspect()
    if facts.permissions is not None:
        for needed, action in ((PERMISSIONS_TO_CREATE, "create"), (PERMISSIONS_TO_READ, "read")):
            if not facts.permissions & needed:
                raise Forbidden(
                    f"the application may not {action} users",
                    remedy=f"Grant one of {', '.join(sorted(needed))} (application permission) and consent to it.",
                )
    add_attributes(inspector=inspector, facts=facts, needed={LEGACY_ID: "String", flag: "Boolean"}, tell=tell)
    return facts


def add_attributes(
    *, inspector: TenantInspector, facts: TenantFacts, needed: dict[str, str], tell: Tell
) -> None:
    """Create the extension attributes that are missing; `needed` is short name -> data type.

    Raises:
        TenantNotReady: the application may not create one, or it exists with another type. The remedy of the first
            is the exact call to make.
    """
    for name, data_type in needed.items():
        existing = facts.attributes.get(name)
        if existing is None:
            try:
                inspector.create_attribute(name, data_type)
            except Forbidden as error:
                raise TenantNotReady(
                    f"the extension attribute {name} is missing and the application may not create it",
                    remedy=error.remedy,
                ) from error
            tell(AttributeCreated(name))
        elif existing != data_type and (existing, data_type) != ("LargeInteger", "Integer"):
            raise TenantNotReady(
                f"the extension attribute {name} is of type {existing} in the tenant and {data_type} in the source",
                remedy="Rename the attribute in [shape] attributes, or change its values in the source.",
            )


def check_room(facts: TenantFacts, people: int) -> None:
    """Refuse to start what the tenant has no room for.

    Raises:
        QuotaExceeded: more people than objects that still fit.
    """
    if facts.objects_used is None or facts.objects_max is None:
        return
    room = max(facts.objects_max - facts.objects_used, 0)
    if people > room:
        raise QuotaExceeded(
            f"{people} people are to be created and the tenant has room for {room} more objects"
        )


def _sent_before(ledger: SendLedger) -> int:
    """People whose account an earlier run may have created: counted among the tenant's objects already."""
    count = after = 0
    while entries := ledger.under_way(after=after, limit=UNDER_WAY_PAGE):
        count, after = count + len(entries), entries[-1].person_id
    return count


def _ledger_was_lost(
    ledger: SendLedger, writer: AccountWriter, run: str, facts: TenantFacts, people: int
) -> bool:
    """Whether people who are new to this ledger have accounts already: then they need no further room.

    Asked only where the tenant seems too full, about the first people of the run.
    """
    if (
        facts.objects_used is None
        or facts.objects_max is None
        or people <= facts.objects_max - facts.objects_used
    ):
        return False
    drafts = [entry.draft for entry in ledger.planned(run, after=-1, limit=SAMPLE_PEOPLE) if entry.draft]
    return bool(writer.ours(drafts).result())


def _types(plan: PlanReport) -> dict[str, str]:
    needed: dict[str, str] = {}
    for name, types in plan.extension_types.items():
        if len(types - {"Integer", "LargeInteger"}) + bool(types & {"Integer", "LargeInteger"}) > 1:
            raise SourceError(
                f"the attribute {name} holds values of several types: {', '.join(sorted(types))}",
                remedy="Give all its values one type, or leave it out in [shape] attributes.",
            )
        needed[name] = "LargeInteger" if "LargeInteger" in types else next(iter(types))
    return needed
