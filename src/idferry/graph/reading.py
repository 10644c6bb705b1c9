"""Finding and reading accounts.

`every` is the way to compare many: a page costs one request and no write allowance, a thousand single reads cost a
thousand. https://learn.microsoft.com/graph/api/user-list
"""

from collections.abc import Collection, Iterator, Mapping, Sequence

from idferry.graph import queries
from idferry.graph.applications import Naming
from idferry.graph.asking import LOOK_UP_PAGES_MAX, Asking
from idferry.graph.replies import body_if_found
from idferry.graph.transport import Call
from idferry.graph.wire import Names, account_of, select_of
from idferry.rules.account import Account
from idferry.rules.attributes import GRAPH_NAMES
from idferry.rules.names import local_identity

# What `find` shows beside the core: everything that a person may have to be told about an account.
_SHOWN = ("userPrincipalName", "passwordPolicies", "creationType", "userType")


class AccountReading:
    """`ports.AccountReader` over Microsoft Graph. Every method may raise DirectoryError."""

    def __init__(self, *, asking: Asking, naming: Naming) -> None:
        self._asking = asking
        self._naming = naming

    def by_sign_in_name(self, sign_in_name: str) -> Sequence[Account]:
        """Accounts with this local sign-in name or user principal name.

        An address in the tenant's own domain is never found among the identities, only as user principal name:
        https://github.com/microsoftgraph/microsoft-graph-docs/issues/12576
        """
        names = self._naming.names()
        identity = local_identity(sign_in_name)
        found = self._find(queries.has_identity(identity, domain=names.domain), names)
        if not found or in_domain(identity.issuer_assigned_id, names.domain):
            by_name = self._find(queries.equals("userPrincipalName", identity.issuer_assigned_id), names)
            known = {account.object_id for account in found}
            found += [account for account in by_name if account.object_id not in known]
        return found

    def by_display_name(self, display_name: str) -> Sequence[Account]:
        """Accounts with exactly this display name."""
        where = queries.equals("displayName", display_name)
        return self._find(where, self._naming.names(), top=queries.PAGE_SIZE_MAX)

    def by_id(self, object_id: str) -> Account | None:
        """The account with this object id, or None: also for one that was created a moment ago."""
        names = self._naming.names()
        reply = self._asking.one(Call("GET", queries.one(queries.USERS, object_id, select=_shown(names))))
        body = body_if_found(reply, object_id=object_id)
        return None if body is None else account_of(body, names)

    def by_ids(self, object_ids: Sequence[str], value_names: Collection[str]) -> Mapping[str, Account]:
        """Accounts by object id, 20 in a batch, values as in `every`; those that are not there are left out."""
        names = self._naming.names()
        select = select_of(names, value_names)
        calls = [Call("GET", queries.one(queries.USERS, one, select=select)) for one in object_ids]
        found: dict[str, Account] = {}
        for object_id, reply in zip(object_ids, self._asking.many(calls), strict=True):
            body = body_if_found(reply, object_id=object_id)
            if body is not None:
                found[object_id] = account_of(body, names, value_names)
        return found

    def every(self, value_names: Collection[str]) -> Iterator[Account]:
        """The whole directory, a page of 999 at a time; `value_names` as in `values`, None where not set."""
        names = self._naming.names()
        select = select_of(names, value_names)
        for graph in self._asking.pages(
            queries.listing(queries.USERS, select=select, top=queries.PAGE_SIZE_MAX)
        ):
            yield account_of(graph, names, value_names)

    def _find(self, where: str, names: Names, *, top: int = 0) -> list[Account]:
        path = queries.listing(queries.USERS, where=where, select=_shown(names), top=top)
        found = self._asking.pages(path, pages_max=LOOK_UP_PAGES_MAX)
        return [account_of(graph, names) for graph in found]


def in_domain(address: str, domain: str) -> bool:
    """Whether an address belongs to the tenant's own domain."""
    return address.lower().endswith(f"@{domain.lower()}")


def _shown(names: Names) -> str:
    return select_of(names, GRAPH_NAMES, *_SHOWN)
