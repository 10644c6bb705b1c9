"""What an endpoint answers: a status, bytes, and what the log and the metrics call it. One shape for every error body.

The shape is the one that custom policies read: https://learn.microsoft.com/azure/active-directory-b2c/restful-technical-profile#returning-validation-error-message
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import msgspec

BODY_VERSION = "1.0.0.0"
"""What Microsoft's sample writes: https://github.com/azure-ad-b2c/user-migration (B2CResponseContent)."""
_NOTHING: Mapping[str, str] = MappingProxyType({})


class ErrorBody(msgspec.Struct, frozen=True):
    """Every error body there is; the order of the keys is that of Microsoft's sample."""

    version: str
    status: int
    userMessage: str  # noqa: N815  a name of the wire


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. `outcome` is a short word for metrics and log; `notes` stand beside it in the log line.

    Notes hold ids under a key and masked addresses, never what the person typed.
    """

    status: int
    outcome: str
    body: bytes = field(default=b"", repr=False)
    notes: Mapping[str, str] = field(default_factory=lambda: _NOTHING)


def error_answer(status: int, text: str, *, outcome: str, notes: Mapping[str, str] = _NOTHING) -> Answer:
    """An error with its body; `text` is a sentence that a person may be shown."""
    return Answer(status, outcome, error_body(status, text), notes)


def error_body(status: int, text: str) -> bytes:
    """The bytes of an error body."""
    return msgspec.json.encode(ErrorBody(BODY_VERSION, status, text))
