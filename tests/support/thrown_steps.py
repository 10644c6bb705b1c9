"""The places of the service in which a bug is planted, each with a text that quotes what it was given.

A bug is an error that nobody expected: its message, its causes and its traceback may quote a password. Planted in every
step between the door and the directory, it shows what tells too much.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

_SERVICE, _FLOWS = "idferry.service", "idferry.flows"
STEPS = (
    f"{_SERVICE}.caller_auth.CallerAuth._by_secret",
    f"{_SERVICE}.doors._correlation_id",
    f"{_SERVICE}.doors.read_body",
    f"{_SERVICE}.doors._send",
    f"{_SERVICE}.b2c_sign_in._decode_question",
    f"{_SERVICE}.b2c_sign_in._decode_notice",
    f"{_SERVICE}.b2c_sign_in.newcomer_body",
    f"{_SERVICE}.b2c_sign_in.masked",
    f"{_SERVICE}.b2c_sign_in.reply_at",
    f"{_SERVICE}.external_id._decode",
    f"{_SERVICE}.external_id._response",
    f"{_SERVICE}.external_id.masked",
    f"{_SERVICE}.bearer_tokens.TokenCheck.accepts",
    f"{_SERVICE}.password_context.PasswordContexts.read",
    f"{_SERVICE}.capture._decode",
    f"{_SERVICE}.capture._captured",
    f"{_SERVICE}.capture._answer",
    f"{_SERVICE}.capture_queue.CaptureQueue.put",
    f"{_SERVICE}.newcomers._decode",
    f"{_SERVICE}.newcomers.newcomer_body",
    f"{_SERVICE}.reset_status._decode",
    f"{_SERVICE}.reset_status.masked",
    f"{_SERVICE}.answers.error_body",
    f"{_SERVICE}.logs.PersonIds.of",
    f"{_SERVICE}.metrics.Metrics.answered",
    f"{_SERVICE}.tracing.Trace.call",
    f"{_SERVICE}.workers.Workers.run",
    f"{_FLOWS}.migrate_on_sign_in.compared_form",
    f"{_FLOWS}.migrate_on_sign_in.password_mark",
    f"{_FLOWS}.migrate_on_sign_in.ask_legacy",
    f"{_FLOWS}.migrate_on_sign_in.decide",
    f"{_FLOWS}.migrate_on_sign_in.obstacle",
    f"{_FLOWS}.migrate_on_sign_in.claim_newcomer",
    f"{_FLOWS}.capture._person",
    f"{_FLOWS}.capture._waited",
    "idferry.stores.guard.SqliteGuard.book",
    "idferry.stores.guard.SqliteGuard.settle",
    "idferry.stores.submissions.RunningSubmissions.join",
    "idferry.ledger.sign_ins.LedgerSignIns._find",
    "idferry.ledger.sign_ins.LedgerSignIns.note",
    "idferry.ledger.sign_ins._record",
    "idferry.wiring.protected_verifiers.Protected.verify",
    "idferry.connectors.web_service.WebServiceVerifier.verify",
    "idferry.connectors.web_service._filled",
    "idferry.outbound.client.Outbound.exchange",
    "idferry.outbound.client.Outbound._over_http",
    "idferry.graph.sign_ins.SignInAccounts.facts",
    "idferry.graph.sign_ins.SignInAccounts._facts",
    "idferry.graph.sign_ins.SignInAccounts.write_password",
    "idferry.graph.sign_ins.SignInAccounts._patch",
    "idferry.graph.sign_ins.password_body",
    "idferry.rules.password.Password.reveal_to",
    # After these nobody is checked any more: a call that never came back keeps its place.
    "idferry.stores.submissions.RunningSubmissions.settle",
    "idferry.wiring.protected_verifiers.Protected._hear",
    "idferry.wiring.protected_verifiers.Protected._made",
)


class Planted(Exception):
    """A bug. Its text is whatever the step held."""


@dataclass
class Thrown:
    """How often the step threw."""

    times: int = 0


@contextmanager
def thrown_in(place: str, quoted: Callable[[], str]) -> Iterator[Thrown]:
    """While the block runs, this step throws a text that quotes what the test knows it was given."""
    module, _, name = place.rpartition(".")
    owner = _owner(module)
    assert hasattr(owner, name), f"there is no {place}"
    thrown = Thrown()

    def throw(*_: Any, **__: Any) -> Any:
        thrown.times += 1
        raise Planted(f"cannot do anything with {quoted()}", quoted()) from ValueError(f"held {quoted()}")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, name, throw)
        yield thrown


def _owner(module: str) -> Any:
    try:
        return __import__(module, fromlist=["*"])
    except ModuleNotFoundError:
        outer, _, name = module.rpartition(".")
        return getattr(__import__(outer, fromlist=[name]), name)
