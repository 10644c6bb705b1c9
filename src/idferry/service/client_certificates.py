"""Client certificates as a proof of who calls: by thumbprint, validity and purpose.

The TLS listener has already checked that the caller holds the key. A certificate in a header proves nothing by itself:
whoever reads one must know that the peer is a front that has checked it.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote_to_bytes

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from idferry.service.endpoints import Caller

HEADER_BYTES_MAX = 16 * 1024
_BEGIN, _END = b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----"


@dataclass(frozen=True, slots=True)
class CertificateCaller:
    """One caller with its certificates, by the SHA-256 of each (64 hexadecimal digits in lower case)."""

    name: str
    thumbprints: Sequence[str]


def caller_of_certificate(
    der: bytes, *, callers: Sequence[CertificateCaller], now: datetime
) -> Caller | None:
    """Whose certificate this is; None where it is nobody's, not valid now, or not for clients."""
    thumbprint = hashlib.sha256(der).hexdigest()
    found = None
    for caller in callers:
        for number, known in enumerate(caller.thumbprints):
            if hmac.compare_digest(thumbprint, known):
                found = Caller(caller.name, number)
    return found if found and _is_for_clients(der, now) else None


def _is_for_clients(der: bytes, now: datetime) -> bool:
    try:
        certificate = x509.load_der_x509_certificate(der)
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            return False
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        return ExtendedKeyUsageOID.CLIENT_AUTH in usage
    except x509.ExtensionNotFound:
        return False
    except ValueError:
        return False


def certificate_in_header(value: bytes) -> bytes | None:
    """The DER bytes of a certificate that a front put into a header; None where there is none in it.

    Two forms: base64 of the DER bytes (Azure App Service's X-ARR-ClientCert), and the PEM text, percent-encoded
    (nginx's $ssl_client_escaped_cert). Sources: https://learn.microsoft.com/azure/app-service/app-service-web-configure-tls-mutual-auth
    and https://nginx.org/en/docs/http/ngx_http_ssl_module.html
    """
    if not value or len(value) > HEADER_BYTES_MAX:
        return None
    text = unquote_to_bytes(value) if b"%" in value else value
    if text.lstrip().startswith(_BEGIN):
        text = text.strip().removeprefix(_BEGIN).removesuffix(_END)
    try:
        return base64.b64decode(b"".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None
