"""Our own format: one JSON object per line, of any length, for sources that nothing else describes.

It lies on the path of every person of a large migration, so it decodes each line straight into typed fields and
looks closer only when that fails. It must not judge a record: a person without a sign-in name is planning's to refuse.
The page docs/reference/json-lines.md describes every field.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Literal

import msgspec

from idferry.connectors.export_file import (
    RECORD_BYTES_MAX,
    ExportFile,
    FieldProblem,
    attribute_name_problem,
    distinct,
    federated_identity,
    instant,
    nearest,
    open_export,
    record_digest,
    shown,
)
from idferry.errors import SourceError
from idferry.ports import SourceRecord
from idferry.rules.attributes import AttributeValue
from idferry.rules.legacy_user import BadRecord, LegacyUser, Place
from idferry.rules.names import Identity, SignInType, local_identity
from idferry.rules.password import Password
from idferry.rules.stored_hash import StoredHash
from idferry.rules.withholding import without_copies

_WHERE = re.compile(r" - at `\$\.?(?P<path>[^`]*)`\Z")
_TYPES = re.compile(r"Expected `(?P<wanted>[^`]+)`, got `(?P<found>[^`]+)`")
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<name>.*)`", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(?P<name>[^`]+)`")
_WORDS = {"str": "text", "int": "integer", "bool": "boolean", "float": "decimal number", "array": "list"}
_BYTE = re.compile(r"\(byte (?P<byte>\d+)\)")


_Attribute = str | bool | int | list[str] | None


class _SignInName(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    type: Literal["emailAddress", "userName"]
    value: str


class _Federated(msgspec.Struct, forbid_unknown_fields=True, rename="camel", gc=False):
    issuer: str
    issuer_user_id: str | int


class _Record(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, rename="camel", gc=False):
    """One line. `password` is a Password from the decoder on: the text never stands in a field."""

    key: str | int
    sign_in_name: str | None = None
    sign_in_names: list[str | _SignInName] | None = None
    federated: list[_Federated] | None = None
    display_name: str | None = None
    given_name: str | None = None
    surname: str | None = None
    email: str | None = None
    password: Password | None = None
    password_hash: str | dict[str, Any] | None = None
    password_salt: str | None = None
    hashed_name: str | None = None
    last_sign_in: str | None = None
    account_enabled: bool | None = None
    attributes: dict[str, _Attribute] | None = None


class _Attributes(msgspec.Struct, gc=False):
    """The attributes of a line, undecoded: to find the one that is wrong."""

    attributes: dict[str, msgspec.Raw] | None = None


_FIELDS = tuple(field.encode_name for field in msgspec.structs.fields(_Record))
_FIELDS_OF = {
    "signInNames": tuple(field.encode_name for field in msgspec.structs.fields(_SignInName)),
    "federated": tuple(field.encode_name for field in msgspec.structs.fields(_Federated)),
}


def _to_password(_type: type, found: object) -> Password:
    if not isinstance(found, str):
        raise TypeError("Expected `str`, got `something else`")
    return Password(found)


_decode = msgspec.json.Decoder(_Record, dec_hook=_to_password).decode
_decode_attributes = msgspec.json.Decoder(_Attributes).decode
_decode_attribute = msgspec.json.Decoder(_Attribute).decode
_UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError)


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonLinesSource(ExportFile):
    """A legacy source in our own JSON Lines format. Satisfies `ports.LegacySource`."""

    def records(self) -> Iterator[SourceRecord | BadRecord]:
        """Stream the records, one line in memory at a time; blank lines are none.

        Raises:
            SourceError: the file cannot be read, or holds nothing but blank lines.
        """
        file, source = self.path.name, self.name
        ordinal = -1
        with open_export(self.path) as stream:
            for number, line in record_lines(stream):
                ordinal += 1
                yield read_line(line, source, Place(file, number, ordinal))
        if ordinal < 0:
            raise SourceError(
                f"{self.path} is empty: it holds blank lines only", remedy="Export the people again."
            )


def read_line(line: bytes, source: str, place: Place) -> SourceRecord | BadRecord:
    """The record in one line, or what is wrong with it."""
    if len(line) > RECORD_BYTES_MAX:
        return BadRecord(place.file, place.line, "", f"the line is longer than {RECORD_BYTES_MAX} bytes")
    try:
        return _person(_decode(line), source, place)
    except FieldProblem as problem:
        return BadRecord(place.file, place.line, problem.field, problem.reason)
    except _UNREADABLE as error:
        return BadRecord(place.file, place.line, *_explain(error, line))


def record_lines(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Line numbers and lines that hold something; of a line that is too long one byte more than allowed, and never all of it."""
    number = 0
    while line := stream.readline(RECORD_BYTES_MAX + 1):
        number += 1
        rest = line
        while len(rest) > RECORD_BYTES_MAX and not rest.endswith(b"\n"):
            rest = stream.readline(RECORD_BYTES_MAX + 1)
        if not line.isspace():
            yield number, line


def _person(record: _Record, source: str, place: Place) -> SourceRecord:
    password = record.password
    record.password = None
    hashed = _hashed(record) if record.password_hash else None
    key = str(record.key)
    if not key.strip():
        raise FieldProblem("key", "is empty")
    user = LegacyUser(
        source,
        key,
        place,
        _identities(record),
        record.display_name or "",
        _attributes(record),
        record.email or "",
        instant(record.last_sign_in, field="lastSignIn") if record.last_sign_in else None,
        record.account_enabled is not False,
        record_digest(record),
    )
    if password is None or password.is_empty:
        return SourceRecord(user, None, hashed)
    return SourceRecord(without_copies(user, password), password, hashed)


def _hashed(record: _Record) -> StoredHash:
    """Taken out of the record before its digest is made: another hash is no other record."""
    value, salt, name = record.password_hash, record.password_salt or "", record.hashed_name or ""
    record.password_hash = record.password_salt = record.hashed_name = None
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return StoredHash(text, salt, name)


def _identities(record: _Record) -> tuple[Identity, ...]:
    typed = record.sign_in_name
    first = (local_identity(typed),) if typed and not typed.isspace() else ()
    if record.sign_in_names is None and record.federated is None:
        return first
    found = list(first)
    for one in record.sign_in_names or ():
        if isinstance(one, str):
            if one.strip():
                found.append(local_identity(one))
        elif one.value.strip():
            found.append(local_identity(one.value, SignInType(one.type)))
    found += (federated_identity(one.issuer, str(one.issuer_user_id)) for one in record.federated or ())
    return distinct(found)


def _attributes(record: _Record) -> dict[str, AttributeValue]:
    found: dict[str, AttributeValue] = {}
    if record.given_name:
        found["givenName"] = record.given_name
    if record.surname:
        found["surname"] = record.surname
    if record.attributes:
        for name, value in record.attributes.items():
            problem = attribute_name_problem(name)
            if problem:
                raise FieldProblem(f"attributes.{shown(name)}", problem)
            if value is not None:
                found[name] = tuple(value) if isinstance(value, list) else value
    return found


def _explain(error: Exception, line: bytes) -> tuple[str, str]:
    """Field and reason of a line that did not decode. The decoder's own words may quote a value: they are not used."""
    if isinstance(error, UnicodeError):
        return "", "is not UTF-8"
    if isinstance(error, RecursionError):
        return "", "is nested too deep"
    said = str(error)
    where = _WHERE.search(said)
    path = where["path"] if where else ""
    said = said[: where.start()] if where else said
    if not isinstance(error, msgspec.ValidationError):
        position = _BYTE.search(said)
        return "", "is no JSON" + (
            f": it breaks at byte {position['byte']}" if position else ": it breaks off"
        )
    if unknown := _UNKNOWN.match(said):
        known = _FIELDS_OF.get(path.partition("[")[0], _FIELDS)
        dotted = f"{path}.{shown(unknown['name'])}".lstrip(".")
        return dotted, f"is no field of this format; the nearest: {nearest(unknown['name'], known)}"
    if missing := _MISSING.match(said):
        return f"{path}.{missing['name']}".lstrip("."), "is missing"
    if types := _TYPES.match(said):
        wanted = " or ".join(_WORDS.get(one, one) for one in types["wanted"].split(" | ") if one != "null")
        found = _WORDS.get(types["found"], types["found"])
        return _with_attribute_name(path, line), f"takes {wanted}, found {found}"
    if path.endswith(".type"):
        return path, "is one of emailAddress, userName"
    return _with_attribute_name(path, line), "has a value of the wrong form"


def _with_attribute_name(path: str, line: bytes) -> str:
    """The decoder says `attributes[...]`; the name is what the operator needs. The rest of the line may be damaged too."""
    if not path.startswith("attributes[...]"):
        return path
    try:
        attributes = _decode_attributes(line).attributes or {}
    except _UNREADABLE:
        return "attributes"
    return next(
        (f"attributes.{shown(name)}" for name, raw in attributes.items() if _is_bad(raw)), "attributes"
    )


def _is_bad(attribute: msgspec.Raw) -> bool:
    try:
        _decode_attribute(attribute)
    except _UNREADABLE:
        return True
    return False
