"""Prepare orders: put the password beside each draft that is to be sent.

Known passwords are never in the ledger, so the source is streamed again beside it, in the order in which it was
planned. A record that is not the one that was planned gives nobody a password.
"""

from collections.abc import Callable, Iterable, Iterator

import msgspec
from msgspec import structs

from idferry.errors import SourceChanged
from idferry.ports import CreateOrder, LegacySource, RandomBelow, SourceRecord
from idferry.rules.account import AccountDraft, PasswordPlan
from idferry.rules.answers import Rejected
from idferry.rules.entry import Entry, Observation
from idferry.rules.legacy_user import LegacyUser
from idferry.rules.lifecycle import State
from idferry.rules.observations import replanning
from idferry.rules.password import Password, random_password


class Order(msgspec.Struct, eq=False):
    """One person on the way: the entry, what is sent, and how often it was. A struct, as `Entry` is.

    `unclear`: an earlier attempt may have created the account. `refusal`: what the directory then said to a later one.
    `replanned`: the ledger does not know yet how the account gets its password now. `redraws`: random passwords drawn
    after the first one.
    """

    entry: Entry
    draft: AccountDraft
    create: CreateOrder
    attempts: int = 0
    postponements: int = 0
    holder_id: str | None = None
    attribute: str = ""
    unclear: bool = False
    refusal: Rejected | None = None
    replanned: bool = False
    redraws: int = 0

    @property
    def is_second_choice(self) -> bool:
        """Whether the account does not get its password as it was planned."""
        assert self.entry.draft is not None  # noqa: S101  there was a plan
        return self.draft.password_plan is not self.entry.draft.password_plan

    def choose(self, plan: PasswordPlan, random_below: RandomBelow) -> None:
        """Send it with this password plan from now on: a fresh random password, or the known one once more."""
        self.redraws += plan is self.draft.password_plan
        self.replanned = self.replanned or plan is not self.draft.password_plan
        self.draft = structs.replace(self.draft, password_plan=plan)
        password = self.create.password if plan.is_known else random_password(random_below)
        self.create = CreateOrder(self.draft, password)
        # What was unclear before was looked into when the refusal came: this one begins from the beginning.
        self.unclear, self.refusal, self.attempts = False, None, 0


def replannings(chunks: Iterable[Iterable[Order]]) -> list[Observation]:
    """What the ledger must know before these are sent: whose password goes out otherwise than it says."""
    replanned = (order for chunk in chunks for order in chunk if order.replanned)
    return [replanning(order.entry.person_id, order.draft) for order in replanned]


def refuse_changed(entry: Entry) -> None:
    """What happens by default when a person's record is not the one that was planned: the run ends.

    Raises:
        SourceChanged: always.
    """
    raise SourceChanged(f"record {entry.ordinal + 1} (key {entry.key}) is not the one that was planned")


def prepare_orders(
    entries: Iterable[Entry],
    *,
    source: LegacySource,
    random_below: RandomBelow,
    unmatched: Callable[[Entry], None] = refuse_changed,
) -> Iterator[Order]:
    """One order per entry, lazily; `entries` come in source order.

    `unmatched` hears of people whose known password the source does not hold any longer; they get no order.

    Raises:
        SourceError: the source cannot be read, or whatever `unmatched` raises.
    """
    passwords = _PasswordsOf(source)
    for entry in entries:
        draft = entry.draft
        assert draft is not None  # noqa: S101  planned and creating entries have one
        password = _password(entry, draft.password_plan, passwords, random_below)
        if password is None and draft.password_plan.is_known:
            unmatched(entry)
        else:
            unclear = entry.state is State.CREATING
            yield Order(entry, draft, CreateOrder(draft, password), unclear=unclear)


def _password(
    entry: Entry, plan: PasswordPlan, passwords: "_PasswordsOf", random_below: RandomBelow
) -> Password | None:
    match plan:
        case PasswordPlan.NONE:
            return None
        case PasswordPlan.RANDOM:
            return random_password(random_below)
        case PasswordPlan.KNOWN | PasswordPlan.KNOWN_WEAK:
            return passwords.of(entry)


class _PasswordsOf:
    """Walks the source beside the ledger, reading no further than the record it was asked for."""

    def __init__(self, source: LegacySource) -> None:
        self._records = (record for record in source.records() if isinstance(record, SourceRecord))
        self._record: SourceRecord | None = None

    def of(self, entry: Entry) -> Password | None:
        """The password of this very record; None when another record stands there, or one without a password."""
        while self._record is None or self._record.user.place.ordinal < entry.ordinal:
            self._record = next(self._records, None)
            if self._record is None:
                return None
        user, password = self._record.user, self._record.password
        if (user.place.ordinal, user.key) != (entry.ordinal, entry.key) or not _is_same(user, entry):
            return None
        return password if password and not password.is_empty else None


def _is_same(user: LegacyUser, entry: Entry) -> bool:
    """Whether a record is the one the draft was made from, or the same person's, mended since the call was sent.

    Keys are no proof: an export made anew may number its records otherwise. Every sign-in name is.
    """
    if user.record_digest == entry.record_digest:
        return True
    planned = entry.draft.identities if entry.state is State.CREATING and entry.draft else ()
    return bool(planned) and {one.compared for one in planned} == {one.compared for one in user.identities}
