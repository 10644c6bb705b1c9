"""What every connector of an export file shares: opening it, and the few values that all formats write alike.

No connector itself: it knows no format, and it must not judge a record. Whatever it says about a value names the
field and never the value, which could be a password in the wrong column.
"""

import difflib
import hashlib
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import msgspec

from idferry.errors import SourceError
from idferry.rules.names import ASCII_BLANKS, Identity, SignInType

RECORD_BYTES_MAX = 1024 * 1024
READ_BUFFER_BYTES = 1024 * 1024
DIGEST_BYTES = 16
NAME_SHOWN_CHARACTERS_MAX = 40
UTF8_BOM = b"\xef\xbb\xbf"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")

AS_UTF8 = "Save the file as UTF-8 and repeat; nothing else in it needs to change."

# Fields of a record. None of them is an attribute, whatever an export calls its columns: a password that became an
# extension attribute could be read by everyone who reads the directory.
RECORD_FIELDS = frozenset(
    {
        "key",
        "signInName",
        "signInNames",
        "federated",
        "identities",
        "displayName",
        "givenName",
        "surname",
        "email",
    }
    | {"password", "lastSignIn", "accountEnabled", "attributes", "issuer", "issuerUserId"}
)
_PASSWORD_NAMES = frozenset(
    {
        "password",
        "passwd",
        "passwort",
        "pwd",
        "pass",
        "passphrase",
        "passcode",
        "userpassword",
        "passwordprofile",
    }
)
_TRUE = frozenset({"true", "1", "yes"})
_FALSE = frozenset({"false", "0", "no"})

_encoder = msgspec.json.Encoder(order="deterministic")


class FieldProblem(Exception):
    """One field of one record cannot be read; the connector makes a BadRecord of it."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(field, reason)
        self.field = field
        self.reason = reason


@contextmanager
def open_export(path: Path) -> Iterator[BinaryIO]:
    """The file, open for reading bytes, positioned behind a UTF-8 byte order mark if there is one.

    Raises:
        SourceError: missing, no regular file, not permitted, empty, UTF-16, or reading fails half-way.
    """
    if "\0" in str(path):
        raise SourceError(f"{str(path)!r} is no path: it holds a NUL character", remedy="Check the path.")
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            what = "a folder" if path.is_dir() else "no regular file"
            raise SourceError(
                f"{path} is {what}", remedy="Name the export file itself; it is read more than once."
            )
        with path.open("rb", buffering=READ_BUFFER_BYTES) as stream:
            _skip_mark(stream, path)
            yield stream
    except FileNotFoundError:
        raise SourceError(
            f"{path} does not exist", remedy="Check the path; a relative one counts from the settings file."
        ) from None
    except PermissionError:
        raise SourceError(
            f"{path} may not be read", remedy="Give this user the right to read the file."
        ) from None
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}") from error


def digest_of(path: Path) -> str:
    """Hex SHA-256 of the file's bytes."""
    with open_export(path) as stream:
        stream.seek(0)
        digest = hashlib.sha256()
        while piece := stream.read(READ_BUFFER_BYTES):
            digest.update(piece)
        return digest.hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportFile:
    """One export file as a source by its name: what a connector says of it before it reads a record."""

    path: Path
    name: str

    @property
    def place(self) -> str:
        """The file's absolute path."""
        return str(self.path.absolute())

    def digest(self) -> str:
        """Hex SHA-256 of the file's bytes. Raises SourceError."""
        return digest_of(self.path)


def record_digest(content: object) -> bytes:
    """16 bytes that change when the content does. The caller has taken the password out before.

    Without it a stolen ledger would allow passwords to be tried against the digests.
    """
    return hashlib.blake2b(_encoder.encode(content), digest_size=DIGEST_BYTES).digest()


def instant(text: str, *, field: str) -> datetime:
    """An ISO 8601 date or time; one without a zone is UTC."""
    try:
        read = datetime.fromisoformat(text.strip(ASCII_BLANKS))
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError):
        raise FieldProblem(field, "is no ISO 8601 time such as 2024-05-31T09:30:00Z") from None


def truth(text: str, *, field: str) -> bool:
    """true, 1, yes or false, 0, no, in any case."""
    lowered = text.strip(ASCII_BLANKS).lower()
    if lowered not in _TRUE and lowered not in _FALSE:
        raise FieldProblem(field, "is none of true, false, 1, 0, yes, no")
    return lowered in _TRUE


def federated_identity(issuer: str, issuer_user_id: str) -> Identity:
    """The federated identity, both parts trimmed, the issuer in lower case: the directory says `facebook.com`."""
    issuer, issuer_user_id = issuer.strip(ASCII_BLANKS).lower(), issuer_user_id.strip(ASCII_BLANKS)
    if not issuer:
        raise FieldProblem("issuer", "is missing beside issuerUserId")
    if not issuer_user_id:
        raise FieldProblem("issuerUserId", "is missing beside issuer")
    return Identity(SignInType.FEDERATED, issuer_user_id, issuer)


def distinct(identities: Iterable[Identity]) -> tuple[Identity, ...]:
    """The identities without repetitions, in order: one record may name the same sign-in name twice."""
    first: dict[tuple[SignInType, str], Identity] = {}
    for one in identities:
        first.setdefault((one.sign_in_type, one.compared), one)
    return tuple(first.values())


@lru_cache(maxsize=4096)
def attribute_name_problem(name: str) -> str | None:
    """Why no attribute may have this name, or None."""
    if name in RECORD_FIELDS:
        return "is a field of the record and no attribute"
    if name.lower() in _PASSWORD_NAMES:
        return "is a password by its name, and a password is never stored as an attribute"
    if not name.strip():
        return "has no name"
    return None


def shown(name: str) -> str:
    """A name out of a file, fit for a terminal: printable and short."""
    printable = "".join(character if character.isprintable() else "?" for character in name)
    return (
        printable
        if len(printable) <= NAME_SHOWN_CHARACTERS_MAX
        else f"{printable[:NAME_SHOWN_CHARACTERS_MAX]}..."
    )


def nearest(name: str, known: Iterable[str]) -> str:
    """The known names most like this one, for a message; all of them when none is alike."""
    by_lower = {one.lower(): one for one in known}
    alike = difflib.get_close_matches(name.strip().lower(), by_lower, n=3, cutoff=0.5)
    return ", ".join(by_lower[one] for one in alike or sorted(by_lower))


def _skip_mark(stream: BinaryIO, path: Path) -> None:
    head = stream.read(len(UTF8_BOM))
    if head.startswith(_UTF16_BOMS):
        raise SourceError(f"{path} is UTF-16, at its first byte", remedy=AS_UTF8)
    if head != UTF8_BOM:
        stream.seek(0)
    behind = stream.tell()
    if not stream.read(1):
        raise SourceError(f"{path} is empty", remedy="Export the people again; the file holds nothing.")
    stream.seek(behind)
