"""`docs/reference/settings.md`: every key of idferry.toml. Types and defaults come from the dataclasses."""

import dataclasses
import inspect
import types
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin, get_type_hints

from tests.docs.markdown import code, page, table

from idferry import settings

TABLES: dict[str, type] = {
    "tenant": settings.Tenant,
    "application": settings.Application,
    "ledger": settings.Ledger,
    "sources": settings.Source,
    "limits": settings.Limits,
    "passwords": settings.Passwords,
    "shape": settings.Shape,
    "clock": settings.ClockSettings,
}
HEADINGS = {"application": "[[application]]", "sources": "[sources.NAME]"}

MEANINGS = {
    "project": "Part of every `legacyId` (`<project>:<source>:<key>`). Two projects on one tenant never claim each "
    "other's accounts. Do not change it after the first account was created.",
    "tenant.id": "The tenant's id (a GUID).",
    "tenant.domain": "The tenant's default domain, for example `contoso.onmicrosoft.com`. It becomes the issuer of "
    "every local identity.",
    "tenant.kind": "Azure AD B2C or Entra External ID. The two take different drafts.",
    "tenant.authority": "Root address of the token endpoint. Only https leaves this machine.",
    "tenant.graph": "Root address of Microsoft Graph. Only https leaves this machine.",
    "tenant.ca_file": "A PEM file with the certificate authority to trust for these addresses; for the emulator.",
    "tenant.extension_app_id": "Client id of the application that owns the extension attributes. Left out: the one "
    "whose name begins with `b2c-extensions-app` is looked up.",
    "tenant.migration_flag": "Short name of the boolean extension attribute that says: awaits the person's password.",
    "application.client_id": "Client id of the app registration.",
    "application.name": "A name for messages. Those that send have different names.",
    "application.use": "What it is for. All with `import` send, each with its own allowance: "
    "[send faster with several applications](../how-to/send-faster-with-several-applications.md).",
    "application.secret": "The client secret: the name of where it lies, never the secret itself.",
    "application.certificate": "Where a PEM text lies that holds certificate and unencrypted RSA key; written like a "
    "secret, for example `file:import.pem`.",
    "application.credential": "`managed`: workload identity where the environment names one, else managed identity. "
    "Needs `pip install 'idferry[azure]'`.",
    "ledger.path": "The ledger file. Its key lies beside it, in the same name with `.key` added.",
    "sources.path": "The export file.",
    "sources.kind": "Its format. Left out: recognised by content and extension.",
    "sources.columns": 'CSV only: column of the file -> field of a person; `""` leaves the column out. '
    "See [csv.md](csv.md).",
    "sources.delimiter": "CSV only: the character between cells. Left out: recognised.",
    "limits.connections": "Batches of 20 people under way at once, for each application.",
    "limits.attempts": "How often one person's account is tried after unclear answers, before the person fails.",
    "limits.settle_seconds": "How long the directory may take to show what it holds, before a taken name counts as "
    "held by nobody we can see.",
    "limits.timeout_seconds": "For one call to the directory.",
    "limits.app_writes": "Writes that the tenant grants each application within `app_writes_seconds`. Creating, "
    "changing, deleting, restoring and purging an account are one write each.",
    "limits.app_writes_seconds": "The period of `app_writes`.",
    "limits.tenant_writes": "Writes that the tenant grants all applications together within `tenant_writes_seconds`.",
    "limits.tenant_writes_seconds": "The period of `tenant_writes`.",
    "limits.app_units": "Resource units that the tenant grants each application within `app_units_seconds`: the figure "
    "of tenants below 50 users. Larger ones grant up to 8,000, so more is tried as long as nothing is refused. "
    "Creating an account takes 5.",
    "limits.app_units_seconds": "The period of `app_units`.",
    "limits.creation_writes": "Writes that creating one account costs. 5 if the surcharge of B2C tenants turns out to "
    "be one of writes, too.",
    "limits.reserve_writes": "Share of both allowances of writes that is left to sign-ins and other software, "
    "0 to 0.9.",
    "passwords.weak": "`refuse`: a weak known password is replaced (`--password auto`) or the person is left out "
    "(`--password known`). `allow`: it is sent with `DisableStrongPassword`.",
    "shape.too_long": "A value over its limit. `refuse`: the person is refused. `drop`: the person is created "
    "without the value.",
    "shape.stale_after_days": "People whose last sign-in is older are left out. 0: nobody is. Somebody without a "
    "known last sign-in is never stale.",
    "shape.attributes": 'Source name -> attribute name. `""` leaves the attribute out.',
    "clock.url": "An emulator's clock that is followed. Refused unless every address is on this machine.",
}

INTRODUCTION = """
One settings file means one directory to write to and one ledger. It is TOML.

The file is the one named with `--settings`, else by the environment variable `IDFERRY_SETTINGS`, else `./idferry.toml`.
Relative paths count from the file. `idferry init` writes a commented one. `idferry survey` needs none at all.
A key that is not on this page is an error, which names the nearest known key.
"""
SECRETS = """
## Secrets

A secret is named, not written. It is read when a command needs it.

| written | read from |
| --- | --- |
| `env:NAME` | the environment variable NAME |
| `file:PATH` | a file, blanks around its content removed; a relative path counts from the settings file |
| `keyring:NAME` | the system's keyring, service `idferry`, user NAME; needs `pip install keyring` |
| `keyvault:URL` | Azure Key Vault, URL as `https://VAULT.vault.azure.net/secrets/NAME`; needs `pip install azure-keyvault-secrets azure-identity` |

The secret itself is accepted only where `tenant.authority` and `tenant.graph` are both on this machine: that is the
emulator. See [keep secrets out of settings](../how-to/keep-secrets-out-of-settings.md).
"""


def every_setting() -> Iterator[tuple[str, dataclasses.Field[Any] | None]]:
    """Each setting as `table.key`, with its declaration; `project` stands alone."""
    yield "project", None
    for name, cls in TABLES.items():
        for one in dataclasses.fields(cls):
            yield f"{name}.{one.name}", one


def render() -> str:
    """The page."""
    sections = [_section(name, cls) for name, cls in TABLES.items()]
    top = "## At the top\n\n" + table(
        ["key", "value", "default", "meaning"],
        [("`project`", "text without a colon", "`idferry`", MEANINGS["project"])],
    )
    return page("Settings", INTRODUCTION, top, *sections, SECRETS)


def _section(name: str, cls: type) -> str:
    said = (inspect.getdoc(cls) or "").partition(": ")[2].strip()
    kinds = get_type_hints(cls)
    rows = [
        (code(one.name), _kind(kinds[one.name]), _default(one), MEANINGS[f"{name}.{one.name}"])
        for one in dataclasses.fields(cls)
    ]
    heading = HEADINGS.get(name, f"[{name}]")
    sentence = said[:1].upper() + said[1:]
    return f"## {heading}\n\n{sentence}\n\n{table(['key', 'value', 'default', 'meaning'], rows)}"


def _kind(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return " or ".join(code(one) for one in get_args(kind) if one)
    if get_origin(kind) is dict:
        return "table of texts"
    if isinstance(kind, types.UnionType):
        return _kind(get_args(kind)[0])
    return {"str": "text", "int": "number", "float": "number", "bool": "true or false"}[kind.__name__]


def _default(declared: dataclasses.Field[Any]) -> str:
    if declared.default is dataclasses.MISSING:
        return "" if declared.default_factory is not dataclasses.MISSING else "required"
    return code(declared.default)
