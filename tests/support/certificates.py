"""A self-signed certificate for an application: what an administrator makes and uploads the public half of."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from tests.support.hand_clock import HandClock

LIFETIME = timedelta(days=3650)
KEY_BITS = 2048


@dataclass(frozen=True)
class ClientCertificate:
    """`pem` holds the private key and the certificate, `public_pem` the certificate alone."""

    pem: str
    public_pem: str
    private_pem: str
    sha1: str


def self_signed(name: str = "idferry import", *, at: datetime | None = None) -> ClientCertificate:
    """A new key and a certificate over it, valid from two years before `at` (the emulated time is the machine's)."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = (at or HandClock().now()) - timedelta(days=730)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + LIFETIME)
        .sign(key, hashes.SHA256())
    )
    public = certificate.public_bytes(serialization.Encoding.PEM).decode()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    return ClientCertificate(private + public, public, private, certificate.fingerprint(hashes.SHA1()).hex())  # noqa: S303
