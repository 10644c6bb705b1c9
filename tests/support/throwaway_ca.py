"""A certificate authority that lives as long as one test, and what it signs: servers on this machine, and clients."""

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

# Verification looks at the machine's clock, which a test must not read: valid whatever day it is.
VALID_FROM = datetime(2020, 1, 1, tzinfo=UTC)
LIFETIME = timedelta(days=365 * 40)


@dataclass(frozen=True)
class Issued:
    """Paths of PEM files: `whole` holds the certificate and its key."""

    certificate: Path
    key: Path
    whole: Path


class ThrowawayCa:
    """An authority whose files lie in `folder`."""

    def __init__(self, folder: Path, name: str = "throw-away") -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{name} authority")])
        self._certificate = (
            self._builder(self._subject, self._key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(
                x509.KeyUsage(
                    digital_signature=True,
                    key_cert_sign=True,
                    crl_sign=True,
                    content_commitment=False,
                    key_encipherment=False,
                    data_encipherment=False,
                    key_agreement=False,
                    encipher_only=False,
                    decipher_only=False,
                ),
                critical=True,
            )
            .sign(self._key, hashes.SHA256())
        )
        self.file = folder / f"{name}-ca.pem"
        self.file.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def server(self, *names: str) -> Issued:
        """A server's certificate for host names and addresses; for this machine where none is named."""
        wanted = names or ("localhost", "127.0.0.1")
        return self._issue(wanted[0], list(wanted), ExtendedKeyUsageOID.SERVER_AUTH)

    def client(self, name: str) -> Issued:
        """A client's certificate."""
        return self._issue(name, [], ExtendedKeyUsageOID.CLIENT_AUTH)

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(VALID_FROM)
            .not_valid_after(VALID_FROM + LIFETIME)
        )

    def _issue(self, name: str, names: list[str], usage: x509.ObjectIdentifier) -> Issued:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), key)
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = builder.add_extension(authority, critical=False)
        if names:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([_general_name(one) for one in names]), critical=False
            )
        certificate = builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        stem = self._folder / name.replace("*", "any")
        issued = Issued(stem.with_suffix(".crt"), stem.with_suffix(".key"), stem.with_suffix(".whole.pem"))
        for path, content in (
            (issued.certificate, certificate),
            (issued.key, private),
            (issued.whole, certificate + private),
        ):
            path.write_bytes(content)
        return issued


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
