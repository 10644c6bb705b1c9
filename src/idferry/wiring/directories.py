"""The directory of the settings: addresses, the application that acts, and how it proves itself."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2

from idferry.errors import SettingsError
from idferry.graph.address import Address
from idferry.graph.credentials import ClientCertificate, ClientSecret, managed_identity
from idferry.graph.directory import Directory, DirectoryLimits, Registration, open_directory
from idferry.graph.machine import Machine
from idferry.graph.urgency import Urgency
from idferry.ports import Clock
from idferry.settings import Application, Settings, Tenant
from idferry.wiring.rules import importing_applications, quota_of


def directory_of(
    settings: Settings,
    clock: Clock,
    *,
    machine: Machine | None = None,
    http: httpx2.Client | None = None,
    timeout: timedelta | None = None,
    for_sign_ins: bool = False,
    urgency: Urgency = Urgency.WORK,
) -> Directory:
    """The directory, opened for the applications that import; a context manager. Nothing is called before it is used.

    `for_sign_ins`: for those with use = "sign-in" where there are any, so that people who sign in have an allowance of
    their own.

    `urgency`: which calls a tenant under load is asked to refuse last.

    `machine` and `http` replace what would be made: in stepped time both belong to the one who steps. `timeout`: for
    one call, instead of the settings'.

    Raises:
        SettingsError: no tenant, no application for the import, or a credential that cannot be used.
    """
    tenant = settings.need_tenant()
    own = [one for one in settings.applications if for_sign_ins and one.use == "sign-in"]
    applications = own or _importing_applications(settings)
    limits = DirectoryLimits(
        connections=settings.limits.connections,
        timeout=timeout or timedelta(seconds=settings.limits.timeout_seconds),
        settle=timedelta(seconds=settings.limits.settle_seconds),
        quota=quota_of(settings),
    )
    return open_directory(
        address=_address(settings, tenant),
        applications=[
            Registration(one.name, one.client_id, _credential(settings, one)) for one in applications
        ],
        machine=machine or Machine(clock),
        limits=limits,
        http=http,
        urgency=urgency,
    )


def _importing_applications(settings: Settings) -> Sequence[Application]:
    found = importing_applications(settings)
    if found:
        return found
    raise SettingsError(
        'the settings name no [[application]] with use = "import"',
        remedy="Add the app registration that may create users: client_id and secret.",
    )


def _address(settings: Settings, tenant: Tenant) -> Address:
    ca_file = str(settings.folder / tenant.ca_file) if tenant.ca_file else ""
    if ca_file and not Path(ca_file).is_file():
        raise SettingsError(f"tenant.ca_file: there is no file {ca_file}", remedy="Check the path.")
    return Address(
        tenant_id=tenant.id,
        domain=tenant.domain,
        authority=tenant.authority,
        graph_url=tenant.graph,
        flag=tenant.migration_flag,
        extension_app_id=tenant.extension_app_id,
        ca_file=ca_file,
        local=settings.is_loopback,
    )


def _credential(settings: Settings, application: Application) -> ClientSecret | ClientCertificate | Any:
    ways = [way for way in (application.secret, application.certificate, application.credential) if way]
    if len(ways) != 1:
        raise SettingsError(
            f"application {application.name} has one of secret, certificate and credential, not {len(ways)}"
        )
    if application.secret:
        return ClientSecret(
            settings.secret(application.secret, what=f"the secret of application {application.name}")
        )
    if application.certificate:
        pem = settings.secret(
            application.certificate, what=f"the certificate of application {application.name}"
        )
        return ClientCertificate.parse(pem.encode())
    return managed_identity(application.client_id)
