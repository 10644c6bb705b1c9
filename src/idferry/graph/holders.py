"""Who holds a sign-in name that the directory calls taken: we ourselves one lost answer ago, or somebody else.

An account is ours only if its `legacyId` is exactly this person's and it holds one of the person's identities. The
directory knows at once that a name is taken and shows the account seconds to minutes later, so an empty answer proves
nothing until it had time to settle.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus

from idferry.graph import queries
from idferry.graph.applications import Naming
from idferry.graph.asking import Asking
from idferry.graph.machine import Machine
from idferry.graph.reading import in_domain
from idferry.graph.replies import Reply, body_if_found
from idferry.graph.transport import Call
from idferry.graph.waiting import LOOK_AGAIN_SECONDS_FIRST, LOOK_AGAIN_SECONDS_MAX
from idferry.graph.wire import Names, account_of, select_of
from idferry.rules.account import Account, AccountDraft
from idferry.rules.answers import Holder, InRecycleBin, Ours, Stranger, Unseen
from idferry.rules.comparison import made_from
from idferry.rules.names import SignInType, compared_form

DELETED_SEARCHED_MAX = 20_000
DELETED_PAGES_MAX = 250  # pages may hold as few as 100, whatever was asked for
_DELETED_USERS = f"{queries.DELETED_ITEMS}/microsoft.graph.user"
_VALUES = ("mail", "otherMails")


@dataclass(slots=True)
class _Case:
    """One draft whose holder is looked for, with the object id that Graph named, if it did."""

    draft: AccountDraft
    named_id: str | None
    holder: Holder | None = None
    suspect: Stranger | None = None

    @property
    def mail(self) -> str:
        mail = self.draft.attributes.get("mail")
        return mail if isinstance(mail, str) else ""

    def judge(self, accounts: Iterable[Account]) -> None:
        """Settle on the first account found, or on ours if it is among them.

        Where Graph named the holder, another account is none: filters still show accounts that were deleted, and do
        not yet show the one that was just made. It is told only when the named one does not show in the end.
        """
        for account in accounts:
            if made_from(self.draft, account):
                self.holder = Ours(account.object_id, account.flag)
                return
            stranger = Stranger(account.object_id, account.legacy_id)
            if self.named_id and self.named_id.lower() != account.object_id.lower():
                self.suspect = self.suspect or stranger
            else:
                self.holder = self.holder or stranger


class Holders:
    """Looks for the holders of taken names, several people at once."""

    def __init__(self, *, asking: Asking, naming: Naming, settle: timedelta, machine: Machine) -> None:
        """`settle`: how long the directory may take to show what it knows; at least two minutes are advised."""
        self._asking = asking
        self._naming = naming
        self._settle_s = settle.total_seconds()
        self._clock = machine.clock
        self._pauses = machine.pauses

    def find(self, drafts: Sequence[tuple[AccountDraft, str | None]]) -> list[Holder]:
        """One holder per draft, given with the object id that Graph named. Raises DirectoryError, Stopped."""
        names = self._naming.names()
        cases = [_Case(draft, named) for draft, named in drafts]
        self._look_until_settled(cases, names)
        self._look(cases, names, _weak_filters)
        self._look_among_deleted(cases, names)
        return [case.holder or case.suspect or Unseen() for case in cases]

    def ours(self, drafts: Sequence[AccountDraft]) -> dict[str, Ours]:
        """legacyId -> the account made from its draft, of those that show. Raises DirectoryError, Stopped."""
        names = self._naming.names()
        select = select_of(names)
        filters = [queries.equals(names.legacy_id, draft.legacy_id) for draft in drafts]
        calls = [Call("GET", queries.listing(queries.USERS, where=where, select=select)) for where in filters]
        found: dict[str, Ours] = {}
        for draft, reply in zip(drafts, self._asking.many(calls), strict=True):
            for graph in self._asking.objects(reply):
                account = account_of(graph, names)
                # The filter does not tell upper from lower case, and a stranger may carry a copied legacyId.
                if made_from(draft, account):
                    found[draft.legacy_id] = Ours(account.object_id, account.flag)
        return found

    def _look_until_settled(self, cases: Sequence[_Case], names: Names) -> None:
        deadline_s = self._clock.elapsed() + self._settle_s
        pause_s = LOOK_AGAIN_SECONDS_FIRST
        while True:
            self._look_at_named(cases, names)
            self._look_for_ours(cases)
            self._look(cases, names, _strong_filters)
            left_s = deadline_s - self._clock.elapsed()
            if left_s <= 0 or not _unsettled(cases):
                return
            self._pauses.rest(min(pause_s, left_s))
            pause_s = min(pause_s * 2, LOOK_AGAIN_SECONDS_MAX)

    def _look_at_named(self, cases: Sequence[_Case], names: Names) -> None:
        """Graph named the holder: that very account decides, in the directory or in the recycle bin."""
        named = [(case, case.named_id) for case in _unsettled(cases) if case.named_id]
        for path in (queries.USERS, queries.DELETED_ITEMS):
            asked = [(case, object_id) for case, object_id in named if case.holder is None]
            calls = [
                Call("GET", queries.one(path, object_id, select=select_of(names))) for _, object_id in asked
            ]
            for (case, object_id), reply in zip(asked, self._asking.many(calls), strict=True):
                body = body_if_found(reply, object_id=object_id)
                if body is None:
                    continue
                if path == queries.DELETED_ITEMS:
                    case.holder = InRecycleBin(object_id)
                else:
                    case.judge([account_of(body, names)])

    def _look_for_ours(self, cases: Sequence[_Case]) -> None:
        """Some sign-in names are never found by filter, such as addresses in the tenant's own domain: ours are."""
        unsettled = _unsettled(cases)
        ours = self.ours([case.draft for case in unsettled])
        for case in unsettled:
            case.holder = ours.get(case.draft.legacy_id)

    def _look(
        self, cases: Sequence[_Case], names: Names, filters_of: Callable[[_Case, Names], list[str]]
    ) -> None:
        asked = [(case, where) for case in _unsettled(cases) for where in filters_of(case, names)]
        select = select_of(names)
        calls = [
            Call("GET", queries.listing(queries.USERS, where=where, select=select)) for _, where in asked
        ]
        for (case, _), reply in zip(asked, self._asking.many(calls), strict=True):
            case.judge(account_of(graph, names) for graph in self._asking.objects(reply))

    def _look_among_deleted(self, cases: Sequence[_Case], names: Names) -> None:
        """Deleted accounts may hold names and addresses for 30 days.

        https://learn.microsoft.com/graph/api/directory-deleteditems-list
        """
        asked = [(case, where) for case in _unsettled(cases) for where in _strong_filters(case, names)]
        select = select_of(names, _VALUES)
        calls = [
            Call(
                "GET", queries.listing(_DELETED_USERS, where=where, select=select, top=queries.PAGE_SIZE_MAX)
            )
            for _, where in asked
        ]
        for (case, _), reply in zip(asked, self._asking.many(calls), strict=True):
            if _filter_refused(reply):
                self._walk_deleted(cases, names)
                return
            for graph in self._asking.objects(reply):
                case.holder = case.holder or InRecycleBin(str(graph.get("id")))

    def _walk_deleted(self, cases: Sequence[_Case], names: Names) -> None:
        """The recycle bin of this tenant takes no such filter: look through it, as far as that is reasonable."""
        path = queries.listing(_DELETED_USERS, select=select_of(names, _VALUES), top=queries.PAGE_SIZE_MAX)
        for read, graph in enumerate(self._asking.pages(path, pages_max=DELETED_PAGES_MAX)):
            unsettled = _unsettled(cases)
            if not unsettled or read >= DELETED_SEARCHED_MAX:
                return
            claims = _claims(account_of(graph, names))
            for case in unsettled:
                if claims & _wanted(case):
                    case.holder = InRecycleBin(str(graph.get("id")))


def _unsettled(cases: Iterable[_Case]) -> list[_Case]:
    return [case for case in cases if case.holder is None]


def _filter_refused(reply: Reply) -> bool:
    return reply.status in (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_IMPLEMENTED)


def _strong_filters(case: _Case, names: Names) -> list[str]:
    """Filters for accounts that hold something which must be unique."""
    filters = [queries.has_identity(identity, domain=names.domain) for identity in case.draft.identities]
    addresses = {
        one.issuer_assigned_id
        for one in case.draft.identities
        if one.sign_in_type is SignInType.EMAIL_ADDRESS and in_domain(one.issuer_assigned_id, names.domain)
    }
    if case.mail:
        # A taken proxyAddresses value is the mail address or the principal name of somebody.
        filters.append(queries.equals("mail", case.mail))
        addresses.add(case.mail)
    return filters + [queries.equals("userPrincipalName", address) for address in sorted(addresses)]


def _weak_filters(case: _Case, _names: Names) -> list[str]:
    """Filters for accounts that merely mention the address: asked last, because that makes nothing unique."""
    return [queries.has_other_mail(case.mail)] if case.mail else []


def _wanted(case: _Case) -> set[str]:
    mail = {f"mail {compared_form(case.mail)}"} if case.mail else set()
    return mail | {f"identity {one.is_local} {one.compared}" for one in case.draft.identities}


def _claims(account: Account) -> set[str]:
    mail = account.values.get("mail")
    claims = {f"identity {one.is_local} {one.compared}" for one in account.identities}
    return claims | ({f"mail {compared_form(mail)}"} if isinstance(mail, str) else set())
