"""Every scheme, by family: what `hash list` prints and the reference page is made of. It knows names and computes nothing."""

import difflib
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

_OTHER_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "aspnet-identity-v2": "aspnet-identity",
        "aspnet-identity-v3": "aspnet-identity",
        "aspnet-v2": "aspnet-identity",
        "aspnet-v3": "aspnet-identity",
        "identity-v2": "aspnet-identity",
        "identity-v3": "aspnet-identity",
        "simplemembership": "aspnet-identity",
        "membership": "aspnet-membership",
        "firebase": "firebase-scrypt",
        "phc-scrypt": "scrypt-phc",
        "django-pbkdf2-sha1": "django-pbkdf2",
        "django-pbkdf2-sha256": "django-pbkdf2",
        "argon2id": "argon2",
        "argon2i": "argon2",
        "argon2d": "argon2",
        "md5crypt": "md5-crypt",
        "sha256crypt": "sha256-crypt",
        "sha512crypt": "sha512-crypt",
        "descrypt": "des-crypt",
        "bsdicrypt": "bsdi-crypt",
        "des": "des-crypt",
        "bsdi": "bsdi-crypt",
        "mssql": "mssql-2012",
        "nt": "ntlm",
        "joomla": "joomla-md5",
        "magento": "magento2",
        "drupal-7": "drupal7",
        "ssha": "ldap-digest",
        "ssha256": "ldap-digest",
        "ssha512": "ldap-digest",
        "smd5": "ldap-digest",
        "nthash": "ntlm",
        "phpbb3": "phpass",
        "ipb": "mybb",
        "punbb": "redmine",
        "magento1": "oscommerce",
        "wbb3": "opencart",
    }
)
"""What else people call a scheme -> our name."""


def scheme_named(name: str) -> Scheme | None:
    """The scheme of this name, however its words are joined and whatever their case."""
    plain = name.lower().replace("_", "-")
    return BY_NAME.get(_OTHER_NAMES.get(plain, plain))


def nearest(name: str) -> str:
    """The known name that is most like this one; empty where none is."""
    return next(iter(difflib.get_close_matches(name.lower(), BY_NAME, n=1)), "")


def marked(value: str) -> Scheme | None:
    """The one scheme whose mark this value bears."""
    return next((scheme for scheme in SCHEMES if scheme.marks and scheme.marks.fullmatch(value)), None)


def resembling(value: str) -> tuple[str, ...]:
    """The names of all schemes that write values like this one."""
    return tuple(scheme.name for scheme in SCHEMES if scheme.resembles and scheme.resembles.fullmatch(value))
