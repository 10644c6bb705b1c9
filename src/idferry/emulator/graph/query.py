"""OData query options of one request, read and checked: `$select`, `$filter`, `$top`, `$orderby`, `$count` and paging.

Says what may be asked in which kind of tenant (https://learn.microsoft.com/graph/aad-advanced-queries and
https://learn.microsoft.com/graph/api/user-list); answers nothing itself.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from idferry.emulator.graph import attributes
from idferry.emulator.graph.errors import GraphError, bad_request, not_covered, unsupported_query
from idferry.emulator.graph.exchange import Call
from idferry.emulator.graph.filters import Node, is_advanced, parse

PAGE_SIZE = 100
PAGE_SIZE_MAX = 999
_KNOWN = frozenset({"$select", "$filter", "$top", "$orderby", "$count", "$skiptoken", "$search"})
_SYSTEM = frozenset({"$expand", "$format", "$apply", "$compute"})

PageMark = tuple[str, int]  # compared display name (or empty), place behind which the next page begins
START: PageMark = ("", 0)


@dataclass(frozen=True, slots=True)
class UserQuery:
    """What a list of users was asked for."""

    selection: tuple[str, ...] | None
    where: Node | None
    search: str | None
    top: int
    by_name: bool
    count: bool
    after: PageMark


def read_user_query(call: Call) -> UserQuery:
    """The options of this request; GraphError for one that this kind of tenant does not answer."""
    check_names(call.query)
    text = call.query.get("$filter")
    where = None if text is None else parse(text)
    count = _boolean(call.query.get("$count"))
    by_name = _reads_by_name(call.query.get("$orderby"))
    search = call.query.get("$search")
    advanced = (
        search is not None or (by_name and where is not None) or (where is not None and is_advanced(where))
    )
    _check_advanced(call, advanced=advanced, count=count)
    return UserQuery(
        selection=read_selection(call, in_list=True),
        where=where,
        search=search,
        top=read_top(call.query),
        by_name=by_name,
        count=count,
        after=read_mark(call.query),
    )


def check_names(query: Mapping[str, str]) -> None:
    """GraphError for an option that does not exist, is not supported, or is not covered."""
    for name in query:
        if name in _SYSTEM:
            raise not_covered(f"the query option {name}")
        if name == "$skip":
            raise bad_request("'$skip' is not supported by the service.")
        if name not in _KNOWN:
            raise bad_request(f"Unrecognized query argument specified: '{name}'.")


def _check_advanced(call: Call, *, advanced: bool, count: bool) -> None:
    if not (advanced or count):
        return
    if call.tenant.is_b2c:
        raise unsupported_query()
    if not call.eventual:
        raise unsupported_query("$count is not currently supported." if count else "Unsupported Query.")
    if advanced and not count and "$search" not in call.query:
        raise unsupported_query()


def read_selection(call: Call, *, in_list: bool) -> tuple[str, ...] | None:
    """The names in `$select`, or None for the default set."""
    text = call.query.get("$select")
    if not text:
        return None
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        _check_selected(name, in_list=in_list)
    return names


def _check_selected(name: str, *, in_list: bool) -> None:
    if name in attributes.ATTRIBUTES or name.startswith("extension_"):
        return
    if name in attributes.OUTSIDE_THE_DIRECTORY:
        what = "in a list" if in_list else "of one user"
        raise GraphError(501, "NotImplemented", f"Selecting '{name}' {what} is not supported.")
    raise bad_request(
        "Parsing OData Select and Expand failed: Could not find a property named "
        f"'{name}' on type 'microsoft.graph.user'.",
        code="BadRequest",
    )


def read_top(query: Mapping[str, str]) -> int:
    """The page size."""
    text = query.get("$top")
    if text is None:
        return PAGE_SIZE
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= PAGE_SIZE_MAX:
        raise bad_request(
            f"Invalid page size specified: '{text}'. Must be between 1 and {PAGE_SIZE_MAX} inclusive."
        )
    return int(text)


def _boolean(text: str | None) -> bool:
    if text is None or text.lower() == "false":
        return False
    if text.lower() == "true":
        return True
    raise bad_request("Invalid value for $count.", code="BadRequest")


def _reads_by_name(text: str | None) -> bool:
    if text is None:
        return False
    words = text.split()
    if words[:1] != ["displayName"] or words[1:] not in ([], ["asc"]):
        raise unsupported_query("Sorting is covered for displayName only.")
    return True


def read_mark(query: Mapping[str, str]) -> PageMark:
    """Where this page begins."""
    token = query.get("$skiptoken")
    if token is None:
        return START
    try:
        name, place = msgspec.json.decode(base64.urlsafe_b64decode(token), type=tuple[str, int])
    except (binascii.Error, ValueError, msgspec.DecodeError):
        raise bad_request(
            "The specified page token value has expired or is corrupted.", code="Directory_ExpiredPageToken"
        ) from None
    return name, place


def next_link(call: Call, mark: PageMark) -> str:
    """The absolute address of the next page: the same options and a token."""
    token = base64.urlsafe_b64encode(msgspec.json.encode(mark)).decode()
    options = {name: value for name, value in call.query.items() if name != "$skiptoken"} | {
        "$skiptoken": token
    }
    return f"{call.root}/{call.version}{call.path}?{urlencode(options, safe='$', quote_via=quote)}"


def context(call: Call, entity: str, *, selection: tuple[str, ...] | None, single: bool = False) -> str:
    """The `@odata.context` of an answer."""
    selected = f"({','.join(selection)})" if selection else ""
    return f"{call.root}/{call.version}/$metadata#{entity}{selected}{'/$entity' if single else ''}"


def show(body: Mapping[str, Any], *, selection: tuple[str, ...] | None) -> dict[str, Any]:
    """The selected properties of a user as Graph shows them: null where unset, extension attributes only where set."""
    shown: dict[str, Any] = {}
    for name in selection or attributes.DEFAULT_SELECTION:
        value = body.get(name)
        if value is not None:
            shown[name] = {**value, "password": None} if name == "passwordProfile" else value
        elif not name.startswith("extension_"):
            shown[name] = [] if name in attributes.EMPTY_COLLECTIONS else None
    return shown
