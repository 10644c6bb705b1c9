"""Judges what an extension answered: exactly one action, or the number of what is wrong with it.

https://learn.microsoft.com/entra/external-id/customers/how-to-migrate-passwords-just-in-time. Pure: bytes in, a value out.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec

from idferry.emulator.password_submit.failures import Failure

RESPONSE_TYPE = "microsoft.graph.onPasswordSubmitResponseData"
_PREFIX = "microsoft.graph.passwordSubmit."
_JSON = "application/json"
_OK = 200


class ActionKind(StrEnum):
    """What the extension wants done, as Microsoft spells it."""

    MIGRATE_PASSWORD = "MigratePassword"
    UPDATE_PASSWORD = "UpdatePassword"
    RETRY = "Retry"
    BLOCK = "Block"


@dataclass(frozen=True, slots=True)
class Action:
    """One action; title and message are looked at for a block only."""

    kind: ActionKind
    title: str = ""
    message: str = ""


def judge(*, status: int, content_type: str, body: bytes, nonce: str, exact_casing: bool) -> Action | Failure:
    """The action of this answer to a call with this nonce."""
    if status != _OK:
        return Failure.CUSTOM_EXTENSION_INVALID_HTTP_STATUS
    if not body:
        return Failure.CUSTOM_EXTENSION_EMPTY_RESPONSE
    if content_type.partition(";")[0].strip().lower() != _JSON:
        return Failure.CUSTOM_EXTENSION_INVALID_RESPONSE_CONTENT_TYPE
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return Failure.CUSTOM_EXTENSION_INVALID_RESPONSE_BODY
    data = document.get("data") if isinstance(document, dict) else None
    if not isinstance(data, dict):
        return Failure.CUSTOM_EXTENSION_INVALID_RESPONSE_BODY
    if _bare(data.get("@odata.type")) != RESPONSE_TYPE:
        return Failure.CUSTOM_EXTENSION_INVALID_RESPONSE_API_SCHEMA_VERSION
    actions = data.get("actions")
    if not isinstance(actions, list) or len(actions) != 1:
        return Failure.CUSTOM_EXTENSION_INVALID_NUMBER_OF_ACTIONS
    action = _action(actions[0], exact_casing=exact_casing)
    if action is None:
        return Failure.CUSTOM_EXTENSION_INVALID_ACTION_TYPE
    if data.get("nonce") != nonce:
        return Failure.CUSTOM_EXTENSION_INVALID_RESPONSE_BODY
    return action


def _bare(name: Any) -> str:
    return name.removeprefix("#") if isinstance(name, str) else ""


def _action(given: Any, *, exact_casing: bool) -> Action | None:
    if not isinstance(given, dict):
        return None
    name = _bare(given.get("@odata.type"))
    for kind in ActionKind:
        expected = _PREFIX + kind
        if name == expected or (not exact_casing and name.lower() == expected.lower()):
            return Action(kind, _text(given.get("title")), _text(given.get("message")))
    return None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
