"""What the official clients need to drive the emulator over HTTPS."""

from collections.abc import Iterator

import pytest
import requests
from tests.support.certificates import ClientCertificate, self_signed
from tests.support.emulator import EmulatedTenant


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
