"""A throw-away authority and what it signs: a server's certificate for loopback, and clients' certificates."""

import datetime as dt
import hashlib
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from tests.support.hand_clock import HandClock

LIFETIME = dt.timedelta(days=365 * 5)


@dataclass(frozen=True)
class Signed:
    """A certificate and its key in PEM files; `thumbprint` is the SHA-256 in hexadecimal digits."""

    certificate: Path
    key: Path
    der: bytes

    @property
    def thumbprint(self) -> str:
        return hashlib.sha256(self.der).hexdigest()


class Authority:
    """Signs certificates into a folder. They are valid around the hand clock's time and the machine's."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._certificate = (
            self._builder(self._name, self._key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def server(self) -> Signed:
        """For localhost and 127.0.0.1."""
        names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        return self._sign("server", usage=ExtendedKeyUsageOID.SERVER_AUTH, names=names)

    def client(
        self,
        name: str = "client",
        *,
        usage: x509.ObjectIdentifier | None = ExtendedKeyUsageOID.CLIENT_AUTH,
        expired: bool = False,
    ) -> Signed:
        """A client's, for another purpose or none where the test says so."""
        return self._sign(name, usage=usage, expired=expired)

    def _sign(
        self,
        name: str,
        *,
        usage: x509.ObjectIdentifier | None,
        names: list[x509.GeneralName] | None = None,
        expired: bool = False,
    ) -> Signed:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), key, expired=expired
        )
        if usage:
            builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        signed = builder.sign(self._key, hashes.SHA256())
        certificate, key_file = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return Signed(certificate, key_file, signed.public_bytes(serialization.Encoding.DER))

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *, expired: bool = False
    ) -> x509.CertificateBuilder:
        start = HandClock().now() - dt.timedelta(days=365)
        end = start + (dt.timedelta(days=1) if expired else LIFETIME)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(end)
        )
