"""A legacy system as a verifier that does what a test says: answers, waits until it is let go, or breaks."""

import threading
from collections.abc import Callable

from idferry.ports import Deadline, LegacyRef
from idferry.rules.password import Password
from idferry.rules.verdict import Match, Verdict


class LegacySystem:
    """Satisfies `ports.PasswordVerifier`. `calls` counts what arrived; while `held`, nothing is answered."""

    def __init__(self, answer: Callable[[], Verdict] = Match, *, name: str = "legacy") -> None:
        self._name = name
        self.answer = answer
        self.calls = 0
        self.running = 0
        self.running_most = 0
        self._lock = threading.Lock()
        self._open = threading.Event()
        self._open.set()

    @property
    def name(self) -> str:
        return self._name

    def hold(self) -> None:
        self._open.clear()

    def let_go(self) -> None:
        self._open.set()

    def verify(self, who: LegacyRef, password: Password, deadline: Deadline) -> Verdict:
        with self._lock:
            self.calls += 1
            self.running += 1
            self.running_most = max(self.running, self.running_most)
        try:
            self._open.wait(20)
            return self.answer()
        finally:
            with self._lock:
                self.running -= 1
