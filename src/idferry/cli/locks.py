"""The locks of one person in `idferry person`: shown to people and scripts, and ended with `--unlock`."""

from datetime import datetime
from typing import Any

from idferry.cli.output import facts, say, screen
from idferry.errors import UsageError
from idferry.flows import unlock_person as flow
from idferry.ports import Clock, Standing
from idferry.rules.entry import Entry
from idferry.settings import Settings
from idferry.wiring import guard_if_any, ledger_of


def locks_of(settings: Settings, clock: Clock, *, entry: Entry | None, sign_in_name: str) -> Standing | None:
    """How the person stands with the guard; None where no service has ever used one."""
    with guard_if_any(settings) as guard:
        if guard is None:
            return None
        return flow.look_at_locks(guard=guard, entry=entry, sign_in_name=sign_in_name, at=clock.now())


def unlock(settings: Settings, clock: Clock, *, sign_in_name: str, reason: str) -> None:
    """End the person's locks, the reason in the ledger."""
    with ledger_of(settings, clock) as ledger, guard_if_any(settings) as guard:
        if guard is None:
            raise UsageError(
                "no sign-in service has used a guard here, so nobody is locked by it",
                remedy="Check [guard] path: it counts from the settings file's folder.",
            )
        flow.unlock_person(
            guard=guard,
            report=ledger.report,
            observations=ledger.observations,
            sign_in_name=sign_in_name,
            reason=reason.strip(),
            at=clock.now(),
        )


def locks_document(locks: Standing | None) -> dict[str, Any] | None:
    """The locks as JSON."""
    if locks is None:
        return None
    return {
        "failures": locks.failures,
        "last_at": locks.last_at.isoformat() if locks.last_at else None,
        "locked_until": locks.locked_until.isoformat() if locks.locked_until else None,
        "locked_addresses": locks.locked_addresses,
        "known_addresses": locks.known_addresses,
    }


def print_locks(locks: Standing | None, *, is_unlocked: bool, may_unlock: bool) -> None:
    """The locks for people, and how to end them. Nothing where no service has ever used a guard."""
    if locks is None:
        return
    console = screen()
    console.print()
    console.print(facts(_rows(locks)))
    if is_unlocked:
        say(
            console,
            "unlocked: wrong passwords up to now are forgotten here; a lock of the legacy system stays",
        )
    elif may_unlock:
        say(console, "nothing was changed: add --execute to unlock")


def _rows(locks: Standing) -> list[tuple[str, str]]:
    tries = f"{locks.failures} wrong password{'' if locks.failures == 1 else 's'} since the last success"
    rows = [("sign-ins", f"{tries}, the last at {_time(locks.last_at)}" if locks.last_at else tries)]
    if locks.locked_until:
        rows.append(
            ("locked", f"until {_time(locks.locked_until)}, except from addresses of earlier sign-ins")
        )
    if locks.locked_addresses:
        rows.append(("addresses", f"{locks.locked_addresses} with a lock of their own"))
    if locks.known_addresses:
        rows.append(("known", f"{locks.known_addresses} addresses of earlier sign-ins"))
    return rows


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
