"""F1 to F10: every way in which the directory, the network and the clocks can fail, one named row each.

A row says which rules of the emulator's control API make the fault at a given rate, and what a run may come to under
it. Times are emulated: the clocks of the emulator and of the product run `speed` times as fast as the real one.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Rule = Mapping[str, Any]
Rules = Callable[[float], list[Rule]]

RATES = (0.01, 0.05, 0.2)
LATE_SLIGHTLY = {"get_s": (0.0, 4.0), "filter_s": (0.0, 8.0)}


@dataclass(frozen=True)
class Fault:
    """One row. `hides`: whole batches are lost before their items arrive, so the ledger cannot tell how many did.

    `refused`: people who are struck fail with this code, and must be asked for once only. `stops`: a run may end with
    one of these codes, and the same command continues.
    """

    name: str
    rules: Rules
    people: int = 200
    speed: float = 30.0
    lag: Mapping[str, tuple[float, float]] = field(default_factory=LATE_SLIGHTLY.copy)
    limits: Mapping[str, int] = field(default_factory=dict)
    hides: bool = False
    refused: str = ""
    stops: Sequence[str] = ()
    skew_s: float = 0.0
    skew_turns: int = 0
    unseen: bool = False  # the emulator's counts do not show that it struck

    @property
    def family(self) -> str:
        """F1 to F10."""
        return self.name.partition(" ")[0]


def _certain(rule: Rule, *, skip: int) -> list[Rule]:
    """Once for certain, because a small rate strikes nobody in a short run; then at its rate."""
    first = {**rule, "rate": 1.0, "skip": skip, "count": 1}
    return [first] if rule.get("count") == 1 else [first, rule]


def _item(**rule: Any) -> Rules:
    """Strikes single creates inside batches."""
    return lambda rate: _certain({"operation": "users.create", "item": True, "rate": rate, **rule}, skip=30)


def _batch(**rule: Any) -> Rules:
    """Strikes whole batches: creates, and questions about holders."""
    return lambda rate: _certain({"operation": "batch", "rate": rate, **rule}, skip=3)


def _any(**rule: Any) -> Rules:
    return lambda rate: [{"operation": "any", "rate": rate, **rule}]


def _together(*rows: Rules) -> Rules:
    return lambda rate: [rule for row in rows for rule in row(rate)]


def _first_forty(_rate: float) -> list[Rule]:
    """The answers to the first creates get lost, so that these people's names are taken when they are sent again."""
    return [{"operation": "users.create", "item": True, "status": 504, "after_write": True, "count": 40}]


def _throttled() -> list[Fault]:
    """F1: 429 in every form of Retry-After. An hour is waited for at another speed, and three times at most."""
    forms: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
        "seconds": ({"retry_after": "3"}, {}),
        "decimal": ({"retry_after": "2.5"}, {}),
        "date": ({"retry_after_date_s": 4}, {}),
        "nothing": ({}, {}),
        "zero": ({"retry_after": "0"}, {}),
        "an hour": (
            {"retry_after": "3600", "count": 3},
            {"speed": 12_000.0, "lag": {}, "limits": {"timeout_seconds": 600, "settle_seconds": 600}},
        ),
    }
    return [
        Fault(f"F1 {where} 429, {form}", strike(status=429, **rule), hides=where == "batch", **more)
        for form, (rule, more) in forms.items()
        for where, strike in (("item", _item), ("batch", _batch))
    ]


_UNAVAILABLE = [
    Fault("F2 item 503", _item(status=503)),
    Fault("F2 item 503, seconds", _item(status=503, retry_after="2")),
    Fault("F2 batch 503", _batch(status=503), hides=True),
    Fault("F2 batch 503, seconds", _batch(status=503, retry_after="2"), hides=True),
    Fault("F2 anything 503", _any(status=503), hides=True, stops=("unreachable",), unseen=True),
]
_SERVER_ERRORS = [
    *(Fault(f"F3 item {n} after", _item(status=n, after_write=True)) for n in (500, 502, 503, 504)),
    *(Fault(f"F3 item {n} before", _item(status=n)) for n in (500, 502, 504)),
    Fault("F3 batch 504 after", _batch(status=504, after_write=True)),
    Fault("F3 batch 500 before", _batch(status=500), hides=True),
]
_BROKEN_CONNECTIONS = [
    Fault("F4 cut before", _batch(kind="cut_before"), hides=True),
    Fault("F4 cut after", _batch(kind="cut_after")),
    # One item in so many ends its whole batch, so the rate of an item is a tenth.
    Fault(
        "F4 cut between items",
        lambda rate: _item(kind="cut_after")(rate / 10),
        hides=True,
        stops=("unreachable",),
    ),
    Fault("F4 cut in the head", _batch(kind="cut_header")),
    Fault("F4 cut in the body", _batch(kind="truncate")),
    # A connection that ends behind a whole answer may lose the next request as well.
    Fault("F4 half of the JSON", _batch(kind="cut_json"), hides=True),
    Fault("F4 length too long", _batch(kind="long_length")),
    Fault("F4 length too short", _batch(kind="short_length"), hides=True),
    Fault("F4 garbage with 200", _batch(kind="garbage", status=200, after_write=True)),
    Fault("F4 garbage with 502", _batch(kind="garbage", status=502), hides=True),
    Fault("F4 item garbage with 201", _item(kind="garbage", status=201, after_write=True)),
]
_DELIVERED_TWICE = [
    Fault("F5 item twice, first answer", _item(kind="twice", after_write=True)),
    Fault("F5 item twice, second answer", _item(kind="twice")),
    Fault("F5 batch twice, first answer", _batch(kind="twice", after_write=True)),
    Fault("F5 batch twice, second answer", _batch(kind="twice")),
]
_SLOW = [
    Fault(
        "F6 slower than the timeout",
        _batch(kind="slow", delay_ms=39_000),
        people=100,
        limits={"timeout_seconds": 1},
    ),
    Fault("F6 a byte a second", _batch(kind="trickle", delay_ms=1000), limits={"timeout_seconds": 2}),
]
_LATE = [
    Fault(
        "F7 late by half a minute",
        _item(status=504, after_write=True),
        speed=60.0,
        lag={"get_s": (0.0, 30.0), "filter_s": (0.0, 30.0)},
    ),
    Fault(
        "F7 index later than id",
        _together(_item(status=504, after_write=True), _batch(kind="cut_after")),
        speed=60.0,
        lag={"get_s": (0.0, 5.0), "filter_s": (20.0, 60.0)},
    ),
    Fault(
        "F7 ghosts of deleted accounts",
        lambda rate: [*_first_forty(rate), *_item(status=504, after_write=True)(rate)],
        speed=20.0,
        lag={"get_s": (20.0, 30.0), "filter_s": (20.0, 30.0)},
    ),
]
_ONE_CONNECTION = {"connections": 1}
_SKEWS: Mapping[str, dict[str, Any]] = {
    "ahead": {"skew_s": 300.0},
    "behind": {"skew_s": -300.0},
    "goes back": {"skew_s": 300.0, "skew_turns": 12},
}
_TOKENS_AND_CLOCKS = [
    # Twice in a row would be a refusal; with one connection the second 401 is another call's.
    Fault(
        "F8 token expires", lambda _: [_once(status=401, skip=n) for n in (2, 5, 9)], limits=_ONE_CONNECTION
    ),
    Fault(
        "F8 claims challenge",
        lambda _: [_once(status=401, skip=n, challenge=True) for n in (2, 5, 9)],
        limits=_ONE_CONNECTION,
    ),
    Fault(
        "F8 token refused at a rate",
        _batch(status=401),
        hides=True,
        stops=("token_refused", "unreachable"),
        limits=_ONE_CONNECTION,
    ),
    Fault(
        "F8 token endpoint fails",
        lambda rate: _token_fails(rate),
        stops=("unreachable", "token_refused"),
        limits=_ONE_CONNECTION,
        unseen=True,
    ),
    *(
        Fault(
            f"F8 clock {wrong}",
            lambda _: [_once(status=429, retry_after_date_s=120, skip=n) for n in (1, 4)],
            speed=60.0,
            hides=True,
            **skew,
        )
        for wrong, skew in _SKEWS.items()
    ),
]
_BATCHES = [
    Fault(
        "F9 mixed entries",
        _together(_item(status=429), _item(status=504, after_write=True), _item(status=503, retry_after="1")),
    ),
    Fault("F9 an entry is missing", _batch(kind="drop_item")),
    Fault("F9 an id is doubled", _batch(kind="double_item")),
    Fault("F9 an id is misplaced", _batch(kind="misplace_item")),
]


def _refusal(name: str, code: str, **more: Any) -> Fault:
    return Fault(f"F10 {name}", _item(kind="refusal", refusal=name), refused=code, **more)


_REFUSALS = [
    _refusal("conflict", "conflict_unseen", speed=120.0),
    _refusal("weak_password", "weak_password_refused"),
    _refusal("invalid_values", "invalid_value"),
    _refusal("invalid_property", "invalid_value"),
    Fault("F10 quota", _item(kind="refusal", refusal="quota", count=1), stops=("quota_exceeded",)),
    Fault("F10 denied", _item(kind="refusal", refusal="denied", count=1), stops=("forbidden",)),
]


def _once(**rule: Any) -> Rule:
    return {"operation": "batch", "count": 1, **rule}


def _token_fails(rate: float) -> list[Rule]:
    """Tokens are asked for seldom: they are refused now and then, and so is the asking."""
    asking: Rule = {"operation": "token", "status": 503, "rate": max(rate, 0.2)}
    return [asking, *(_once(status=401, skip=n) for n in (2, 4, 6, 8))]


FAULTS: Mapping[str, Fault] = {
    fault.name: fault
    for fault in (
        *_throttled(),
        *_UNAVAILABLE,
        *_SERVER_ERRORS,
        *_BROKEN_CONNECTIONS,
        *_DELIVERED_TWICE,
        *_SLOW,
        *_LATE,
        *_TOKENS_AND_CLOCKS,
        *_BATCHES,
        *_REFUSALS,
    )
}
