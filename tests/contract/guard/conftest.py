"""Every test that asks for `open_any` runs over each implementation of the guard."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.support.any_guard import AnyGuard
from tests.support.memory_guard import MemoryGuard

from idferry.rules.attempts import GuardRules
from idferry.stores.guard_opening import open_guard

OpenAny = Callable[..., AnyGuard]


@pytest.fixture(params=["memory", "sqlite"])
def open_any(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenAny]:
    with ExitStack() as opened:

        def opening(rules: GuardRules | None = None) -> AnyGuard:
            if request.param == "memory":
                return MemoryGuard(rules or GuardRules())
            file = tmp_path / "sign-ins.guard"
            guard = open_guard(file, rules=rules or GuardRules(), random_bytes=secrets.token_bytes)
            # What is on disk when is asked in test_file; here thousands of bookings count.
            guard._store._connection.execute("PRAGMA synchronous = OFF")
            return opened.enter_context(guard)

        yield opening


@pytest.fixture
def guard(open_any: OpenAny) -> AnyGuard:
    """With the limits that hold where nothing is said."""
    return open_any()
