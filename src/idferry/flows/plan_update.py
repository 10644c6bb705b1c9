"""Plan an update: what a later export says about the people who have an account. Neither directory nor ledger changes.

One pass over the source and one over its people in the ledger; what is to be looked at lies on a shelf, so that
memory does not grow with the export.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

from idferry.errors import Stopped, UsageError
from idferry.ports import LedgerReport, LegacySource, Stop, Tell, WantedDrafts, never
from idferry.rules.account import AccountDraft, legacy_id_of
from idferry.rules.attributes import extension_type
from idferry.rules.departure import Departures, WhenBarred, WhenVanished, name_the_same_people
from idferry.rules.entry import Entry, Selection
from idferry.rules.happenings import RecordsRead
from idferry.rules.legacy_user import BadRecord, LegacyUser
from idferry.rules.lifecycle import WITH_ACCOUNT
from idferry.rules.names import Identity
from idferry.rules.person_set import PersonSet
from idferry.rules.pilot import InPilot
from idferry.rules.plan import PasswordFacts, Planned, PlanRules, plan_person
from idferry.rules.update import (
    has_other_names,
    names_cleared,
    names_of_others,
    needs_a_look,
    shares_a_name,
    unsent_names,
    wanted_draft,
)

BATCH_PEOPLE = 500
IDENTITIES_ASKED_MAX = 1_000
LISTED_MAX = 10_000
NAMED_MAX = 5

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Named:
    """A person with an account, as reports name one."""

    legacy_id: str
    object_id: str


@dataclass(slots=True)
class Listing:
    """People who are counted, and listed while there is room."""

    count: int = 0
    people: list[Named] = field(default_factory=list)

    def add(self, entry: Entry) -> None:
        """One more."""
        self.count += 1
        if len(self.people) < LISTED_MAX:
            self.people.append(Named(entry.legacy_id, entry.object_id))


@dataclass(slots=True)
class UpdatePlan:
    """What the source says about its people who have an account.

    `people` have one, `read` of them are in the source, `unchanged` of these say what we last wrote. `left_alone`:
    why the rules would not plan the record now (outcome -> people). `unsent`: attribute -> people whose new value may
    not be sent, so that the account keeps the one of before; `unsent_people` are they. `compared`: whose values were
    compared; `cleared`: attribute -> those of them for whom it has left the source. `identity_changed`: other sign-in names than the
    account was made with; `strangers` of these share none. `vanished` are no longer in the source, `other_key` are
    there under another key than theirs (both only known after a whole pass); `barred` are disabled there since,
    `doubtful` perhaps too: a record of somebody disabled has their key or one of their sign-in names, and not both.
    `returned` are enabled there and not by us. The sets say the same by person_id.
    """

    source: str
    whole: bool
    people: int = 0
    read: int = 0
    unchanged: int = 0
    bad_records: int = 0
    left_alone: Counter[str] = field(default_factory=Counter)
    unsent: Counter[str] = field(default_factory=Counter)
    unsent_people: Listing = field(default_factory=Listing)
    compared: int = 0
    cleared: Counter[str] = field(default_factory=Counter)
    identity_changed: Listing = field(default_factory=Listing)
    strangers: int = 0
    other_key: Listing = field(default_factory=Listing)
    vanished: Listing = field(default_factory=Listing)
    barred: Listing = field(default_factory=Listing)
    extension_types: dict[str, set[str]] = field(default_factory=dict)
    departing: PersonSet = field(default_factory=PersonSet)
    shut: PersonSet = field(default_factory=PersonSet)
    doubtful: PersonSet = field(default_factory=PersonSet)
    returned: PersonSet = field(default_factory=PersonSet)
    threatened: int = 0


def plan_update(
    *,
    source: LegacySource,
    ledger: LedgerReport,
    wanted: WantedDrafts,
    rules: PlanRules,
    departures: Departures,
    in_pilot: InPilot,
    limit: int | None,
    whole: bool,
    tell: Tell,
    stop: Stop = never,
) -> UpdatePlan:
    """What is to be looked at, and who is no longer in the source or barred there.

    1. Stream the source; put the draft of everybody whose values are not what we last wrote on the shelf.
    2. After a whole pass: look through the people of the source for those whom the pass has not met, neither by their
       key nor by a sign-in name.
    3. Refuse what looks like a truncated export, one whose keys are other people's, or one without a column.

    Raises:
        UsageError: more people would lose their account, or a value, than anybody agreed to; or keys name other people than
            before, or records cannot be read, so that nobody can say who vanished; or a pilot was asked to act on
            the vanished.
        SourceError, LedgerError, Stopped.
    """
    _check_pilot(departures, whole=whole)
    plan = UpdatePlan(source=source.name, whole=whole)
    planning = _Planning(plan=plan, ledger=ledger, wanted=wanted, rules=rules)
    users = islice(_users(source, plan, in_pilot), limit)
    for batch in _batches(users, BATCH_PEOPLE):
        planning.read(batch)
        tell(RecordsRead(planning.records))
        if stop():
            raise Stopped("stopped while planning; nothing was changed", remedy="Run the same command again.")
    planning.look_for_departures(departures)
    _check_departures(plan, departures)
    _check_cleared(plan, departures)
    return plan


@dataclass(slots=True, kw_only=True)
class _Planning:
    """The state of one pass: who was met by the key, and whose sign-in name under another key."""

    plan: UpdatePlan
    ledger: LedgerReport
    wanted: WantedDrafts
    rules: PlanRules
    records: int = 0
    _met: PersonSet = field(default_factory=PersonSet)
    _elsewhere: PersonSet = field(default_factory=PersonSet)

    def read(self, batch: list[LegacyUser]) -> None:
        """Some records of the source."""
        self.records += len(batch)
        rules = self.rules
        records = [
            (legacy_id_of(project=rules.project, source=user.source, key=user.key), user) for user in batch
        ]
        by_id = dict(reversed(records))
        drafts: dict[int, AccountDraft] = {}
        entries = self.ledger.entries_of_legacy_ids(by_id)
        for legacy_id, entry in entries.items():
            if entry.state.has_account and entry.person_id not in self._met:
                # A key that comes again is another record, which planning has left out.
                self._met.add(entry.person_id)
                self._judge(entry, by_id[legacy_id], drafts)
        self.wanted.put(drafts)
        self._look_elsewhere([(entries.get(legacy_id), user) for legacy_id, user in records])

    def _look_elsewhere(self, records: list[tuple[Entry | None, LegacyUser]]) -> None:
        """Whose sign-in names came under another key: rows were numbered anew, or the person has got a new key."""
        barred: dict[Identity, bool] = {}
        for entry, user in records:
            held = entry.draft.identities if entry and entry.draft else ()
            for identity in names_of_others(held, user.identities):
                barred[identity] = barred.get(identity, False) or not user.enabled
        for is_barred in (False, True):
            asked = [one for one in barred if barred[one] is is_barred]
            for some in _batches(asked, IDENTITIES_ASKED_MAX):
                for owner in self.ledger.entries_of_identities(some):
                    self._elsewhere.add(owner.person_id)
                    if is_barred:
                        self._doubt(owner)

    def _doubt(self, entry: Entry) -> None:
        """A record of somebody disabled may be this person's."""
        enabled = entry.draft is not None and entry.draft.enabled
        if enabled and entry.source == self.plan.source and entry.state.has_account:
            self.plan.doubtful.add(entry.person_id)

    def _judge(self, entry: Entry, user: LegacyUser, drafts: dict[int, AccountDraft]) -> None:
        plan, held = self.plan, entry.draft
        assert held is not None  # noqa: S101  whoever has an account has one
        plan.read += 1
        same_person = shares_a_name(held.identities, user.identities)
        plan.strangers += not same_person
        # Before anything is said against the record: nobody keeps an account over a value that is too long.
        self._compare_enabled(entry, held, user, same_person=same_person)
        decided = plan_person(user, PasswordFacts(present=True), self.rules)
        if not isinstance(decided, Planned):
            plan.left_alone[decided.code] += 1
            return
        if has_other_names(held.identities, user.identities):
            plan.identity_changed.add(entry)
            if not same_person:
                return  # perhaps somebody else by now, under a key that was used again
        unsent = unsent_names(user, decided)
        wanted = wanted_draft(held, decided.draft, unsent=unsent)
        if kept := unsent & held.values.keys():
            plan.unsent.update(kept)
            plan.unsent_people.add(entry)
        plan.compared += 1
        plan.cleared.update(names_cleared(held, wanted))
        if not needs_a_look(entry, wanted):
            plan.unchanged += 1
            return
        drafts[entry.person_id] = wanted
        for name, value in wanted.extensions.items():
            plan.extension_types.setdefault(name, set()).add(extension_type(value))

    def _compare_enabled(
        self, entry: Entry, held: AccountDraft, user: LegacyUser, *, same_person: bool
    ) -> None:
        if not same_person:
            if not user.enabled:
                self._doubt(entry)
        elif held.enabled and not user.enabled:
            self.plan.barred.add(entry)
            self.plan.shut.add(entry.person_id)
        elif user.enabled and not held.enabled:
            self.plan.returned.add(entry.person_id)

    def look_for_departures(self, departures: Departures) -> None:
        """Who is no longer in the source, and how many would lose their account over it."""
        plan = self.plan
        chosen = Selection(source=plan.source, states=WITH_ACCOUNT)
        plan.people = sum(self.ledger.states(chosen).values())
        if plan.whole and plan.people > len(self._met):
            for entry in self.ledger.entries(chosen):
                if entry.person_id in self._met:
                    continue
                if entry.person_id in self._elsewhere:
                    plan.other_key.add(entry)
                else:
                    plan.vanished.add(entry)
                    plan.departing.add(entry.person_id)
                    plan.threatened += departures.threatens_vanished(entry)
        if departures.barred is WhenBarred.DISABLE:
            plan.threatened += plan.barred.count


def _users(source: LegacySource, plan: UpdatePlan, in_pilot: InPilot) -> Iterator[LegacyUser]:
    for record in source.records():
        if isinstance(record, BadRecord):
            plan.bad_records += 1
        elif in_pilot(record.user):
            yield record.user


def _check_pilot(departures: Departures, *, whole: bool) -> None:
    if not whole and departures.vanished is not WhenVanished.LIST:
        raise UsageError(
            f"--vanished {departures.vanished} needs the whole export: with --only or --limit nobody can be missed",
            remedy="Leave out --only and --limit, or --vanished.",
        )


def _check_departures(plan: UpdatePlan, departures: Departures) -> None:
    acts_on_vanished = departures.vanished is not WhenVanished.LIST
    if acts_on_vanished and not name_the_same_people(plan.strangers, keys=plan.read):
        raise UsageError(
            f"{plan.strangers} of {plan.read} keys name somebody with other sign-in names than before: nobody can say "
            "who is no longer in the source; nothing was changed",
            remedy="Rows that were numbered anew look like this, and so does another source's file. Give the people "
            "the keys that they had before, or leave out --vanished.",
        )
    if plan.bad_records and plan.vanished.count and acts_on_vanished:
        raise UsageError(
            f"{plan.bad_records} records of the source cannot be read: their people would count as vanished",
            remedy="Mend the records (`idferry survey` lists them), or leave out --vanished.",
        )
    if not departures.agrees_to(plan.threatened, people=plan.people):
        raise UsageError(
            f"{plan.threatened} of {plan.people} people of the source {plan.source} would be disabled or removed; "
            "nothing was changed",
            remedy="An export that was cut short looks like this. If it is whole, name the number: "
            f"--vanished-count {plan.threatened}.",
        )


def _check_cleared(plan: UpdatePlan, departures: Departures) -> None:
    if departures.agrees_to_clear(plan.cleared, people=plan.compared):
        return
    told = ", ".join(f"{name} for {count}" for name, count in plan.cleared.most_common(NAMED_MAX))
    raise UsageError(
        f"values would be cleared of {plan.compared} people compared: {told or 'none'}; nothing was changed",
        remedy="An export that lacks a column looks like this. If they are to be cleared, name how many values, of all "
        f"attributes together: --cleared-count {plan.cleared.total()}.",
    )


def _batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
