"""The ways in which stored hashes spell bytes, each read strictly: what no encoder writes is refused.

A lenient decoder would take a damaged value for another one; nobody could ever sign in with it.
"""

import re
from base64 import b64decode, urlsafe_b64decode

from idferry.hashes.parsed import malformed

ENCODINGS = ("hex", "base64", "base64url", "utf8")
"""How descriptors call the spelling of a value, a salt or a key."""
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})*", re.ASCII)
_BASE64 = re.compile(r"([A-Za-z0-9+/]*)(={0,2})", re.ASCII)
_NUMBER = re.compile(r"0|[1-9][0-9]{0,9}", re.ASCII)


def hex_bytes(text: str) -> bytes:
    """Bytes out of hexadecimal digits, small or capital."""
    if not _HEX.fullmatch(text):
        raise malformed("not hexadecimal digits in pairs")
    return bytes.fromhex(text)


def base64_bytes(text: str) -> bytes:
    """Bytes out of Base64 as RFC 4648 has it: padded, and bits that mean nothing are 0 (3.5)."""
    if len(text) % 4:
        raise malformed("not Base64 with its padding")
    return bare_base64_bytes(text)


def bare_base64_bytes(text: str) -> bytes:
    """The same, with or without its padding."""
    found = _BASE64.fullmatch(text)
    if not found:
        raise malformed("not Base64")
    letters, padding = found.groups()
    missing = -len(letters) % 4
    if missing == 3 or (padding and len(padding) != missing):
        raise malformed("not Base64 of whole bytes")
    data = b64decode(letters + "=" * missing)
    if not _is_canonical(letters, len(data)):
        raise malformed("not Base64 as an encoder writes it")
    return data


def base64url_bytes(text: str) -> bytes:
    """The same in the alphabet for addresses."""
    if "+" in text or "/" in text:
        raise malformed("not Base64 for addresses")
    return bare_base64_bytes(text.replace("-", "+").replace("_", "/"))


def ab64_bytes(text: str) -> bytes:
    """The same as passlib writes it: a dot for the plus sign, no padding."""
    if "+" in text or "=" in text:
        raise malformed("not Base64 with dots")
    return bare_base64_bytes(text.replace(".", "+"))


def decoded(text: str, encoding: str) -> bytes:
    """Bytes of a text in one of ENCODINGS."""
    match encoding:
        case "hex":
            return hex_bytes(text)
        case "base64":
            return bare_base64_bytes(text)
        case "base64url":
            return base64url_bytes(text)
        case "utf8":
            return text_bytes(text)
        case _:
            raise malformed("an encoding that nobody knows")


def text_bytes(text: str) -> bytes:
    """A text in UTF-8."""
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise malformed("half a character") from error


def number(text: str) -> int:
    """A whole number from 0 as a program writes it."""
    if not _NUMBER.fullmatch(text):
        raise malformed("not a whole number")
    return int(text)


def _is_canonical(letters: str, count: int) -> bool:
    """Whether the bits of the last letter that belong to no byte are 0."""
    unused = len(letters) * 6 - count * 8
    last = urlsafe_b64decode("AAA" + letters[-1].replace("+", "-").replace("/", "_"))[-1] if letters else 0
    return last % (1 << unused) == 0
