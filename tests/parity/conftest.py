"""Bare clients for the parity tests, and a look at each test: it says on whose word it stands."""

from collections.abc import Iterator

import pytest
from tests.support.emulator import EmulatedTenant, Emulator
from tests.support.graph_http import GraphHttp
from tests.support.password_submit import SetUp, set_up
from tests.support.stand_in_extension import StandIn, stand_in_extension

PROVENANCE = ("documented", "reported", "recorded", "assumed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuses a parity test without exactly one provenance mark and a one-line docstring."""
    for item in items:
        if "parity" not in item.path.parts:
            continue
        marks = [mark for name in PROVENANCE for mark in item.iter_markers(name)]
        said = (getattr(item, "function", None) and item.function.__doc__) or ""  # type: ignore[attr-defined]
        if len(marks) != 1 or len(marks[0].args) != 1:
            raise pytest.UsageError(f"{item.nodeid} needs exactly one provenance mark with one argument")
        if not said.strip() or "\n" in said.strip():
            raise pytest.UsageError(f"{item.nodeid} needs one line that says the behaviour")


@pytest.fixture(scope="session")
def clients(process: Emulator) -> Iterator[dict[str, GraphHttp]]:
    """One connection for each tenant."""
    opened = {tenant.kind: GraphHttp(tenant) for tenant in process.tenants}
    yield opened
    for client in opened.values():
        client.close()


@pytest.fixture
def graph(tenant: EmulatedTenant, clients: dict[str, GraphHttp]) -> GraphHttp:
    """A client of each kind of tenant in turn."""
    return _fresh(clients[tenant.kind])


@pytest.fixture
def b2c(emulator: Emulator, clients: dict[str, GraphHttp]) -> GraphHttp:
    """A client of the B2C tenant."""
    return _fresh(clients["b2c"])


@pytest.fixture
def external(emulator: Emulator, clients: dict[str, GraphHttp]) -> GraphHttp:
    """A client of the external tenant."""
    return _fresh(clients["external"])


@pytest.fixture(scope="session")
def running_extension() -> Iterator[StandIn]:
    """A stand-in for a password-submit extension."""
    with stand_in_extension() as running:
        yield running


@pytest.fixture
def extension(running_extension: StandIn) -> StandIn:
    """The stand-in, as new."""
    running_extension.calls.clear()
    running_extension.answers.clear()
    return running_extension


@pytest.fixture
def ready(emulator: Emulator, extension: StandIn) -> Iterator[SetUp]:
    """The external tenant, set up to call the stand-in."""
    made = set_up(
        emulator,
        emulator.tenant("external"),
        target=extension.url,
        certificate_pem=extension.certificate.public_pem,
        authority_pem=extension.authority_pem,
    )
    yield made
    made.graph.close()


def _fresh(client: GraphHttp) -> GraphHttp:
    # A test before may have used another application or ended the tokens.
    client.sign_in()
    return client
