"""Changing accounts that exist: one PATCH per account, for its attributes and flag, or to disable it.

Nothing here decides what changes. https://learn.microsoft.com/graph/api/user-update
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from datetime import timedelta

from idferry.errors import InvalidValue, NotFound
from idferry.graph import queries
from idferry.graph.applications import Naming
from idferry.graph.asking import Asking
from idferry.graph.costs import WRITE
from idferry.graph.machine import Machine
from idferry.graph.pacing import Gate
from idferry.graph.replies import FOR_EVERYBODY, Reply, refusal_of
from idferry.graph.senders import Senders
from idferry.graph.transport import BATCH_SIZE_MAX, Call
from idferry.graph.waiting import LOOK_AGAIN_SECONDS_FIRST, LOOK_AGAIN_SECONDS_MAX
from idferry.graph.wire import DISABLING_BODY, Names, patch_body
from idferry.rules.account import AccountChange
from idferry.rules.answers import ChangeAnswer, Fatal
from idferry.rules.quota import Pace


class AccountUpdating:
    """`ports.AccountUpdater` over Microsoft Graph. Its futures may raise DirectoryError and Stopped."""

    def __init__(
        self,
        *,
        asking: Asking,
        naming: Naming,
        senders: Senders,
        gate: Gate,
        settle: timedelta,
        machine: Machine,
    ) -> None:
        """`settle`: how long an account that was created a moment ago may take to be found."""
        self._asking = asking
        self._naming = naming
        self._senders = senders
        self._gate = gate
        self._settle_s = settle.total_seconds()
        self._machine = machine

    def update(self, changes: Sequence[AccountChange]) -> "Future[Mapping[str, ChangeAnswer]]":
        """Change accounts, at most 20: object id -> what became of it."""
        assert len(changes) <= BATCH_SIZE_MAX  # noqa: S101  a bug of the caller
        return self._senders.submit(lambda: self._update(changes))

    def disable(self, object_ids: Sequence[str]) -> "Future[Mapping[str, ChangeAnswer]]":
        """Disable accounts, at most 20; answers like `update`."""
        assert len(object_ids) <= BATCH_SIZE_MAX  # noqa: S101  a bug of the caller
        return self._senders.submit(lambda: self._send([(one, _disabling(one)) for one in object_ids], {}))

    def pace(self) -> Pace:
        """How fast accounts may be changed from now on, and who holds us back."""
        return self._gate.pace(WRITE)

    def _update(self, changes: Sequence[AccountChange]) -> Mapping[str, ChangeAnswer]:
        answers: dict[str, ChangeAnswer] = {}
        return self._send(_encoded(changes, self._naming.names(), answers), answers)

    def _send(
        self, waiting: list[tuple[str, Call]], answers: dict[str, ChangeAnswer]
    ) -> Mapping[str, ChangeAnswer]:
        """The definite answers, beside those that are known already.

        A change of an account right after its creation is answered 404 although it exists, so that answer is
        believed only when the directory had time to settle.
        """
        deadline_s = self._machine.clock.elapsed() + self._settle_s
        pause_s = LOOK_AGAIN_SECONDS_FIRST
        while waiting:
            replies = self._asking.many([call for _, call in waiting])
            answers |= {one: _answer(reply) for (one, _), reply in zip(waiting, replies, strict=True)}
            waiting = [(one, call) for one, call in waiting if answers[one] == NotFound.code]
            left_s = deadline_s - self._machine.clock.elapsed()
            if left_s <= 0:
                break
            if waiting:
                self._machine.pauses.rest(min(pause_s, left_s))
                pause_s = min(pause_s * 2, LOOK_AGAIN_SECONDS_MAX)
        return answers


def _answer(reply: Reply) -> ChangeAnswer:
    if reply.succeeded:
        return ""
    refusal = refusal_of(reply)
    if issubclass(refusal.error, FOR_EVERYBODY):
        return Fatal(refusal.error.code, refusal.reason)
    return refusal.error.code


def _encoded(
    changes: Sequence[AccountChange], names: Names, answers: dict[str, ChangeAnswer]
) -> list[tuple[str, Call]]:
    """The calls to make; a change that cannot be encoded gets its code at once."""
    calls = []
    for change in changes:
        try:
            body = patch_body(change, names)
        except UnicodeEncodeError:
            answers[change.object_id] = InvalidValue.code
            continue
        calls.append((change.object_id, Call("PATCH", queries.one(queries.USERS, change.object_id), body)))
    return calls


def _disabling(object_id: str) -> Call:
    return Call("PATCH", queries.one(queries.USERS, object_id), DISABLING_BODY)
