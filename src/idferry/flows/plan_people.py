"""Plan everybody in a source: stream it once into a ledger and report what would become of whom.

The same flow serves `survey` (on a scratch ledger), the dry run of `premigrate` (on a copy) and its first pass
(on the ledger itself). It changes no directory and holds no more than one batch of people in memory.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from types import MappingProxyType

from msgspec import structs

from idferry.errors import Stopped
from idferry.ports import Clock, LegacySource, PlanLedger, SourceRecord, Stop, Tell, never
from idferry.rules.attributes import AttributeValue, extension_type
from idferry.rules.entry import PlanEffect, PlanItem, TakeUp
from idferry.rules.happenings import RecordsRead
from idferry.rules.legacy_user import BadRecord
from idferry.rules.lifecycle import State
from idferry.rules.outcomes import Note
from idferry.rules.password import Password
from idferry.rules.pilot import InPilot
from idferry.rules.plan import PasswordFacts, Planned, PlanRules, plan_person

# One transaction. Keys and sign-in names are random, so each one writes most pages of their indices anew: with 2,000
# people at a time the first 300,000 made the disk take 4.8 GB, with 10,000 it is 1.9 GB. They are 35 MiB of people.
BATCH_PEOPLE = 10_000
# As long as a transaction lasts, nobody else can write to the ledger: a sign-in service beside us waits 1.5 s to record
# that somebody has reset the password. A busy disk takes as long for 10,000 people; so many are planned at once as it
# takes in this time, and the others get their turn while the next ones are read.
BATCH_SECONDS = 0.2
BATCH_PEOPLE_FIRST = 1_000
BATCH_PEOPLE_LEAST = 200
BATCH_VALUES = 100_000  # of attributes: where people have forty of them, 10,000 people would be 150 MiB more
BAD_RECORDS_LISTED_MAX = 1000
EXAMPLES_PER_CODE_MAX = 5

_NO_ATTRIBUTES: Mapping[str, AttributeValue] = MappingProxyType({})
_NO_PASSWORD = PasswordFacts(present=False)
_STRONG_PASSWORD = PasswordFacts(present=True)


@dataclass(slots=True)
class PlanReport:
    """What planning found. Counts are people, but for `refused_attributes` (attribute -> code -> people).

    `create` are people who will be created, `extension_types` the data types their extension attributes need,
    `existing` those who have an account already or are under way, `failed` those who failed earlier and wait for
    --retry-failed. `examples` name a few keys per code.
    """

    people: int = 0
    create: int = 0
    existing: int = 0
    failed: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    refused_attributes: dict[str, Counter[str]] = field(default_factory=dict)
    notes: Counter[str] = field(default_factory=Counter)
    passwords: Counter[str] = field(default_factory=Counter)
    extension_types: dict[str, set[str]] = field(default_factory=dict)
    bad_records: list[BadRecord] = field(default_factory=list)
    bad_records_count: int = 0
    examples: dict[str, list[str]] = field(default_factory=dict)

    @property
    def nobody_readable(self) -> bool:
        """Whether there were records and none of them could be read as a person; an empty source is no such case."""
        return self.people == 0 and self.bad_records_count > 0


def plan_people(
    *,
    source: LegacySource,
    ledger: PlanLedger,
    rules: PlanRules,
    clock: Clock,
    tell: Tell,
    run: str = "",
    take_up: TakeUp | None = None,
    in_pilot: InPilot = lambda _user: True,
    limit: int | None = None,
    batch_people: int | None = None,
    stop: Stop = never,
) -> PlanReport:
    """Plan every readable record that `in_pilot` accepts, at most `limit` of them, and report.

    `batch_people`: how many are given to the ledger at once, at most, BATCH_PEOPLE if nothing is said.

    1. Read a batch of records; what cannot be read is reported with its place and stops nobody else.
    2. Decide about each person by the rules.
    3. Let the ledger settle what needs memory of others: names seen before, people who have an account.
    4. Count.

    Raises:
        SourceError: the source as a whole cannot be read. What was planned before stays planned.
        LedgerError: the ledger cannot be written.
        Stopped: `stop` said so, between two batches; what was planned before stays planned.
    """
    report = PlanReport()
    ledger.begin_planning()
    wanted = islice(_readable(source, report, in_pilot, stop), limit)
    most = batch_people or BATCH_PEOPLE
    people = min(BATCH_PEOPLE_FIRST, most)
    while items := _batch(wanted, rules, people=people):
        began_s = clock.elapsed()
        effects = ledger.plan(items, run=run, take_up=take_up or TakeUp(), at=clock.now())
        people = _next_batch_people(len(items), took_s=clock.elapsed() - began_s, most=most)
        for item, effect in zip(items, effects, strict=True):
            _count(report, item, effect)
        tell(RecordsRead(report.people))
        _check_stop(stop)
    return report


def _next_batch_people(people: int, *, took_s: float, most: int) -> int:
    """So many as the ledger takes in BATCH_SECONDS; at most twice as many as before, for it may have had a good moment."""
    fitting = int(people * BATCH_SECONDS / took_s) if took_s > 0 else most
    return min(max(fitting, BATCH_PEOPLE_LEAST), 2 * people, most)


def _check_stop(stop: Stop) -> None:
    if stop():
        raise Stopped("stopped while planning; nobody was sent yet", remedy="Run the same command again.")


def _readable(
    source: LegacySource, report: PlanReport, in_pilot: InPilot, stop: Stop
) -> Iterator[SourceRecord]:
    for record in source.records():
        if isinstance(record, BadRecord):
            report.bad_records_count += 1
            if len(report.bad_records) < BAD_RECORDS_LISTED_MAX:
                report.bad_records.append(record)
        elif in_pilot(record.user):
            yield record
            continue
        _check_stop(stop)  # a long source with few people in it makes batches rare


def _batch(wanted: Iterator[SourceRecord], rules: PlanRules, *, people: int) -> list[PlanItem]:
    """Each record is decided about as soon as it was read, and its password dropped: a batch holds none."""
    items: list[PlanItem] = []
    values = 0
    for record in islice(wanted, people):
        items.append(_decide(record, rules))
        values += len(record.user.attributes)
        if values >= BATCH_VALUES:
            break
    return items


def _decide(record: SourceRecord, rules: PlanRules) -> PlanItem:
    facts = _facts(record.password, record) if record.password else _NO_PASSWORD
    plan = plan_person(record.user, facts, rules)
    # What is sent of the attributes is in the draft, and short. The record may hold photographs, which nobody is sent:
    # ten thousand of them would be held at once.
    return PlanItem(structs.replace(record.user, attributes=_NO_ATTRIBUTES), plan)


def _facts(password: Password, record: SourceRecord) -> PasswordFacts:
    if password.is_empty:
        return _NO_PASSWORD
    names = [one.issuer_assigned_id for one in record.user.identities if one.is_local]
    weakness = password.weakness(names)
    if weakness is None:
        return _STRONG_PASSWORD
    return PasswordFacts(present=True, weakness=weakness, storable_when_weak=password.storable_when_weak())


def _count(report: PlanReport, item: PlanItem, effect: PlanEffect) -> None:
    report.people += 1
    if item.plan.refused_attributes:
        for name, code in item.plan.refused_attributes.items():
            report.refused_attributes.setdefault(name, Counter())[code] += 1
    match effect.state:
        case State.PLANNED:
            report.create += 1
            _count_planned(report, item)
            if effect.look_alike_key:
                report.notes[Note.LOOK_ALIKE_SIGN_IN_NAME] += 1
                _give_example(report, Note.LOOK_ALIKE_SIGN_IN_NAME, item, effect)
        case State.LEFT_OUT | State.REMOVED:
            report.left_out[effect.code] += 1
            _give_example(report, effect.code, item, effect)
        case State.REFUSED:
            report.refused[effect.code] += 1
            _give_example(report, effect.code, item, effect)
        case State.FAILED:
            report.failed += 1
        case State.CREATING | State.COMPLETE | State.AWAITING_PASSWORD | State.CONFIRMING:
            report.existing += 1


def _count_planned(report: PlanReport, item: PlanItem) -> None:
    assert isinstance(item.plan, Planned)  # noqa: S101  the ledger plans only what the rules planned
    draft = item.plan.draft
    report.passwords[draft.password_plan] += 1
    for note in item.plan.notes:
        report.notes[note] += 1
    for name, value in draft.extensions.items():
        types = report.extension_types.get(name)
        if types is None:
            types = report.extension_types[name] = set()
        types.add(extension_type(value))


def _give_example(report: PlanReport, code: str, item: PlanItem, effect: PlanEffect) -> None:
    examples = report.examples.setdefault(code, [])
    if len(examples) < EXAMPLES_PER_CODE_MAX:
        kept = f" (kept: {effect.kept_key})" if effect.kept_key else ""
        alike = f" (looks like: {effect.look_alike_key})" if effect.look_alike_key else ""
        examples.append(f"{item.user.key}{kept}{alike}")
