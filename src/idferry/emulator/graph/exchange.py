"""One request to the emulated Graph and its answer, as plain values: the same for a request of its own and a batch item.

Knows nothing of HTTP servers and decides nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from idferry.emulator.entropy import Entropy
from idferry.emulator.graph.errors import bad_request
from idferry.emulator.tenants import Application, Tenant

MISSING = object()
_decode = msgspec.json.Decoder().decode


@dataclass(slots=True)
class Call:
    """A request whose token was accepted.

    Attributes:
        segments: the path below the version, split and decoded.
        query: decoded options, names as sent (`$select`).
        headers: names in lower case.
        raw_body: bytes of a request, or the decoded JSON of a batch item, or MISSING.
        root: scheme and host that links in the answer start with.
        roles: the application permissions in the token.
    """

    method: str
    version: str
    segments: tuple[str, ...]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    raw_body: Any
    root: str
    tenant: Tenant
    application: Application
    roles: frozenset[str]
    now_s: float
    entropy: Entropy
    path: str = ""
    in_batch: bool = False

    def json_object(self) -> dict[str, Any]:
        """The body as a JSON object; GraphError when there is none."""
        body = self.raw_body
        if body is MISSING or body in (b"", None):
            raise bad_request("Empty Payload. JSON content expected.", code="BadRequest")
        if isinstance(body, bytes):
            try:
                body = _decode(body)
            except msgspec.DecodeError:
                body = None
        if not isinstance(body, dict):
            raise bad_request(
                "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of "
                "valid JSON format.",
                code="BadRequest",
            )
        return body

    @property
    def eventual(self) -> bool:
        """Whether the caller accepts eventual consistency, as advanced queries demand."""
        return self.headers.get("consistencylevel", "").lower() == "eventual"


@dataclass(slots=True)
class Answer:
    """What goes back: a JSON body, plain text, or nothing.

    Attributes:
        spoil: how the answer is damaged on its way (`damage.Damage`), or nothing.
        pause_ms: what passes between two bytes of a trickle, in emulated time.
    """

    status: int
    body: dict[str, Any] | str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    spoil: str = ""
    pause_ms: float = 0.0


class ConnectionCut(Exception):
    """The connection must be closed without an answer."""
