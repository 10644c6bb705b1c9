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
    "service": settings.ServiceSettings,
    "service.caller": settings.ServiceCaller,
    "external_id": settings.ExternalIdSettings,
    "guard": settings.GuardSettings,
    "hashes": settings.Hashes,
    "verifier": settings.Verifier,
    "verifier.web_service": settings.WebServiceVerifier,
    "verifier.password_grant": settings.PasswordGrantVerifier,
    "verifier.ldap": settings.LdapVerifier,
    "verifier.cognito": settings.CognitoVerifier,
    "verifier.hashes": settings.HashesVerifier,
}
HEADINGS = {
    "verifier": "[[verifier]]",
    "verifier.web_service": '[[verifier]] kind = "web_service"',
    "verifier.password_grant": '[[verifier]] kind = "password_grant"',
    "verifier.ldap": '[[verifier]] kind = "ldap"',
    "verifier.cognito": '[[verifier]] kind = "cognito"',
    "verifier.hashes": '[[verifier]] kind = "hashes"',
    "application": "[[application]]",
    "sources": "[sources.NAME]",
    "service.caller": "[[service.caller]]",
}

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
    "passwords.creation_seconds": "A password that is newer than its account by more than so many seconds was chosen by "
    "somebody: no sign-in writes over it, and `idferry sweep` takes the flag down. Both times are the directory's own.",
    "shape.too_long": "A value over its limit. `refuse`: the person is refused. `drop`: the person is created "
    "without the value.",
    "shape.stale_after_days": "People whose last sign-in is older are left out. 0: nobody is. Somebody without a "
    "known last sign-in is never stale.",
    "shape.attributes": 'Source name -> attribute name. `""` leaves the attribute out.',
    "clock.url": "An emulator's clock that is followed. Refused unless every address is on this machine.",
    "service.listen": "Address and port that the tenant, or the front before it, reaches.",
    "service.admin_listen": "Address and port of metrics, readiness and the OpenAPI document. Loopback only.",
    "service.tls_certificate": "A PEM file with the certificate chain of `listen`.",
    "service.tls_key": "A PEM file with its key, without a passphrase.",
    "service.client_ca": "A PEM file with the authorities of client certificates, or those certificates themselves: for "
    "`idferry serve --mtls-port`.",
    "service.trusted_proxies": "Addresses and networks of the front that ends TLS. Only from there a forwarded address or "
    "certificate is believed; without TLS of ours nobody else may call.",
    "service.client_certificate_header": "Header in which that front hands the client's certificate on: base64 of DER, or "
    "PEM percent-encoded. From any other peer the header is refused with 401.",
    "service.mode": "Who writes the password at a first sign-in of B2C. `A`: the policy. `B`: we, in one Graph call. `C`: "
    "the policy, which creates the account then.",
    "service.deadline_seconds": "How long an endpoint that policies call may take; less than their 30 seconds.",
    "service.external_deadline_seconds": "How long the endpoint of Entra External ID may take; less than its 2 seconds.",
    "service.negative_reply_at": "Negative answers to policies leave so many seconds after the request arrived, whatever "
    "their reason. 0: at once, so that a stopwatch tells unknown names from known ones.",
    "service.outage_answer": "What Entra External ID is told when nobody can say whether the password is right.",
    "service.weak_password": "A right but weak password in External ID: `entra` judges it, or the person is asked (`ask`) "
    "for another one.",
    "service.status_store": "Where it stands who must reset the password: the ledger, an Azure Table as in Microsoft's "
    "sample, or the account's own extension attribute.",
    "service.azure_table_connection": "Connection string of the storage account: the name of where it lies.",
    "service.azure_table_url": "Instead of it: the account's address, for a managed identity. "
    "Needs `pip install 'idferry[azure]'` too.",
    "service.status_per_address": "How many people one person's address may ask about in 10 minutes. Beyond it everybody "
    "may sign in as far as this service goes.",
    "service.status_conflicts_per_minute": "How many people may be told in a minute that they must reset.",
    "service.require_methods_before_jit": "People whose legacy account demanded a second factor are not migrated on their "
    "password alone: whoever holds it could enrol a phone of his own.",
    "service.sweep_minutes": "How often flags are taken down of accounts whose password somebody has changed since: "
    "`idferry sweep`. 0: never by itself.",
    "service.capture_callers": "Names of the callers that may hand on passwords: legacy fronts. None: the endpoint does not exist.",
    "service.threads": "How many sign-ins are worked on at once; twice as many wait. Legacy systems that are slow hold at most half.",
    "service.replicas": "How many services serve this tenant, each with a guard file of its own. Guesses at one name and calls in a second are "
    "divided among them. [What they do not share](../explain/limits.md#replicas).",
    "service.language": "Language of the sentences that people see.",
    "service.texts": "Sentences of your own by name: `must_reset`, `wrong`, `try_later`, `cannot_be_used`, `has_account`, "
    "`barred_title`, `barred`, `outage_title`.",
    "service.caller.name": "A name for log and metrics.",
    "service.caller.kind": "How the caller proves itself.",
    "service.caller.user": "`basic`: the user name; ASCII, no colon.",
    "service.caller.header": "`api_key`: the header that holds the key.",
    "service.caller.secrets": "`basic`, `api_key`, `bearer`: passwords, keys or tokens, the current and the next one, each "
    "by the name of where it lies. ASCII, at least 16 bytes, a bearer token 32.",
    "service.caller.thumbprints": "`certificate`: SHA-256 of each certificate, in hexadecimal digits.",
    "service.caller.issuers": "`jwt`: what `iss` may be.",
    "service.caller.audiences": "`jwt`: what `aud` may be.",
    "service.caller.applications": "`jwt`: what `azp` (version 2) or `appid` (version 1) may be.",
    "service.caller.tenant_id": "`jwt`: what `tid` must be.",
    "service.caller.keys_url": "`jwt`: https address of the issuer's key set (`jwks_uri` of its discovery document).",
}

MEANINGS |= {
    "sources.hash": "How this source's password hashes are read: a [descriptor](password-hashes.md#descriptor), as "
    "`idferry hash prove` prints it. Left out: by the mark that each value bears. `key` and `pepper` are names of places.",
    "sources.exported_at": "When the source was exported, ISO 8601 with a zone. Left out: its password hashes are taken for stale.",
    "hashes.path": "The file with password hashes, encrypted.",
    "hashes.key": "Its key: the name of where it lies, at least 32 characters. Where it is set, `idferry premigrate` takes "
    "the hashes of every source that has some.",
    "hashes.bounds": "How much one hash may cost: [bounds](password-hashes.md#bounds) by name, where they differ from the default. "
    "Costlier hashes are not loaded and not checked.",
    "hashes.memory_mib": "Memory for all checks of hashes together, in MiB. Those that need much wait for each other.",
    "verifier.hashes.legacy_frozen_at": "Since when nobody can change a password in the legacy system, ISO 8601 with a "
    "zone. Hashes that were exported before it may be stale and are not asked, unless `--accept-stale-hashes` says so.",
    "guard.path": "The file in which attempts are booked, never the ledger's. Its key lies beside it, in the same name with "
    "`.key` added.",
    "guard.attempts": "Wrong passwords for one name from one address that cost nothing.",
    "guard.lock_seconds": "The lock after them. Each further one doubles it.",
    "guard.stop_after": "So many in a row without a success, and nothing goes through until `rest_seconds` have passed.",
    "guard.attempts_anywhere": "The same for one name from all addresses together, without those of earlier sign-ins.",
    "guard.lock_seconds_anywhere": "The lock after them. Each further one doubles it.",
    "guard.stop_after_anywhere": "So many in a row without a success, and nothing goes through until `rest_seconds` have "
    "passed.",
    "guard.known_addresses": "How many addresses of earlier sign-ins each name has, for 30 days, that others' guesses do "
    "not lock.",
    "guard.attempts_known": "The same for one name from one of these.",
    "guard.lock_seconds_known": "The lock after them. Each further one doubles it.",
    "guard.stop_after_known": "So many in a row without a success, and nothing goes through until `rest_seconds` have passed.",
    "guard.lock_seconds_max": "The longest lock, except for `rest_seconds`.",
    "guard.silence_seconds": "So long after the end of a lock the free attempts are back.",
    "guard.rest_seconds": "So long after the last attempt everything about a name is forgotten.",
    "guard.forgiven": "Attempts per name that are given back although they were sent, because no answer came.",
    "guard.address_failures": "What one address may fail in a day, whatever the names. An IPv6 address counts as its /64.",
    "guard.address_names": "With how many names one address may fail in 10 minutes.",
    "guard.failures_per_minute": "From so many on it is looked at whether most attempts everywhere fail. Then only those "
    "get through from whose address no other name has failed lately.",
    "guard.spared_networks": "Addresses and networks of many people, where neither counts.",
}

MEANINGS |= {
    "external_id.app_id": "Client id of the app registration of the custom authentication extension: what `aud` must be.",
    "external_id.app_uri": "Its identifier URI, `api://HOST/CLIENT_ID`.",
    "external_id.extension_ids": "Ids of the custom authentication extensions that may ask.",
    "external_id.keys": "Private keys for what the tenant encrypts, the current and the next one: the name of where each "
    "lies. A PEM text with the RSA key and its certificate, by whose thumbprint the tenant names it.",
    "external_id.issuers": "What `iss` of the caller's token may be. Left out: the tenant's own at ciamlogin.com.",
    "external_id.keys_url": "https address of the issuer's key set. Left out: the tenant's own at ciamlogin.com.",
    "external_id.self_service_reset": "The tenant lets people with an e-mail address reset their password. Without that, a "
    "password that must be changed is migrated as it is.",
}

MEANINGS |= {
    "verifier.name": "A name for logs and for `idferry verifier check`.",
    "verifier.kind": "How the legacy system is asked: `web_service`, `password_grant`, `ldap` or `cognito`. Each kind "
    "has keys of its own, below.",
    "verifier.sources": "It is asked about people of these legacy sources only. Empty: of all.",
    "verifier.email_domains": "It is asked about people with an address in one of these domains only. Empty: about all.",
    "verifier.legacy_lockout": "The legacy system's own lock, `{ threshold = 10, window_seconds = 600 }`: so many wrong "
    "passwords in so many seconds lock somebody. Required. Our own lock stays below it.",
    "verifier.legacy_requests_per_second": "Calls in any second, by all replicas together. 0: as many as come; for the server `b2c` it is then 18, "
    "because B2C takes 20 from one address; more is refused.",
    "verifier.concurrent_calls": "Calls under way at once; as many wait for a turn.",
    "verifier.deadline_seconds": "A call that takes longer is given up, up to 10. What comes later than the page waits is "
    "kept for the person's next try.",
}
_OUTBOUND = {
    "client_certificate": "A PEM file with the certificate and its unencrypted key that we show: mutual TLS.",
    "ca_file": "A PEM file with the authorities to trust, instead of those of the system.",
    "private_address": "Its name may stand for an address of a private network (10.0.0.0/8 and so on). This machine is "
    "called only where it is named `localhost` or `127.0.0.1`, link-local addresses never.",
}
MEANINGS |= {
    "verifier.web_service.url": "Where it is: https, or http on this machine. `{sign_in_name}` and `{key}` may stand as "
    "whole segments of the path.",
    "verifier.web_service.contract": "Whose contract the service follows: "
    "[use a web service](../how-to/check-passwords-with-a-web-service.md) lists what each asks and means.",
    "verifier.web_service.method": "Instead of the contract's own method.",
    "verifier.web_service.encoding": "How the body is written: `json`, or `form`.",
    "verifier.web_service.body": "Instead of the contract's body. A value is a text of its own or one of `{sign_in_name}`, "
    "`{password}`, `{key}`, `{source}`, `{client_address}`, whole.",
    "verifier.web_service.headers": "Headers that are no secret.",
    "verifier.web_service.secret_headers": "Headers whose value is the name of where a secret lies.",
    "verifier.web_service.authentication": "How we prove ourselves: `basic` with `user` and `secret`, `bearer` with "
    "`secret`. An answer 401 then means nothing about the person.",
    "verifier.web_service.user": "The user name for `basic`.",
    "verifier.web_service.secret": "The password for `basic`, or the token for `bearer`: the name of where it lies.",
    "verifier.web_service.answers": "Instead of the contract's answers: a list of "
    "`{ status, path, equals, empty, verdict }`. The first that fits counts; what fits none is no answer.",
    "verifier.password_grant.url": "The token endpoint: https, or http on this machine.",
    "verifier.password_grant.client_id": "Client id of the application that may use the password grant.",
    "verifier.password_grant.server": "Whose error codes it answers with: "
    "[use a password grant](../how-to/check-passwords-with-a-password-grant.md) lists them.",
    "verifier.password_grant.client_secret": "The client's secret, where it has one: the name of where it lies.",
    "verifier.password_grant.client_authentication": "Where the secret is sent: in the `body`, or as `basic`.",
    "verifier.password_grant.scope": "The scope that is asked for. Left out: what the server needs at least.",
    "verifier.password_grant.realm": "`auth0`: the database connection.",
    "verifier.password_grant.parameters": "More parameters of the form.",
    "verifier.ldap.url": "`ldaps://host` or `ldap://host`, with a port where it is another one.",
    "verifier.ldap.base": "Where people are searched, as a distinguished name.",
    "verifier.ldap.filter": "How a person is found. `{sign_in_name}` and `{key}` are escaped. Not exactly one hit: nobody "
    "is asked.",
    "verifier.ldap.encryption": "For `ldap://`: `start_tls`, which is also meant where nothing stands; `none` only on this "
    "machine.",
    "verifier.ldap.bind_dn": "Who searches. Left out: anonymously.",
    "verifier.ldap.bind_password": "The password of `bind_dn`: the name of where it lies.",
    "verifier.ldap.ca_file": _OUTBOUND["ca_file"],
    "verifier.cognito.region": "For example `eu-central-1`.",
    "verifier.cognito.user_pool_id": "Id of the user pool.",
    "verifier.cognito.client_id": "Id of an app client with `ALLOW_ADMIN_USER_PASSWORD_AUTH`.",
    "verifier.cognito.client_secret": "The app client's secret, where it has one: the name of where it lies.",
    "verifier.cognito.access_key_id": "Left out: the credentials that AWS's own tools would find.",
    "verifier.cognito.secret_access_key": "The secret to `access_key_id`: the name of where it lies.",
    "verifier.cognito.endpoint": "Left out: the region's public one.",
    **{
        f"verifier.{kind}.{key}": meaning
        for kind, keys in (
            ("web_service", ("client_certificate", "ca_file", "private_address")),
            ("password_grant", ("client_certificate", "ca_file", "private_address")),
            ("cognito", ("ca_file", "private_address")),
        )
        for key, meaning in _OUTBOUND.items()
        if key in keys
    },
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
        for one in own_fields(cls):
            yield f"{name}.{one.name}", one


def own_fields(cls: type) -> list[dataclasses.Field[Any]]:
    """The keys of a table; of a kind of verifier those that the others have not."""
    shared = (
        settings.Verifier if issubclass(cls, settings.Verifier) and cls is not settings.Verifier else None
    )
    inherited = {one.name for one in dataclasses.fields(shared)} if shared else set()
    return [one for one in dataclasses.fields(cls) if one.name not in inherited]


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
        for one in own_fields(cls)
    ]
    heading = HEADINGS.get(name, f"[{name}]")
    sentence = said[:1].upper() + said[1:]
    return f"## {heading}\n\n{sentence}\n\n{table(['key', 'value', 'default', 'meaning'], rows)}"


def _kind(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return " or ".join(code(one) for one in get_args(kind) if one)
    if get_origin(kind) is dict:
        return "table of numbers" if get_args(kind)[1:] == (int,) else "table of texts"
    if get_origin(kind) is list:
        return "list of texts" if get_args(kind) == (str,) else "list of tables"
    if isinstance(kind, types.UnionType):
        return _kind(get_args(kind)[0])
    kinds = {"str": "text", "int": "number", "float": "number", "bool": "true or false"}
    return kinds.get(kind.__name__, "table")


def _default(declared: dataclasses.Field[Any]) -> str:
    if declared.default is dataclasses.MISSING:
        return "" if declared.default_factory is not dataclasses.MISSING else "required"
    return code(declared.default)
