"""Who may call the sign-in service, from the settings: secrets resolved, key sets behind the one HTTP client."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from idferry.errors import SettingsError
from idferry.outbound import NamedHost, NoReply, Outbound, Request, named_host, tls_context
from idferry.ports import Clock, Deadline
from idferry.service.bearer_tokens import (
    FETCH_SECONDS_MAX,
    KEYS_BYTES_MAX,
    NoKeys,
    SigningKeys,
    TokenCheck,
    TokenTerms,
)
from idferry.service.caller_auth import Callers
from idferry.service.client_certificates import CertificateCaller
from idferry.service.credentials import SecretCaller, SecretKind
from idferry.service.workers import Workers
from idferry.settings import ServiceCaller, Settings

Unread = Callable[[str, str], None]
"""Whose keys could not be read, and why, by a code."""


def callers_of(settings: Settings, clock: Clock, *, workers: Workers, unread: Unread) -> Callers:
    """Everybody in `[[service.caller]]`, with their credentials. Raises SettingsError."""
    listed = settings.service_callers
    return Callers(
        secrets=[_secret_caller(settings, one) for one in listed if one.kind in list(SecretKind)],
        tokens={
            one.name: _token_check(settings, one, clock, workers, unread)
            for one in listed
            if one.kind == "jwt"
        },
        certificates=[
            CertificateCaller(one.name, [each.replace(":", "").lower() for each in one.thumbprints])
            for one in listed
            if one.kind == "certificate"
        ],
        certificate_header=settings.service.client_certificate_header,
    )


def signing_keys_of(
    settings: Settings, keys_url: str, clock: Clock, *, workers: Workers, unread: Callable[[str], None]
) -> SigningKeys:
    """The keys that an identity provider publishes at this address. Raises SettingsError."""
    return SigningKeys(_fetch(settings, keys_url, clock), clock=clock, workers=workers, unread=unread)


def _secret_caller(settings: Settings, caller: ServiceCaller) -> SecretCaller:
    secrets = [settings.secret(one, what=f"a secret of caller {caller.name}") for one in caller.secrets]
    return SecretCaller(
        name=caller.name,
        kind=SecretKind(caller.kind),
        secrets=secrets,
        user=caller.user,
        header=caller.header,
    )


def _token_check(
    settings: Settings, caller: ServiceCaller, clock: Clock, workers: Workers, unread: Unread
) -> TokenCheck:
    terms = TokenTerms(
        issuers=caller.issuers,
        audiences=caller.audiences,
        applications=caller.applications,
        tenant_id=caller.tenant_id,
    )
    keys = signing_keys_of(
        settings, caller.keys_url, clock, workers=workers, unread=partial(unread, caller.name)
    )
    return TokenCheck(terms, keys, clock.now)


def _fetch(settings: Settings, url: str, clock: Clock) -> Callable[[], bytes]:
    try:
        host: NamedHost = named_host(url)
        ca_file = settings.tenant.ca_file if settings.tenant else ""
        tls = tls_context(ca_file=str(settings.folder / ca_file)) if ca_file else None
    except (ValueError, OSError) as error:
        raise SettingsError(f"the keys of a caller cannot be read from their address: {error}") from error
    outbound = Outbound(hosts=[host], clock=clock, tls=tls, reply_bytes_max=KEYS_BYTES_MAX)

    def fetch() -> bytes:
        deadline = Deadline.after(timedelta(seconds=FETCH_SECONDS_MAX), clock)
        reply = outbound.exchange(Request("GET", url), deadline)
        if isinstance(reply, NoReply):
            raise NoKeys(reply.reason)
        if reply.status != 200:
            raise NoKeys(f"HTTP {reply.status}")
        return reply.content

    return fetch
