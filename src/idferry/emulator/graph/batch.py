"""`$batch`: reads up to 20 requests, and shapes their answers.

https://learn.microsoft.com/graph/json-batching. Items are carried out by `performer`, each metered on its own: a batch saves
round trips and nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from idferry.emulator.graph.address import read_path, read_query
from idferry.emulator.graph.errors import GraphError, bad_request
from idferry.emulator.graph.exchange import MISSING, Answer, Call

BATCH_SIZE_MAX = 20
JSON_TYPE = (
    "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
)
_METHODS = frozenset({"GET", "POST", "PATCH", "PUT", "DELETE"})


@dataclass(frozen=True, slots=True)
class Item:
    """One request of a batch, and the id of the one it waits for."""

    id: str
    method: str
    url: str
    headers: Mapping[str, str]
    body: Any
    waits_for: str | None


def read_items(payload: Mapping[str, Any]) -> list[Item]:
    """The requests in order; GraphError when the batch as a whole is malformed."""
    requests = payload.get("requests")
    if not isinstance(requests, list) or not requests:
        raise _malformed("The batch holds no requests.")
    if len(requests) > BATCH_SIZE_MAX:
        raise _malformed(f"Number of batch request steps exceeds the maximum value of {BATCH_SIZE_MAX}.")
    items = [_read_item(request) for request in requests]
    if len({item.id.lower() for item in items}) != len(items):
        raise _malformed("Request ids of a batch must be unique.")
    _check_order(items)
    return items


def _read_item(request: Any) -> Item:
    if not isinstance(request, dict):
        raise _malformed("A request of the batch is not an object.")
    name, method, url = request.get("id"), request.get("method"), request.get("url")
    if not isinstance(name, str) or not name:
        raise _malformed("Every request of a batch needs an id, a string.")
    if not isinstance(method, str) or method.upper() not in _METHODS or not isinstance(url, str) or not url:
        raise _malformed(f"Request {name} of the batch needs a method and a url relative to the version.")
    headers = request.get("headers") or {}
    if not isinstance(headers, dict) or not all(isinstance(value, str) for value in headers.values()):
        raise _malformed(f"The headers of request {name} of the batch are not an object of strings.")
    lower = {str(key).lower(): value for key, value in headers.items()}
    body = request.get("body", MISSING)
    if body is not MISSING and body is not None and "content-type" not in lower:
        raise _malformed(f"Write request id : {name} does not contain Content-Type header or body.")
    return Item(name, method.upper(), url, lower, body, _read_dependency(name, request.get("dependsOn")))


def _read_dependency(name: str, depends_on: Any) -> str | None:
    if not depends_on:
        return None
    if not isinstance(depends_on, list) or len(depends_on) != 1 or not isinstance(depends_on[0], str):
        raise _malformed(f"dependsOn of request {name} must name the one request before it.")
    return depends_on[0]


def _check_order(items: list[Item]) -> None:
    if all(item.waits_for is None for item in items):
        return
    for before, item in pairwise(items):
        if (item.waits_for or "").lower() != before.id.lower():
            raise _malformed("A batch is either entirely sequential or entirely parallel.")
    if items[0].waits_for is not None:
        raise _malformed("The first request of a batch depends on nothing.")


def _malformed(message: str) -> GraphError:
    return bad_request(message, code="BadRequest")


def call_of(item: Item, *, outer: Call) -> Call:
    """The item as a request of its own, with the batch's token."""
    path, _, query = item.url.partition("?")
    segments = read_path(path)
    return Call(
        method=item.method,
        version=outer.version,
        segments=segments,
        query=read_query(query),
        headers={**_inherited(outer.headers), **item.headers},
        raw_body=item.body,
        root=outer.root,
        tenant=outer.tenant,
        application=outer.application,
        roles=outer.roles,
        now_s=outer.now_s,
        entropy=outer.entropy,
        path=path if path.startswith("/") else f"/{path}",
        in_batch=True,
    )


def _inherited(headers: Mapping[str, str]) -> dict[str, str]:
    names = ("client-request-id", "x-ms-throttle-priority")
    return {name: headers[name] for name in names if name in headers}


def shown(item: Item, answer: Answer) -> dict[str, Any]:
    """The item's entry in the answer of the batch."""
    headers = {"Cache-Control": "no-cache", "OData-Version": "4.0", **answer.headers}
    entry: dict[str, Any] = {"id": item.id, "status": answer.status, "headers": headers}
    if answer.body is not None:
        headers.setdefault("Content-Type", JSON_TYPE)
        entry["body"] = answer.body
    return entry


def failed_dependency() -> GraphError:
    """424 for an item whose predecessor failed."""
    return GraphError(424, "FailedDependency", "The request that this one depends on failed.")
