"""What an endpoint is: where it answers, who may call it, what it reads and answers. Each protocol declares its own.

An endpoint sees only requests whose caller has proven himself, with a body within its bounds. The path and the body
types are also what the OpenAPI document is made of.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from starlette.types import Scope

from idferry.service.answers import Answer, ErrorBody

BODY_BYTES_MAX = 32 * 1024


@dataclass(frozen=True, slots=True)
class Caller:
    """Who has proven himself: the name in the settings, and which of the credentials was used (0 is the first)."""

    name: str
    credential: int = 0


ANYBODY = Caller("")
"""Who calls an open endpoint: it reveals nothing and costs nothing."""

Authenticate = Callable[[Scope], Awaitable[Caller | None]]
"""Who sent this request, by its headers alone; None refuses it before anything of the body is read."""


@dataclass(frozen=True, slots=True)
class AuthenticatedRequest:
    """A request whose caller is known. `arrival_s` is on the clock's `elapsed` scale.

    `client_address` is the caller's own (the tenant's, not the person's); `correlation_id` is the caller's where it
    sent a usable one, else one of ours.
    """

    caller: Caller
    client_address: str
    correlation_id: str
    arrival_s: float
    body: bytes = field(repr=False)


Handle = Callable[[AuthenticatedRequest], Awaitable[Answer]]
NO_BODY: None = None
ERRORS: Mapping[int, type | None] = MappingProxyType(
    {400: ErrorBody, 401: NO_BODY, 408: ErrorBody, 413: ErrorBody, 503: ErrorBody}
)
"""What every endpoint may answer besides its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One endpoint. `name` is what metrics and log call it; all `paths` answer alike.

    `request` is the type of the body and `answers` those by status (None: no body): for the OpenAPI document.
    `authenticate` replaces the callers of the settings, and `is_open` lets everybody in; such an endpoint is absent
    from the mutual-TLS listener.
    """

    name: str
    summary: str
    paths: tuple[str, ...]
    handle: Handle
    request: Any = None
    answers: Mapping[int, Any] = field(default_factory=lambda: MappingProxyType({200: NO_BODY}))
    methods: tuple[str, ...] = ("POST",)
    authenticate: Authenticate | None = None
    is_open: bool = False
