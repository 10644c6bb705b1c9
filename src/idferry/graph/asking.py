"""Calls that may be repeated: reading, deleting, restoring. They are, a bounded number of times.

Creating an account never goes through here: there the ledger must see every attempt.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeGuard

from idferry.errors import UnexpectedAnswer
from idferry.graph.machine import Machine
from idferry.graph.replies import NoReply, Outcome, Reply, error_of
from idferry.graph.transport import BATCH_SIZE_MAX, Call, Transport
from idferry.graph.waiting import backoff_seconds

TRIES_MAX = 8
PAGES_MAX = 100_000  # 5.25 million objects, the largest tenant that is documented, take 5,256 pages of 999
# Whoever looks for a few objects waits for the answer: a list that goes on is no answer to the question.
LOOK_UP_PAGES_MAX = 10


class Asking:
    """Asks the directory until it says something definite."""

    def __init__(self, *, transport: Transport, machine: Machine) -> None:
        self._transport = transport
        self._machine = machine

    def one(self, call: Call) -> Reply:
        """The definite answer to one call: anything but 429, 5xx and silence.

        Raises:
            Throttled, Unreachable: no such answer after some tries.
            TokenRefused, Stopped.
        """
        return self._insist(lambda: self._transport.send(call))

    def many(self, calls: Sequence[Call]) -> list[Reply]:
        """The definite answers to any number of calls, in their order, asked 20 at a time; raises like `one`."""
        replies: list[Reply] = []
        for start in range(0, len(calls), BATCH_SIZE_MAX):
            replies += self._chunk(calls[start : start + BATCH_SIZE_MAX])
        return replies

    def pages(self, path: str, *, pages_max: int = PAGES_MAX) -> Iterator[Mapping[str, Any]]:
        """Every object of a list, page by page as they are asked for; raises like `objects`."""
        yield from self.objects(self.one(Call("GET", path)), pages_max=pages_max)

    def objects(
        self, first_page: Reply, *, pages_max: int = LOOK_UP_PAGES_MAX
    ) -> Iterator[Mapping[str, Any]]:
        """The objects of a page and of all that follow it. A page may be empty and still not be the last.

        Raises:
            UnexpectedAnswer: a page leads to another host or back to one that was read, or there is no end of them.
            DirectoryError: a page was refused, or is not a list.
        """
        reply = first_page
        followed: set[bytes] = set()
        for _ in range(pages_max):
            yield from _listed(reply)
            next_link = (reply.body or {}).get("@odata.nextLink")
            if next_link is None:
                return
            mark = hashlib.blake2b(str(next_link).encode("utf-8", "replace"), digest_size=16).digest()
            if mark in followed:
                raise UnexpectedAnswer("a list leads back to a page that was read before")
            followed.add(mark)
            reply = self._next_page(str(next_link))
        raise UnexpectedAnswer(f"a list does not end after {pages_max} pages")

    def _next_page(self, next_link: str) -> Reply:
        return self._insist(lambda: self._transport.follow(next_link))

    def _insist(self, attempt: Callable[[], Outcome]) -> Reply:
        outcome = attempt()
        for tries in range(1, TRIES_MAX):
            if _is_definite(outcome):
                return outcome
            self._rest(tries, [outcome])
            outcome = attempt()
        if _is_definite(outcome):
            return outcome
        raise error_of(outcome)

    def _chunk(self, calls: Sequence[Call]) -> list[Reply]:
        """One `$batch`, and again what was not answered definitely."""
        outcomes = self._batch(calls)
        for tries in range(1, TRIES_MAX):
            open_places = [place for place, one in enumerate(outcomes) if not _is_definite(one)]
            if not open_places:
                break
            self._rest(tries, [outcomes[place] for place in open_places])
            again = self._batch([calls[place] for place in open_places])
            for place, outcome in zip(open_places, again, strict=True):
                outcomes[place] = outcome
        return [_definite(outcome) for outcome in outcomes]

    def _batch(self, calls: Sequence[Call]) -> list[Outcome]:
        outcomes = self._transport.batch(calls)
        for outcome in outcomes:
            if isinstance(outcome, NoReply) and outcome.error:
                raise outcome.error
        return outcomes

    def _rest(self, tries: int, failed: Sequence[Outcome]) -> None:
        """Wait before the next try; where the tenant holds us back, the gate alone waits for as long as it says."""
        if not any(isinstance(outcome, Reply) and outcome.throttled for outcome in failed):
            self._machine.pauses.rest(backoff_seconds(tries, jitter=self._machine.jitter()))


def _listed(reply: Reply) -> list[Mapping[str, Any]]:
    """The objects of one page. Raises DirectoryError when it is a refusal or no page."""
    if not reply.succeeded:
        raise error_of(reply)
    value = (reply.body or {}).get("value")
    if not isinstance(value, list):
        raise UnexpectedAnswer(f"a list without a value (HTTP {reply.status})")
    return [entry for entry in value if isinstance(entry, dict)]


def _is_definite(outcome: Outcome) -> TypeGuard[Reply]:
    return not isinstance(outcome, NoReply) and not outcome.throttled and not outcome.unclear


def _definite(outcome: Outcome) -> Reply:
    if _is_definite(outcome):
        return outcome
    raise error_of(outcome)
