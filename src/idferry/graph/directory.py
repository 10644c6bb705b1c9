"""One directory with its ports, put together from plain values and closed as one.

Wiring calls `open_directory`; nothing else outside this package should need anything in it. No settings here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from types import TracebackType
from typing import Any, Self

import httpx2

from idferry.graph.address import Address
from idferry.graph.applications import Naming, TenantInspection
from idferry.graph.asking import Asking
from idferry.graph.credentials import ClientCertificate, ClientSecret
from idferry.graph.holders import Holders
from idferry.graph.machine import Machine, Pauses
from idferry.graph.pacing import Gate
from idferry.graph.reading import AccountReading
from idferry.graph.removal import AccountRemoval
from idferry.graph.senders import Senders
from idferry.graph.sign_ins import SignInAccounts
from idferry.graph.tokens import ClientCredentials, ForeignTokens, NamedTokens, TokenSource
from idferry.graph.traffic import Traffic
from idferry.graph.transport import Transport, open_client
from idferry.graph.updating import AccountUpdating
from idferry.graph.urgency import Urgency
from idferry.graph.users import AccountWriting
from idferry.ports import (
    AccountReader,
    AccountRemover,
    AccountUpdater,
    AccountWriter,
    SignInDirectory,
    TenantInspector,
)
from idferry.rules.quota import PUBLISHED, Quota

# For each application: 20 creates a second take 10 to 20 calls under way; in batches of 20, a few.
CONNECTIONS_DEFAULT = 4
ASKERS = 2
CLOSE_WAIT = timedelta(seconds=1)  # for each of the two pools of threads


@dataclass(frozen=True, slots=True)
class DirectoryLimits:
    """How hard the directory is worked and how patiently. `settle`: how long an account may take to show.

    `connections` are for each application; `quota` is what the tenant is believed to grant.
    """

    connections: int = CONNECTIONS_DEFAULT
    quota: Quota = PUBLISHED
    timeout: timedelta = timedelta(seconds=60)
    settle: timedelta = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Registration:
    """An app registration that may act in the tenant, with the name that messages call it by.

    `credential`: a secret, a certificate, or an object with azure-identity's `get_token(scope)`.
    """

    name: str
    client_id: str
    credential: ClientSecret | ClientCertificate | Any = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Directory:
    """The ports of one directory, for one or several applications. Close it, or use it as a context manager."""

    writer: AccountWriter
    reader: AccountReader
    updater: AccountUpdater
    remover: AccountRemover
    inspector: TenantInspector
    sign_ins: SignInDirectory
    on_close: Callable[[], None] = field(repr=False)

    def close(self) -> None:
        """Let nobody wait any longer, give calls under way a moment, close the connections.

        Creates that were not sent answer Undelivered; whoever asks afterwards hears Stopped.
        """
        self.on_close()

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
    applications: Sequence[Registration],
    machine: Machine,
    limits: DirectoryLimits | None = None,
    http: httpx2.Client | None = None,
    urgency: Urgency = Urgency.WORK,
) -> Directory:
    """The directory at `address` for these applications, all of which send. Nothing is called before it is used.

    `http` replaces the client that would be made (tests). `urgency` is that of every call but those of `sign_ins`, for
    which somebody always waits.

    Raises:
        SettingsError: the CA file cannot be used.
    """
    limits = limits or DirectoryLimits()
    sending = limits.connections * len(applications)
    http = http or open_client(address, connections=sending + ASKERS + 1, timeout=limits.timeout)
    tokens = {
        one.name: _tokens_of(
            one, http=http, address=address, limits=limits, machine=machine, alone=len(applications) == 1
        )
        for one in applications
    }
    gate = Gate(machine, Traffic(limits.quota, applications=len(tokens), jitter=machine.jitter))
    writing = Pauses(clock=machine.clock)

    transport = partial(
        Transport,
        http=http,
        tokens=tokens,
        gate=gate,
        address=address,
        timeout=limits.timeout,
        creation_writes=limits.quota.creation_writes,
        machine=machine,
        urgency=urgency,
    )
    asking = Asking(transport=transport(pauses=machine.pauses), machine=machine)
    # What must be known of the tenant as such is asked by the first application: it alone needs the permissions.
    about_tenant = Asking(transport=transport(pauses=machine.pauses, only=0), machine=machine)
    naming = Naming(asking=about_tenant, address=address)
    urgent = transport(pauses=machine.pauses, urgency=Urgency.SOMEBODY_WAITS)
    senders = Senders(threads=sending, name="send", crew=machine.crew)
    askers = Senders(threads=ASKERS, name="ask", crew=machine.crew)
    return Directory(
        writer=AccountWriting(
            transport=transport(pauses=writing),
            naming=naming,
            holders=Holders(asking=asking, naming=naming, settle=limits.settle, machine=machine),
            gate=gate,
            pauses=writing,
            senders=senders,
            askers=askers,
        ),
        reader=AccountReading(asking=asking, naming=naming),
        updater=AccountUpdating(
            asking=asking, naming=naming, senders=senders, gate=gate, settle=limits.settle, machine=machine
        ),
        remover=AccountRemoval(asking=asking, naming=naming),
        inspector=TenantInspection(
            asking=about_tenant, naming=naming, tokens=tokens, graph_url=address.graph_url
        ),
        sign_ins=SignInAccounts(transport=urgent, naming=naming, senders=senders, machine=machine),
        on_close=partial(_close, (machine.pauses, writing), (senders, askers), http),
    )


def _tokens_of(
    application: Registration,
    *,
    http: httpx2.Client,
    address: Address,
    limits: DirectoryLimits,
    machine: Machine,
    alone: bool,
) -> TokenSource:
    tokens: TokenSource
    if isinstance(application.credential, ClientSecret | ClientCertificate):
        tokens = ClientCredentials(
            http=http,
            address=address,
            client_id=application.client_id,
            credential=application.credential,
            timeout=limits.timeout,
            machine=machine,
        )
    else:
        tokens = ForeignTokens(source=application.credential, graph_url=address.graph_url, machine=machine)
    return tokens if alone else NamedTokens(application.name, tokens)


def _close(pauses: tuple[Pauses, ...], pools: tuple[Senders, ...], http: httpx2.Client) -> None:
    for one in pauses:
        one.close()
    for pool in pools:
        pool.close(wait=CLOSE_WAIT)
    http.close()
