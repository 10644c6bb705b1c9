"""What a source's configuration says about its hashes, where the stored value alone does not: scheme, salt, spelling.

One flat set of fields serves every scheme; each reader takes those it needs. The names follow Auth0's custom password
hashes, and the template is Ory Kratos': https://auth0.com/docs/manage-users/user-migration/bulk-user-imports
https://www.ory.sh/docs/kratos/manage-identities/import-user-accounts-identities#sha
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from types import MappingProxyType

from idferry.hashes.encodings import ENCODINGS, decoded
from idferry.hashes.parsed import Malformed, malformed
from idferry.hashes.preparation import PASSWORD_ENCODINGS, PREHASHES, Preparation

TEXT_CHARACTERS_MAX = 4_096
_POSITIONS = MappingProxyType({"prefix": "{SALT}{PASSWORD}", "suffix": "{PASSWORD}{SALT}"})
_CHOICES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "encoding": ENCODINGS,
        "salt_encoding": ENCODINGS,
        "key_encoding": ENCODINGS,
        "password_encoding": tuple(PASSWORD_ENCODINGS),
        "prehash": PREHASHES,
        "wrapping": ("base64",),
    }
)
SECRET_FIELDS = frozenset({"key", "pepper"})
"""Fields whose value is a secret of the legacy system: never printed."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Descriptor:
    """How the hashes of one source, or of one row, are to be read. What is empty or 0 is not said.

    `key` is a signer key, an HMAC key or a site-wide secret; `cost` is bcrypt's, scrypt's N, or Firebase's memory as
    a power of 2; `template` holds {SALT}, {PASSWORD}, {KEY} and {NAME}; `wrapping` says that the value as a whole is in
    Base64 once more, as LDIF writes it.
    """

    scheme: str = ""
    algorithm: str = ""
    encoding: str = ""
    salt: str = ""
    salt_encoding: str = ""
    template: str = ""
    password_encoding: str = ""
    prehash: str = ""
    trim: bool = False
    pepper: str = ""
    key: str = ""
    key_encoding: str = ""
    separator: str = ""
    iterations: int = 0
    length: int = 0
    cost: int = 0
    block_size: int = 0
    parallelism: int = 0
    wrapping: str = ""

    @classmethod
    def of(cls, table: Mapping[str, object]) -> "Descriptor | Malformed":
        """A descriptor out of settings or a row; `salt_position` (prefix, suffix) is short for a template."""
        known = {one.name: type(one.default) for one in fields(cls)}
        said = {name: value for name, value in table.items() if name != "salt_position"}
        position = table.get("salt_position", "")
        if position not in ("", *_POSITIONS):
            return Malformed(f"salt_position is one of {', '.join(_POSITIONS)}")
        for name, value in said.items():
            problem = _problem(name, value, known)
            if problem:
                return Malformed(problem)
        found = cls(**said)  # type: ignore[arg-type]  # each value was held against its field above
        return replace(found, template=_POSITIONS[str(position)]) if position else found

    def over(self, defaults: "Descriptor") -> "Descriptor":
        """This descriptor, with what it does not say taken from another one."""
        said = {one.name: getattr(self, one.name) or getattr(defaults, one.name) for one in fields(self)}
        return Descriptor(**said)

    def bare(self) -> "Descriptor":
        """The same for what lies in the wrapping."""
        return replace(self, wrapping="")

    def table(self) -> dict[str, str | int | bool]:
        """What it says, by field: what settings and rows hold."""
        return {one.name: getattr(self, one.name) for one in fields(self) if getattr(self, one.name)}

    def preparation(self) -> Preparation:
        """What happens to a typed password before the scheme sees it."""
        return Preparation(
            encoding=self.password_encoding or "utf8",
            trim=self.trim,
            prehash=self.prehash,
            pepper=self.pepper,
        )

    def salt_bytes(self, default_encoding: str = "utf8") -> bytes:
        """The salt of the row, decoded."""
        return decoded(self.salt, self.salt_encoding or default_encoding)

    def key_bytes(self, default_encoding: str = "utf8") -> bytes:
        """The key of the source, decoded; there must be one."""
        if not self.key:
            raise malformed("the configuration names no key")
        return decoded(self.key, self.key_encoding or default_encoding)

    def __repr__(self) -> str:
        return f"Descriptor(scheme={self.scheme!r})"


NATIVE = Descriptor()
"""Nothing said: the value's own prefix decides."""


def _problem(name: str, value: object, known: Mapping[str, type]) -> str:
    if name not in known:
        return f"{name} is not a field of a hash descriptor"
    if type(value) is not known[name]:
        return f"{name} is a {'number' if known[name] is int else 'text' if known[name] is str else 'true or false'}"
    if isinstance(value, str) and len(value) > TEXT_CHARACTERS_MAX:
        return f"{name} is longer than {TEXT_CHARACTERS_MAX} characters"
    if name in _CHOICES and value and value not in _CHOICES[name]:
        return f"{name} is one of {', '.join(_CHOICES[name])}"
    return f"{name} is below 0" if isinstance(value, int) and value < 0 else ""
