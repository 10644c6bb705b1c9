"""Progress of a flow: a bar on a terminal, plain lines in a pipe, nothing when nobody is to be disturbed.

It draws from happenings and decides nothing. Lines go to standard error.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from rich.console import RenderableType
from rich.constrain import Constrain
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from idferry.cli.output import messages
from idferry.ports import Clock, Tell
from idferry.rules.happenings import (
    AccountsRead,
    AccountsRemoved,
    AccountsUpdated,
    AttributeCreated,
    Happening,
    PeopleSettled,
    RecordsRead,
    RunStarted,
)

LINE_EVERY_SECONDS = 5.0
RECORDS_WORTH_TELLING = 5000


class _Bars(Progress):
    """Bars that leave room for the `^C` of a person who stops the run: a broken line could not be redrawn."""

    def get_renderables(self) -> Iterable[RenderableType]:
        """What is drawn."""
        yield Constrain(self.make_tasks_table(self.tasks), width=messages().width - len("^C"))


class _Pace:
    """People per second since the sending began, and what that means for the rest."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._started_at = self._last_line_at = clock.elapsed()
        self._done = -1
        self.total = 0

    def start(self, total: int) -> None:
        """So many people are to be created from now on; the planning before is no part of the rate."""
        self._started_at = self._last_line_at = self._clock.elapsed()
        self.total = total

    def describe(self, happening: PeopleSettled) -> str:
        """`12.3/s, 2 failed, 4 min 10 s left`, or why nothing moves."""
        seconds = max(self._clock.elapsed() - self._started_at, 0.001)
        rate = happening.done / seconds
        parts = [f"{rate:,.1f}/s"]
        if happening.failed:
            parts.append(f"{happening.failed:,} failed")
        if happening.waiting_s > 0:
            parts.append(f"waiting {happening.waiting_s:.0f} s for the directory")
        if rate and happening.done < self.total:
            parts.append(f"{duration((self.total - happening.done) / rate)} left")
        return ", ".join(parts)

    def is_time_for_a_line(self) -> bool:
        """Whether a pipe should hear something again."""
        if self._clock.elapsed() - self._last_line_at < LINE_EVERY_SECONDS:
            return False
        self._last_line_at = self._clock.elapsed()
        return True

    def is_worth_a_line(self, happening: PeopleSettled) -> bool:
        """The same for people who were settled; the last of them is always told, and told once."""
        # People whom another run left unsettled come on top of this run's total.
        self.total = max(self.total, happening.done)
        is_last = happening.done == self.total and happening.done != self._done
        if not self.is_time_for_a_line() and not is_last:
            return False
        self._done = happening.done
        return True


def duration(seconds: float) -> str:
    """`4 h 38 min`, `2 min 05 s`, `12 s`."""
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02} min"
    if whole >= 60:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole} s"


@contextmanager
def progress(clock: Clock, *, quiet: bool = False) -> Iterator[Tell]:
    """What a flow tells its happenings to, for as long as the context lasts."""
    console = messages()
    if quiet:
        yield lambda _happening: None
    elif console.is_terminal:
        with _Bars(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[count]}", justify="right"),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        ) as bar:
            yield _on_terminal(bar, _Pace(clock))
    else:
        pace = _Pace(clock)
        yield lambda happening: _in_pipe(happening, pace)


def _on_terminal(bar: Progress, pace: _Pace) -> Tell:
    tasks: dict[str, TaskID] = {}

    def show(what: str, done: int, total: int | None, note: str = "") -> None:
        if what not in tasks:
            tasks[what] = bar.add_task(what, total=total, count="", note="")
        count = f"{done:,}" if total is None else f"{done:,}/{total:,}"
        bar.update(tasks[what], completed=done, total=total, count=count, note=note)

    def tell(happening: Happening) -> None:
        match happening:
            case RecordsRead(count):
                show("planning", count, None)
            case AttributeCreated(name):
                bar.console.print(f"created the extension attribute {name}", markup=False)
            case RunStarted(run, total, resumed):
                bar.console.print(f"{'continuing' if resumed else 'starting'} run {run}", markup=False)
                pace.start(total)
                for task in tasks.values():
                    bar.update(task, visible=False)
                show("creating", 0, total)
            case PeopleSettled(done, _failed, _waiting):
                show("creating", done, max(pace.total, done), pace.describe(happening))
            case AccountsRead(count):
                show("reading accounts", count, None)
            case AccountsUpdated(count):
                show("updating", count, None)
            case AccountsRemoved(count):
                show("removing", count, None)

    return tell


def _in_pipe(happening: Happening, pace: _Pace) -> None:
    line = ""
    match happening:
        case RecordsRead(count) if count >= RECORDS_WORTH_TELLING and pace.is_time_for_a_line():
            line = f"planned {count:,} records"
        case AttributeCreated(name):
            line = f"created the extension attribute {name}"
        case RunStarted(run, total, resumed):
            pace.start(total)
            line = f"{'continuing' if resumed else 'starting'} run {run}: {total:,} people to create"
        case PeopleSettled(done) if pace.is_worth_a_line(happening):
            line = f"{done:,} of {pace.total:,} settled, {pace.describe(happening)}"
        case AccountsRead(count) if pace.is_time_for_a_line():
            line = f"read {count:,} accounts"
        case AccountsUpdated(count) if pace.is_time_for_a_line():
            line = f"updated {count:,} accounts"
        case AccountsRemoved(count) if pace.is_time_for_a_line():
            line = f"removed {count:,} accounts"
        case _:
            pass
    if line:
        messages().print(line, markup=False, soft_wrap=True)
