"""/applications, written: what the set-up of password submit needs of a registration; and its client secrets.

https://learn.microsoft.com/graph/api/application-post-applications and .../application-update. Of a registration's many
properties these are imitated; others answer 501. Reading stands in `applications`.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from idferry.emulator.clock import stamp
from idferry.emulator.graph import permissions
from idferry.emulator.graph.applications import application_of, shown
from idferry.emulator.graph.errors import bad_request, conflict, invalid_property, not_covered, required
from idferry.emulator.graph.exchange import Answer, Call
from idferry.emulator.tenants import SECRET_LIFETIME_S, Application, Secret, Tenant, new_application

REDIRECT_LENGTH_MAX = 256
_REDIRECT = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<host>[A-Za-z0-9.-]+)(:[0-9]{1,5})?(/[!$-)+-:=?-~]*)?", re.ASCII
)
KEY_USAGES = frozenset({"Encrypt", "Sign", "Verify"})
_COVERED = frozenset(
    {
        "api",
        "displayName",
        "identifierUris",
        "isFallbackPublicClient",
        "keyCredentials",
        "publicClient",
        "requiredResourceAccess",
        "signInAudience",
        "spa",
        "tags",
        "tokenEncryptionKeyId",
        "web",
    }
)
_OBJECTS = frozenset({"api", "publicClient", "spa", "web"})
_LISTS = frozenset({"identifierUris", "keyCredentials", "requiredResourceAccess", "tags"})


def create(call: Call) -> Answer:
    """POST /applications: 201 with a registration that has no secret, no permission and no service principal yet."""
    permissions.require(call, permissions.WRITE_APPLICATIONS)
    payload = _payload(call)
    if not isinstance(payload.get("displayName"), str) or not payload["displayName"]:
        raise required("displayName")
    application = new_application(
        display_name=payload["displayName"],
        entropy=call.entropy,
        now_s=call.now_s,
        roles=frozenset(),
        directory_roles=frozenset(),
    )
    application.secrets.clear()
    _apply(payload, application, call=call)
    call.tenant.applications[application.client_id] = application
    context = f"{call.root}/{call.version}/$metadata#applications/$entity"
    return Answer(201, {"@odata.context": context} | shown(application, call=call, created=True))


def change(call: Call) -> Answer:
    """PATCH /applications/{id}: 204; collections are replaced, objects are merged."""
    permissions.require(call, permissions.WRITE_APPLICATIONS)
    _apply(_payload(call), application_of(call), call=call)
    return Answer(204)


def delete(call: Call) -> Answer:
    """DELETE /applications/{id}: 204; its service principal and its extension attributes go with it."""
    permissions.require(call, permissions.WRITE_APPLICATIONS)
    application, tenant = application_of(call), call.tenant
    if application is tenant.extensions_application:
        raise bad_request("The application of the tenant's custom attributes cannot be deleted.")
    del tenant.applications[application.client_id]
    principal = tenant.registrations.principal_of(application.client_id)
    if principal is not None:
        del tenant.registrations.principals[principal.object_id]
    for declared in list(tenant.extension_properties.values()):
        if declared.app_object_id == application.object_id:
            del tenant.extension_properties[declared.name]
            tenant.directory.drop_attribute(declared.name)
    return Answer(204)


def add_password(call: Call) -> Answer:
    """POST /applications/{id}/addPassword: 200 with a client secret that is shown this once."""
    permissions.require(call, permissions.WRITE_APPLICATIONS)
    application = application_of(call)
    secret = Secret(call.entropy.secret(), call.now_s + SECRET_LIFETIME_S)
    application.secrets.append(secret)
    return Answer(
        200,
        {
            "keyId": call.entropy.guid(),
            "displayName": (call.json_object().get("passwordCredential") or {}).get("displayName"),
            "startDateTime": stamp(call.now_s),
            "endDateTime": stamp(secret.expires_s),
            "hint": secret.value[:3],
            "secretText": secret.value,
        },
    )


def _payload(call: Call) -> dict[str, Any]:
    payload = {name: value for name, value in call.json_object().items() if name != "@odata.type"}
    for name, value in payload.items():
        if name not in _COVERED:
            raise not_covered(f"the property {name} of applications")
        if name in _OBJECTS and not isinstance(value, dict):
            raise invalid_property(name)
        if name in _LISTS and not isinstance(value, list):
            raise invalid_property(name)
    return payload


def _apply(payload: Mapping[str, Any], application: Application, *, call: Call) -> None:
    changed = dict(application.registration)
    for name, value in payload.items():
        if name == "identifierUris":
            _check_uris(value, application=application, tenant=call.tenant)
        if name == "keyCredentials":
            changed[name] = _keys(value, before=changed.get(name, []), call=call)
        elif name in _OBJECTS:
            changed[name] = _merged(changed.get(name, {}), value)
            _check_redirects(changed[name].get("redirectUris", []), custom_schemes=name == "publicClient")
        else:
            changed[name] = value
    _check_encryption_key(changed)
    name = changed.pop("displayName", application.display_name)
    if not isinstance(name, str) or not name:
        raise invalid_property("displayName")
    application.display_name, application.registration = name, changed


def _merged(before: Mapping[str, Any], value: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **before,
        **{
            name: _merged(before.get(name) or {}, inner) if isinstance(inner, dict) else inner
            for name, inner in value.items()
        },
    }


def _check_uris(uris: list[Any], *, application: Application, tenant: Tenant) -> None:
    """An identifier URI holds the application's id, the tenant's id or its domain.

    https://learn.microsoft.com/entra/identity-platform/identifier-uri-restrictions
    """
    marks = (application.client_id, tenant.tenant_id, tenant.domain)
    for uri in uris:
        if not isinstance(uri, str) or not any(mark in uri.lower() for mark in marks):
            raise bad_request(
                f"Values of identifierUris property must use a verified domain of the organization or its subdomain: '{uri}'",
                code="HostNameNotOnVerifiedDomain",
            )
        for other in tenant.applications.values():
            if other is not application and uri in other.registration.get("identifierUris", []):
                raise conflict("identifierUris", other_id=None)


def _check_redirects(uris: Any, *, custom_schemes: bool) -> None:
    """HTTPS, or HTTP on this machine; installed applications may have a scheme of their own.

    https://learn.microsoft.com/entra/identity-platform/reply-url
    """
    if not isinstance(uris, list):
        raise invalid_property("redirectUris")
    for uri in uris:
        parts = _REDIRECT.fullmatch(uri) if isinstance(uri, str) else None
        if parts is None or len(uri) > REDIRECT_LENGTH_MAX:
            raise invalid_property("redirectUris")
        local = parts["scheme"] == "http" and parts["host"] in ("localhost", "127.0.0.1")
        own = custom_schemes and parts["scheme"] not in ("http", "https")
        if not (parts["scheme"] == "https" or local or own):
            raise invalid_property("redirectUris")


def _keys(rows: list[Any], *, before: list[Any], call: Call) -> list[dict[str, Any]]:
    """The new collection: what is not named in it is gone; a known key may be named without its value."""
    known = {row["keyId"]: row for row in before}
    return [_key(row, known=known, call=call) for row in rows]


def _key(row: Any, *, known: Mapping[str, dict[str, Any]], call: Call) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise invalid_property("keyCredentials")
    if row.get("key") is None and row.get("keyId") in known:
        return known[row["keyId"]]
    if row.get("type") != "AsymmetricX509Cert" or row.get("usage") not in KEY_USAGES:
        raise invalid_property("keyCredentials")
    try:
        der = base64.b64decode(row.get("key") or "", validate=True)
        certificate = x509.load_der_x509_certificate(der)
    except (binascii.Error, ValueError, TypeError):
        raise invalid_property("keyCredentials") from None
    thumbprint = certificate.fingerprint(hashes.SHA1())  # noqa: S303  Graph's own name of a certificate, signs nothing
    return {
        "customKeyIdentifier": row.get("customKeyIdentifier") or base64.b64encode(thumbprint).decode(),
        "displayName": row.get("displayName") or certificate.subject.rfc4514_string(),
        "endDateTime": stamp(certificate.not_valid_after_utc.timestamp()),
        "key": row["key"],
        "keyId": row.get("keyId") or call.entropy.guid(),
        "startDateTime": stamp(certificate.not_valid_before_utc.timestamp()),
        "type": "AsymmetricX509Cert",
        "usage": row["usage"],
    }


def _check_encryption_key(changed: Mapping[str, Any]) -> None:
    wanted = changed.get("tokenEncryptionKeyId")
    encrypting = {row["keyId"] for row in changed.get("keyCredentials", []) if row["usage"] == "Encrypt"}
    if wanted is not None and wanted not in encrypting:
        raise invalid_property("tokenEncryptionKeyId")
