"""The options of `idferry serve`: what each is called and what its help says."""

from typing import Annotated

import typer

PORT_MAX = 65_535

InsecureLoopbackOption = Annotated[
    bool,
    typer.Option(
        "--insecure-loopback",
        help="Answer everybody, without TLS, on 127.0.0.1 alone. For tests on this machine.",
    ),
]
PortOption = Annotated[
    int | None,
    typer.Option(
        "--port",
        help="Listen on this port instead of the settings'; 0 takes a free one.",
        min=0,
        max=PORT_MAX,
    ),
]
MutualTlsPortOption = Annotated[
    int | None,
    typer.Option(
        "--mtls-port",
        help="Also listen here for callers with a client certificate; needs [service] client_ca.",
        min=0,
        max=PORT_MAX,
    ),
]
AdminPortOption = Annotated[
    int | None,
    typer.Option(
        "--admin-port",
        help="Metrics, readiness and the OpenAPI document on this port instead; 0 takes a free one.",
        min=0,
        max=PORT_MAX,
    ),
]
TraceOption = Annotated[
    bool,
    typer.Option("--trace", help="Log each call and answer, secrets masked, for one hour. For development."),
]
ExitWithParentOption = Annotated[
    bool, typer.Option("--exit-with-parent", help="Stop when standard input closes.")
]
StaleHashesOption = Annotated[
    bool,
    typer.Option(
        "--accept-stale-hashes",
        help="Check hashes that were exported before the legacy system was frozen: changed passwords still work.",
    ),
]
