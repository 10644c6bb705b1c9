"""What is told of a failed call: the class of the exception and the system's own words, nothing of the answer."""

import errno
import os
import socket
import ssl
from datetime import timedelta

import httpx2
import pytest
from tests.support.hand_clock import HandClock

from idferry.graph import receiving

ECHO = 'illegal status line: {"password":"Correct-Horse-1"}'


def caused_by(cause: BaseException | None) -> httpx2.HTTPError:
    error = httpx2.ConnectError(ECHO)
    error.__cause__ = cause
    return error


def refused_certificate() -> ssl.SSLError:
    error = ssl.SSLCertVerificationError(1, ECHO)
    error.reason = "CERTIFICATE_VERIFY_FAILED"
    return error


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (httpx2.RemoteProtocolError(ECHO), "RemoteProtocolError"),
        (caused_by(ValueError(ECHO)), "ConnectError"),
        (caused_by(OSError(ECHO)), "ConnectError"),
        (caused_by(OSError(errno.ECONNREFUSED, ECHO)), f"ConnectError: {os.strerror(errno.ECONNREFUSED)}"),
        (caused_by(socket.gaierror(-2, "Name not known")), "ConnectError: Name not known"),
        (caused_by(refused_certificate()), "ConnectError: CERTIFICATE_VERIFY_FAILED"),
        (caused_by(caused_by(OSError(errno.EPIPE, ECHO))), f"ConnectError: {os.strerror(errno.EPIPE)}"),
    ],
)
def test_a_failure_is_named_without_its_text(error: Exception, told: str) -> None:
    assert receiving.name_of(error) == told


def test_an_answer_is_taken_in_within_its_limits() -> None:
    def read(content: bytes) -> bytes:
        return receiving.read_within(
            httpx2.Response(200, content=content),
            bytes_max=10,
            timeout=timedelta(seconds=1),
            clock=HandClock(),
        )

    assert read(b"0123456789") == b"0123456789"
    with pytest.raises(receiving.AnswerTooLong):
        read(b"0123456789a")
