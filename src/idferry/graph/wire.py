"""JSON of Microsoft Graph <-> values of ours. The only place that knows the envelope names of a user.

This is the one place of this package that opens a password: `create_body` and `password_body` straight into the encoded
body, `quotes` to look whether an answer repeats one. Nothing here sends, decides or remembers.

Create: https://learn.microsoft.com/graph/api/user-post-users. Identities:
https://learn.microsoft.com/graph/api/resources/objectidentity.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec

from idferry.errors import UnexpectedAnswer
from idferry.rules.account import Account, AccountChange, AccountDraft, PasswordPlan
from idferry.rules.attributes import GRAPH_NAMES, LEGACY_ID, AttributeValue
from idferry.rules.names import Identity, SignInType
from idferry.rules.password import Password
from idferry.rules.sign_in import AccountFacts

# What every account is read with: who it is, whether it is used, and when that last changed.
CORE_NAMES = (
    "id",
    "displayName",
    "identities",
    "accountEnabled",
    "createdDateTime",
    "lastPasswordChangeDateTime",
)
SIGN_IN_ACTIVITY = "signInActivity"
_FACTS = ("id", "accountEnabled", "createdDateTime", "lastPasswordChangeDateTime")
DISABLING_BODY = b'{"accountEnabled":false}'
_encode = msgspec.json.Encoder().encode
_GRAPH_NAMES = frozenset(GRAPH_NAMES)  # every name of every account that is read is looked up
_POLICIES = "DisablePasswordExpiration"
_POLICIES_WEAK = "DisablePasswordExpiration, DisableStrongPassword"


@dataclass(frozen=True, slots=True)
class Names:
    """How this tenant names things: its domain, the short name of the flag, the application of extension attributes.

    An extension attribute is `extension_<client id without hyphens>_<short name>`:
    https://learn.microsoft.com/azure/active-directory-b2c/user-profile-attributes
    """

    domain: str
    extension_app_id: str
    flag: str
    prefix: str = field(init=False)
    """What the name of every extension attribute begins with."""
    legacy_id: str = field(init=False)
    """The name on the wire of `legacyId`."""
    migration_flag: str = field(init=False)
    """The name on the wire of the migration flag."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "prefix", f"extension_{self.extension_app_id.replace('-', '')}_")
        object.__setattr__(self, "legacy_id", self.of_extension(LEGACY_ID))
        object.__setattr__(self, "migration_flag", self.of_extension(self.flag))

    def of(self, name: str) -> str:
        """The name on the wire of an attribute or of an extension attribute's short name."""
        return name if name in GRAPH_NAMES else self.of_extension(name)

    def of_extension(self, short_name: str) -> str:
        """The name on the wire of an extension attribute, whatever its short name is: never one of Graph's own."""
        return f"{self.prefix}{short_name}"


def select_of(names: Names, value_names: Collection[str] = (), *also: str) -> str:
    """The `$select` for an account with these attributes and extension attributes (short names)."""
    wanted = (*CORE_NAMES, names.legacy_id, names.migration_flag, *map(names.of, sorted(value_names)), *also)
    return ",".join(dict.fromkeys(wanted))


def create_body(draft: AccountDraft, password: Password | None, names: Names) -> bytes:
    """The encoded body that creates this account, everything in one call.

    Raises:
        UnicodeEncodeError: a value holds half a character and cannot be sent; the exception quotes the value.
    """
    body: dict[str, Any] = {
        "accountEnabled": draft.enabled,
        "displayName": draft.display_name,
        "identities": [_identity_body(one, names) for one in draft.identities],
        **draft.attributes,
    }
    for name, value in draft.extensions.items():
        body[names.prefix + name] = value
    body[names.legacy_id] = draft.legacy_id
    plan = draft.password_plan
    if plan is PasswordPlan.RANDOM:  # `draft.sets_flag`, without asking
        body[names.migration_flag] = True
    elif plan is PasswordPlan.NONE:
        return _encode(body)
    assert password is not None  # noqa: S101  the flow hands one in for every other plan
    body["passwordPolicies"] = _POLICIES_WEAK if plan is PasswordPlan.KNOWN_WEAK else _POLICIES
    return password.reveal_to(lambda text: _encode({**body, "passwordProfile": _profile(text)}))


def patch_body(change: AccountChange, names: Names) -> bytes:
    """The encoded body that changes an account: only what is named in it. None clears a value.

    Source: https://learn.microsoft.com/graph/api/user-update. Raises UnicodeEncodeError like `create_body`.
    """
    body: dict[str, Any] = {
        name if name in GRAPH_NAMES else names.of_extension(name): value
        for name, value in change.values.items()
    }
    if change.flag is not None:
        body[names.migration_flag] = change.flag
    return _encode(body)


def password_body(password: Password, names: Names, *, weak: bool) -> bytes:
    """The encoded body that gives an account its person's own password and takes the flag down, in one write.

    `weak`: the strong rule is lifted for it. Raises UnicodeEncodeError like `create_body`.
    """
    body = {names.migration_flag: False, "passwordPolicies": _POLICIES_WEAK if weak else _POLICIES}
    return password.reveal_to(lambda text: _encode({**body, "passwordProfile": _profile(text)}))


def lowered_flag_body(names: Names) -> bytes:
    """The encoded body that takes the flag down and changes nothing else."""
    return _encode({names.migration_flag: False})


def raised_flag_body(names: Names) -> bytes:
    """The encoded body that raises the flag and changes nothing else."""
    return _encode({names.migration_flag: True})


def sign_in_select(names: Names) -> str:
    """The `$select` for what a sign-in must know of an account."""
    return ",".join((*_FACTS, names.legacy_id, names.migration_flag))


def facts_of(graph: Mapping[str, Any], names: Names) -> AccountFacts:
    """What a sign-in must know of an account, as the directory shows it."""
    flag, legacy_id = graph.get(names.migration_flag), graph.get(names.legacy_id)
    return AccountFacts(
        object_id=str(graph["id"]),
        legacy_id=legacy_id if isinstance(legacy_id, str) else None,
        flag=flag if isinstance(flag, bool) else None,
        enabled=enabled if isinstance(enabled := graph.get("accountEnabled"), bool) else None,
        created_at=_moment(graph.get("createdDateTime")),
        password_changed_at=_moment(graph.get("lastPasswordChangeDateTime")),
    )


def quotes(text: str, passwords: Iterable[Password]) -> bool:
    """Whether one of these passwords stands in a text of others."""
    return any(password.reveal_to(lambda clear: bool(clear) and clear in text) for password in passwords)


def account_of(graph: Mapping[str, Any], names: Names, value_names: Collection[str] = ()) -> Account:
    """An account as the directory shows it. Asked-for values that are not there are None.

    Identities of kinds that we do not create (such as the directory's own userPrincipalName) stay in `graph` only.

    Raises:
        UnexpectedAnswer: it has no id.
    """
    if not isinstance(graph.get("id"), str):
        raise UnexpectedAnswer("the directory shows an account without an id")
    flag, legacy_id = graph.get(names.migration_flag), graph.get(names.legacy_id)
    activity = graph.get(SIGN_IN_ACTIVITY)
    seen = activity.get("lastSignInDateTime") if isinstance(activity, Mapping) else None
    return Account(
        object_id=str(graph["id"]),
        identities=tuple(_identities(graph.get("identities"))),
        identities_shown=isinstance(graph.get("identities"), list),
        legacy_id=legacy_id if isinstance(legacy_id, str) else None,
        flag=flag if isinstance(flag, bool) else None,
        enabled=enabled if isinstance(enabled := graph.get("accountEnabled"), bool) else None,
        values={**dict.fromkeys(value_names), **_values(graph, names)},
        created_at=_moment(graph.get("createdDateTime")),
        password_changed_at=_moment(graph.get("lastPasswordChangeDateTime")),
        last_sign_in_at=_moment(seen),
        graph=dict(graph),
    )


def _identity_body(identity: Identity, names: Names) -> dict[str, str]:
    return {
        "signInType": identity.sign_in_type,
        "issuer": names.domain if identity.is_local else identity.issuer,
        "issuerAssignedId": identity.issuer_assigned_id,
    }


def _profile(text: str) -> dict[str, object]:
    return {"password": text, "forceChangePasswordNextSignIn": False}


def _identities(listed: object) -> list[Identity]:
    found = []
    for entry in listed if isinstance(listed, list) else ():
        if not isinstance(entry, Mapping):
            continue
        kind = _sign_in_type(str(entry.get("signInType") or ""))
        if kind is None:
            continue
        # Some tenants show no id for federated identities; an empty one then stands for "not shown".
        assigned = str(entry.get("issuerAssignedId") or "")
        issuer = str(entry.get("issuer") or "") if kind is SignInType.FEDERATED else ""
        found.append(Identity(kind, assigned, issuer))
    return found


@lru_cache(maxsize=256)  # a directory shows a handful of them, two or three with each account
def _sign_in_type(written: str) -> SignInType | None:
    """Ours among the kinds: in any case, and with the numbered e-mail kinds counted as e-mail addresses."""
    lowered = written.lower()
    if lowered.startswith(SignInType.EMAIL_ADDRESS.lower()):
        return SignInType.EMAIL_ADDRESS
    return next((kind for kind in SignInType if kind.lower() == lowered), None)


def _values(graph: Mapping[str, Any], names: Names) -> dict[str, AttributeValue | None]:
    ours = (names.legacy_id, names.migration_flag)
    values: dict[str, AttributeValue | None] = {}
    for name, value in graph.items():
        if name in _GRAPH_NAMES:
            values[name] = _value(value)
        elif name.startswith(names.prefix) and name not in ours:
            short_name = name.removeprefix(names.prefix)
            # One of that name is somebody else's, because we make none: it must not hide Graph's own.
            if short_name not in _GRAPH_NAMES:
                values[short_name] = _value(value)
    return values


def _value(value: object) -> AttributeValue | None:
    if isinstance(value, list):
        return tuple(str(one) for one in value)
    return value if isinstance(value, str | bool | int) else None


def _moment(written: object) -> datetime | None:
    if not isinstance(written, str):
        return None
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
