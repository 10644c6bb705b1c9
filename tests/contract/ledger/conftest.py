"""Every test that asks for `ledger` runs over each implementation of the ports."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.any_ledger import AnyLedger, counting_bytes
from tests.support.ledger_records import AT, PROJECT, TENANT
from tests.support.memory_ledger import MemoryLedger

from idferry.ledger import open_ledger


@pytest.fixture(params=["memory", "sqlite"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AnyLedger]:
    if request.param == "memory":
        yield MemoryLedger()
        return
    with open_ledger(
        tmp_path / "contoso.ledger", tenant_id=TENANT, project=PROJECT, random_bytes=counting_bytes(), at=AT
    ) as opened:
        yield opened
