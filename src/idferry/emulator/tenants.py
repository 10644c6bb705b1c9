"""What exists in an emulated tenant before any account does: domains, applications, extension attributes, options.

A tenant starts as a new one from Microsoft starts: with an extensions application, and without any extension
attribute of ours. Nothing here answers requests.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import msgspec

from idferry.emulator.clock import Clock, stamp
from idferry.emulator.directory import Directory
from idferry.emulator.entropy import Entropy
from idferry.emulator.registrations import (
    GRAPH_CLIENT_ID,
    GRAPH_ROLES,
    Body,
    Registrations,
    assignment,
    new_registrations,
)
from idferry.emulator.sight import Sight

TenantKind = Literal["b2c", "external"]

EXTENSIONS_APPLICATION_NAME = "b2c-extensions-app. Do not modify. Used by AADB2C for storing user data."
USER_ADMINISTRATOR = "User Administrator"
PRIVILEGED_AUTHENTICATION_ADMINISTRATOR = "Privileged Authentication Administrator"

DEFAULT_ROLES = frozenset(
    {
        "Application.ReadWrite.All",
        "AuditLog.Read.All",
        "Organization.Read.All",
        "User-PasswordProfile.ReadWrite.All",
        "User.DeleteRestore.All",
        "User.ManageIdentities.All",
        "User.ReadWrite.All",
    }
)
DEFAULT_DIRECTORY_ROLES = frozenset({USER_ADMINISTRATOR})

# Objects a tenant may hold by default: 1.25 million in Azure AD B2C, 300,000 in an external tenant.
# https://learn.microsoft.com/azure/active-directory-b2c/service-limits
# https://learn.microsoft.com/entra/external-id/customers/reference-service-limits
DEFAULT_OBJECT_QUOTA: Mapping[TenantKind, int] = {"b2c": 1_250_000, "external": 300_000}
DOMAIN_NAMES: Mapping[TenantKind, str] = {
    "b2c": "emulatedb2c.onmicrosoft.com",
    "external": "emulatedexternal.onmicrosoft.com",
}
SECRET_LIFETIME_S = 180 * 24 * 3600.0


class TenantOptions(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What the control API may change about a tenant; the defaults are the stricter reading of each open question."""

    object_quota: int
    banned_words: list[str] = []
    strict_password_expiration: bool = True  # a local account must say DisablePasswordExpiration
    strict_upn_entry: bool = True  # an update of identities must keep the userPrincipalName entry
    strict_password_role: bool = True  # a password update needs the directory role as well as the permission
    honour_disable_strong_password: bool = True  # DisableStrongPassword switches the strong rule off
    conflict_details: bool = True  # a conflict names the other object
    deleted_holds_identities: bool = False  # accounts in the recycle bin keep their sign-in names
    delta_status: Literal[400, 501] = 400
    sign_in_activity: bool = True  # False: a tenant without the premium licence that shows sign-ins
    size_class: Literal["S", "M", "L"] | None = None  # None: by the number of accounts
    token_lifetime_s: int = 3599
    # Password submit (External ID). What each open question of it means stands in `password_submit/`.
    strict_user_flow: bool = True  # only applications that are attached to the user flow have a sign-in page
    sign_in_steps: Literal[1, 2] = 2  # user name and password on one page, or one after the other
    http_loopback_targets: bool = False  # an extension may be called over plain HTTP on this machine
    trusted_authorities: list[
        str
    ] = []  # PEM: who signs the certificates of extensions, beside the public ones
    extension_calls_per_s: int = 50
    retry_form: Literal["same_bytes", "encrypted_again", "new_nonce"] = "same_bytes"
    extension_token_version: Literal[1, 2] = 2
    exact_action_casing: bool = False  # the answer's action types are compared with regard to case
    disable_strong_password: bool = False  # a right legacy password of eight characters is strong enough
    reset_clears_flag: bool = False  # self-service reset takes the migration flag down
    lockout_threshold: int = 10
    lockout_s: float = 60.0


class Secret(msgspec.Struct):
    """One client secret and the emulated moment (seconds since 1970) from which it is refused."""

    value: str
    expires_s: float


@dataclass
class Application:
    """An application registration together with its service principal's roles."""

    client_id: str
    object_id: str
    display_name: str
    created: str
    roles: frozenset[str] = frozenset()
    directory_roles: frozenset[str] = frozenset()
    secrets: list[Secret] = field(default_factory=list)
    certificates: list[bytes] = field(default_factory=list)  # PEM, public part
    enabled: bool = True
    registration: Body = field(default_factory=dict)  # what else Graph shows and changes, by its names there


@dataclass(frozen=True)
class ExtensionProperty:
    """A declared extension attribute; `name` is the full `extension_<appId without hyphens>_<short name>`."""

    id: str
    name: str
    data_type: str
    multi_valued: bool
    app_object_id: str
    app_display_name: str
    target_objects: tuple[str, ...]


@dataclass
class Tenant:
    """One emulated tenant: who it is, which applications it knows, and its accounts."""

    kind: TenantKind
    tenant_id: str
    domain: str
    created: str
    options: TenantOptions
    directory: Directory
    extensions_application: Application
    import_application: Application
    registrations: Registrations
    applications: dict[str, Application] = field(default_factory=dict)  # by client id
    extension_properties: dict[str, ExtensionProperty] = field(default_factory=dict)  # by full name

    @property
    def sight(self) -> Sight:
        """The accounts as readers see them."""
        return self.directory.sight

    @property
    def is_b2c(self) -> bool:
        """Whether this is an Azure AD B2C tenant."""
        return self.kind == "b2c"

    def application(self, client_id: str) -> Application | None:
        """The application with this client id."""
        return self.applications.get(client_id.lower())

    def owns_issuer(self, issuer: str) -> bool:
        """Whether `issuer` is this tenant's domain, as the issuer of a local identity must be."""
        return issuer.lower() == self.domain

    def reset(self, *, now_s: float, entropy: Entropy) -> None:
        """Back to a new tenant with the same ids, domain, first application and client secret."""
        self.options = default_options(self.kind)
        self.directory.reset()
        self.extension_properties.clear()
        first = self.import_application
        first.roles, first.directory_roles, first.enabled = DEFAULT_ROLES, DEFAULT_DIRECTORY_ROLES, True
        del first.secrets[1:]
        first.secrets[0].expires_s = now_s + SECRET_LIFETIME_S
        first.certificates.clear()
        self.registrations = new_registrations(entropy=entropy)
        self.applications = {}
        for application in (self.extensions_application, first):
            application.registration.clear()
            self.register(application, entropy=entropy)

    def register(self, application: Application, *, entropy: Entropy) -> None:
        """Makes an application known, with a service principal that holds the permissions it has."""
        self.applications[application.client_id] = application
        self.registrations.add_principal(
            application.client_id, display_name=application.display_name, entropy=entropy
        )
        self.consent(application, entropy=entropy)

    def consent(self, application: Application, *, entropy: Entropy) -> None:
        """Makes the service principal's assignments say what the application's roles say."""
        principal = self.registrations.principal_of(application.client_id)
        graph = self.registrations.principal_of(GRAPH_CLIENT_ID)
        if principal is None or graph is None:
            return
        principal.assignments.clear()
        for role_id, name in GRAPH_ROLES.items():
            if name in application.roles:
                row = assignment(principal, resource=graph, role_id=role_id, row_id=entropy.guid())
                principal.assignments[row["id"]] = row

    def change_options(self, changes: Mapping[str, Any]) -> None:
        """Replaces the named options; `msgspec.ValidationError` for an unknown name or a value of the wrong type."""
        self.options = msgspec.convert({**msgspec.structs.asdict(self.options), **changes}, TenantOptions)


def default_options(kind: TenantKind) -> TenantOptions:
    """The options of a new tenant of this kind."""
    # Microsoft's pages contradict each other about DisableStrongPassword in external tenants: the stricter one wins.
    return TenantOptions(
        object_quota=DEFAULT_OBJECT_QUOTA[kind], honour_disable_strong_password=kind == "b2c"
    )


def new_application(
    *,
    display_name: str,
    entropy: Entropy,
    now_s: float,
    client_id: str | None = None,
    roles: frozenset[str] = DEFAULT_ROLES,
    directory_roles: frozenset[str] = DEFAULT_DIRECTORY_ROLES,
) -> Application:
    """A registration with one client secret that is good for half a year."""
    return Application(
        client_id=client_id or entropy.guid(),
        object_id=entropy.guid(),
        display_name=display_name,
        created=stamp(now_s),
        roles=roles,
        directory_roles=directory_roles,
        secrets=[Secret(entropy.secret(), now_s + SECRET_LIFETIME_S)],
    )


def new_tenant(*, kind: TenantKind, path: Path, clock: Clock, entropy: Entropy) -> Tenant:
    """A tenant as it is on its first day, with one application that may import."""
    now_s = clock.now_s()
    extensions = new_application(
        display_name=EXTENSIONS_APPLICATION_NAME,
        entropy=entropy,
        now_s=now_s,
        roles=frozenset(),
        directory_roles=frozenset(),
    )
    extensions.secrets.clear()
    importer = new_application(display_name="idferry import", entropy=entropy, now_s=now_s)
    tenant = Tenant(
        kind=kind,
        tenant_id=entropy.guid(),
        domain=DOMAIN_NAMES[kind],
        created=stamp(now_s),
        options=default_options(kind),
        directory=Directory(path=path, clock=clock),
        extensions_application=extensions,
        import_application=importer,
        registrations=new_registrations(entropy=entropy),
    )
    for application in (extensions, importer):
        tenant.register(application, entropy=entropy)
    return tenant
