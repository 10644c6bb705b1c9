"""azure-identity gets its tokens from the emulator with its own HTTP pipeline."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CertificateCredential, ClientSecretCredential
from tests.support.certificates import ClientCertificate
from tests.support.emulator import EmulatedTenant, Emulator

SCOPE = "https://graph.microsoft.com/.default"


def _where(tenant: EmulatedTenant) -> dict[str, Any]:
    return {
        "authority": tenant.authority,
        "disable_instance_discovery": True,  # it would ask login.microsoftonline.com about our host
        "connection_verify": tenant.ca_file,
    }


@contextmanager
def by_secret(tenant: EmulatedTenant, secret: str) -> Iterator[ClientSecretCredential]:
    credential = ClientSecretCredential(tenant.tenant_id, tenant.client_id, secret, **_where(tenant))
    with credential:
        yield credential


def test_a_secret_gets_a_token(tenant: EmulatedTenant, emulator: Emulator) -> None:
    with by_secret(tenant, tenant.client_secret) as credential:
        token = credential.get_token(SCOPE)
        assert token.token in emulator.issued_tokens()
        assert credential.get_token(SCOPE).token == token.token, "it is cached until it expires"
    lifetime_s = token.expires_on - emulator.get("clock")["epoch_s"]
    assert 3500 < lifetime_s <= 3600


def test_a_certificate_gets_a_token(
    tenant: EmulatedTenant, emulator: Emulator, certificate: ClientCertificate, tmp_path: Path
) -> None:
    emulator.application(tenant, client_id=tenant.client_id, certificates=[certificate.public_pem])
    file = tmp_path / "import.pem"
    file.write_text(certificate.pem)
    by_certificate = CertificateCredential(tenant.tenant_id, tenant.client_id, str(file), **_where(tenant))
    with by_certificate as credential:
        assert credential.get_token(SCOPE).token in emulator.issued_tokens()


def test_a_wrong_secret_gets_none(tenant: EmulatedTenant) -> None:
    with (
        by_secret(tenant, "not-the-secret") as credential,
        pytest.raises(ClientAuthenticationError, match="AADSTS7000215"),
    ):
        credential.get_token(SCOPE)


def test_a_repaired_secret_gets_one_at_once(tenant: EmulatedTenant, emulator: Emulator) -> None:
    emulator.application(tenant, client_id=tenant.client_id, secret_expired=True)
    with by_secret(tenant, tenant.client_secret) as credential:
        with pytest.raises(ClientAuthenticationError, match="AADSTS7000222"):
            credential.get_token(SCOPE)
        emulator.application(tenant, client_id=tenant.client_id, secret_expired=False)
        assert credential.get_token(SCOPE).token in emulator.issued_tokens()
