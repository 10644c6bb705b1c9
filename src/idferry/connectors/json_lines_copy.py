"""JSON Lines written out again without secrets, for people to mend, and read back as corrections.

Passwords are dropped undecoded, before anything looks into the line. The page docs/reference/json-lines.md describes
the format.
"""

from collections.abc import Collection, Iterator
from types import MappingProxyType

import msgspec

from idferry.connectors.copying import taken
from idferry.connectors.export_file import open_export
from idferry.connectors.json_lines import JsonLinesSource, read_line, record_lines
from idferry.ports import Take
from idferry.rules.correction import (
    DISPLAY_NAME,
    EMAIL,
    ENABLED,
    FEDERATED,
    LAST_SIGN_IN,
    LOCAL,
    SIGN_IN_NAME,
    Correction,
)
from idferry.rules.legacy_user import BadRecord, LegacyUser, Place
from idferry.rules.withholding import CONTACT, Withholds

_SECRETS = frozenset({"password", "passwordHash", "passwordSalt", "hashedName"})
_ATTRIBUTES = "attributes"
_JUDGED = ("displayName", "givenName", "surname", "email")
_SAYS = MappingProxyType(
    {
        "signInName": SIGN_IN_NAME,
        "signInNames": LOCAL,
        "federated": FEDERATED,
        "displayName": DISPLAY_NAME,
        "givenName": "givenName",
        "surname": "surname",
        "email": EMAIL,
        "lastSignIn": LAST_SIGN_IN,
        "accountEnabled": ENABLED,
    }
)
_decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_text = msgspec.json.Decoder(str | None).decode
_decode_value = msgspec.json.Decoder(str | bool | int | list[str] | None).decode
_encode = msgspec.json.Encoder().encode


def plain_copy(source: JsonLinesSource, take: Take, withholds: Withholds) -> Iterator[bytes]:
    """The wanted lines without passwords and without what is withheld; everything else as it is written.

    Raises:
        SourceError: the file cannot be read.
    """
    with open_export(source.path) as stream:
        lines = (line for _, line in record_lines(stream))
        users = ((user, line) for line in lines if (user := _user(line, source)))
        keyed = ((user.key, (line, user.withheld)) for user, line in users)
        for _, (line, copies) in taken(keyed, take):
            yield _encode(_plain(_decode(line), withholds, copies)) + b"\n"


def corrections(source: JsonLinesSource) -> Iterator[Correction | BadRecord]:
    """The records of a mended file, each with what it speaks of. Raises SourceError (unreadable)."""
    with open_export(source.path) as stream:
        for ordinal, (number, line) in enumerate(record_lines(stream)):
            read = read_line(line, source.name, Place(source.path.name, number, ordinal))
            yield read if isinstance(read, BadRecord) else Correction(read.user, _says(_decode(line)))


def _user(line: bytes, source: JsonLinesSource) -> LegacyUser | None:
    read = read_line(line, source.name, Place(source.path.name, 0, 0))
    return None if isinstance(read, BadRecord) else read.user


def _plain(
    fields: dict[str, msgspec.Raw], withholds: Withholds, copies: Collection[str]
) -> dict[str, object]:
    """`copies`: what repeats the record's password, by the names of `LegacyUser.withheld`."""
    kept: dict[str, object] = {name: raw for name, raw in fields.items() if name not in _SECRETS}
    for name in _JUDGED:
        is_copy = (CONTACT if name == "email" else name) in copies
        if name in fields and (is_copy or withholds(name, _decode_text(fields[name]) or "")):
            del kept[name]
    if _ATTRIBUTES in fields:
        kept[_ATTRIBUTES] = {
            name: raw
            for name, raw in _attributes(fields).items()
            if name not in copies and not _is_withheld(name, raw, withholds)
        }
    return kept


def _attributes(fields: dict[str, msgspec.Raw]) -> dict[str, msgspec.Raw]:
    raw = fields.get(_ATTRIBUTES)
    return {} if raw is None or bytes(raw) == b"null" else _decode(raw)


def _is_withheld(name: str, raw: msgspec.Raw, withholds: Withholds) -> bool:
    value = _decode_value(raw)
    return value is not None and withholds(name, tuple(value) if isinstance(value, list) else value)


def _says(fields: dict[str, msgspec.Raw]) -> frozenset[str]:
    return frozenset({_SAYS[name] for name in fields if name in _SAYS} | set(_attributes(fields)))
