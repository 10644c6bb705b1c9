"""MD4, which Python's hashlib has no longer: Windows and some exports still hold it (RFC 1320).

Only for checking what others stored: it is broken, and nothing new may be built on it.
"""

import struct
from collections.abc import Callable

BLOCK_BYTES = 64
_WORD = 0xFFFFFFFF
_START = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476)
_ROUNDS: tuple[tuple[Callable[[int, int, int], int], int, tuple[int, ...], tuple[int, ...]], ...] = (
    (lambda x, y, z: (x & y) | (~x & z), 0, tuple(range(16)), (3, 7, 11, 19)),
    (
        lambda x, y, z: (x & y) | (x & z) | (y & z),
        0x5A827999,
        tuple(4 * row + column for column in range(4) for row in range(4)),
        (3, 5, 9, 13),
    ),
    (
        lambda x, y, z: x ^ y ^ z,
        0x6ED9EBA1,
        (0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15),
        (3, 9, 11, 15),
    ),
)


def md4(data: bytes) -> bytes:
    """The 16 bytes of MD4."""
    padding = b"\x80" + bytes((55 - len(data)) % BLOCK_BYTES)
    padded = data + padding + struct.pack("<Q", len(data) * 8)
    state: tuple[int, ...] = _START
    for start in range(0, len(padded), BLOCK_BYTES):
        state = _mixed(state, struct.unpack("<16I", padded[start : start + BLOCK_BYTES]))
    return struct.pack("<4I", *state)


def hmac_md4(key: bytes, data: bytes) -> bytes:
    """HMAC over MD4 (RFC 2104)."""
    block = (md4(key) if len(key) > BLOCK_BYTES else key).ljust(BLOCK_BYTES, b"\0")
    inner = md4(bytes(one ^ 0x36 for one in block) + data)
    return md4(bytes(one ^ 0x5C for one in block) + inner)


def _mixed(state: tuple[int, ...], words: tuple[int, ...]) -> tuple[int, ...]:
    a, b, c, d = state
    for function, constant, order, shifts in _ROUNDS:
        for step, index in enumerate(order):
            turned = (a + function(b, c, d) + words[index] + constant) & _WORD
            shift = shifts[step % 4]
            a, b, c, d = d, ((turned << shift) | (turned >> (32 - shift))) & _WORD, b, c
    return tuple((old + new) & _WORD for old, new in zip(state, (a, b, c, d), strict=True))
