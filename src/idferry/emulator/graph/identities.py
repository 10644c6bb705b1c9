"""The identities of an account: which entries a tenant accepts.

Rules: https://learn.microsoft.com/graph/api/resources/objectidentity and
https://learn.microsoft.com/azure/active-directory-b2c/user-profile-attributes. Whether another account holds the same
identity is asked in `accounts`.
"""

import re
from typing import Any

from idferry.emulator.graph.attributes import EMAIL, MAIL_LENGTH_MAX
from idferry.emulator.graph.errors import (
    GraphError,
    bad_request,
    invalid_property,
    invalid_values,
    schema_mismatch,
)
from idferry.emulator.tenants import Tenant

IDENTITIES_MAX = 10
ISSUER_LENGTH_MAX = 512
NAME_BEFORE_AT_MAX = 64
NAME_BEHIND_AT_MAX = 48
UPN_LENGTH_MAX = 113

_USER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_PHONE = re.compile(r"\+[1-9][0-9]{1,14}")
_UPN_NAME = re.compile(r"[A-Za-z0-9'._!#^~-]+")
_PARTS = ("signInType", "issuer", "issuerAssignedId")


def check_identities(entries: list[Any], *, tenant: Tenant) -> list[dict[str, str]]:
    """The entries as they are stored; GraphError when the tenant does not take one of them."""
    if len(entries) > IDENTITIES_MAX:
        raise invalid_property("identities")
    return [_check_entry(entry, tenant=tenant) for entry in entries]


def is_local(identity: dict[str, str]) -> bool:
    """Whether this entry signs in with a password kept in the tenant."""
    return identity["signInType"].lower() not in ("federated", "userprincipalname")


def is_upn(identity: dict[str, str]) -> bool:
    """Whether this entry is the account's userPrincipalName."""
    return identity["signInType"].lower() == "userprincipalname"


def upn_entry(upn: str, *, tenant: Tenant) -> dict[str, str]:
    """The entry that the server adds to every account."""
    return {"signInType": "userPrincipalName", "issuer": tenant.domain, "issuerAssignedId": upn}


def check_upn(upn: str, *, tenant: Tenant) -> None:
    """GraphError when this cannot be a userPrincipalName of the tenant.

    https://learn.microsoft.com/entra/identity/authentication/concept-sspr-policy
    """
    name, at, domain = upn.rpartition("@")
    fits = (
        at
        and len(upn) <= UPN_LENGTH_MAX
        and len(name) <= NAME_BEFORE_AT_MAX
        and len(domain) <= NAME_BEHIND_AT_MAX
        and _UPN_NAME.fullmatch(name)
        and not name.endswith(".")
        and domain.lower() == tenant.domain
    )
    if not fits:
        raise _invalid_upn()


def _invalid_upn() -> GraphError:
    message = "Property userPrincipalName is invalid."
    details = [{"code": "InvalidValue", "message": message, "target": "userPrincipalName"}]
    return bad_request(message, details=details)


def _check_entry(entry: Any, *, tenant: Tenant) -> dict[str, str]:
    if not isinstance(entry, dict):
        raise schema_mismatch("identities")
    parts = [entry.get(name) for name in _PARTS]
    if not all(isinstance(part, str) and part for part in parts):
        raise invalid_values()
    identity = dict(zip(_PARTS, map(str, parts), strict=True))
    if len(identity["issuer"]) > ISSUER_LENGTH_MAX or not _fits(identity, tenant=tenant):
        raise invalid_property("identities")
    return identity


def _fits(identity: dict[str, str], *, tenant: Tenant) -> bool:
    kind, assigned = identity["signInType"].lower(), identity["issuerAssignedId"]
    own = tenant.owns_issuer(identity["issuer"])
    if kind == "federated":
        return not own and len(assigned) <= ISSUER_LENGTH_MAX
    if not own:
        return False
    if kind == "userprincipalname":
        check_upn(assigned, tenant=tenant)
        return True
    if kind.startswith("emailaddress"):
        return len(assigned) <= MAIL_LENGTH_MAX and EMAIL.fullmatch(assigned) is not None
    if kind == "username":
        return _USER_NAME.fullmatch(assigned) is not None
    if kind == "phonenumber":
        return _PHONE.fullmatch(assigned) is not None
    return len(assigned) <= NAME_BEFORE_AT_MAX
