"""Premigrate an export by the product's own flow and wiring, and tell planning from sending.

Runs in a folder with a settings file; takes the export. Prints the CPU seconds of planning, the CPU seconds of
sending, and the wall seconds of sending. The command line does the same; it cannot say when sending began.
"""

import sys
import time
from pathlib import Path

from idferry.flows.premigrate import Intake, Ledgers, premigrate
from idferry.rules.attributes import MIGRATION_FLAG
from idferry.rules.entry import TakeUp
from idferry.rules.happenings import Happening, RunStarted
from idferry.settings import read_settings
from idferry.wiring import (
    clock_of,
    directory_of,
    ledger_of,
    plan_rules_of,
    random_below,
    send_limits_of,
    source_of,
)
from idferry.wiring.system import collect_garbage_rarely


class _Watch:
    """CPU and wall seconds at the begin and when sending begins."""

    def __init__(self) -> None:
        self.marks = [(time.process_time(), time.perf_counter())]

    def tell(self, happening: Happening) -> None:
        if isinstance(happening, RunStarted):
            self.mark()

    def mark(self) -> None:
        self.marks.append((time.process_time(), time.perf_counter()))


def main(export: str) -> None:
    """Premigrate it."""
    collect_garbage_rarely()  # as the command line does first of all
    settings = read_settings(None)
    clock = clock_of(settings)
    watch = _Watch()
    source = source_of(settings, export)
    with directory_of(settings, clock) as directory, ledger_of(settings, clock) as ledger:
        report = premigrate(
            command="premigrate",
            source=source,
            intake=Intake(plan_rules_of(settings, clock), TakeUp(), lambda _user: True),
            ledgers=Ledgers(ledger.plan, ledger.runs, ledger.send),
            inspector=directory.inspector,
            writer=directory.writer,
            flag=MIGRATION_FLAG,
            clock=clock,
            random_below=random_below,
            tell=watch.tell,
            limits=send_limits_of(settings),
        )
    watch.mark()
    if report.send.created != report.plan.create:
        raise SystemExit("somebody was not created")
    (began, _), (sending, sending_s), (ended, ended_s) = watch.marks
    print(sending - began, ended - sending, ended_s - sending_s, report.send.created)


main(str(Path(sys.argv[1]).absolute()))
