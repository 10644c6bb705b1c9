"""Taking in an answer within limits of size and time, and naming what went wrong in words of ours.

A library's exception may quote the answer, and an answer may quote the request with its password: its text is never
passed on.
"""

import os
import socket
import ssl
from datetime import timedelta

import httpx2

from idferry.ports import Clock

CALL_TIMEOUTS_MAX = 3  # an answer that trickles in is given up after so many read timeouts in all


class AnswerTooLong(httpx2.ReadError):
    """The answer is longer than any that is expected."""


class AnswerTooSlow(httpx2.ReadTimeout):
    """The answer trickles in: every piece comes in time, and the whole does not."""


def read_within(response: httpx2.Response, *, bytes_max: int, timeout: timedelta, clock: Clock) -> bytes:
    """The content of an answer. `timeout`: how long one piece of it may take.

    Raises:
        AnswerTooLong, AnswerTooSlow, httpx2.HTTPError.
    """
    until_s = clock.elapsed() + CALL_TIMEOUTS_MAX * timeout.total_seconds()
    received = bytearray()
    for part in response.iter_bytes():
        received += part
        if len(received) > bytes_max:
            raise AnswerTooLong("")
        if clock.elapsed() > until_s:
            raise AnswerTooSlow("")
    return bytes(received)


def name_of(error: Exception) -> str:
    """The class of an exception, and what the operating system or the TLS library calls its cause."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, OSError):
        cause = cause.__cause__ or cause.__context__
    detail = _system_words(cause) if cause else ""
    return f"{type(error).__name__}: {detail}" if detail else type(error).__name__


def _system_words(error: OSError) -> str:
    match error:
        case ssl.SSLError():
            return error.reason or ""
        case socket.gaierror():
            return error.strerror or ""
    return os.strerror(error.errno) if error.errno else ""
