"""crypt(3) through the system's own library, which lets other threads work meanwhile; else through libpass.

Which formats a system's library knows differs, so each is tried once with a published value before it is trusted.
https://manpages.debian.org/crypt_rn.3 · https://pypi.org/project/libpass/
"""

import ctypes
import ctypes.util
import hmac
import importlib
import sys
from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType

CRYPT_PASSWORD_BYTES_MAX = 511
"""libxcrypt refuses more, and so does everybody who wrote with it."""
_CRYPT_DATA_BYTES = 32_768
_HANDLERS = MappingProxyType(
    {
        "md5-crypt": "md5_crypt",
        "apr1": "apr_md5_crypt",
        "sha256-crypt": "sha256_crypt",
        "sha512-crypt": "sha512_crypt",
        "des-crypt": "des_crypt",
        "bsdi-crypt": "bsdi_crypt",
    }
)
# Public examples of hashcat, all of the password "hashcat": https://hashcat.net/wiki/doku.php?id=example_hashes
_EXAMPLES: Mapping[str, bytes] = MappingProxyType(
    {
        "md5-crypt": b"$1$28772684$iEwNOgGugqO9.bIz5sk8k/",
        "sha256-crypt": b"$5$rounds=5000$GX7BopJZJxPc/KEK$le16UF8I2Anb.rOrn22AUPWvzUETDGefUmAV8AZkGcD",
        "sha512-crypt": b"$6$52450745$k5ka2p8bFuSmoVT1tzOyyuaREkkKBcCNqoDKzYiJL9RaE8yMnPgh2XzzF0NDrUhgrcLwg78xs1w5pJiypEdFX/",
        "des-crypt": b"48c/R8JAv757A",
        "bsdi-crypt": b"_9G..8147mpcfKT8g0U.",
    }
)
_EXAMPLE_PASSWORD = b"hashcat"

CryptCheck = Callable[[bytes, str], bool]


@cache
def checker_of(name: str) -> CryptCheck | None:
    """What checks (password, value) of this format on this machine; None where nothing here can."""
    function = _crypt()
    example = _EXAMPLES.get(name)
    if function and example and function(_EXAMPLE_PASSWORD, example) == example:
        return lambda password, value: _opens_by_system(function, password, value)
    handler = _handler(_HANDLERS[name])
    return (lambda password, value: _opens_by_libpass(handler, password, value)) if handler else None


def _opens_by_system(function: "Callable[[bytes, bytes], bytes | None]", password: bytes, value: str) -> bool:
    if b"\0" in password or len(password) > CRYPT_PASSWORD_BYTES_MAX:
        return False
    made = function(password, value.encode())
    return made is not None and hmac.compare_digest(made, value.encode())


def _opens_by_libpass(handler: object, password: bytes, value: str) -> bool:
    if b"\0" in password or len(password) > CRYPT_PASSWORD_BYTES_MAX:
        return False
    try:
        return bool(handler.verify(password, value))  # type: ignore[attr-defined]  # libpass has no types
    except ValueError:
        return False  # libpass has salts of its own that it refuses; no writer of the format makes them


@cache
def _crypt() -> "Callable[[bytes, bytes], bytes | None] | None":
    """crypt_rn of the system: it writes into memory of ours, so that threads do not meet in one buffer."""
    name = None if sys.platform == "win32" else ctypes.util.find_library("crypt")
    try:
        function = ctypes.CDLL(name).crypt_rn if name else None
    except (OSError, AttributeError):
        return None
    if function is None:
        return None
    function.restype = ctypes.c_char_p
    function.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_int]

    def crypt(password: bytes, setting: bytes) -> bytes | None:
        room = ctypes.create_string_buffer(_CRYPT_DATA_BYTES)
        made: bytes | None = function(password, setting, room, _CRYPT_DATA_BYTES)
        ctypes.memset(room, 0, _CRYPT_DATA_BYTES)
        return made

    return crypt


def _handler(name: str) -> object | None:
    try:
        return getattr(importlib.import_module("passlib.hash"), name, None)
    except ImportError:
        return None
