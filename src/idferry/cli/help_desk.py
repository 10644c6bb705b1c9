"""What `idferry person` may do for somebody who calls: one thing at a time, and for a reason that stays in the ledger."""

from enum import StrEnum

from idferry.cli.output import messages, say, screen
from idferry.errors import UsageError
from idferry.flows import help_person as flow
from idferry.ports import Clock
from idferry.settings import Settings
from idferry.wiring import directory_of, ledger_of, random_below, steps_missed

REASON_CHARACTERS_MAX = 500


class Help(StrEnum):
    """What is asked for; the values are the options."""

    UNLOCK = "--unlock"
    RAISE_FLAG = "--raise-flag"
    REQUIRE_RESET = "--require-reset"


_DONE = {
    Help.RAISE_FLAG: "the flag is up: at the next sign-in the legacy password replaces the account's",
    Help.REQUIRE_RESET: "no password opens the account until the person chooses a new one",
}


def asked_of(*, unlock: bool, raise_flag: bool, require_reset: bool, reason: str) -> Help | None:
    """The one thing that is asked for, its reason checked. Raises UsageError."""
    options = {Help.UNLOCK: unlock, Help.RAISE_FLAG: raise_flag, Help.REQUIRE_RESET: require_reset}
    asked = [one for one, is_asked in options.items() if is_asked]
    if len(asked) > 1:
        raise UsageError(f"{' and '.join(asked)} are two things", remedy="Ask for one at a time.")
    if asked and not reason.strip():
        raise UsageError(
            f"{asked[0]} needs --reason TEXT: it stays in the ledger",
            remedy='For example: --reason "called us, ticket 4711"',
        )
    if reason and not asked:
        raise UsageError(
            "--reason says why, and nothing is asked for", remedy=f"Add one of {', '.join(Help)}."
        )
    if len(reason) > REASON_CHARACTERS_MAX:
        raise UsageError(f"--reason is longer than {REASON_CHARACTERS_MAX} characters")
    return asked[0] if asked else None


def change_account(settings: Settings, clock: Clock, *, asked: Help, sign_in_name: str, reason: str) -> None:
    """Raise the flag, or require a reset."""
    with ledger_of(settings, clock) as ledger, directory_of(settings, clock) as directory:
        desk = flow.Desk(
            report=ledger.report,
            observations=ledger.observations,
            reader=directory.reader,
            updater=directory.updater,
            sign_ins=directory.sign_ins,
            inspector=directory.inspector,
            clock=clock,
        )
        if asked is Help.RAISE_FLAG:
            flow.raise_flag(desk=desk, sign_in_name=sign_in_name, reason=reason.strip())
        else:
            flow.require_reset(
                desk=desk,
                sign_in_name=sign_in_name,
                reason=reason.strip(),
                random_below=random_below,
                keeps_flag=not settings.verifiers,
            )
        if steps_missed(ledger):
            say(
                messages(),
                "The Azure Table gave no answer, so that the policy does not know of it yet. `idferry premigrate SOURCE "
                "--execute` puts everybody there who must reset.",
            )


def print_change(asked: Help, *, is_done: bool) -> None:
    """What was done, or what would be."""
    console = screen()
    console.print()
    say(console, _DONE[asked] if is_done else f"nothing was changed: add --execute to {asked.value[2:]}")
