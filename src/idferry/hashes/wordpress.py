"""A WordPress user table as a whole: every shape that its releases wrote, the password trimmed first, then as typed.

https://developer.wordpress.org/reference/functions/wp_check_password/
"""

from idferry.hashes import argon2_family, bcrypt_family, phpass
from idferry.hashes.bounds import Bounds
from idferry.hashes.descriptor import Descriptor
from idferry.hashes.digests import SCHEMES as DIGESTS
from idferry.hashes.parsed import Checker
from idferry.hashes.scheme import Proof, Scheme


def _read(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    for scheme in (*bcrypt_family.SCHEMES, *phpass.SCHEMES, *argon2_family.SCHEMES):
        if scheme.marks and scheme.marks.fullmatch(value):
            return scheme.read(value, descriptor, bounds)
    [md5] = [scheme for scheme in DIGESTS if scheme.name == "md5"]
    return md5.read(value, Descriptor(algorithm="md5", encoding="hex"), bounds)


SCHEMES = (
    Scheme(
        name="wordpress",
        family="application",
        layout="any of $wp$2y$, $P$, bcrypt, argon2, 32 hexadecimal digits",
        systems="WordPress, WooCommerce",
        proof=Proof.SELF_MADE,
        read=_read,
        defaults=Descriptor(trim=True),
    ),
)
