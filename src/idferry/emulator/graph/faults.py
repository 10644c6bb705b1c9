"""Faults on demand: errors before or after the write, cut connections, slow, garbled and truncated answers.

Rules come from the control API and are drawn from a seeded generator. Nothing fails unless it was asked to.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

from idferry.emulator.entropy import seeded
from idferry.emulator.graph.errors import GraphError, bad_token
from idferry.emulator.graph.throttle import too_many_requests

FaultKind = Literal["status", "cut_before", "cut_after", "slow", "garbage", "truncate"]
GARBAGE = "<html><head><title>502 Bad Gateway</title></head><body>upstream went away</body></html>"

_CODES = {
    500: ("Service_InternalServerError", "Encountered an internal server error."),
    502: ("BadGateway", "The service received an invalid response from an upstream server."),
    503: ("ServiceUnavailable", "The service is temporarily unavailable."),
    504: ("GatewayTimeout", "The upstream server did not answer in time."),
}


class FaultRule(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """When to fail and how.

    Attributes:
        operation: an operation's name, `batch`, `token`, or `any` (every Graph request).
        after_write: for `status` and `garbage`: the request is carried out first.
        rate: share of matching requests that fail, 0 to 1.
        count: how many times it strikes at most; None: no end.
        skip: how many matching requests pass before it may strike.
        item: True: batch items only; False: requests of their own only; None: both.
    """

    operation: str = "any"
    kind: FaultKind = "status"
    status: int = 503
    after_write: bool = False
    rate: float = 1.0
    count: int | None = None
    skip: int = 0
    retry_after: str | None = None
    delay_ms: float = 0.0
    item: bool | None = None


class Faults:
    """The rules in force."""

    def __init__(self) -> None:
        self.set_rules([], seed=0)

    def set_rules(self, rules: Sequence[FaultRule], *, seed: int | str) -> None:
        """Replaces all rules."""
        self._rules = list(rules)
        self._chance = seeded(seed)

    @property
    def none(self) -> bool:
        """Whether nothing can fail."""
        return not self._rules

    def draw(self, operation: str, *, in_batch: bool) -> FaultRule | None:
        """The fault that strikes this request, if any."""
        for rule in self._rules:
            if not _matches(rule, operation, in_batch=in_batch) or rule.count == 0:
                continue
            if rule.skip > 0:
                rule.skip -= 1
                continue
            if rule.rate < 1.0 and self._chance.random() >= rule.rate:
                continue
            if rule.count is not None:
                rule.count -= 1
            return rule
        return None


def _matches(rule: FaultRule, operation: str, *, in_batch: bool) -> bool:
    if rule.item is not None and rule.item != in_batch:
        return False
    return rule.operation == operation or (rule.operation == "any" and operation != "token")


def error_of(rule: FaultRule) -> GraphError:
    """The answer of a `status` fault."""
    headers = {} if rule.retry_after is None else {"Retry-After": rule.retry_after}
    if rule.status == 429:
        return too_many_requests(headers=headers)
    if rule.status == 401:
        return bad_token("Access token has expired or is not yet valid.")
    code, message = _CODES.get(rule.status, ("UnknownError", ""))
    return GraphError(rule.status, code, message, headers=headers)
