"""The official clients drive one emulator process over HTTPS; it is reset before each test."""

from collections.abc import Iterator

import pytest
import requests
from tests.support.certificates import ClientCertificate, self_signed
from tests.support.emulator import EmulatedTenant, Emulator, running_emulator


@pytest.fixture(scope="session")
def process() -> Iterator[Emulator]:
    """The emulator of this test process."""
    with running_emulator() as running:
        yield running


@pytest.fixture
def emulator(process: Emulator) -> Emulator:
    """The emulator, as new."""
    process.reset()
    return process


@pytest.fixture(params=["b2c", "external"])
def tenant(request: pytest.FixtureRequest, emulator: Emulator) -> EmulatedTenant:
    """Each kind of tenant in turn."""
    return emulator.tenant(request.param)


@pytest.fixture(scope="session")
def certificate() -> ClientCertificate:
    """A certificate that an application may prove itself with."""
    return self_signed()


@pytest.fixture
def http(tenant: EmulatedTenant) -> Iterator[requests.Session]:
    """What msal speaks HTTP with: only the emulator's authority is trusted, whatever the environment says."""
    with requests.Session() as session:
        # REQUESTS_CA_BUNDLE would win over any `verify`.
        session.trust_env = False
        session.verify = tenant.ca_file
        yield session
