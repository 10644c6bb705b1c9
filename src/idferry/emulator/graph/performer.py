"""Carries a request out: faults, allowances, the operation itself, and the count of how it ended.

The same path for a request of its own and for an item of a batch. Knows nothing of HTTP servers.
"""

from collections.abc import Mapping
from typing import Any

from idferry.emulator.clock import Clock
from idferry.emulator.graph import batch
from idferry.emulator.graph.counts import Counts
from idferry.emulator.graph.errors import GraphError
from idferry.emulator.graph.exchange import Answer, Call, ConnectionCut
from idferry.emulator.graph.faults import (
    BATCH_DAMAGES,
    DAMAGES,
    GARBAGE,
    FaultRule,
    Faults,
    error_of,
    spoil_entries,
)
from idferry.emulator.graph.operations import name_of, operation_of
from idferry.emulator.graph.throttle import Throttle
from idferry.emulator.graph.waiting import Waiting

BATCH = "batch"


class Performer:
    """Answers calls, under the faults and allowances in force."""

    def __init__(self, *, clock: Clock, faults: Faults, throttle: Throttle, counts: Counts) -> None:
        self._clock = clock
        self._faults = faults
        self._throttle = throttle
        self._counts = counts
        self.waiting = Waiting(clock)
        self._resets = 0

    def forget(self) -> None:
        """As new. What is still held back belongs to the time before: it is cut off and writes nothing any more."""
        self.waiting.forget()
        self._resets += 1

    async def run(self, call: Call) -> Answer:
        """The answer; ConnectionCut when a fault closes the connection instead."""
        if not call.in_batch and self.waiting.is_early(call):
            self._counts.came_early()
        answer = await self._run(call)
        self.waiting.note(call, answer)
        return answer

    async def _run(self, call: Call) -> Answer:
        name = (
            BATCH
            if call.segments == ("$batch",) and not call.in_batch
            else name_of(call.method, call.segments)
        )
        fault = None if self._faults.none else self._faults.draw(name, in_batch=call.in_batch)
        if fault is not None:
            return await self._run_with_fault(call, name, fault)
        self._counts.arrived(name)
        try:
            answer = await self._attempt(call, name)
        except ConnectionCut:
            self._counts.ended(name, "cut_inside")
            raise
        self._counts.ended(name, answer.status)
        return answer

    async def _run_with_fault(self, call: Call, name: str, fault: FaultRule) -> Answer:
        if fault.kind == "cut_before":
            self._count_unseen(call, name)
            raise ConnectionCut
        self._counts.arrived(name)
        if fault.kind in ("status", "garbage", "refusal") and not fault.after_write:
            self._counts.ended(name, _named(fault))
            return _damaged(call, fault, Answer(fault.status))
        if fault.kind == "slow":
            resets = self._resets
            await self._clock.pause(fault.delay_ms / 1000)
            if self._resets != resets:
                raise ConnectionCut
        if fault.kind == "twice":
            return await self._run_twice(call, name, first_counts=fault.after_write)
        answer = await self._attempt(call, name)
        self._counts.ended(name, f"{_named(fault)}_after_{answer.status}")
        if fault.kind == "slow":
            return answer
        if fault.kind in BATCH_DAMAGES:
            if name == BATCH and isinstance(answer.body, dict) and "responses" in answer.body:
                spoil_entries(fault.kind, answer.body["responses"], chance=self._faults.chance)
            return answer
        return _damaged(call, fault, answer)

    async def _run_twice(self, call: Call, name: str, *, first_counts: bool) -> Answer:
        """A gateway on the way delivers one request two times and passes one of the answers on."""
        first = await self._attempt(call, name)
        self._counts.ended(name, f"twice_after_{first.status}")
        self._counts.arrived(name)
        second = await self._attempt(call, name)
        self._counts.ended(name, second.status)
        return first if first_counts else second

    async def _attempt(self, call: Call, name: str) -> Answer:
        headers: dict[str, str] = {}
        try:
            if name == BATCH:
                return await self._run_batch(call)
            operation = operation_of(call)
            headers = self._throttle.pass_or_refuse(call, operation)
            answer = operation.perform(call)
        except GraphError as error:
            return error_answer(
                error, headers=call.headers, request_id=call.entropy.guid(), now_s=call.now_s, told=headers
            )
        answer.headers |= headers
        return answer

    async def _run_batch(self, call: Call) -> Answer:
        items = batch.read_items(call.json_object())
        entries: list[dict[str, Any]] = []
        failed = False
        for item in items:
            item_call = batch.call_of(item, outer=call)
            if failed and item.waits_for is not None:
                error = batch.failed_dependency()
                answer = error_answer(
                    error, headers=call.headers, request_id=call.entropy.guid(), now_s=call.now_s
                )
            else:
                answer = await self.run(item_call)
            failed = answer.status >= 400
            entries.append(batch.shown(item, answer))
        # The order of answers is not promised, so nobody may rely on it.
        call.entropy.shuffle(entries)
        return Answer(200, {"responses": entries})

    def _count_unseen(self, call: Call, name: str) -> None:
        self._counts.ended(name, "cut_before")
        if name != BATCH:
            return
        try:
            items = batch.read_items(call.json_object())
        except GraphError:
            return
        for item in items:
            item_call = batch.call_of(item, outer=call)
            self._counts.ended(name_of(item_call.method, item_call.segments), "cut_before")


def _damaged(call: Call, fault: FaultRule, answer: Answer) -> Answer:
    if fault.kind == "cut_after":
        raise ConnectionCut
    if fault.kind in DAMAGES:
        answer.spoil, answer.pause_ms = fault.kind, fault.delay_ms
        return answer
    if fault.kind == "garbage":
        return Answer(fault.status, GARBAGE, {"Content-Type": "text/html"})
    error = error_of(fault, now_s=call.now_s)
    return error_answer(error, headers=call.headers, request_id=call.entropy.guid(), now_s=call.now_s)


def _named(fault: FaultRule) -> str:
    """How the counts call it."""
    if fault.kind == "refusal":
        return f"refusal_{fault.refusal}"
    return f"{fault.kind}_{fault.status}" if fault.kind in ("status", "garbage") else fault.kind


def error_answer(
    error: GraphError,
    *,
    headers: Mapping[str, str],
    request_id: str,
    now_s: float,
    told: Mapping[str, str] | None = None,
) -> Answer:
    """A refusal as an answer."""
    client_request_id = headers.get("client-request-id", "")
    body = error.body(request_id=request_id, client_request_id=client_request_id, now_s=now_s)
    return Answer(error.status, body, {**(told or {}), **error.headers})
