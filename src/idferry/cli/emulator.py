"""`idferry emulator`: runs the emulated tenants in the foreground and says how to use them.

The only module besides the demo that starts the emulator. Secrets it prints open loopback only.
"""

import sys
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
import typer

from idferry.cli.options import JsonOption
from idferry.errors import UsageError

if TYPE_CHECKING:  # the emulator is imported when it is started, so that other commands start fast
    from idferry.emulator.server import Running, RunningTenant
    from idferry.emulator.tenants import TenantKind

KindChoice = Literal["b2c", "external", "both"]
TimeChoice = Literal["from-system", "from-requests"]
PORT_MAX = 65_534  # the next one is used too


def emulator(
    tenant_kind: Annotated[
        KindChoice, typer.Option(help="Which tenants to run: one of each kind by default.")
    ] = "both",
    port: Annotated[
        int | None,
        typer.Option(
            help="HTTPS on this port and HTTP on the next; default: free ports.", min=1, max=PORT_MAX
        ),
    ] = None,
    as_json: JsonOption = False,
    seed: Annotated[
        int | None, typer.Option(help="Make ids and secrets reproducible. For tests only.", metavar="N")
    ] = None,
    time_from: Annotated[
        TimeChoice,
        typer.Option(
            "--time",
            help="from-system: a clock that the control API can move; "
            "from-requests: none, each request says what time it is (for programs in stepped time).",
        ),
    ] = "from-system",
    exit_with_parent: Annotated[
        bool, typer.Option("--exit-with-parent", help="Stop when standard input closes.")
    ] = False,
) -> None:
    """Run an emulated tenant (Azure AD B2C, External ID or both) on this machine until Ctrl-C.

    Example: idferry emulator --tenant-kind b2c --port 5001
    """
    from idferry.emulator.server import serve

    kinds: tuple[TenantKind, ...] = ("b2c", "external") if tenant_kind == "both" else (tenant_kind,)
    try:
        serve(
            kinds=kinds,
            port=port,
            seed=seed,
            exit_with_parent=exit_with_parent,
            ready=_print_json if as_json else _print_text,
            time_from="requests" if time_from == "from-requests" else "system",
        )
    except OSError as error:
        if port is None:
            raise
        raise UsageError(
            f"port {port} or {port + 1} cannot be used: {error.strerror}",
            remedy="Name another --port, or none: then two free ports are taken.",
        ) from error


def _print_json(running: "Running") -> None:
    sys.stdout.write(msgspec.json.encode(running).decode() + "\n")
    sys.stdout.flush()


def _print_text(running: "Running") -> None:
    lines = [line for tenant in running.tenants for line in _lines(tenant)]
    lines += [f"control   {running.control}", "", "Running until Ctrl-C; everything is forgotten then."]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _lines(tenant: "RunningTenant") -> list[str]:
    return [
        f"{_TITLES[tenant.kind]}",
        f"  tenant  {tenant.domain}  {tenant.tenant_id}",
        f"  https   {tenant.graph_https}",
        f"  http    {tenant.graph_http}",
        f"  CA      {tenant.ca_file}",
        "  settings to paste into idferry.toml:",
        "",
        tenant.settings,
    ]


_TITLES = {"b2c": "Azure AD B2C (emulated)", "external": "Entra External ID (emulated)"}
