"""Every scheme, by family: what `hash list` prints and the reference page is made of. It knows names and computes nothing."""

from collections.abc import Mapping
from types import MappingProxyType

from idferry.hashes import (
    applications,
    argon2_family,
    aspnet,
    bcrypt_family,
    crypt_family,
    digests,
    keycloak,
    ldap_schemes,
    magento,
    pbkdf2_family,
    phpass,
    scrypt_family,
    wordpress,
)
from idferry.hashes.scheme import Proof, Scheme, refused

_NOT_BUILT = (
    Scheme(
        name="clerk-hmac",
        family="digest",
        layout="hmac_sha256_utf16_b64",
        systems="exports made for Clerk",
        proof=Proof.UNSUPPORTED,
        read=refused("nobody publishes how this format is made"),
        note="its layout is not published",
    ),
    Scheme(
        name="clerk-awscognito",
        family="digest",
        layout="awscognito",
        systems="exports made for Clerk",
        proof=Proof.UNSUPPORTED,
        read=refused("it asks Amazon Cognito: set up that verifier instead"),
        note="Cognito exports no hashes: its verifier asks Cognito itself",
    ),
)
SCHEMES: tuple[Scheme, ...] = (
    *bcrypt_family.SCHEMES,
    *argon2_family.SCHEMES,
    *pbkdf2_family.SCHEMES,
    *scrypt_family.SCHEMES,
    *keycloak.SCHEMES,
    *aspnet.SCHEMES,
    *ldap_schemes.SCHEMES,
    *crypt_family.SCHEMES,
    *phpass.SCHEMES,
    *digests.SCHEMES,
    *applications.SCHEMES,
    *magento.SCHEMES,
    *wordpress.SCHEMES,
    *_NOT_BUILT,
)
BY_NAME: Mapping[str, Scheme] = MappingProxyType({scheme.name: scheme for scheme in SCHEMES})


def marked(value: str) -> Scheme | None:
    """The one scheme whose mark this value bears."""
    return next((scheme for scheme in SCHEMES if scheme.marks and scheme.marks.fullmatch(value)), None)


def resembling(value: str) -> tuple[str, ...]:
    """The names of all schemes that write values like this one."""
    return tuple(scheme.name for scheme in SCHEMES if scheme.resembles and scheme.resembles.fullmatch(value))
