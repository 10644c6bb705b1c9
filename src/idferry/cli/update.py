"""`idferry premigrate --update`: what `premigrate` asks of a later export beside creating new people.

It opens what the flow needs and words nothing: see `update_report`.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Annotated

import typer

from idferry.cli.progress import progress
from idferry.cli.stopping import stop_on_signals
from idferry.errors import UsageError
from idferry.flows.plan_update import UpdatePlan, plan_update
from idferry.flows.premigrate import Intake
from idferry.flows.update_people import UpdateLedgers, UpdatePorts, UpdateReport, update_people
from idferry.ports import Clock, LegacySource, WantedDrafts
from idferry.rules.departure import Departures, WhenBarred, WhenVanished
from idferry.settings import Settings
from idferry.wiring import (
    LedgerParts,
    directory_of,
    hash_store_if_any,
    ledger_of,
    ledger_to_read,
    run_lock_of,
    wanted_drafts,
)

UpdateOption = Annotated[
    bool,
    typer.Option("--update", help="A later export: also bring people who have an account up to date."),
]
VanishedOption = Annotated[
    WhenVanished,
    typer.Option(help="With --update: what becomes of people who are no longer in the source."),
]
BarredOption = Annotated[
    WhenBarred,
    typer.Option(help="With --update: what becomes of people whom the source has disabled since."),
]
VanishedCountOption = Annotated[
    int | None,
    typer.Option(
        "--vanished-count",
        min=0,
        help="With --update: how many people would be disabled or removed; needed where they are many.",
        metavar="N",
    ),
]
ClearedCountOption = Annotated[
    int | None,
    typer.Option(
        "--cleared-count",
        min=0,
        help="With --update: how many values would be cleared; needed where one attribute is for many people.",
        metavar="N",
    ),
]


@dataclass(frozen=True, slots=True)
class LaterExport:
    """One later export: planned when it was opened, carried out when new people were created. None: nothing to do."""

    settings: Settings
    clock: Clock
    departures: Departures
    as_json: bool
    plan: UpdatePlan | None = None
    wanted: WantedDrafts | None = None

    def carry_out(self, *, run: str = "", execute: bool) -> UpdateReport | None:
        """Update the people who have an account, or say what would happen."""
        read, clock, plan, wanted = self.settings, self.clock, self.plan, self.wanted
        if plan is None or wanted is None:
            return None
        with (
            _opened(read, clock, execute=execute) as ledger,
            directory_of(read, clock) as directory,
            hash_store_if_any(read) as hashes,
            progress(clock, quiet=self.as_json) as tell,
            stop_on_signals() as stop,
        ):
            return update_people(
                plan=plan,
                departures=self.departures,
                ledgers=UpdateLedgers(ledger.report, ledger.observations, wanted, hashes),
                directory=UpdatePorts(
                    directory.reader, directory.updater, directory.remover, directory.inspector
                ),
                flag=read.need_tenant().migration_flag,
                run=run,
                clock=clock,
                tell=tell,
                execute=execute,
                stop=stop,
            )


def departures_of(asked: Departures, *, update: bool) -> Departures | None:
    """What was asked for; None where nobody asked for an update.

    Raises:
        UsageError: an option of --update stands there without it.
    """
    if update:
        return asked
    if asked != Departures():
        raise UsageError(
            "--vanished, --barred, --vanished-count and --cleared-count are options of --update",
            remedy="Add --update, or leave them out.",
        )
    return None


@contextmanager
def later_export(
    read: Settings,
    clock: Clock,
    source: LegacySource,
    intake: Intake,
    *,
    departures: Departures | None,
    whole: bool,
    execute: bool,
    as_json: bool,
) -> Iterator[LaterExport]:
    """Plan what a later export changes, before anything is done. `whole`: nobody of the source was left out.

    Raises:
        UsageError: more people would lose their account, or a value, than anybody agreed to, and what `plan_update` refuses.
        SourceError, LedgerError, Stopped.
    """
    if departures is None or not read.ledger_path.is_file():
        yield LaterExport(read, clock, Departures(), as_json)
        return
    with wanted_drafts() as wanted:
        with (
            _opened(read, clock, execute=execute) as ledger,
            progress(clock, quiet=as_json) as tell,
            stop_on_signals() as stop,
        ):
            plan = plan_update(
                source=source,
                ledger=ledger.report,
                wanted=wanted,
                rules=intake.rules,
                departures=departures,
                in_pilot=intake.in_pilot,
                limit=intake.limit,
                whole=whole,
                tell=tell,
                stop=stop,
            )
        yield LaterExport(read, clock, departures, as_json, plan, wanted)


@contextmanager
def _opened(read: Settings, clock: Clock, *, execute: bool) -> Iterator[LedgerParts]:
    """The ledger: to write, under the run lock, only where something is to be done."""
    lock: AbstractContextManager[None] = run_lock_of(read) if execute else nullcontext()
    with lock, ledger_of(read, clock) if execute else ledger_to_read(read, clock) as ledger:
        yield ledger
