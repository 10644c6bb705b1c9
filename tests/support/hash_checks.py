"""What must hold for every test vector, cheap or dear: its password opens it, nothing else does, damage is seen."""

from tests.support.hash_vectors import VECTORS, Vector

from idferry.hashes import Descriptor, Hash, Parsed, parse
from idferry.rules.password import Password

# The last part of these is a salt, a key or a number: what is cut off it leaves a readable value.
ENDS_IN_TEXT = frozenset(
    [
        "cleartext",
        "joomla-md5",
        "joomla-sha256",
        "oscommerce",
        "vbulletin",
        "mybb",
        "opencart",
        "redmine",
        "xenforo",
        "restful-authentication",
        "prestashop",
        "magento2",
        "workos-firebase",
    ]
)
DEAR_MARKS = (
    "$2a$10$", "$2b$10$", "$2a$12$", "m=65536", "m=8192", "$scrypt$ln=", "rounds=535000", "$390000$", "i=100000",
    "scrypt$16384", "AQAAAAEAA9CQ", "$S$", "{PBKDF2_SHA256}", ":2", "27500",
)  # fmt: skip
DEAR_SCHEMES = frozenset({"scrypt", "kratos-pbkdf2"})


def is_dear(vector: Vector) -> bool:
    """Whether checking takes more than some milliseconds."""
    dear = vector.scheme in DEAR_SCHEMES or "firebase" in vector.scheme
    return dear or any(mark in vector.value for mark in DEAR_MARKS)


CHEAP = [vector for vector in VECTORS if not is_dear(vector)]
DEAR = [vector for vector in VECTORS if is_dear(vector)]


def title(vector: Vector) -> str:
    return f"{vector.scheme}-{vector.source}-{vector.value[:16]}"


def read(vector: Vector, value: str | None = None) -> Parsed:
    descriptor = Descriptor.of(vector.configured)
    assert isinstance(descriptor, Descriptor), descriptor
    return parse(vector.value if value is None else value, descriptor)


def check(vector: Vector) -> None:
    """The password opens the value; two others do not; cut or stretched values are refused or open to nobody."""
    hashed = read(vector)
    assert isinstance(hashed, Hash), hashed
    assert (hashed.scheme, bool(hashed.cost)) == (vector.scheme, True)
    assert hashed.verify(Password(vector.password), vector.name)
    for other in (f"x{vector.password}", f"7{vector.password.strip()[1:]}"):
        assert not hashed.verify(Password(other), vector.name), other
    assert not hashed.verify(Password("half a character: \ud800"), vector.name)
    bare = vector.value.rstrip("=")
    for damaged in (bare[:-1], vector.value + "A", vector.value[1:], vector.value + "\0"):
        found = read(vector, damaged)
        if isinstance(found, Hash):
            assert not found.verify(Password(vector.password), vector.name), damaged
    cut = [read(vector, bare[:-1]), read(vector, vector.value + "\0")]
    assert vector.scheme in ENDS_IN_TEXT or not any(isinstance(one, Hash) for one in cut)
