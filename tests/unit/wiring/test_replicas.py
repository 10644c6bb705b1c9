"""Several services beside each other: together they stay below a legacy system's lock and rate, and say what they do not share."""

from pathlib import Path
from typing import Any

import pytest
from tests.unit.wiring.test_guard import parsed, verifier

from idferry.errors import SettingsError
from idferry.wiring import SystemClock, verifiers_of
from idferry.wiring.guard import check_lockouts
from idferry.wiring.replicas import advice_for_replicas, rate_for_each
from idferry.wiring.verifiers import VerifierSet


def most_of(lines: Any) -> int:
    [line] = lines
    return int(line.partition("at most ")[2].partition(" ")[0])


def test_guesses_through_all_replicas_together_stay_below_the_legacy_lock() -> None:
    one = most_of(check_lockouts(parsed(verifier=[verifier("shop", 1_000, 600)])))
    for threshold, starts in ((3 * one, False), (3 * one + 1, True)):
        raw = {"verifier": [verifier("shop", threshold, 600)], "service": {"replicas": 3}}
        assert check_lockouts(parsed(verifier=raw["verifier"])), "one alone would start"
        if starts:
            assert most_of(check_lockouts(parsed(**raw))) == 3 * one
        else:
            with pytest.raises(
                SettingsError, match=f"of 3 replicas together lets {3 * one} guesses"
            ) as refused:
                check_lockouts(parsed(**raw))
            assert f"locks people after {threshold} " in str(refused.value)


@pytest.mark.parametrize(
    ("calls", "replicas", "each"), [(0, 3, 0), (18, 1, 18), (18, 4, 4), (18, 18, 1), (2, 5, 1)]
)
def test_calls_in_a_second_are_divided_and_nobody_is_left_with_none(
    calls: int, replicas: int, each: int
) -> None:
    assert rate_for_each(calls, replicas=replicas) == each


def test_the_rate_of_a_verifier_is_its_part(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rates: list[int] = []

    def protected(_verifier: Any, *, limits: Any, **_: Any) -> Any:
        rates.append(limits.calls_per_second)

    monkeypatch.setattr("idferry.wiring.verifiers.Protected", protected)
    table = {**verifier("shop", 1_000, 600), "legacy_requests_per_second": 30}
    with verifiers_of(
        parsed(verifier=[table], service={"replicas": 3}), SystemClock(), lambda _: None
    ) as found:
        assert isinstance(found, VerifierSet)
    assert rates == [10]


def test_what_replicas_do_not_share_is_told_at_start() -> None:
    assert advice_for_replicas(parsed()) == []
    shared = {"replicas": 2, "status_store": "azure_table", "azure_table_url": "https://x.example.com"}
    assert len(advice_for_replicas(parsed(service=shared))) == 2
    front = {"name": "front", "kind": "bearer", "secrets": ["0123456789abcdef" * 2]}
    told = advice_for_replicas(
        parsed(service={"replicas": 2, "capture_callers": ["front"], "caller": [front]})
    )
    assert [word in " ".join(told) for word in ("retry", "[guard]", "passwordChangedAt", "ledger file")] == [
        True
    ] * 4


@pytest.mark.parametrize("replicas", [0, 65])
def test_there_is_at_least_one_and_not_a_crowd(replicas: int) -> None:
    with pytest.raises(SettingsError, match=r"service\.replicas is between 1 and 64"):
        parsed(service={"replicas": replicas})
