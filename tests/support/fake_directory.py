"""A directory that finds one entry and answers a bind as a test says: for what slapd never says, such as AD's own codes."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Answer = Callable[[bytes], bytes]
"""The bytes of a bind -> the bytes of its answer."""
ENTRY = "cn=Anna,dc=corp,dc=example"


def _element(tag: int, content: bytes) -> bytes:
    size = bytes([len(content)]) if len(content) < 128 else b"\x82" + len(content).to_bytes(2, "big")
    return bytes([tag]) + size + content


def _message(message_id: int, operation: bytes) -> bytes:
    return _element(0x30, _element(0x02, bytes([message_id])) + operation)


def _result(tag: int, code: int, text: str = "") -> bytes:
    return _element(tag, _element(0x0A, bytes([code])) + _element(0x04, b"") + _element(0x04, text.encode()))


def bind_answer(code: int, text: str = "") -> bytes:
    """The answer to a bind, with a diagnostic message."""
    return _message(2, _result(0x61, code, text))


@contextmanager
def fake_directory(answer: Answer | bytes | None) -> Iterator[tuple[str, list[bytes]]]:
    """Its URL and what it was sent. `answer` to a bind; empty: it hangs up; None: it is silent."""
    listener = socket.create_server(("127.0.0.1", 0))
    got: list[bytes] = []
    found = _message(1, _element(0x64, _element(0x04, ENTRY.encode()) + _element(0x30, b"")))
    found += _message(1, _result(0x65, 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection:
                    connection.settimeout(5)
                    got.append(connection.recv(4096))
                    connection.sendall(found)
                    got.append(connection.recv(4096))
                    if answer is None:
                        connection.recv(4096)
                    else:
                        connection.sendall(answer(got[-1]) if callable(answer) else answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"ldap://127.0.0.1:{listener.getsockname()[1]}", got
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)
