"""The rules of creating and changing an account: what is required, what the server adds, what must be unique.

Pure of HTTP: bodies in, accounts in the directory out, `GraphError` for a refusal. Permissions are asked in `users`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from idferry.emulator.clock import stamp
from idferry.emulator.entropy import Entropy
from idferry.emulator.graph import attributes, identities, passwords
from idferry.emulator.graph.errors import (
    bad_request,
    conflict,
    directory_full,
    invalid_property,
    invalid_values,
    required,
    schema_mismatch,
)
from idferry.emulator.lookup import LookupKey, identity_key, lookup_keys
from idferry.emulator.store import Account
from idferry.emulator.tenants import Tenant

MAIL_ADDRESSES_MAX = 10
_IGNORED_ON_CREATE = frozenset({"creationType"})
_CONFLICT_TARGETS = {
    "userPrincipalName": "userPrincipalName",
    "proxyAddresses": "proxyAddresses",
    "federated": "identities",
    "local": "identities",
}


@dataclass(frozen=True, slots=True)
class Scene:
    """Where and when an account is written, and how strictly.

    Attributes:
        lenient: for seeding: the strict options and the object quota are not looked at.
    """

    tenant: Tenant
    entropy: Entropy
    now_s: float
    lenient: bool = False


def create(payload: Mapping[str, Any], *, scene: Scene) -> Account:
    """Adds the account that this body describes, with what the server adds to it."""
    tenant = scene.tenant
    given = {
        name: attributes.check(name, value, tenant=tenant)
        for name, value in payload.items()
        if name not in _IGNORED_ON_CREATE
    }
    entries = identities.check_identities(given.get("identities") or [], tenant=tenant)
    _check_required(given, entries=entries, scene=scene)
    body = _new_body(given, entries=entries, scene=scene)
    password = _new_password(given, body=body, scene=scene)
    _check_extension_count(body)
    keys = lookup_keys(body)
    _check_unique(keys, tenant=tenant, own_id=body["id"], body=body)
    if not scene.lenient:
        _check_quota(tenant)
    return tenant.directory.add(body=body, password=password, keys=keys)


def change(account: Account, payload: Mapping[str, Any], *, scene: Scene) -> None:
    """Merges this body into the account; null clears."""
    tenant = scene.tenant
    given = {name: attributes.check(name, value, tenant=tenant) for name, value in payload.items()}
    body = {**account.body, **{name: value for name, value in given.items() if name != "passwordProfile"}}
    if "identities" in given:
        body["identities"] = _replaced_identities(account, given["identities"], scene=scene)
        _adopt_upn_of_identities(body)
    if "userPrincipalName" in given:
        _replace_upn(body, given["userPrincipalName"], tenant=tenant)
    if given.get("mail"):
        body["proxyAddresses"] = _with_primary(account.body.get("proxyAddresses", []), given["mail"])
    passwords.policies(body.get("passwordPolicies"))
    password = account.password
    if given.get("passwordProfile") is not None:
        password = _changed_password(account, given["passwordProfile"], body=body, scene=scene)
    _drop_empty_extensions(body)
    _check_extension_count(body)
    new_keys = set(lookup_keys(body)) - set(lookup_keys(account.body))
    _check_unique(new_keys, tenant=tenant, own_id=account.id, body=body)
    tenant.directory.change(account, body=body, password=password)


def restore(account: Account, *, tenant: Tenant) -> Account:
    """Takes an account out of the recycle bin unless its names were given away meanwhile."""
    _check_unique(lookup_keys(account.body), tenant=tenant, own_id=account.id, body=account.body)
    return tenant.directory.restore(account)


def set_password(account: Account, password: str, *, scene: Scene) -> None:
    """Writes a password as the person's own reset does: the same rule, no force-change, nothing else touched."""
    body = dict(account.body)
    profile = {"password": password, "forceChangePasswordNextSignIn": False}
    kept = _changed_password(account, profile, body=body, scene=scene)
    scene.tenant.directory.change(account, body=body, password=kept)


def lower_flag(account: Account, flag: str, *, scene: Scene) -> None:
    """Sets a Boolean extension attribute to false, as the tenant does by itself after a sign-in."""
    scene.tenant.directory.change(account, body={**account.body, flag: False}, password=account.password)


def migrate_password(account: Account, password: str, *, flag: str, scene: Scene) -> None:
    """Stores a password that an extension vouched for and takes the flag down; GraphError when it is too weak."""
    tenant, body = scene.tenant, {**account.body, flag: False}
    policies = passwords.policies(body.get("passwordPolicies"))
    by_account = "DisableStrongPassword" in policies and tenant.options.honour_disable_strong_password
    passwords.check_migrated(
        password,
        relaxed=by_account or tenant.options.disable_strong_password,
        options=tenant.options,
        own_names=_own_names(body),
    )
    body["passwordProfile"] = _profile_flags({}, before=None)
    body["lastPasswordChangeDateTime"] = stamp(scene.now_s)
    tenant.directory.change(account, body=body, password=passwords.digest(password, entropy=scene.entropy))


def _check_required(given: Mapping[str, Any], *, entries: list[dict[str, str]], scene: Scene) -> None:
    names: tuple[str, ...] = ("displayName",)
    if not entries:
        names = ("accountEnabled", "displayName", "mailNickname", "passwordProfile", "userPrincipalName")
    elif any(map(identities.is_local, entries)):
        names = ("displayName", "passwordProfile")
    for name in names:
        if given.get(name) is None:
            raise required(name)
    policies = passwords.policies(given.get("passwordPolicies"))
    strict = scene.tenant.options.strict_password_expiration and not scene.lenient
    if strict and any(map(identities.is_local, entries)) and "DisablePasswordExpiration" not in policies:
        raise invalid_property("passwordPolicies")


def _new_body(given: Mapping[str, Any], *, entries: list[dict[str, str]], scene: Scene) -> dict[str, Any]:
    tenant, now = scene.tenant, stamp(scene.now_s)
    account_id = scene.entropy.guid()
    upn = _new_upn(given, entries=entries, account_id=account_id, scene=scene)
    body = {name: value for name, value in given.items() if value is not None and name != "passwordProfile"}
    local = any(map(identities.is_local, entries))
    mail = given.get("mail")
    body |= {
        "id": account_id,
        "accountEnabled": given.get("accountEnabled", True),
        "userPrincipalName": upn,
        "identities": [
            *(e for e in entries if not identities.is_upn(e)),
            identities.upn_entry(upn, tenant=tenant),
        ],
        "userType": given.get("userType") or "Member",
        "creationType": "LocalAccount" if local else None,
        "createdDateTime": now,
        "lastPasswordChangeDateTime": now,
        "proxyAddresses": [f"SMTP:{mail}"] if mail else [],
    }
    return body


def _new_upn(
    given: Mapping[str, Any], *, entries: list[dict[str, str]], account_id: str, scene: Scene
) -> str:
    named = [entry["issuerAssignedId"] for entry in entries if identities.is_upn(entry)]
    upn = given.get("userPrincipalName")
    if len(named) > 1 or (named and upn and named[0].lower() != upn.lower()):
        raise invalid_property("identities")
    upn = upn or (named[0] if named else None)
    if upn is not None:
        identities.check_upn(upn, tenant=scene.tenant)
        return str(upn)
    # Seen in external tenants: the object id before the @. In Azure AD B2C only "some GUID" is known.
    name = scene.entropy.guid() if scene.tenant.is_b2c else account_id
    return f"{name}@{scene.tenant.domain}"


def _new_password(given: Mapping[str, Any], *, body: dict[str, Any], scene: Scene) -> bytes | None:
    profile = given.get("passwordProfile")
    if profile is None:
        return None
    if profile.get("password") is None:
        raise required("passwordProfile")
    return _kept_password(profile, body=body, scene=scene)


def _changed_password(
    account: Account, profile: Mapping[str, Any], *, body: dict[str, Any], scene: Scene
) -> bytes | None:
    if profile.get("password") is None:
        body["passwordProfile"] = _profile_flags(profile, before=account.body.get("passwordProfile"))
        return account.password
    kept = _kept_password(profile, body=body, scene=scene)
    body["lastPasswordChangeDateTime"] = stamp(scene.now_s)
    return kept


def _kept_password(profile: Mapping[str, Any], *, body: dict[str, Any], scene: Scene) -> bytes:
    password = profile["password"]
    if not isinstance(password, str):
        raise schema_mismatch("passwordProfile")
    passwords.check_password(
        password,
        policy_names=passwords.policies(body.get("passwordPolicies")),
        options=scene.tenant.options,
        own_names=_own_names(body),
    )
    body["passwordProfile"] = _profile_flags(profile, before=None)
    return passwords.digest(password, entropy=scene.entropy)


def _own_names(body: Mapping[str, Any]) -> Iterable[str]:
    for entry in body["identities"]:
        if identities.is_local(entry):
            yield entry["issuerAssignedId"].rpartition("@")[0] or entry["issuerAssignedId"]


def _profile_flags(profile: Mapping[str, Any], *, before: Mapping[str, Any] | None) -> dict[str, bool]:
    flags = {}
    for name in ("forceChangePasswordNextSignIn", "forceChangePasswordNextSignInWithMfa"):
        value = profile.get(name, (before or {}).get(name, False))
        if not isinstance(value, bool):
            raise schema_mismatch("passwordProfile")
        flags[name] = value
    if not profile.keys() <= {*flags, "password", "@odata.type"}:
        raise schema_mismatch("passwordProfile")
    return flags


def _replaced_identities(account: Account, entries: list[Any], *, scene: Scene) -> list[dict[str, str]]:
    tenant = scene.tenant
    checked = identities.check_identities(entries, tenant=tenant)
    upns = [entry for entry in checked if identities.is_upn(entry)]
    if len(upns) > 1 or (not upns and tenant.options.strict_upn_entry):
        raise invalid_property("identities")
    had_local = any(map(identities.is_local, account.body["identities"]))
    if tenant.is_b2c and not had_local and any(map(identities.is_local, checked)):
        raise invalid_property("identities")
    return (
        checked
        if upns
        else [*checked, identities.upn_entry(account.body["userPrincipalName"], tenant=tenant)]
    )


def _adopt_upn_of_identities(body: dict[str, Any]) -> None:
    body["userPrincipalName"] = next(
        entry["issuerAssignedId"] for entry in body["identities"] if identities.is_upn(entry)
    )


def _replace_upn(body: dict[str, Any], upn: str, *, tenant: Tenant) -> None:
    identities.check_upn(upn, tenant=tenant)
    others = [entry for entry in body["identities"] if not identities.is_upn(entry)]
    body["identities"] = [*others, identities.upn_entry(upn, tenant=tenant)]


def _with_primary(addresses: list[str], mail: str) -> list[str]:
    older = [f"smtp:{address[5:]}" for address in addresses if address[5:].lower() != mail.lower()]
    if len(older) + 1 > MAIL_ADDRESSES_MAX:
        raise invalid_property("proxyAddresses")
    return [f"SMTP:{mail}", *older]


def _drop_empty_extensions(body: dict[str, Any]) -> None:
    for name in [name for name, value in body.items() if value is None and name.startswith("extension_")]:
        del body[name]


def _check_extension_count(body: Mapping[str, Any]) -> None:
    most = attributes.EXTENSION_VALUES_MAX
    if len(body) > most and sum(1 for name in body if name.startswith("extension_")) > most:
        raise bad_request("The maximum number of extension values per object has been exceeded.")


def _check_unique(keys: Iterable[LookupKey], *, tenant: Tenant, own_id: str, body: Mapping[str, Any]) -> None:
    own_keys = [identity_key(entry) for entry in body["identities"]]
    if len(own_keys) != len(set(own_keys)):
        raise invalid_values()
    unique = [key for key in keys if key[0] in _CONFLICT_TARGETS]
    # One look for all of them: nearly always nobody holds any.
    if not tenant.sight.index.any_held([same for key in unique for same in _same_values(key)]):
        return
    for key in unique:
        target = _CONFLICT_TARGETS[key[0]]
        holder = _other_holder(key, tenant=tenant, own_id=own_id)
        if holder is not None:
            if key[0] == "local" and _is_email(key[1], body=body):
                target = "proxyAddresses"  # so Graph reports a duplicate e-mail sign-in name
            raise conflict(target, other_id=holder.id if tenant.options.conflict_details else None)


def _other_holder(key: LookupKey, *, tenant: Tenant, own_id: str) -> Account | None:
    for value in _same_values(key):
        holder = tenant.sight.holder(value)
        if holder is not None and holder.id != own_id:
            return holder
    return None


def _same_values(key: LookupKey) -> tuple[LookupKey, ...]:
    """The value itself, and where else it must not occur: a mail address is nobody's principal name."""
    attribute, value = key
    if attribute == "proxyAddresses":
        return key, ("userPrincipalName", value)
    if attribute == "userPrincipalName":
        return key, ("proxyAddresses", value)
    return (key,)


def _is_email(compared: str, *, body: Mapping[str, Any]) -> bool:
    return any(
        entry["issuerAssignedId"].lower() == compared
        and entry["signInType"].lower().startswith("emailaddress")
        for entry in body["identities"]
    )


def _check_quota(tenant: Tenant) -> None:
    if tenant.directory.size >= tenant.options.object_quota:
        raise directory_full()
