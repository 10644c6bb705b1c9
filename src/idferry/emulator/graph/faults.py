"""Faults on demand: errors before or after the write, refusals, doubled calls, batches with wrong entries.

Rules come from the control API and are drawn from a seeded generator. Nothing fails unless it was asked to. How an
answer is hurt on its way out stands in `damage`.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Literal, get_args

import msgspec

from idferry.emulator.clock import http_date
from idferry.emulator.entropy import seeded
from idferry.emulator.graph import errors
from idferry.emulator.graph.damage import Damage
from idferry.emulator.graph.errors import GraphError
from idferry.emulator.graph.throttle import too_many_requests

BatchDamage = Literal["drop_item", "double_item", "misplace_item"]
FaultKind = Literal[
    "status", "refusal", "cut_before", "cut_after", "slow", "twice", "garbage", Damage, BatchDamage
]
Refusal = Literal["conflict", "weak_password", "invalid_values", "invalid_property", "quota", "denied"]
GARBAGE = "<html><head><title>502 Bad Gateway</title></head><body>upstream went away</body></html>"
DAMAGES = frozenset(get_args(Damage))
BATCH_DAMAGES = frozenset(get_args(BatchDamage))
# Continuous access evaluation: https://learn.microsoft.com/entra/identity-platform/claims-challenge
CLAIMS_CHALLENGE = (
    'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", '
    'error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZX19fQ=="'
)

_CODES = {
    500: ("Service_InternalServerError", "Encountered an internal server error."),
    502: ("BadGateway", "The service received an invalid response from an upstream server."),
    503: ("ServiceUnavailable", "The service is temporarily unavailable."),
    504: ("GatewayTimeout", "The upstream server did not answer in time."),
}
_REFUSALS: dict[Refusal, Callable[[], GraphError]] = {
    "conflict": lambda: errors.conflict("proxyAddresses", other_id=None),
    "weak_password": errors.weak_password,
    "invalid_values": errors.invalid_values,
    "invalid_property": lambda: errors.invalid_property("city"),
    "quota": errors.directory_full,
    "denied": errors.denied,
}


class FaultRule(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """When to fail and how.

    Attributes:
        operation: an operation's name, `batch`, `token`, or `any` (every Graph request).
        kind: `status` and `garbage` answer an error; `refusal` says no in Graph's words; `twice` carries the request
            out twice; of `batch`, `drop_item` leaves an entry out, `double_item` shows one under the id of another
            as well, `misplace_item` shows it there only; the others are told in `damage`.
        after_write: for `status` and `garbage`: the request is carried out first; for `twice`: the first answer counts.
        rate: share of matching requests that fail, 0 to 1.
        count: how many times it strikes at most; None: no end.
        skip: how many matching requests pass before it may strike.
        retry_after: the header's text; `retry_after_date_s` makes it the HTTP date so many seconds from now.
        delay_ms: for `slow` before the answer, for `trickle` between two bytes of it; in emulated time.
        refusal: which one, for `refusal`.
        challenge: with status 401: another token is asked for by a claims challenge.
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
    retry_after_date_s: float | None = None
    delay_ms: float = 0.0
    refusal: Refusal = "invalid_values"
    challenge: bool = False
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

    @property
    def chance(self) -> Random:
        """What else is drawn for a fault that struck: which entry of a batch."""
        return self._chance

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


def error_of(rule: FaultRule, *, now_s: float) -> GraphError:
    """The answer of a `status` or `refusal` fault."""
    if rule.kind == "refusal":
        return _REFUSALS[rule.refusal]()
    headers = {} if rule.retry_after is None else {"Retry-After": rule.retry_after}
    if rule.retry_after_date_s is not None:
        headers = {"Retry-After": http_date(now_s + rule.retry_after_date_s)}
    if rule.status == 429:
        return too_many_requests(headers=headers)
    if rule.status == 401:
        challenge = {"WWW-Authenticate": CLAIMS_CHALLENGE} if rule.challenge else {}
        return GraphError(
            401,
            "InvalidAuthenticationToken",
            "Access token has expired or is not yet valid.",
            headers=challenge,
        )
    code, message = _CODES.get(rule.status, ("UnknownError", ""))
    return GraphError(rule.status, code, message, headers=headers)


def spoil_entries(kind: str, entries: list[Any], *, chance: Random) -> None:
    """Leaves one entry of a batch's answer out, or shows it under the id of another, as well or only there."""
    one, other = chance.choice(entries), chance.choice(entries)
    if kind in ("drop_item", "misplace_item"):
        entries.remove(one)
    if kind == "misplace_item" and entries:
        other = chance.choice(entries)
    if kind in ("double_item", "misplace_item"):
        entries.insert(chance.randrange(len(entries) + 1), {**one, "id": other["id"]})
