"""Check a tenant before people are sent to it: everything that would stop a run is found before the first account."""

from collections.abc import Mapping

from idferry.errors import Forbidden, QuotaExceeded, TenantNotReady
from idferry.flows.await_answer import await_answer
from idferry.ports import (
    AccountWriter,
    Clock,
    SendLedger,
    Stop,
    Tell,
    TenantFacts,
    TenantInspector,
    never,
)
from idferry.rules.attributes import LEGACY_ID
from idferry.rules.happenings import AttributeCreated
from idferry.rules.readiness import lack_of_permission, room_for_more, takes_values

UNDER_WAY_PAGE = 1000
SAMPLE_PEOPLE = 20


def check_tenant(*, inspector: TenantInspector, flag: str, tell: Tell) -> TenantFacts:
    """What the tenant tells about itself, when it is ready for accounts of ours.

    1. Read token, permissions, extension app, extension attributes and quota.
    2. Refuse where a permission is missing.
    3. Create the attributes `legacyId` and the flag where they are missing.

    Raises:
        TokenRefused, Unreachable: no token, no directory.
        Forbidden: a permission is missing, as far as the token tells.
        TenantNotReady: an extension attribute is missing and the application may not create it.
    """
    facts = inspector.inspect()
    for application, granted in facts.permissions.items():
        lack = lack_of_permission(granted)
        if lack:
            names = ", ".join(sorted(lack.permissions))
            raise Forbidden(
                f"the application {application} may not {lack.action} users",
                remedy=f"Grant one of {names} (application permission) to it and consent to it.",
            )
    add_attributes(inspector=inspector, facts=facts, needed={LEGACY_ID: "String", flag: "Boolean"}, tell=tell)
    return facts


def add_attributes(
    *, inspector: TenantInspector, facts: TenantFacts, needed: Mapping[str, str], tell: Tell
) -> None:
    """Create the extension attributes that are missing; `needed` is short name -> data type.

    Raises:
        TenantNotReady: the application may not create one, or it exists with another type. The remedy of the first
            is the exact call to make.
    """
    for name, data_type in needed.items():
        existing = facts.attributes.get(name)
        if existing is None:
            _create_attribute(inspector, name, data_type)
            tell(AttributeCreated(name))
        elif not takes_values(existing, data_type):
            raise TenantNotReady(
                f"the extension attribute {name} is of type {existing} in the tenant and {data_type} in the source",
                remedy="Rename the attribute in [shape] attributes, or change its values in the source.",
            )


def _create_attribute(inspector: TenantInspector, name: str, data_type: str) -> None:
    try:
        inspector.create_attribute(name, data_type)
    except Forbidden as error:
        raise TenantNotReady(
            f"the extension attribute {name} is missing and the application may not create it",
            remedy=error.remedy,
        ) from error


def check_room(
    *,
    facts: TenantFacts,
    ledger: SendLedger,
    writer: AccountWriter,
    run: str,
    people: int,
    clock: Clock,
    stop: Stop = never,
) -> None:
    """Refuse to start what the tenant has no room for: `people` are to be sent by this run.

    Raises:
        QuotaExceeded: more people than objects that still fit, and none of them has an account already.
        Stopped: `stop` said so while the directory was asked.
    """
    room = room_for_more(used=facts.objects_used, most=facts.objects_max)
    new_people = people - _sent_before(ledger)
    if room is not None and new_people > room and not _ledger_was_lost(ledger, writer, run, clock, stop):
        raise QuotaExceeded(
            f"{new_people} people are to be created and the tenant has room for {room} more objects"
        )


def _sent_before(ledger: SendLedger) -> int:
    """People whose account an earlier run may have created: counted among the tenant's objects already."""
    count = after = 0
    while entries := ledger.under_way(after=after, limit=UNDER_WAY_PAGE):
        count, after = count + len(entries), entries[-1].person_id
    return count


def _ledger_was_lost(ledger: SendLedger, writer: AccountWriter, run: str, clock: Clock, stop: Stop) -> bool:
    """Whether people who are new to this ledger have accounts already: then they need no further room.

    Asked about the first people of the run only.
    """
    drafts = [entry.draft for entry in ledger.planned(run, after=-1, limit=SAMPLE_PEOPLE) if entry.draft]
    return bool(await_answer(writer.ours(drafts), clock=clock, stop=stop))
