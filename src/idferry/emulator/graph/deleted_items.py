"""/directory/deletedItems: the recycle bin, where an account can be restored or purged for 30 days.

https://learn.microsoft.com/graph/api/directory-deleteditems-list and its sister pages.
"""

from typing import Any

from idferry.emulator.graph import accounts, attributes, permissions, query
from idferry.emulator.graph.errors import not_found, unsupported_query
from idferry.emulator.graph.exchange import Answer, Call
from idferry.emulator.graph.filters import parse
from idferry.emulator.graph.matching import holds
from idferry.emulator.store import Account

_SHOWN = (*attributes.DEFAULT_SELECTION, "deletedDateTime")


def list_(call: Call) -> Answer:
    """GET /directory/deletedItems/microsoft.graph.user: 200 with one page."""
    permissions.require(call, permissions.READ_USERS)
    query.check_names(call.query)
    if not {"$select", "$filter", "$top", "$skiptoken"}.issuperset(call.query):
        raise unsupported_query()
    selection = query.read_selection(call, in_list=True) or _SHOWN
    text, top = call.query.get("$filter"), query.read_top(call.query)
    where = None if text is None else parse(text)
    found = call.tenant.directory.bin.page(after=query.read_mark(call.query)[1], limit=top + 1)
    page = found[:top]
    shown: dict[str, Any] = {"@odata.context": query.context(call, "users", selection=selection)}
    if len(found) > top:
        shown["@odata.nextLink"] = query.next_link(call, ("", page[-1].seq))
    kept = [item for item in page if where is None or holds(where, item.body, domain=call.tenant.domain)]
    shown["value"] = [query.show(item.body, selection=selection) for item in kept]
    return Answer(200, shown)


def get(call: Call) -> Answer:
    """GET /directory/deletedItems/{id}: 200."""
    permissions.require(call, permissions.READ_USERS)
    query.check_names(call.query)
    selection = query.read_selection(call, in_list=False)
    return Answer(200, _typed(call, _deleted(call), selection=selection or _SHOWN))


def restore(call: Call) -> Answer:
    """POST /directory/deletedItems/{id}/restore: 200 with the account, live again."""
    permissions.require(call, permissions.RESTORE_USERS)
    account = accounts.restore(_deleted(call), tenant=call.tenant)
    return Answer(200, _typed(call, account, selection=_SHOWN))


def purge(call: Call) -> Answer:
    """DELETE /directory/deletedItems/{id}: 204; the account is gone for good."""
    permissions.require(call, permissions.RESTORE_USERS)
    call.tenant.directory.bin.purge(_deleted(call))
    return Answer(204)


def _deleted(call: Call) -> Account:
    account = call.tenant.directory.bin.get(call.segments[2])
    if account is None:
        raise not_found(call.segments[2])
    return account


def _typed(call: Call, account: Account, *, selection: tuple[str, ...]) -> dict[str, Any]:
    head = {
        "@odata.context": query.context(call, "directoryObjects", selection=None, single=True),
        "@odata.type": "#microsoft.graph.user",
    }
    return head | query.show(account.body, selection=selection)
