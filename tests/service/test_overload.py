"""More sign-ins than threads: whoever finds none hears so at once, nobody hears that a right password is wrong, and no
thread is lost."""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from tests.support.service_stage import BASIC, Answered, asgi_call
from tests.support.sign_in_stage import PROVIDER, B2cStage, ExternalStage, SignInStage

from idferry.ports import LegacyRef
from idferry.rules.verdict import Match, Verdict
from idferry.service.external_id import PATH, Action
from idferry.service.messages import TEXTS, Text

THREADS, WAITING, REFUSED = 2, 2, 5  # of the stage
PASSWORD = "Old-Password-1"
LONG_S = 20.0

Story = Callable[[], Awaitable[list[Answered]]]


class SlowLegacy:
    """It knows every password, and says so when it is let go. `asked`: how many asked."""

    def __init__(self, stage: SignInStage) -> None:
        self.asked = 0
        self._go = threading.Event()
        stage.world.legacy.says = self._say

    def _say(self, _: LegacyRef) -> Verdict:
        self.asked += 1
        self._go.wait(LONG_S)
        return Match()

    def let_go(self) -> None:
        self._go.set()


def names() -> Sequence[str]:
    return [f"p{number}@example.com" for number in range(THREADS + WAITING + REFUSED)]


def all_at_once(
    stage: SignInStage, legacy: SlowLegacy, ask: Callable[[str], Awaitable[Answered]]
) -> list[Answered]:
    """What they all hear; the legacy system is let go once everybody who finds no place has his answer."""

    async def story() -> list[Answered]:
        tasks = [asyncio.ensure_future(ask(name)) for name in names()]
        while sum(task.done() for task in tasks) < REFUSED or legacy.asked < THREADS:
            await asyncio.sleep(0.005)
        assert stage.threads.calls == THREADS + WAITING
        legacy.let_go()
        return [await task for task in tasks]

    return asyncio.run(asyncio.wait_for(story(), LONG_S))


def external_asks(stage: ExternalStage) -> Callable[[str], Awaitable[Answered]]:
    bearer = [("Authorization", f"Bearer {PROVIDER.sign(stage._token())}")]

    def ask(name: str) -> Awaitable[Answered]:
        event = stage.event(name, PASSWORD, object_id=stage.world.person(name), nonce=f"nonce-of-{name}")
        return asgi_call(stage.service.tenant, "POST", PATH, [json.dumps(event).encode()], headers=bearer)

    return ask


@pytest.mark.parametrize(
    ("outage", "expected"), [("block", Action.BLOCK), ("retry", Action.RETRY), ("error", None)]
)
def test_whom_external_id_finds_no_thread_for_hears_the_outage_at_once(
    outage: Any, expected: Action | None
) -> None:
    stage = ExternalStage(outage_answer=outage)
    legacy = SlowLegacy(stage)
    heard = all_at_once(stage, legacy, external_asks(stage))
    assert legacy.asked == THREADS + WAITING
    served, refused = heard[: THREADS + WAITING], heard[THREADS + WAITING :]
    assert [_action(one) for one in served] == [Action.MIGRATE] * len(served)
    assert [_action(one) for one in refused] == [expected] * REFUSED
    assert {one.status for one in refused} == {503 if outage == "error" else 200}
    assert stage.paused == [], "an answer that tells nothing of anybody is not held back"
    _is_as_before(
        stage,
        lambda name: stage.submit(name, PASSWORD, object_id=stage.world.person(name), nonce=name),
    )
    stage.close()


def test_whom_b2c_finds_no_thread_for_hears_the_outage_at_once() -> None:
    stage = B2cStage(negative_reply_at_s=3.0)
    legacy = SlowLegacy(stage)

    def ask(name: str) -> Awaitable[Answered]:
        question = {"email": name, "password": PASSWORD, "objectId": stage.world.person(name)}
        body = [json.dumps(question).encode()]
        return asgi_call(stage.service.tenant, "POST", "/api/migration/sign-in", body, headers=[BASIC])

    heard = all_at_once(stage, legacy, ask)
    assert [one.status for one in heard] == [200] * (THREADS + WAITING) + [409] * REFUSED
    told = {one.document["userMessage"] for one in heard[THREADS + WAITING :]}
    assert told == {TEXTS["en"][Text.TRY_LATER]}
    assert stage.paused == []
    _is_as_before(stage, lambda name: stage.sign_in(name, PASSWORD, objectId=stage.world.person(name)))
    stage.close()


def _is_as_before(stage: SignInStage, sign_in: Callable[[str], Answered]) -> None:
    """No thread and no place is lost, and nobody's attempt is spent."""
    assert stage.threads.calls == 0
    for number in range(THREADS + WAITING):
        answer = sign_in(f"later{number}@example.com")
        assert answer.status == 200
        assert b"MigratePassword" in answer.body or answer.document.get("tokenSuccess") is True
    counted = b'idferry_alerts_total{alert="overloaded"} %d.0' % REFUSED
    assert counted in stage.books.metrics.text()  # type: ignore[attr-defined]  # both stages have books


def _action(answer: Answered) -> str | None:
    return answer.document["data"]["actions"][0]["@odata.type"] if answer.status == 200 else None
