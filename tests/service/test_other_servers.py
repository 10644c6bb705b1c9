"""`idferry.asgi:app` under a server that is not ours: its timers run as long as the server lives."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from tests.service.test_over_sockets import SETTINGS, project

import idferry.asgi
from idferry.wiring.service import ServiceParts


def test_its_timers_run_under_another_server_from_its_start_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project(tmp_path)
    (tmp_path / "idferry.toml").write_text(SETTINGS, encoding="utf-8")
    monkeypatch.setenv("IDFERRY_SETTINGS", str(tmp_path / "idferry.toml"))
    monkeypatch.setattr("idferry.asgi.refuse_core_dumps", lambda: None)
    happened: list[str] = []

    async def before(_self: ServiceParts) -> None:
        happened.append("keys read")

    async def run_timers(_self: ServiceParts) -> None:
        happened.append("timers run")
        try:
            await asyncio.sleep(3600)
        finally:
            happened.append("timers end")

    close = ServiceParts.close

    def closed(self: ServiceParts) -> None:
        happened.append("closed")
        close(self)

    for name, instead in (("before", before), ("run_timers", run_timers), ("close", closed)):
        monkeypatch.setattr(ServiceParts, name, instead)
    try:
        asyncio.run(_served(idferry.asgi.app))
    finally:
        idferry.asgi._application.cache_clear()
    assert happened == ["keys read", "timers run", "timers end", "closed"]


async def _served(app: Any) -> None:
    """One life of uvicorn with this application."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, lifespan="on", log_config=None))
    task = asyncio.create_task(server.serve())
    while not server.started and not task.done():
        await asyncio.sleep(0.01)
    server.should_exit = True
    await task
