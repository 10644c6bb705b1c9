"""Taking accounts away: into the recycle bin, out of it, back from it; and whether somebody uses them.

Nothing here decides which accounts go. https://learn.microsoft.com/graph/api/user-delete keeps them for 30 days.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus

from idferry.errors import NotFound
from idferry.graph import queries
from idferry.graph.applications import Naming
from idferry.graph.asking import Asking
from idferry.graph.replies import Reply, body_if_found, code_of
from idferry.graph.transport import Call
from idferry.graph.wire import SIGN_IN_ACTIVITY, Names, account_of, select_of
from idferry.rules.account import Account


class AccountRemoval:
    """`ports.AccountRemover` over Microsoft Graph. Every method may raise DirectoryError."""

    def __init__(self, *, asking: Asking, naming: Naming) -> None:
        self._asking = asking
        self._naming = naming

    def usage(self, object_ids: Sequence[str]) -> Mapping[str, Account]:
        """The accounts with everything that tells whether somebody uses them.

        The last sign-in needs a permission and a licence of its own (403 without them);
        then the accounts come without it, and say so. https://learn.microsoft.com/graph/api/resources/signinactivity,
        https://github.com/microsoftgraph/microsoft-graph-docs/issues/12772
        """
        names = self._naming.names()
        replies = self._read(queries.USERS, object_ids, select_of(names, (), SIGN_IN_ACTIVITY))
        shown = all(reply.status != HTTPStatus.FORBIDDEN for reply in replies)
        if not shown:
            replies = self._read(queries.USERS, object_ids, select_of(names))
        accounts = _accounts(object_ids, replies, names)
        return {one: replace(account, sign_ins_shown=shown) for one, account in accounts.items()}

    def delete(self, object_ids: Sequence[str]) -> Mapping[str, str]:
        """Move accounts to the recycle bin; one that is not there is as good as moved."""
        return self._each("DELETE", queries.USERS, object_ids)

    def deleted(self, object_ids: Sequence[str]) -> Mapping[str, Account]:
        """Which of these are in the recycle bin."""
        names = self._naming.names()
        return _accounts(object_ids, self._read(queries.DELETED_ITEMS, object_ids, select_of(names)), names)

    def purge(self, object_ids: Sequence[str]) -> Mapping[str, str]:
        """Delete for good, as https://learn.microsoft.com/graph/api/directory-deleteditems-delete says."""
        return self._each("DELETE", queries.DELETED_ITEMS, object_ids)

    def restore(self, object_ids: Sequence[str]) -> Mapping[str, str]:
        """Take out of the recycle bin; one that is in the directory already is as good as restored."""
        outcome = self._each("POST", queries.DELETED_ITEMS, object_ids, tail="/restore", gone=NotFound.code)
        missing = [object_id for object_id, code in outcome.items() if code == NotFound.code]
        present = self._read(queries.USERS, missing, "id")
        return outcome | {
            object_id: ""
            for object_id, reply in zip(missing, present, strict=True)
            if reply.succeeded and body_if_found(reply, object_id=object_id)
        }

    def _each(
        self, method: str, path: str, object_ids: Sequence[str], *, tail: str = "", gone: str = ""
    ) -> dict[str, str]:
        calls = [Call(method, queries.one(path, one, tail=tail)) for one in object_ids]
        replies = self._asking.many(calls)
        return {one: _code(reply, gone) for one, reply in zip(object_ids, replies, strict=True)}

    def _read(self, path: str, object_ids: Sequence[str], select: str) -> list[Reply]:
        return self._asking.many([Call("GET", queries.one(path, one, select=select)) for one in object_ids])


def _code(reply: Reply, gone: str) -> str:
    return gone if reply.status == HTTPStatus.NOT_FOUND else code_of(reply)


def _accounts(object_ids: Sequence[str], replies: Sequence[Reply], names: Names) -> dict[str, Account]:
    found: dict[str, Account] = {}
    for object_id, reply in zip(object_ids, replies, strict=True):
        body = body_if_found(reply, object_id=object_id)
        if body is not None:
            found[object_id] = account_of(body, names)
    return found
