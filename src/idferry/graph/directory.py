"""One directory with its four ports, put together from plain values and closed as one.

Wiring calls `open_directory`; nothing else outside this package should need anything in it. No settings here.
"""

import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from types import TracebackType
from typing import Any, Self

import httpx2

from idferry.graph.applications import Naming, TenantInspection
from idferry.graph.asking import Asking
from idferry.graph.credentials import ClientCertificate, ClientSecret
from idferry.graph.holders import Holders
from idferry.graph.pacing import Gate, Pauses
from idferry.graph.reading import AccountReading
from idferry.graph.removal import AccountRemoval
from idferry.graph.senders import Senders
from idferry.graph.tokens import ClientCredentials, ForeignTokens, TokenSource
from idferry.graph.transport import Transport, open_client
from idferry.graph.users import AccountWriting
from idferry.ports import Clock

CONNECTIONS_DEFAULT = 4  # 20 creates a second take 10 to 20 calls under way; in batches of 20, a few
ASKERS = 2
CLOSE_WAIT = timedelta(seconds=1)  # for each of the two pools of threads


@dataclass(frozen=True, slots=True)
class DirectoryLimits:
    """How hard the directory is worked and how patiently. `settle`: how long an account may take to show."""

    connections: int = CONNECTIONS_DEFAULT
    timeout: timedelta = timedelta(seconds=60)
    settle: timedelta = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a directory is and how it names things.

    `authority` and `graph_url` are root addresses; `domain` is the tenant's default domain (the issuer of its own
    sign-in names); `flag` the short name of the migration flag; an empty `extension_app_id` is looked up.
    """

    tenant_id: str
    domain: str
    authority: str = "https://login.microsoftonline.com"
    graph_url: str = "https://graph.microsoft.com"
    flag: str = "requiresMigration"
    extension_app_id: str = ""
    ca_file: str = ""


class Directory:
    """The four ports of one directory, for one application. Close it, or use it as a context manager."""

    def __init__(
        self,
        *,
        writer: AccountWriting,
        reader: AccountReading,
        remover: AccountRemoval,
        inspector: TenantInspection,
        on_close: Callable[[], None],
    ) -> None:
        self.writer = writer
        self.reader = reader
        self.remover = remover
        self.inspector = inspector
        self._on_close = on_close

    def close(self) -> None:
        """Let nobody wait any longer, give calls under way a moment, close the connections.

        Creates that were not sent answer Undelivered; whoever asks afterwards hears Stopped.
        """
        self._on_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def open_directory(
    *,
    address: Address,
    client_id: str,
    credential: ClientSecret | ClientCertificate | Any,
    clock: Clock,
    limits: DirectoryLimits | None = None,
    http: httpx2.Client | None = None,
    jitter: Callable[[], float] = lambda: secrets.randbelow(1001) / 1000,
    new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
) -> Directory:
    """The directory at `address` for one application. Nothing is called before it is used.

    `credential`: a secret, a certificate, or an object with azure-identity's `get_token(scope)`. `http` replaces the
    client that would be made (tests). `jitter` draws from 0..1.

    Raises:
        SettingsError: the CA file cannot be used.
    """
    limits = limits or DirectoryLimits()
    http = http or open_client(
        ca_file=address.ca_file,
        connections=limits.connections + ASKERS + 1,
        timeout=limits.timeout,
        local=_is_local(address.authority) and _is_local(address.graph_url),
    )
    pauses = Pauses(clock=clock)
    gate = Gate(clock=clock, pauses=pauses, jitter=jitter)
    tokens = _token_source(
        address=address,
        client_id=client_id,
        credential=credential,
        http=http,
        clock=clock,
        pauses=pauses,
        jitter=jitter,
        new_id=new_id,
    )
    transport = Transport(
        http=http,
        tokens=tokens,
        gate=gate,
        graph_url=address.graph_url,
        timeout=limits.timeout,
        clock=clock,
        new_id=new_id,
    )
    asking = Asking(transport=transport, pauses=pauses, jitter=jitter)
    naming = Naming(
        asking=asking, domain=address.domain, flag=address.flag, extension_app_id=address.extension_app_id
    )
    holders = Holders(asking=asking, naming=naming, settle=limits.settle, clock=clock, pauses=pauses)
    senders = Senders(threads=limits.connections, name="send")
    askers = Senders(threads=ASKERS, name="ask")
    return Directory(
        writer=AccountWriting(
            transport=transport,
            naming=naming,
            holders=holders,
            gate=gate,
            senders=senders,
            askers=askers,
        ),
        reader=AccountReading(asking=asking, naming=naming),
        remover=AccountRemoval(asking=asking, naming=naming),
        inspector=TenantInspection(asking=asking, naming=naming, tokens=tokens, graph_url=address.graph_url),
        on_close=partial(_close, pauses, (senders, askers), http),
    )


def _token_source(
    *,
    address: Address,
    client_id: str,
    credential: ClientSecret | ClientCertificate | Any,
    http: httpx2.Client,
    clock: Clock,
    pauses: Pauses,
    jitter: Callable[[], float],
    new_id: Callable[[], str],
) -> TokenSource:
    if not isinstance(credential, ClientSecret | ClientCertificate):
        return ForeignTokens(source=credential, graph_url=address.graph_url)
    return ClientCredentials(
        http=http,
        authority=address.authority,
        tenant_id=address.tenant_id,
        client_id=client_id,
        credential=credential,
        graph_url=address.graph_url,
        clock=clock,
        pauses=pauses,
        jitter=jitter,
        new_id=new_id,
    )


def _close(pauses: Pauses, pools: tuple[Senders, ...], http: httpx2.Client) -> None:
    pauses.close()
    for pool in pools:
        pool.close(wait=CLOSE_WAIT)
    http.close()


def _is_local(address: str) -> bool:
    host = httpx2.URL(address).host
    return host in ("localhost", "::1") or host.startswith("127.")
