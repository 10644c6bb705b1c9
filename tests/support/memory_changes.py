"""Changing the accounts of a directory in memory, and taking them away: two of its ports. See `memory_directory`."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from idferry.errors import (
    Conflict,
    DirectoryError,
    NotFound,
    Unreachable,
)
from idferry.rules.account import Account, AccountChange
from idferry.rules.answers import (
    ChangeAnswer,
)
from idferry.rules.quota import Pace

if TYPE_CHECKING:
    from tests.support.memory_directory import MemoryTenant


def done(answer: Any) -> "Future[Any]":
    """A future that is done."""
    future: Future[Any] = Future()
    future.set_result(answer)
    return future


def raising(failure: DirectoryError) -> "Future[Any]":
    """A future that has failed."""
    future: Future[Any] = Future()
    future.set_exception(failure)
    return future


@dataclass
class MemoryUpdater:
    """`ports.AccountUpdater`. `refuses`: object id -> what its change answers.

    Every future is done when it is returned. `before_call` hears the object id of each change and may raise.
    """

    tenant: "MemoryTenant"
    refuses: dict[str, ChangeAnswer] = field(default_factory=dict)
    before_call: Callable[[str], None] = lambda object_id: None

    def update(self, changes: Sequence[AccountChange]) -> "Future[Mapping[str, ChangeAnswer]]":
        return self._each({change.object_id: change for change in changes}, "update")

    def disable(self, object_ids: Sequence[str]) -> "Future[Mapping[str, ChangeAnswer]]":
        return self._each(dict.fromkeys(object_ids), "disable")

    def pace(self) -> Pace:
        return self.tenant.writer.pace()

    def _each(
        self, changes: Mapping[str, AccountChange | None], kind: str
    ) -> "Future[Mapping[str, ChangeAnswer]]":
        assert len(changes) <= 20, "Graph takes at most 20 in one $batch"
        if self.tenant.unreachable:
            return raising(Unreachable("no connection"))
        answers = {}
        for object_id, change in changes.items():
            self.before_call(object_id)
            self.tenant.calls.append((kind, object_id))
            answers[object_id] = self.refuses.get(object_id) or self._change(object_id, change)
        return done(answers)

    def _change(self, object_id: str, change: AccountChange | None) -> str:
        account = self.tenant.visible_by_id(object_id)
        if account is None:
            self.tenant.clock.sleep(self.tenant.settle.total_seconds())
            account = self.tenant.visible_by_id(object_id)
        if account is None:
            return NotFound.code
        if change is None:
            self.tenant.change(object_id, enabled=False)
            return ""
        values = {**account.values, **change.values}
        flag = account.flag if change.flag is None else change.flag
        self.tenant.change(change.object_id, values=values, flag=flag)
        return ""


@dataclass
class MemoryRemover:
    """`ports.AccountRemover`. `refuses`: object id -> code of the error class that its deletion answers."""

    tenant: "MemoryTenant"
    refuses: dict[str, str] = field(default_factory=dict)

    def usage(self, object_ids: Sequence[str]) -> Mapping[str, Account]:
        self.tenant.check_reachable()
        found = {one: self.tenant.visible_by_id(one) for one in object_ids}
        shown = self.tenant.shows_sign_ins
        return {one: replace(account, sign_ins_shown=shown) for one, account in found.items() if account}

    def delete(self, object_ids: Sequence[str]) -> Mapping[str, str]:
        return {one: self._delete(one) for one in object_ids}

    def deleted(self, object_ids: Sequence[str]) -> Mapping[str, Account]:
        self.tenant.check_reachable()
        kept = {one: self.tenant.stored.get(one) for one in object_ids}
        return {object_id: one.account for object_id, one in kept.items() if one and one.deleted}

    def purge(self, object_ids: Sequence[str]) -> Mapping[str, str]:
        self.tenant.check_reachable()
        for object_id in self.deleted(object_ids):
            self.tenant.calls.append(("purge", object_id))
            del self.tenant.stored[object_id]
        return dict.fromkeys(object_ids, "")

    def restore(self, object_ids: Sequence[str]) -> Mapping[str, str]:
        self.tenant.check_reachable()
        return {one: self._restore(one) for one in object_ids}

    def _delete(self, object_id: str) -> str:
        self.tenant.check_reachable()
        self.tenant.calls.append(("delete", object_id))
        if object_id in self.refuses:
            return self.refuses[object_id]
        if object_id in self.tenant.stored:
            self.tenant.stored[object_id].deleted = True
        return ""

    def _restore(self, object_id: str) -> str:
        kept = self.tenant.stored.get(object_id)
        if kept is None:
            return NotFound.code
        if kept.deleted and any(other.claims & kept.claims for other in self.tenant.live()):
            return Conflict.code
        kept.deleted = False
        return ""
