"""The sign-in service as an ASGI application, for any ASGI server: `uvicorn idferry.asgi:app`.

It is made when the server asks for `app`, from the settings that IDFERRY_SETTINGS names, and refuses to be made where
nobody has to prove who calls: then the server does not start. What runs from time to time runs as long as the server
lives. Connections, TLS and their limits are that server's business; metrics, readiness and mutual TLS exist under
`idferry serve` only.
"""

import sys
from functools import cache
from typing import Any

from starlette.types import ASGIApp

from idferry.service.hardening import keep_for_good, refuse_core_dumps
from idferry.service.lifespan import Living
from idferry.settings import read_settings
from idferry.wiring import clock_of
from idferry.wiring.service import service_parts_of


@cache
def _application() -> ASGIApp:
    """Raises SettingsError or UsageError."""
    refuse_core_dumps()
    settings = read_settings()
    parts = service_parts_of(settings, clock_of(settings), log_stream=sys.stderr.buffer, tls_elsewhere=True)
    keep_for_good()
    log = parts.context.books.log
    return Living(
        parts.tenant,
        begin=parts.before,
        beside=parts.run_timers,
        end=parts.close,
        without_lifespan=lambda: log.warning("no_lifespan", timers="begin with the first request"),
    )


def __getattr__(name: str) -> Any:
    # Not made on import: reading a module must not need a tenant.
    if name == "app":
        return _application()
    raise AttributeError(name)
