"""The service's log: one JSON object on each line, with no body, no secret and no name that a person typed.

People appear as an id under a key of this process or as a masked address. Control characters, changes of writing
direction and everything beyond ASCII are escaped, so that no value can begin a line of its own or steer a terminal.
"""

import hmac
import json
import re
from typing import Any, BinaryIO, Protocol

import msgspec

from idferry.ports import Clock

PERSON_ID_DIGITS = 16
_DOMAIN = re.compile(r"(?=.{4,253}\Z)[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,24}\Z")
_DELETE = b"\x7f"
_encode = msgspec.json.Encoder().encode


class Log(Protocol):
    """Where the service writes what happens. `alert` is for what an operator should look at."""

    def info(self, event: str, **fields: Any) -> Any:
        """Something ordinary."""
        ...

    def warning(self, event: str, **fields: Any) -> Any:
        """Something an operator should look at."""
        ...

    def error(self, event: str, **fields: Any) -> Any:
        """Something that is broken."""
        ...


def open_log(stream: BinaryIO, *, clock: Clock) -> Log:
    """The log on this stream, each line written and flushed at once; any thread may write."""
    return _JsonLines(stream, clock)


class _JsonLines:
    """One line for every answer at a tenant's sign-in page, so that nothing is done twice here."""

    __slots__ = ("_clock", "_stream")

    def __init__(self, stream: BinaryIO, clock: Clock) -> None:
        self._stream = stream
        self._clock = clock

    def info(self, event: str, **fields: Any) -> None:
        """Something ordinary."""
        self._write(event, "info", fields)

    def warning(self, event: str, **fields: Any) -> None:
        """Something an operator should look at."""
        self._write(event, "warning", fields)

    def error(self, event: str, **fields: Any) -> None:
        """Something that is broken."""
        self._write(event, "error", fields)

    def _write(self, event: str, level: str, fields: dict[str, Any]) -> None:
        fields["event"] = event
        fields["level"] = level
        fields["at"] = self._clock.now().isoformat(timespec="milliseconds")
        line = _rendered(fields) + b"\n"
        # A stream whose end, or full disk, stops no sign-in: the line is lost.
        try:
            self._stream.write(line)  # all of it at once, so that lines of two threads are never mixed
            self._stream.flush()
        except (OSError, ValueError):
            pass


def _rendered(fields: dict[str, Any]) -> bytes:
    line = _encode(fields)
    if line.isascii():
        return line.replace(_DELETE, b"\\u007f") if _DELETE in line else line
    return json.dumps(msgspec.json.decode(line)).replace("\x7f", "\\u007f").encode()


class PersonIds:
    """Ids for people in the log: the same person has the same one as long as the process lives. It prints nothing."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = key

    def of(self, name: str) -> str:
        """The id of a compared sign-in name or an object id; "" for nobody."""
        if not name:
            return ""
        digest = hmac.digest(self._key, name.encode("utf-8", "surrogatepass"), "sha256")
        return digest.hex()[:PERSON_ID_DIGITS]


def masked(name: str) -> str:
    """A sign-in name as a help desk may read it: the first letter, and the domain of an address.

    People type passwords into the field for names. What follows the @ is shown only where it looks like a domain.
    """
    _, at, domain = name.rpartition("@")
    is_address = at and _DOMAIN.match(domain)
    return f"{name[:1]}***@{domain}" if is_address else f"{name[:1]}***"
