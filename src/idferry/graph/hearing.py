"""What the gate hears of the answers to one HTTP request: how it went, who is held back, and what was spent.

Nothing here knows what the calls were for.
"""

from collections.abc import Sequence
from datetime import datetime

from idferry.graph.costs import FREE, Cost, total_of
from idferry.graph.replies import NoReply, Outcome, Reply
from idferry.graph.traffic import HeldBack, Passed, Refusal, Scope, Stumbled, Verdict, scope_of
from idferry.graph.waiting import retry_after_seconds, time_told


def verdict_of(outcomes: Sequence[Outcome], *, now: datetime) -> Verdict:
    """How it went: the items of a `$batch`, or the one answer that stands for all of them.

    `now` is this machine's time of day, for answers that tell none of their own.
    """
    replies = [one for one in outcomes if isinstance(one, Reply)]
    if replies and all(one.succeeded for one in replies):  # nearly always
        return Passed()
    passed = any(not one.throttled and not one.unclear for one in replies)
    held_back = [one for one in replies if one.throttled]
    if held_back:
        return HeldBack(_refusals(held_back, now), some_passed=passed)
    if passed:
        return Passed()
    waits = [_asked_to_wait(one, now) for one in replies if one.unclear]
    return Stumbled(max((one for one in waits if one is not None), default=None))


def spent_of(costs: Sequence[Cost], outcomes: Sequence[Outcome], verdict: Verdict) -> Cost:
    """What of the costs was accepted, as far as is known; what got no clear answer counts as accepted."""
    match verdict:
        case HeldBack() if len(outcomes) == len(costs):
            return total_of(
                one for one, outcome in zip(costs, outcomes, strict=True) if not _was_refused(outcome)
            )
        case HeldBack():
            return FREE
        case Stumbled() if isinstance(outcomes[0], NoReply) and not outcomes[0].maybe_done:
            return FREE
    return total_of(costs)


def _was_refused(outcome: Outcome) -> bool:
    return isinstance(outcome, Reply) and outcome.throttled


def _refusals(replies: Sequence[Reply], now: datetime) -> tuple[Refusal, ...]:
    """One for each scope, with the longest wait that was asked for."""
    longest: dict[Scope, float | None] = {}
    for reply in replies:
        scope, wait_s = scope_of(reply.headers.get("x-ms-throttle-scope")), _asked_to_wait(reply, now)
        before = longest.setdefault(scope, wait_s)
        if wait_s is not None and (before is None or wait_s > before):
            longest[scope] = wait_s
    return tuple(Refusal(scope, wait_s) for scope, wait_s in longest.items())


def _asked_to_wait(reply: Reply, now: datetime) -> float | None:
    # A date counts from the directory's own time of day: the clock of this machine may be minutes off.
    told = time_told(reply.headers.get("date"))
    return retry_after_seconds(reply.headers.get("retry-after"), now=told or now)
