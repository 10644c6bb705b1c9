"""A TCP gateway before the emulator that can be shut and opened: the network that goes away and comes back.

It passes bytes on and understands none of them, so TLS runs through it from end to end.
"""

import contextlib
import socket
import threading
from collections.abc import Iterator

PIECE_BYTES = 65_536


class Gateway:
    """Listens on a free port of this machine and passes on to another one, while it is open."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._lock = threading.Lock()
        self._alive: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._accepting = self._start(self._listener)

    def shut(self) -> None:
        """Cut every connection; from now on they are refused."""
        # Closing a socket does not wake a thread that waits in accept; shutting it down does.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join()
        with self._lock:
            alive, self._alive = self._alive, set()
        for one in alive:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def open(self) -> None:
        """Listen again, on the same port."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._accepting = self._start(self._listener)

    def _start(self, listener: socket.socket) -> threading.Thread:
        thread = threading.Thread(target=self._accept, args=(listener,), daemon=True)
        thread.start()
        return thread

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target_port))
                with self._lock:
                    self._alive |= {near, far}
                for ends in ((near, far), (far, near)):
                    threading.Thread(target=self._pump, args=ends, daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(PIECE_BYTES):
                sink.sendall(piece)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        # Whoever comes second closes: a socket that is closed while the other thread reads it would be reused.
        with self._lock:
            last = source not in self._alive
            self._alive -= {source, sink}
        if last:
            source.close()
            sink.close()


@contextlib.contextmanager
def gateway(target_port: int) -> Iterator[Gateway]:
    """An open gateway; it is shut with the block."""
    way = Gateway(target_port)
    try:
        yield way
    finally:
        way.shut()
