"""The only reader of the environment and of `idferry.toml`. It holds frozen dataclasses and decides nothing.

One settings file = one directory to write to = one ledger. Relative paths count from the file. Secrets are named,
not written (`env:NAME`, `file:PATH`, `keyring:NAME`, `keyvault:URL`), and are resolved only when a command needs
them; a literal is accepted only where authority and graph are on this machine.
"""

from idferry.settings.external_id_table import ExternalIdSettings
from idferry.settings.guard_table import GuardSettings
from idferry.settings.reading import (
    SETTINGS_FILE,
    SETTINGS_VARIABLE,
    Settings,
    find_settings,
    parse_settings,
    read_settings,
)
from idferry.settings.service_tables import ServiceCaller, ServiceSettings, host_and_port
from idferry.settings.tables import (
    Application,
    ClockSettings,
    Hashes,
    Ledger,
    Limits,
    Passwords,
    Shape,
    Source,
    Tenant,
)
from idferry.settings.verifier_tables import (
    CognitoVerifier,
    HashesVerifier,
    LdapVerifier,
    LegacyLockout,
    PasswordGrantVerifier,
    Verifier,
    WebServiceAnswer,
    WebServiceVerifier,
)

__all__ = [
    "SETTINGS_FILE",
    "SETTINGS_VARIABLE",
    "Application",
    "ClockSettings",
    "CognitoVerifier",
    "ExternalIdSettings",
    "GuardSettings",
    "Hashes",
    "HashesVerifier",
    "LdapVerifier",
    "Ledger",
    "LegacyLockout",
    "Limits",
    "PasswordGrantVerifier",
    "Passwords",
    "ServiceCaller",
    "ServiceSettings",
    "Settings",
    "Shape",
    "Source",
    "Tenant",
    "Verifier",
    "WebServiceAnswer",
    "WebServiceVerifier",
    "find_settings",
    "host_and_port",
    "parse_settings",
    "read_settings",
]
