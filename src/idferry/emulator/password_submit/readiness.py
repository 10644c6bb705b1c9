"""Whether an extension can be called for an application: which listener is responsible, and what its set-up lacks.

The numbers are those of https://learn.microsoft.com/entra/identity-platform/custom-extension-troubleshoot.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509

from idferry.emulator.graph.custom_extensions import host_of_resource, is_callable_address
from idferry.emulator.password_submit.failures import Failure
from idferry.emulator.registrations import GRAPH_CLIENT_ID, RECEIVE_PAYLOAD, ServicePrincipal
from idferry.emulator.tenants import Application, Tenant


@dataclass(frozen=True, slots=True)
class Ready:
    """Everything that a call to an extension needs.

    Attributes:
        resource: the extension's own application. resource_id: `api://{host}/{its id}`.
        certificate: what passwords are encrypted for.
    """

    listener_id: str
    extension_id: str
    target: str
    resource: Application
    resource_id: str
    certificate: x509.Certificate
    client: ServicePrincipal
    timeout_s: float
    retries: int


def listener_for(tenant: Tenant, client_id: str | None) -> Mapping[str, Any] | None:
    """The listener of the highest priority (the lowest number) that is responsible for this application.

    None as application: the listener that comes first at all.
    """
    rows = sorted(tenant.registrations.listeners.values(), key=lambda row: row["priority"])
    return next((row for row in rows if client_id is None or _covers(row, client_id)), None)


def flag_of(listener: Mapping[str, Any]) -> str:
    """The full name of the extension attribute that says who is to be migrated."""
    return str(listener["handler"]["migrationPropertyId"])


def readiness(listener: Mapping[str, Any], *, tenant: Tenant, client_id: str) -> Ready | Failure:
    """What a call needs, or the first thing that the set-up lacks."""
    extension_id = listener["handler"]["customExtension"]["id"]
    extension = tenant.registrations.extensions.get(extension_id)
    if extension is None:
        return Failure.CUSTOM_EXTENSION_NOT_FOUND
    target = extension["endpointConfiguration"]["targetUrl"]
    resource_id = extension["authenticationConfiguration"]["resourceId"]
    wrong = _wrong_address(target, resource_id, tenant=tenant)
    if wrong is not None:
        return wrong
    resource = _owner(resource_id, tenant=tenant)
    client = tenant.registrations.principal_of(client_id)
    wrong = _wrong_principals(resource, client, tenant=tenant)
    if wrong is not None:
        return wrong
    certificate = None if resource is None else _encryption_certificate(resource)
    if certificate is None or resource is None or client is None:
        return Failure.CUSTOM_EXTENSION_UNEXPECTED_ERROR
    own = listener["handler"]["configuration"]
    patience = (own or extension)["clientConfiguration"]
    return Ready(
        listener_id=listener["id"],
        extension_id=extension_id,
        target=target,
        resource=resource,
        resource_id=resource_id,
        certificate=certificate,
        client=client,
        timeout_s=patience["timeoutInMilliseconds"] / 1000,
        retries=patience["maximumRetries"],
    )


def _covers(listener: Mapping[str, Any], client_id: str) -> bool:
    applications = listener["conditions"]["applications"]
    named = {row["appId"] for row in applications["includeApplications"]}
    return applications["includeAllApplications"] or client_id in named


def _wrong_address(target: str, resource_id: str, *, tenant: Tenant) -> Failure | None:
    if not is_callable_address(target, tenant=tenant):
        return Failure.CUSTOM_EXTENSION_INCORRECT_TARGET_URL_FORMAT
    host = host_of_resource(resource_id)
    if host is None:
        return Failure.CUSTOM_EXTENSION_INCORRECT_RESOURCE_ID_FORMAT
    if host != urlsplit(target).hostname:
        return Failure.CUSTOM_EXTENSION_DOMAIN_NAME_DOES_NOT_MATCH
    return None


def _owner(resource_id: str, *, tenant: Tenant) -> Application | None:
    owners = (
        one
        for one in tenant.applications.values()
        if resource_id in one.registration.get("identifierUris", [])
    )
    return next(owners, None)


def _wrong_principals(
    resource: Application | None, client: ServicePrincipal | None, *, tenant: Tenant
) -> Failure | None:
    principal = None if resource is None else tenant.registrations.principal_of(resource.client_id)
    if principal is None:
        return Failure.CUSTOM_EXTENSION_RESOURCE_SERVICE_PRINCIPAL_NOT_FOUND
    if client is None:
        return Failure.CUSTOM_EXTENSION_CLIENT_SERVICE_PRINCIPAL_NOT_FOUND
    if not principal.enabled:
        return Failure.CUSTOM_EXTENSION_RESOURCE_SERVICE_PRINCIPAL_DISABLED
    if not client.enabled:
        return Failure.CUSTOM_EXTENSION_CLIENT_SERVICE_PRINCIPAL_DISABLED
    graph = tenant.registrations.principal_of(GRAPH_CLIENT_ID)
    if graph is None or not graph.enabled:
        return Failure.CUSTOM_EXTENSION_MS_GRAPH_SERVICE_PRINCIPAL_DISABLED_OR_NOT_FOUND
    if not principal.holds(RECEIVE_PAYLOAD, resource=graph):
        return Failure.CUSTOM_EXTENSION_PERMISSION_NOT_GRANTED
    return None


def _encryption_certificate(resource: Application) -> x509.Certificate | None:
    wanted = resource.registration.get("tokenEncryptionKeyId")
    for row in resource.registration.get("keyCredentials", []):
        if row["keyId"] == wanted:
            return x509.load_der_x509_certificate(base64.b64decode(row["key"]))
    return None
