"""Which accounts a list of users shows: by index where the filter allows it, by reading on otherwise.

A page costs bounded work: where a filter has no index, a page may come back short or empty with a link to the next one,
as Graph's pages may. Knows the query and the directory; shapes no answer.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from idferry.emulator.graph.filters import AnyIdentity, Both, Compare, Either, IsIn, Node, TextTest
from idferry.emulator.graph.matching import holds
from idferry.emulator.graph.query import START, PageMark, UserQuery
from idferry.emulator.lookup import federated_key
from idferry.emulator.sight import Sight
from idferry.emulator.store import Account
from idferry.emulator.tenants import Tenant

READ_AT_MOST = 10_000  # accounts looked at for one page
CHUNK = 1_000
_INDEXED = frozenset({"userPrincipalName", "mail", "displayName"})
_HIGHEST = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class Page:
    """Accounts of one page, and the mark of the next one if there may be more."""

    accounts: list[Account]
    following: PageMark | None


def page_of(query: UserQuery, *, tenant: Tenant) -> Page:
    """The page of live accounts that this query asks for."""
    sight = tenant.sight
    places = None if query.where is None else _places(query.where, sight=sight)
    if places is not None and not query.by_name:
        stream = _by_index(places, query=query, sight=sight)
    elif query.by_name:
        stream = _by_name(query.after, sight=sight)
    else:
        stream = _by_place(query.after, sight=sight)
    return _fill(stream, query=query, domain=tenant.domain)


def count_of(query: UserQuery, *, tenant: Tenant) -> int:
    """How many accounts the query matches over all pages."""
    if query.where is None and query.search is None:
        return tenant.directory.live
    stream = _by_place(START, sight=tenant.sight)
    return sum(
        1 for _, account in stream if account is not None and _wanted(account, query, domain=tenant.domain)
    )


def _fill(stream: Iterator[tuple[PageMark, Account | None]], *, query: UserQuery, domain: str) -> Page:
    accounts: list[Account] = []
    mark = query.after
    for looked_at, (place, account) in enumerate(stream):
        if len(accounts) == query.top or looked_at == READ_AT_MOST:
            return Page(accounts, mark)
        mark = place
        if account is not None and _wanted(account, query, domain=domain):
            accounts.append(account)
    return Page(accounts, None)


def _wanted(account: Account, query: UserQuery, *, domain: str) -> bool:
    if query.where is not None and not holds(query.where, account.body, domain=domain):
        return False
    return query.search is None or _search(query.search, account)


def _search(text: str, account: Account) -> bool:
    name, _, wanted = text.strip('"').partition(":")
    words = str(account.body.get(name) or "").lower().split()
    return any(word.startswith(wanted.lower()) for word in words)


def _by_place(after: PageMark, *, sight: Sight) -> Iterator[tuple[PageMark, Account | None]]:
    place = after[1]
    while chunk := sight.page(after=place, limit=CHUNK):
        for account in chunk:
            place = account.seq
            yield ("", place), sight.seen(account, channel="filter")


def _by_name(after: PageMark, *, sight: Sight) -> Iterator[tuple[PageMark, Account | None]]:
    mark = after
    while chunk := sight.index.by_name(after=mark, limit=CHUNK):
        for name, place in chunk:
            mark = (name, place)
            yield mark, next(sight.at([place], channel="filter"), None)


def _by_index(
    places: list[int], *, query: UserQuery, sight: Sight
) -> Iterator[tuple[PageMark, Account | None]]:
    for place in sight.candidates(places):
        if place > query.after[1]:
            yield ("", place), next(sight.at([place], channel="filter"), None)


def _places(node: Node, *, sight: Sight) -> list[int] | None:
    """Places that hold every account the filter matches (and maybe more), or None where no index helps."""
    match node:
        case Compare(name=name, operator="eq", value=str(value)):
            return _equal(name, value, sight=sight)
        case IsIn(name=name, values=values):
            found = [_equal(name, value, sight=sight) for value in values if isinstance(value, str)]
            return _union(found) if len(found) == len(values) else None
        case TextTest(function="startswith", name=name, text=text) if name in _INDEXED:
            low = text.lower()
            return sight.index.between(name, low=low, high=low + _HIGHEST)
        case AnyIdentity(issuer=issuer, assigned=assigned):
            return _identity(issuer, assigned, sight=sight)
        case Both(parts=parts):
            known = [places for part in parts if (places := _places(part, sight=sight)) is not None]
            return min(known, key=len, default=None)
        case Either(parts=parts):
            return _union([_places(part, sight=sight) for part in parts])
        case _:
            return None


def _equal(name: str, value: str, *, sight: Sight) -> list[int] | None:
    if name == "id":
        account = sight.accounts.by_id(value)
        return [] if account is None else [account.seq]
    if name in _INDEXED or name.startswith("extension_"):
        return sight.index.exact((name, value.lower()))
    return None


def _identity(issuer: str, assigned: str | None, *, sight: Sight) -> list[int]:
    if assigned is None:
        _, prefix = federated_key(issuer, "")
        return sight.index.between("federated", low=prefix, high=prefix + _HIGHEST)
    federated = sight.index.exact(federated_key(issuer, assigned))
    return [*federated, *sight.index.exact(("local", assigned.lower()))]


def _union(found: list[list[int] | None]) -> list[int] | None:
    if any(places is None for places in found):
        return None
    return sorted({place for places in found if places is not None for place in places})
