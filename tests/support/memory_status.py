"""ResetStatus in memory, and one that is broken or hangs."""

import threading
from collections.abc import Sequence

from idferry.errors import StatusUnavailable
from idferry.rules.names import compared_form


class MemoryResetStatus:
    """Satisfies ports.ResetStatus. `failing` makes every call raise; `hang` makes looks wait for the event."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self.failing = False
        self.hang: threading.Event | None = None
        self.asked: list[str] = []

    def must_reset(self, sign_in_name: str) -> bool:
        self.asked.append(sign_in_name)
        if self.hang:
            self.hang.wait(30)
        self._check()
        return compared_form(sign_in_name) in self._names

    def settle(self, *, sign_in_name: str, object_id: str) -> None:
        self._check()
        known = self._names.get(compared_form(sign_in_name))
        ids = {one for one in (object_id, known) if one}
        self._names = {name: one for name, one in self._names.items() if one not in ids}

    def add(self, people: Sequence[tuple[str, Sequence[str]]]) -> None:
        self._check()
        for object_id, names in people:
            self._names.update({compared_form(name): object_id for name in names})

    def _check(self) -> None:
        if self.failing:
            raise StatusUnavailable("the test says so")
