"""UsersData.json and UsersDataUsername.json of Microsoft's pre-migration sample, as its users have them.

JSON with `//` comments, and with the trailing comma that a commented-out line leaves behind: no JSON library reads
that. So the file is cut into the objects of `Users` here, in constant memory, and each object is decoded by itself:
one bad object costs one person. This module must not judge a record.
Form: https://github.com/azure-ad-b2c/user-migration (pre-migration/source-code/AADB2C.UserMigration).
The page docs/reference/users-data.md describes every field.
"""

import json
import re
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NoReturn

from idferry.connectors.export_file import (
    RECORD_BYTES_MAX,
    ExportFile,
    FieldProblem,
    federated_identity,
    nearest,
    open_export,
    record_digest,
    shown,
)
from idferry.errors import SourceError
from idferry.ports import SourceRecord
from idferry.rules.attributes import AttributeValue
from idferry.rules.legacy_user import BadRecord, LegacyUser, Place, fallback_key
from idferry.rules.names import ASCII_BLANKS, Identity, SignInType, local_identity
from idferry.rules.password import Password
from idferry.rules.stored_hash import StoredHash
from idferry.rules.withholding import without_copies

DEPTH_MAX = 32
PIECE_BYTES = 64 * 1024
TOKEN_BYTES_MAX = 4 * RECORD_BYTES_MAX

SECRET_FIELD = "password"
HASH_FIELD, SALT_FIELD, HASHED_NAME_FIELD = "passwordHash", "passwordSalt", "hashedName"
SECRET_FIELDS = frozenset({SECRET_FIELD, HASH_FIELD, SALT_FIELD, HASHED_NAME_FIELD})
KEY_FIELD = "idferryKey"
"""Names the original record in a file that `status --export-failures` wrote: there a sign-in name may be mended."""

_ROOT = {"usertype": "userType", "users": "Users"}
_FIELD_NAMES = (
    "signInName",
    "displayName",
    "firstName",
    "lastName",
    SECRET_FIELD,
    HASH_FIELD,
    SALT_FIELD,
    HASHED_NAME_FIELD,
    "issuer",
    "issuerUserId",
    "email",
    KEY_FIELD,
)
_FIELDS = {name.lower(): name for name in _FIELD_NAMES}
_ATTRIBUTES = {"firstName": "givenName", "lastName": "surname"}
_SIGN_IN_TYPES = (SignInType.EMAIL_ADDRESS, SignInType.USER_NAME)

# A string ends with its line even when its quote is forgotten: JSON knows no line end in a string, and so the damage
# stays in one object. A `//` within a string is text, because the string is met first.
_TOKEN = re.compile(rb'"(?:[^"\\\n]++|\\[^\n]?)*+"?|//[^\n]*|[{}\[\],:]|\n|[^\s"/{}\[\],:]+|/')
_CLOSED_BY = {b"{": b"}", b"[": b"]"}

Fields = dict[str, str | None]
"""Fields of one record by their known names, but for those of SECRET_FIELDS; None for null."""

_Token = tuple[int, bytes]
"""Line and text of one token; no comments, no blanks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsersDataSource(ExportFile):
    """A legacy source in the form of Microsoft's pre-migration sample. Satisfies `ports.LegacySource`."""

    def records(self) -> Iterator[SourceRecord | BadRecord]:
        """Stream the objects of `Users`, one in memory at a time.

        Raises:
            SourceError: the file cannot be read, is broken outside the objects, or has no `Users`.
        """
        for record, _ in self.parsed():
            yield record

    def parsed(self) -> Iterator[tuple[SourceRecord | BadRecord, "Fields"]]:
        """The same, each with its fields as they are written. Raises SourceError."""
        file = self.path.name
        sign_in_type = self.sign_in_type()
        ordinal = -1
        for part in self._parts():
            if part.key not in _ROOT.values():
                yield BadRecord(file, part.line, shown(part.key), "is neither userType nor Users"), {}
            elif part.key == "Users":
                ordinal += 1
                yield _read(part, sign_in_type, self.name, Place(file, part.line, ordinal))

    def sign_in_type(self) -> SignInType | None:
        """What `userType` says. Looked up first, because it may stand behind `Users`; None: each name says it."""
        for part in self._parts():
            if part.key == "userType":
                said = (part.text or b"").strip(b'" ').decode(errors="replace").lower()
                for sign_in_type in _SIGN_IN_TYPES:
                    if sign_in_type.value.lower() == said:
                        return sign_in_type
                raise SourceError(
                    f"{self.path}, line {part.line}: userType is neither emailAddress nor userName",
                    remedy="Write the kind of sign-in name that the file's signInName fields hold.",
                )
        return None

    def _parts(self) -> Iterator["_Part"]:
        with open_export(self.path) as stream:
            yield from _Document(self.path, _tokens(stream)).parts()


@dataclass(frozen=True, slots=True)
class _Part:
    """One value of the outermost object; of `Users`, one element. `text` is None when it is too long to keep."""

    key: str
    line: int
    text: bytes | None


def _tokens(stream: BinaryIO) -> Iterator[_Token]:
    line = 1
    rest = b""
    while piece := stream.readline(PIECE_BYTES):
        whole = rest + piece
        # A piece that is no whole line may end inside a token: its last token waits for the next piece.
        ready = len(whole)
        if not piece.endswith(b"\n"):
            ready = _last_start(whole)
            if len(whole) - ready > TOKEN_BYTES_MAX:
                raise SourceError(
                    f"{stream.name}, line {line}: a text is longer than {TOKEN_BYTES_MAX} bytes",
                    remedy="Close the text that begins there, or take the record out.",
                )
        rest = whole[ready:]
        for match in _TOKEN.finditer(whole, 0, ready):
            text = match.group()
            if text == b"\n":
                line += 1
            elif not text.startswith(b"//"):
                yield line, text
    for match in _TOKEN.finditer(rest):
        if not match.group().startswith(b"//"):
            yield line, match.group()


def _last_start(text: bytes) -> int:
    start = 0
    for match in _TOKEN.finditer(text):
        start = match.start()
    return start


@dataclass(slots=True)
class _Document:
    """Cuts tokens into parts."""

    path: Path
    tokens: Iterator[_Token]
    line: int = 1

    def parts(self) -> Iterator[_Part]:
        """The parts in file order."""
        users_seen = False
        if self._next("the file holds no JSON object") != b"{":
            self._broken("the file is not one JSON object")
        separator = b","
        while separator == b",":
            key = self._key()
            if key is None:
                break
            if key == "Users":
                users_seen = True
                separator = yield from self._elements()
            else:
                part, separator = self._value(key, self._next("a value is missing"), end=b"}")
                yield part
        if not users_seen:
            self._broken("the file has no Users")
        if next(self.tokens, None):
            self._broken("something stands behind the end of the JSON object")

    def _key(self) -> str | None:
        """The next member's name in its known spelling; None where the object ends."""
        token = self._next("the outermost { is never closed")
        if token == b"}":
            return None
        if not token.startswith(b'"') or self._next("a value is missing") != b":":
            self._broken('a "name": is expected')
        name = token.strip(b'"').decode(errors="replace")
        return _ROOT.get(name.lower(), name)

    def _elements(self) -> Generator[_Part, None, bytes]:
        if self._next("Users has no value") != b"[":
            self._broken("Users is no list")
        separator = b","
        while separator == b",":
            token = self._next("the [ of Users is never closed")
            if token == b"]":
                break
            part, separator = self._value("Users", token, end=b"]")
            yield part
        separator = self._next("the outermost { is never closed")
        if separator not in b",}":
            self._broken("a comma is missing")
        return separator

    def _value(self, key: str, token: bytes, *, end: bytes) -> tuple[_Part, bytes]:
        """One value, beginning with `token`, and what ended it: a comma or `end`."""
        first_line = self.line
        kept = bytearray()
        open_brackets: list[_Token] = []
        last_line = first_line
        complete = False
        while open_brackets or token not in (b",", end):
            if complete:
                self._broken("a comma is missing")
            if token in _CLOSED_BY:
                open_brackets.append((self.line, token))
            elif token in _CLOSED_BY.values():
                if not open_brackets or _CLOSED_BY[open_brackets.pop()[1]] != token:
                    self._broken(
                        f"this {token.decode()} closes nothing; a bracket is missing from line {first_line} on"
                    )
                _drop_trailing_comma(kept)
                complete = not open_brackets
            if len(open_brackets) > DEPTH_MAX:
                self._broken(f"brackets stand more than {DEPTH_MAX} deep")
            if len(kept) <= RECORD_BYTES_MAX:
                kept += b"\n" * (self.line - last_line) + b" " + token
            last_line = self.line
            token = self._next(f"what begins in line {first_line} is never closed")
        text = bytes(kept) if len(kept) <= RECORD_BYTES_MAX else None
        return _Part(key, first_line, text), token

    def _next(self, missing: str) -> bytes:
        found = next(self.tokens, None)
        if found is None:
            self._broken(missing)
        self.line, text = found
        return text

    def _broken(self, what: str) -> NoReturn:
        raise SourceError(
            f"{self.path}, line {self.line}: {what}",
            remedy="Mend that place; the file is one object with userType and Users, as in Microsoft's sample.",
        )


def _drop_trailing_comma(kept: bytearray) -> None:
    trimmed = kept.rstrip()
    if trimmed.endswith(b","):
        kept[len(trimmed) - 1] = ord(" ")


def _read(
    part: _Part, sign_in_type: SignInType | None, source: str, place: Place
) -> tuple[SourceRecord | BadRecord, Fields]:
    try:
        fields = _fields(part)
        record = _person(_filled(fields), sign_in_type, source, place)
        return record, {name: text for name, text in fields.items() if name not in SECRET_FIELDS}
    except FieldProblem as problem:
        bad = BadRecord(place.file, place.line, problem.field, problem.reason)
    except json.JSONDecodeError as error:
        bad = BadRecord(place.file, place.line + error.lineno - 1, "", "is no JSON")
    except UnicodeDecodeError as error:
        lines_before = error.object[: error.start].count(b"\n")
        bad = BadRecord(place.file, place.line + lines_before, "", "is not UTF-8")
    return bad, {}


def _fields(part: _Part) -> Fields:
    """The fields by their known names. Numbers stay as they are written."""
    if part.text is None:
        raise FieldProblem("", f"the record is longer than {RECORD_BYTES_MAX} bytes")
    try:
        pairs = json.loads(part.text.decode(), object_pairs_hook=_Pairs, parse_int=str)
    except RecursionError:
        raise FieldProblem("", "is nested too deep") from None
    if not isinstance(pairs, _Pairs):
        raise FieldProblem("", "is no object")
    found: Fields = {}
    for written, value in pairs:
        name = _FIELDS.get(written.lower())
        if name is None:
            raise FieldProblem(
                shown(written), f"is no field of this format; the nearest: {nearest(written, _FIELD_NAMES)}"
            )
        if name in found:
            raise FieldProblem(name, "comes twice")
        found[name] = None if value is None else _text(name, value)
    return found


def _filled(fields: Fields) -> dict[str, str]:
    """Those that hold something. A field of blanks holds nothing, but for a password and what belongs to one."""
    return {
        name: text
        for name, text in fields.items()
        if text and (name in SECRET_FIELDS or text.strip(ASCII_BLANKS))
    }


class _Pairs(list[tuple[str, object]]):
    """A JSON object as written: the standard dictionary would hide a field that comes twice."""


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise FieldProblem(name, "takes text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise FieldProblem(name, "holds half of a character (a lone surrogate)") from None
    return value


def _person(
    fields: dict[str, str], sign_in_type: SignInType | None, source: str, place: Place
) -> SourceRecord:
    password, key, hashed = fields.pop(SECRET_FIELD, None), fields.pop(KEY_FIELD, ""), _hashed(fields)
    identities = tuple(_identities(fields, sign_in_type))
    attributes: dict[str, AttributeValue] = {
        name: fields[field] for field, name in _ATTRIBUTES.items() if field in fields
    }
    user = LegacyUser(
        source=source,
        key=key or fallback_key(identities) or f"record {place.ordinal + 1}",
        place=place,
        identities=identities,
        display_name=fields.get("displayName", ""),
        attributes=attributes,
        contact_email=fields.get("email", ""),
        record_digest=record_digest(fields),
    )
    if password is None:
        return SourceRecord(user, None, hashed)
    secret = Password(password)
    return SourceRecord(without_copies(user, secret), secret, hashed)


def _hashed(fields: dict[str, str]) -> StoredHash | None:
    """Taken out of the fields before anything is compared: another hash is no other record."""
    value, salt, name = (fields.pop(one, "") for one in (HASH_FIELD, SALT_FIELD, HASHED_NAME_FIELD))
    return StoredHash(value, salt, name) if value else None


def _identities(fields: dict[str, str], sign_in_type: SignInType | None) -> Iterable[Identity]:
    if "signInName" in fields:
        yield local_identity(fields["signInName"], sign_in_type)
    if "issuer" in fields or "issuerUserId" in fields:
        yield federated_identity(fields.get("issuer", ""), fields.get("issuerUserId", ""))
