"""`idferry serve`: the sign-in service in the foreground, until Ctrl-C or SIGTERM."""

import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from idferry.cli.options import JsonOption, SettingsOption
from idferry.cli.output import print_json
from idferry.cli.serve_options import (
    AdminPortOption,
    ExitWithParentOption,
    InsecureLoopbackOption,
    MutualTlsPortOption,
    PortOption,
    StaleHashesOption,
    TraceOption,
)
from idferry.errors import SettingsError, UsageError
from idferry.settings import Settings, host_and_port, read_settings

if TYPE_CHECKING:  # the service is imported when it is started, so that other commands start fast
    from idferry.service.serving import Listener
    from idferry.wiring.service import ServiceParts

LOOPBACK = "127.0.0.1"


def serve(
    insecure_loopback: InsecureLoopbackOption = False,
    port: PortOption = None,
    mtls_port: MutualTlsPortOption = None,
    admin_port: AdminPortOption = None,
    trace: TraceOption = False,
    accept_stale_hashes: StaleHashesOption = False,
    exit_with_parent: ExitWithParentOption = False,
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Answer what the tenant asks while people sign in, until Ctrl-C.

    The log goes to standard error, one JSON object on each line. Answers under way are finished before it ends.

    Example: idferry serve --mtls-port 8445
    """
    from idferry.service.hardening import allow_many_connections, refuse_core_dumps
    from idferry.service.serving import serve as serve_listeners
    from idferry.wiring import clock_of
    from idferry.wiring.service import service_parts_of

    refuse_core_dumps()
    allow_many_connections()
    read = read_settings(settings)
    if insecure_loopback:
        _refuse_real_addresses(read, mtls_port)
    parts = service_parts_of(
        read,
        clock_of(read),
        log_stream=sys.stderr.buffer,
        insecure_loopback=insecure_loopback,
        trace=trace,
        accept_stale_hashes=accept_stale_hashes,
    )
    listeners = _listeners(
        read, parts, insecure=insecure_loopback, port=port, mtls_port=mtls_port, admin_port=admin_port
    )
    # Asked for now: whoever stops us at once closes the sockets before they are printed.
    addresses = {name: one.address for name, one in listeners.items()}
    try:
        serve_listeners(
            list(listeners.values()),
            log=parts.context.books.log,
            ready=lambda: _print_addresses(addresses, as_json=as_json),
            before=parts.before,
            beside=parts.run_timers,
            stop_with=_watch_standard_input if exit_with_parent else None,
        )
    finally:
        parts.close()


def _refuse_real_addresses(read: Settings, mtls_port: int | None) -> None:
    if mtls_port is not None:
        raise UsageError("--insecure-loopback has no callers, and so no certificates: leave --mtls-port out")
    host, _ = host_and_port(read.service.listen, what="service.listen")
    if host != LOOPBACK:
        raise UsageError(
            f"--insecure-loopback binds {LOOPBACK} only, and service.listen names another address",
            remedy=f'Set listen = "{LOOPBACK}:8443", or add a [[service.caller]] and leave the option out.',
        )


def _listeners(
    read: Settings,
    parts: "ServiceParts",
    *,
    insecure: bool,
    port: int | None,
    mtls_port: int | None,
    admin_port: int | None,
) -> "dict[str, Listener]":
    from idferry.service.serving import Listener, bound_socket, tls_of

    service = read.service
    certificate, key = read.folder / service.tls_certificate, read.folder / service.tls_key
    tls = tls_of(certificate, key) if service.tls_certificate and not insecure else None
    mutual = None
    if mtls_port is not None:
        _check_mutual(read, parts)
        mutual = tls_of(certificate, key, client_ca=read.folder / service.client_ca)
    elif parts.certificates and not service.client_certificate_header:
        raise SettingsError(
            "a caller proves itself with a certificate, and nobody would see it",
            remedy="Add --mtls-port, or client_certificate_header and trusted_proxies behind a front that ends TLS.",
        )
    if not (tls or insecure):
        _check_front(read)
    host, own_port = host_and_port(service.listen, what="service.listen")
    cut = partial(parts.context.books.metrics.alert, "connections_full")
    listeners = {
        "service": Listener(parts.tenant, bound_socket(host, own_port if port is None else port), tls, cut)
    }
    if mutual and parts.certificates:
        listeners["mtls"] = Listener(parts.certificates, bound_socket(host, mtls_port or 0), mutual, cut)
    admin_host, own_admin_port = host_and_port(service.admin_listen, what="service.admin_listen")
    chosen = own_admin_port if admin_port is None else admin_port
    listeners["admin"] = Listener(parts.admin, bound_socket(admin_host, chosen))
    return listeners


def _check_mutual(read: Settings, parts: "ServiceParts") -> None:
    if not parts.certificates:
        raise SettingsError("--mtls-port is for callers of kind certificate, and the settings name none")
    if not read.service.client_ca or not read.service.tls_certificate:
        raise SettingsError("--mtls-port needs [service] tls_certificate, tls_key and client_ca")


def _check_front(read: Settings) -> None:
    """Without TLS of ours, somebody in front must end it, and be known."""
    if not read.service.trusted_proxies:
        raise SettingsError(
            "there is no TLS: passwords would travel in clear",
            remedy="Set [service] tls_certificate and tls_key, or trusted_proxies where a front ends TLS.",
        )


def _print_addresses(addresses: dict[str, str], *, as_json: bool) -> None:
    if as_json:
        print_json(addresses)
    else:
        lines = [f"{name:<8} {address}" for name, address in addresses.items()]
        sys.stdout.write("\n".join([*lines, "", "Running until Ctrl-C."]) + "\n")
    sys.stdout.flush()


def _watch_standard_input(stop: Callable[[], None]) -> None:
    def watch() -> None:
        with suppress(OSError, ValueError):
            # Unbuffered: a buffered read that still waits would hold a lock when the interpreter ends.
            while os.read(sys.stdin.fileno(), 1024):
                pass
        stop()

    threading.Thread(target=watch, daemon=True, name="parent-watch").start()
