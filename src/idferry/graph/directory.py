"""One directory with its ports, put together from plain values and closed as one.

Wiring calls `open_directory`; nothing else outside this package should need anything in it. No settings here.
"""

from collections.abc import Callable
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
from idferry.graph.machine import Machine
from idferry.graph.pacing import Gate
from idferry.graph.reading import AccountReading
from idferry.graph.removal import AccountRemoval
from idferry.graph.senders import Senders
from idferry.graph.tokens import ClientCredentials, ForeignTokens, TokenSource
from idferry.graph.transport import Transport, open_client
from idferry.graph.updating import AccountUpdating
from idferry.graph.users import AccountWriting
from idferry.ports import AccountReader, AccountRemover, AccountUpdater, AccountWriter, TenantInspector

CONNECTIONS_DEFAULT = 4  # 20 creates a second take 10 to 20 calls under way; in batches of 20, a few
ASKERS = 2
CLOSE_WAIT = timedelta(seconds=1)  # for each of the two pools of threads


@dataclass(frozen=True, slots=True)
class DirectoryLimits:
    """How hard the directory is worked and how patiently. `settle`: how long an account may take to show."""

    connections: int = CONNECTIONS_DEFAULT
    timeout: timedelta = timedelta(seconds=60)
    settle: timedelta = timedelta(minutes=2)


@dataclass(frozen=True, kw_only=True)
class Directory:
    """The ports of one directory, for one application. Close it, or use it as a context manager."""

    writer: AccountWriter
    reader: AccountReader
    updater: AccountUpdater
    remover: AccountRemover
    inspector: TenantInspector
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
    client_id: str,
    credential: ClientSecret | ClientCertificate | Any,
    machine: Machine,
    limits: DirectoryLimits | None = None,
    http: httpx2.Client | None = None,
) -> Directory:
    """The directory at `address` for one application. Nothing is called before it is used.

    `credential`: a secret, a certificate, or an object with azure-identity's `get_token(scope)`. `http` replaces the
    client that would be made (tests).

    Raises:
        SettingsError: the CA file cannot be used.
    """
    limits = limits or DirectoryLimits()
    http = http or open_client(address, connections=limits.connections + ASKERS + 1, timeout=limits.timeout)
    gate = Gate(machine)
    tokens: TokenSource
    if isinstance(credential, ClientSecret | ClientCertificate):
        tokens = ClientCredentials(
            http=http,
            address=address,
            client_id=client_id,
            credential=credential,
            timeout=limits.timeout,
            machine=machine,
        )
    else:
        tokens = ForeignTokens(source=credential, graph_url=address.graph_url)
    transport = Transport(
        http=http, tokens=tokens, gate=gate, address=address, timeout=limits.timeout, machine=machine
    )
    asking = Asking(transport=transport, machine=machine)
    naming = Naming(asking=asking, address=address)
    senders = Senders(threads=limits.connections, name="send", crew=machine.crew)
    askers = Senders(threads=ASKERS, name="ask", crew=machine.crew)
    return Directory(
        writer=AccountWriting(
            transport=transport,
            naming=naming,
            holders=Holders(asking=asking, naming=naming, settle=limits.settle, machine=machine),
            gate=gate,
            senders=senders,
            askers=askers,
        ),
        reader=AccountReading(asking=asking, naming=naming),
        updater=AccountUpdating(
            asking=asking, naming=naming, senders=senders, settle=limits.settle, machine=machine
        ),
        remover=AccountRemoval(asking=asking, naming=naming),
        inspector=TenantInspection(asking=asking, naming=naming, tokens=tokens, graph_url=address.graph_url),
        on_close=partial(_close, machine, (senders, askers), http),
    )


def _close(machine: Machine, pools: tuple[Senders, ...], http: httpx2.Client) -> None:
    machine.pauses.close()
    for pool in pools:
        pool.close(wait=CLOSE_WAIT)
    http.close()
