"""Changing accounts that exist: attributes, extension attributes and the migration flag, one PATCH per account.

Nothing here decides what changes. https://learn.microsoft.com/graph/api/user-update
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from idferry.errors import InvalidValue, NotFound
from idferry.graph import queries
from idferry.graph.applications import Naming
from idferry.graph.asking import Asking
from idferry.graph.machine import Machine
from idferry.graph.pacing import LOOK_AGAIN_SECONDS_FIRST, LOOK_AGAIN_SECONDS_MAX
from idferry.graph.replies import code_of
from idferry.graph.transport import Call
from idferry.graph.wire import Names, patch_body
from idferry.rules.account import AccountChange


class AccountUpdating:
    """`ports.AccountUpdater` over Microsoft Graph. It may raise DirectoryError and Stopped."""

    def __init__(self, *, asking: Asking, naming: Naming, settle: timedelta, machine: Machine) -> None:
        """`settle`: how long an account that was created a moment ago may take to be found."""
        self._asking = asking
        self._naming = naming
        self._settle_s = settle.total_seconds()
        self._machine = machine

    def update(self, changes: Sequence[AccountChange]) -> Mapping[str, str]:
        """Change accounts: object id -> "" when it is done, else the code of the error class.

        A change of one account right after its creation is answered 404 although it exists, so that answer is
        believed only when the directory had time to settle.
        """
        names = self._naming.names()
        codes: dict[str, str] = {}
        deadline_s = self._machine.clock.elapsed() + self._settle_s
        pause_s = LOOK_AGAIN_SECONDS_FIRST
        waiting = _encoded(changes, names, codes)
        while waiting:
            replies = self._asking.many([call for _, call in waiting])
            codes |= {one: code_of(reply) for (one, _), reply in zip(waiting, replies, strict=True)}
            waiting = [(one, call) for one, call in waiting if codes[one] == NotFound.code]
            left_s = deadline_s - self._machine.clock.elapsed()
            if left_s <= 0:
                break
            if waiting:
                self._machine.pauses.rest(min(pause_s, left_s))
                pause_s = min(pause_s * 2, LOOK_AGAIN_SECONDS_MAX)
        return codes


def _encoded(changes: Sequence[AccountChange], names: Names, codes: dict[str, str]) -> list[tuple[str, Call]]:
    """The calls to make; a change that cannot be encoded gets its code at once."""
    calls = []
    for change in changes:
        try:
            body = patch_body(change, names)
        except UnicodeEncodeError:
            codes[change.object_id] = InvalidValue.code
            continue
        calls.append((change.object_id, Call("PATCH", queries.one(queries.USERS, change.object_id), body)))
    return calls
