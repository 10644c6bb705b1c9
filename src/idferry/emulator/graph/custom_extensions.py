"""/identity/customAuthenticationExtensions of the password-submit kind: which web service a tenant calls, and how patiently.

https://learn.microsoft.com/graph/api/resources/onpasswordsubmitcustomextension and
https://learn.microsoft.com/graph/api/resources/customextensionclientconfiguration. Other kinds answer 501. Whether a
stored extension can be called at a sign-in is judged again there (`password_submit.readiness`).
"""

import re
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import SplitResult, urlsplit

from idferry.emulator.graph import permissions
from idferry.emulator.graph.errors import bad_request, invalid_property, not_covered, not_found, required
from idferry.emulator.graph.exchange import Answer, Call
from idferry.emulator.tenants import Tenant

KIND = "#microsoft.graph.onPasswordSubmitCustomExtension"
ENDPOINT = "#microsoft.graph.httpRequestEndpoint"
AUTHENTICATION = "#microsoft.graph.azureAdTokenAuthentication"
TIMEOUT_MS_MIN, TIMEOUT_MS_MAX, TIMEOUT_MS_DEFAULT = 200, 2_000, 1_000
RETRIES_MAX, RETRIES_DEFAULT = 1, 1
# https://learn.microsoft.com/entra/external-id/customers/reference-service-limits
EXTENSIONS_MAX = 100
_PROPERTIES = frozenset(
    {
        "@odata.type",
        "authenticationConfiguration",
        "behaviorOnError",
        "clientConfiguration",
        "description",
        "displayName",
        "endpointConfiguration",
    }
)
MICROSOFTS_OWN = ("ciamlogin.com", "graph.microsoft.com", "login.microsoftonline.com")
_LOOPBACK_NAME = "localhost"
_PLAIN = re.compile(r"[!-~]+")


def list_(call: Call) -> Answer:
    """GET: 200 with all of them, in one page."""
    _require(call, permissions.READ_CUSTOM_EXTENSIONS)
    return Answer(200, {"@odata.context": _context(call), "value": [*_stored(call).values()]})


def get(call: Call) -> Answer:
    """GET .../{id}: 200."""
    _require(call, permissions.READ_CUSTOM_EXTENSIONS)
    return Answer(200, {"@odata.context": f"{_context(call)}/$entity"} | _extension(call))


def create(call: Call) -> Answer:
    """POST: 201 with the id."""
    _require(call, permissions.WRITE_CUSTOM_EXTENSIONS)
    payload = call.json_object()
    if payload.get("@odata.type") != KIND:
        raise not_covered(f"custom authentication extensions of the kind {payload.get('@odata.type')}")
    if len(_stored(call)) >= EXTENSIONS_MAX:
        raise bad_request(f"A tenant holds at most {EXTENSIONS_MAX} custom authentication extensions.")
    made = _checked({}, payload, tenant=call.tenant) | {"id": call.entropy.guid()}
    _stored(call)[made["id"]] = made
    return Answer(201, {"@odata.context": f"{_context(call)}/$entity"} | made)


def change(call: Call) -> Answer:
    """PATCH .../{id}: 204."""
    _require(call, permissions.WRITE_CUSTOM_EXTENSIONS)
    before = _extension(call)
    _stored(call)[before["id"]] = {"id": before["id"]} | _checked(
        before, call.json_object(), tenant=call.tenant
    )
    return Answer(204)


def delete(call: Call) -> Answer:
    """DELETE .../{id}: 204, unless a listener still names it."""
    _require(call, permissions.WRITE_CUSTOM_EXTENSIONS)
    extension_id = _extension(call)["id"]
    if any(
        row["handler"]["customExtension"]["id"] == extension_id
        for row in call.tenant.registrations.listeners.values()
    ):
        raise bad_request("The custom authentication extension is used by an authentication event listener.")
    del _stored(call)[extension_id]
    return Answer(204)


def is_callable_address(url: str, *, tenant: Tenant) -> bool:
    """Whether a target may be called: over HTTPS, or over HTTP on this machine where an option allows it.

    Neither Microsoft Graph nor an endpoint of Entra can be a target.
    """
    parts = _parts(url)
    if parts is None or parts.username is not None or not parts.hostname:
        return False
    if any(f".{parts.hostname}".endswith(f".{host}") for host in MICROSOFTS_OWN):
        return False
    if parts.scheme == "https":
        return True
    return parts.scheme == "http" and tenant.options.http_loopback_targets and _is_loopback(parts.hostname)


def host_of_resource(resource_id: str) -> str | None:
    """The host in `api://{host}/{application id}`; None for another form. A port is not part of the comparison."""
    parts = _parts(resource_id)
    if (
        parts is None
        or parts.scheme != "api"
        or not parts.hostname
        or not parts.path.strip("/")
        or parts.path.count("/") != 1
    ):
        return None
    return parts.hostname


def _parts(address: str) -> SplitResult | None:
    """The parts of an address; None when it cannot be one: not plain ASCII, or a port that is none."""
    if not _PLAIN.fullmatch(address):
        return None
    try:
        parts = urlsplit(address)
        return parts if parts.port is None or parts.port > 0 else None
    except ValueError:
        return None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == _LOOPBACK_NAME


def _require(call: Call, any_of: tuple[str, ...]) -> None:
    if call.tenant.is_b2c:
        raise not_covered("custom authentication extensions in Azure AD B2C")
    permissions.require(call, any_of)


def _stored(call: Call) -> dict[str, dict[str, Any]]:
    return call.tenant.registrations.extensions


def _extension(call: Call) -> dict[str, Any]:
    found = _stored(call).get(call.segments[2])
    if found is None:
        raise not_found(call.segments[2])
    return found


def _checked(before: Mapping[str, Any], payload: Mapping[str, Any], *, tenant: Tenant) -> dict[str, Any]:
    for name in payload:
        if name not in _PROPERTIES:
            raise not_covered(f"the property {name} of custom authentication extensions")
    whole: dict[str, Any] = {"displayName": None, "description": None, "behaviorOnError": None} | {
        name: value for name, value in {**before, **payload}.items() if name != "id"
    }
    if whole.get("@odata.type") != KIND:
        raise invalid_property("@odata.type")
    if not isinstance(whole["displayName"], str) or not whole["displayName"]:
        raise required("displayName")
    for name, kind in (("endpointConfiguration", ENDPOINT), ("authenticationConfiguration", AUTHENTICATION)):
        if not isinstance(whole.get(name), dict):
            raise required(name)
        if whole[name].get("@odata.type") != kind:
            raise invalid_property(name)
    whole["clientConfiguration"] = patience(whole.get("clientConfiguration"))
    _check_address(whole, tenant=tenant)
    return whole


def patience(given: Any) -> dict[str, int]:
    """Timeout and retries as given or by default; GraphError outside what the service allows."""
    given = {} if given is None else given
    if not isinstance(given, dict):
        raise invalid_property("clientConfiguration")
    timeout = given.get("timeoutInMilliseconds")
    retries = given.get("maximumRetries")
    timeout = TIMEOUT_MS_DEFAULT if timeout is None else timeout
    retries = RETRIES_DEFAULT if retries is None else retries
    if type(timeout) is not int or not TIMEOUT_MS_MIN <= timeout <= TIMEOUT_MS_MAX:
        raise invalid_property("timeoutInMilliseconds")
    if type(retries) is not int or not 0 <= retries <= RETRIES_MAX:
        raise invalid_property("maximumRetries")
    return {"timeoutInMilliseconds": timeout, "maximumRetries": retries}


def _check_address(whole: Mapping[str, Any], *, tenant: Tenant) -> None:
    target = whole["endpointConfiguration"].get("targetUrl")
    resource = whole["authenticationConfiguration"].get("resourceId")
    if not isinstance(target, str) or not is_callable_address(target, tenant=tenant):
        raise invalid_property("targetUrl")
    host = host_of_resource(resource) if isinstance(resource, str) else None
    if host is None:
        raise invalid_property("resourceId")
    if host != urlsplit(target).hostname:
        raise bad_request("The domain name of targetUrl does not match the domain name of resourceId.")


def _context(call: Call) -> str:
    return f"{call.root}/{call.version}/$metadata#identity/customAuthenticationExtensions"
