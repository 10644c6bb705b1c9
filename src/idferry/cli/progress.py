"""Progress of a flow: a bar on a terminal, plain lines in a pipe, nothing when nobody is to be disturbed.

It draws from happenings and decides nothing. Lines go to standard error.
"""

from collections import deque
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
    AccountsSought,
    AccountsUpdated,
    AttributeCreated,
    Happening,
    PeopleSettled,
    RecordsCompared,
    RecordsRead,
    RunStarted,
)
from idferry.rules.quota import HeldBy, Pace
from idferry.rules.time_left import Lately, Moment, history_seconds, seconds_left

LINE_EVERY_SECONDS = 5.0
WAIT_WORTH_TELLING_SECONDS = 5.0
RECORDS_WORTH_TELLING = 5000


class _Bars(Progress):
    """Bars that leave room for the `^C` of a person who stops the run: a broken line could not be redrawn."""

    def get_renderables(self) -> Iterable[RenderableType]:
        """What is drawn."""
        yield Constrain(self.make_tasks_table(self.tasks), width=messages().width - len("^C"))


class _History:
    """Who was settled of late, second by second."""

    def __init__(self, now_s: float) -> None:
        self.began_s = now_s
        self._done = 0
        self._settled: deque[Moment] = deque()

    def note(self, done: int, now_s: float, pace: Pace) -> None:
        """So many are done now."""
        people, self._done = done - self._done, done
        if people and self._settled and now_s - self._settled[-1].at_s < 1:
            at_s, before = self._settled.pop()
            self._settled.append(Moment(at_s, before + people))
        elif people:
            self._settled.append(Moment(now_s, people))
        while self._settled and self._settled[0].at_s < now_s - history_seconds(pace):
            self._settled.popleft()

    def lately(self, now_s: float) -> Lately:
        """What was noted of late."""
        return Lately(self._settled, began_s=self.began_s, now_s=now_s)


class _Pace:
    """People per second, and what that means for the rest."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.start(0)
        self._done = -1

    def start(self, total: int) -> None:
        """So many people are to be created from now on; the planning before is no part of the rate."""
        self._last_line_at = self._clock.elapsed()
        self._history = _History(self._last_line_at)
        self.total = total

    def describe(self, happening: PeopleSettled) -> str:
        """`12.3/s, 2 failed, 4 min 10 s left`, or why nothing moves."""
        now_s = self._clock.elapsed()
        self._history.note(happening.done, now_s, happening.pace)
        lately = self._history.lately(now_s)
        is_last = happening.done >= self.total
        # The end is no moment to look back upon: all of it was the run.
        rate = happening.done / max(now_s - self._history.began_s, 0.001) if is_last else lately.per_s()
        parts = [f"{rate:,.1f}/s"]
        if happening.failed:
            parts.append(f"{happening.failed:,} failed")
        parts += _what_it_waits_for(happening.pace)
        if not is_last:
            left = seconds_left(self.total - happening.done, lately=lately, pace=happening.pace)
            parts += [f"{duration(left)} left"] if left else []
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
        self._history.note(happening.done, self._clock.elapsed(), happening.pace)
        is_last = happening.done == self.total and happening.done != self._done
        if not self.is_time_for_a_line() and not is_last:
            return False
        self._done = happening.done
        return True


class _Updating(_Pace):
    """The same for people who are brought up to date: each kind of change is a stretch of its own."""

    _settled: int

    def following(self, happening: AccountsUpdated) -> PeopleSettled:
        """How far this stretch is; another one begins where others are to be looked at, or where it begins again."""
        if happening.total != self.total or happening.settled < self._settled:
            self.start(happening.total)
        self._settled = happening.settled
        return PeopleSettled(happening.settled, happening.failed, happening.pace)

    def start(self, total: int) -> None:
        """So many people are to be looked at from now on."""
        super().start(total)
        self._settled = 0
        self._done = -1


class _Stretches:
    """How long the rest of something takes that has a known end, at the rate of what was done so far."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began: dict[str, tuple[float, int]] = {}

    def left(self, what: str, done: int, total: int) -> str:
        """`12 s left`, or nothing as long as that cannot be said."""
        began_s, before = self._began.setdefault(what, (self._clock.elapsed(), done))
        seconds = self._clock.elapsed() - began_s
        if done <= before or done >= total or seconds <= 0:
            return ""
        return f"{duration((total - done) * seconds / (done - before))} left"


def _what_it_waits_for(pace: Pace) -> list[str]:
    """The wait, if it is one that people notice."""
    match pace.held_by:
        case HeldBy.TENANT if pace.waiting_s > 0:
            return [f"waiting {pace.waiting_s:.0f} s for the directory"]
        case HeldBy.PACING if pace.waiting_s >= WAIT_WORTH_TELLING_SECONDS:
            return [f"allowance used up for {pace.waiting_s:.0f} s"]
    return []


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
            yield _on_terminal(bar, _Pace(clock), _Updating(clock), _Stretches(clock))
    else:
        pace, updating, stretches = _Pace(clock), _Updating(clock), _Stretches(clock)
        yield lambda happening: _in_pipe(happening, pace, updating, stretches)


def _on_terminal(bar: Progress, pace: _Pace, updating: _Updating, stretches: _Stretches) -> Tell:
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
            case AccountsRead(count, expected):
                note = stretches.left("reading", count, expected)
                show("reading accounts", count, max(expected, count) or None, note)
            case AccountsSought(count, total):
                show("asking for missing accounts", count, total, stretches.left("asking", count, total))
            case RecordsCompared(count):
                show("comparing the source", count, None)
            case AccountsUpdated(_count, settled, total):
                show("updating", settled, total, updating.describe(updating.following(happening)))
            case AccountsRemoved(count):
                show("removing", count, None)

    return tell


def _in_pipe(happening: Happening, pace: _Pace, updating: _Updating, stretches: _Stretches) -> None:
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
        case AccountsRead(count, expected) if pace.is_time_for_a_line():
            line = _told(f"read {count:,} accounts", stretches.left("reading", count, expected))
        case AccountsSought(count, total) if pace.is_time_for_a_line():
            left = stretches.left("asking", count, total)
            line = _told(f"asked for {count:,} of {total:,} missing accounts", left)
        case RecordsCompared(count) if pace.is_time_for_a_line():
            line = f"compared {count:,} records"
        case AccountsUpdated(count, settled, total) if updating.is_worth_a_line(
            far := updating.following(happening)
        ):
            told = f"updated {count:,} accounts, {settled:,} of {total:,} people looked at"
            line = f"{told}, {updating.describe(far)}"
        case AccountsRemoved(count) if pace.is_time_for_a_line():
            line = f"removed {count:,} accounts"
        case _:
            pass
    if line:
        messages().print(line, markup=False, soft_wrap=True)


def _told(line: str, left: str) -> str:
    return f"{line}, {left}" if left else line
