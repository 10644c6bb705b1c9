"""Finds secrets in whatever was written: plain, encoded in the usual ways, or inside compressed content.

It searches for a piece of each secret that is long enough to be nobody else's, so that a secret that was cut off is
found as well. A scan that finds nothing proves nothing by itself: the test that uses it plants leaks first.
"""

import base64
import contextlib
import hashlib
import json
import traceback
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

PIECE_BYTES = 16
WINDOW_BYTES = 8
GZIP_MARK = b"\x1f\x8b\x08"
INFLATED_BYTES_MAX = 16 * 1024 * 1024


@dataclass(frozen=True)
class Canary:
    """A secret that must stand nowhere. `allowed`: names of the files that are there to hold it."""

    name: str
    piece: bytes
    allowed: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Leak:
    """A secret that was found, in which form and where."""

    canary: str
    encoding: str
    place: str


def canaries_of(name: str, secret: bytes | str, *, allowed: Iterable[str] = ()) -> list[Canary]:
    """Pieces of a secret: its beginning and its end."""
    raw = secret.encode() if isinstance(secret, str) else secret
    pieces = {raw[:PIECE_BYTES], raw[-PIECE_BYTES:]}
    assert all(len(piece) >= WINDOW_BYTES for piece in pieces), name
    return [Canary(name, piece, frozenset(allowed)) for piece in pieces]


def encodings(piece: bytes) -> dict[str, bytes]:
    """Every form in which a piece of a secret is looked for, by the name of the form."""
    forms = {"raw": piece, "reversed": piece[::-1], "hex": piece.hex().encode()}
    forms["hex in capitals"] = piece.hex().upper().encode()
    forms["percent-encoded"] = quote(piece, safe="").encode()
    forms["percent-encoded throughout"] = b"".join(b"%%%02X" % byte for byte in piece)
    for offset in range(3):
        plain = _base64_within(piece, offset)
        forms[f"base64 at {offset}"] = plain
        forms[f"base64url at {offset}"] = plain.replace(b"+", b"-").replace(b"/", b"_")
    if piece.isascii():
        text = piece.decode("ascii")
        forms["JSON-escaped"] = json.dumps(text)[1:-1].encode()
        forms["JSON-escaped throughout"] = "".join(f"\\u{ord(one):04x}" for one in text).encode()
        forms["Python's repr"] = repr(text)[1:-1].encode()
        forms["UTF-16LE"], forms["UTF-16BE"] = text.encode("utf-16-le"), text.encode("utf-16-be")
    return forms


def _base64_within(piece: bytes, offset: int) -> bytes:
    """The characters that base64 makes of these bytes wherever they begin at this offset of a triple."""
    encoded = base64.b64encode(bytes(offset) + piece)
    first = -(-offset * 8 // 6)  # the first character made of bits of the piece alone
    last = (offset + len(piece)) * 8 // 6
    return encoded[first:last]


class Scanner:
    """Looks for all forms of all canaries in one pass over the content."""

    def __init__(self, canaries: Iterable[Canary]) -> None:
        self._needles: dict[bytes, list[tuple[bytes, str, Canary]]] = defaultdict(list)
        for canary in canaries:
            for encoding, needle in encodings(canary.piece).items():
                self._needles[needle[:WINDOW_BYTES]].append((needle, encoding, canary))

    def scan(self, content: bytes | str, place: str, *, file_name: str = "") -> list[Leak]:
        """Every leak in this content, and in what is compressed inside it."""
        raw = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
        found = self._scan_plain(raw, place, file_name)
        for inflated in _inflated(raw):
            found |= self._scan_plain(inflated, f"{place}, inflated", file_name)
        return sorted(found, key=repr)

    def _scan_plain(self, content: bytes, place: str, file_name: str) -> set[Leak]:
        needles, found = self._needles, set()
        for start in range(len(content) - WINDOW_BYTES + 1):
            window = content[start : start + WINDOW_BYTES]
            if window in needles:
                for needle, encoding, canary in needles[window]:
                    if content.startswith(needle, start) and file_name not in canary.allowed:
                        found.add(Leak(canary.name, encoding, place))
        return found


def _inflated(content: bytes) -> Iterator[bytes]:
    start = content.find(GZIP_MARK)
    while start >= 0:
        with contextlib.suppress(zlib.error):  # the mark may stand there by chance
            yield zlib.decompressobj(wbits=31).decompress(content[start:], INFLATED_BYTES_MAX)
        start = content.find(GZIP_MARK, start + 1)


@dataclass
class Evidence:
    """Everything that was written, collected while it was: contents by place, each content once."""

    folders: tuple[Path, ...]
    pieces: dict[bytes, tuple[str, str, bytes]] = field(default_factory=dict)
    places: set[str] = field(default_factory=set)

    def add(self, place: str, content: bytes | str, *, file_name: str = "") -> None:
        """Keep what stood in this place."""
        raw = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
        self.places.add(place)
        if raw:
            digest = hashlib.sha256(file_name.encode() + b"\0" + raw).digest()
            self.pieces.setdefault(digest, (place, file_name, raw))

    def add_files(self) -> None:
        """Keep every file of the folders as it is now; names and paths count as written too."""
        for folder in self.folders:
            for path in sorted(folder.rglob("*")):
                try:
                    content = path.read_bytes() if path.is_file() else b""
                except FileNotFoundError:  # it went between the listing and the reading
                    continue
                self.add(path.name, content, file_name=path.name)
                self.add("file names", str(path))

    def add_error(self, error: BaseException) -> None:
        """Keep an exception and everything that led to it, as a debugger or a log could show it without locals."""
        for one in chain(error):
            self.add("exceptions", f"{one!r}\n{one}\n{one.args!r}\n{vars(one)!r}")
            self.add("tracebacks", "".join(traceback.format_exception(one)))

    def leaks(self, scanner: Scanner) -> list[Leak]:
        """Every leak in everything that was kept."""
        return [
            leak
            for place, file_name, content in self.pieces.values()
            for leak in scanner.scan(content, place, file_name=file_name)
        ]


def chain(error: BaseException) -> list[BaseException]:
    """The exception, its causes and its contexts, each once."""
    found: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is not None and one not in found:
            found.append(one)
            waiting += [one.__cause__, one.__context__]
            waiting += one.exceptions if isinstance(one, BaseExceptionGroup) else []
    return found
