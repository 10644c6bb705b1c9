"""A password hash as a record of a source holds it: it travels beside the legacy user, and nothing prints it."""

import msgspec


class StoredHash(msgspec.Struct, frozen=True, gc=False):
    """The value as it is written, the row's own salt, and the user name where the scheme mixes it in."""

    value: str
    salt: str = ""
    hashed_name: str = ""

    def __repr__(self) -> str:
        return "StoredHash(...)"

    __str__ = __repr__
