"""From `[guard]` to limits; whether they protect the legacy systems; and what is printed when they do not."""

import tomllib
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from idferry.errors import SettingsError
from idferry.ports import Follower, Leader
from idferry.rules.attempts import UNDER_WAY_MAX, GuardRules
from idferry.rules.lockout import LegacyLockout, Schedule, schedule_that_fits
from idferry.rules.submission import b2c_submission
from idferry.settings import Settings, parse_settings
from idferry.wiring.guard import (
    check_lockouts,
    guard_lines,
    guard_rules_of,
    keyed_digest,
    submissions_of,
    under_way_max,
)

PAGE = Path(__file__).parents[3] / "docs/how-to/protect-people-from-guessing.md"


def parsed(**raw: Any) -> Settings:
    return parse_settings(raw, file=None, folder=Path())


def verifier(name: str, threshold: int, window_seconds: int) -> dict[str, Any]:
    return {
        "name": name,
        "kind": "web_service",
        "url": "https://shop.example.com/check",
        "legacy_lockout": {"threshold": threshold, "window_seconds": window_seconds},
    }


def test_without_settings_the_limits_are_those_of_the_rules() -> None:
    assert guard_rules_of(parsed().guard) == GuardRules()


def test_every_setting_reaches_its_limit() -> None:
    rules = guard_rules_of(
        parsed(
            guard={"address_failures": 7, "failures_per_minute": 9, "spared_networks": ["192.0.2.0/24"]}
        ).guard
    )
    assert (rules.address.failures_a_day, rules.everyone.failures_per_minute) == (7, 9)
    assert rules.spared == (ip_network("192.0.2.0/24"),)
    assert guard_rules_of(parsed(guard={"address_names": 3}).guard).address.names == 3


@pytest.mark.parametrize(("threshold", "minutes"), [(10, 10), (5, 30), (3, 30), (30, 720), (100, 1), (2, 60)])
def test_a_proposal_pasted_into_the_settings_is_the_schedule_that_was_found(
    threshold: int, minutes: int
) -> None:
    lockout = LegacyLockout(threshold, timedelta(minutes=minutes))
    found = schedule_that_fits(lockout, under_way=UNDER_WAY_MAX)
    assert found is not None
    assert guard_rules_of(parsed(**tomllib.loads(guard_lines(found))).guard).schedule == found


def test_the_default_is_pasted_as_itself() -> None:
    assert guard_rules_of(parsed(**tomllib.loads(guard_lines(Schedule()))).guard).schedule == Schedule()


def test_limits_that_would_lock_people_in_the_legacy_system_are_refused_with_some_that_fit() -> None:
    tables = [verifier("lax", 1_000, 60), verifier("old-shop", 10, 600), verifier("slow", 20, 3_600)]
    with pytest.raises(
        SettingsError, match=r"verifier old-shop: .* after 10 wrong passwords in 600 s"
    ) as refused:
        check_lockouts(parsed(verifier=tables))
    proposal = tomllib.loads("\n".join(refused.value.to_copy))
    lines = check_lockouts(parsed(verifier=tables, **proposal))
    assert [line.partition(":")[0] for line in lines] == [
        "verifier lax",
        "verifier old-shop",
        "verifier slow",
    ]
    assert all("locks after" in line for line in lines)


@pytest.mark.parametrize(
    ("service", "tenant", "seconds"),
    [
        ({}, {}, 20.5),
        ({"deadline_seconds": 29.0}, {}, 39.5),
        ({"deadline_seconds": 4.0}, {}, 15.0),
        ({"deadline_seconds": 29.0}, {"kind": "external"}, 15.0),
    ],
)
def test_a_guess_that_waits_for_its_turn_and_is_then_counted_late_is_counted_within_the_window(
    service: dict[str, Any], tenant: dict[str, Any], seconds: float
) -> None:
    """Guesses booked over so much more than the legacy window may arrive within it."""
    told = {"id": "11111111-2222-4333-8444-555555555555", "domain": "contoso.onmicrosoft.com", **tenant}
    settings = parsed(
        verifier=[{**verifier("shop", 10, 900), "deadline_seconds": 10.0 if seconds > 15 else 5.0}],
        service=service,
        tenant={"kind": "b2c", **told},
    )
    assert under_way_max(settings) == timedelta(seconds=seconds)


def test_what_fits_guesses_that_arrive_soon_is_refused_where_they_may_arrive_later() -> None:
    lockout = LegacyLockout(10, timedelta(minutes=15))
    soon = schedule_that_fits(lockout, under_way=UNDER_WAY_MAX)
    assert soon is not None
    raw = {"verifier": [verifier("shop", 10, 900)], **tomllib.loads(guard_lines(soon))}
    with pytest.raises(SettingsError, match="lets 13 guesses at one name through"):
        check_lockouts(parsed(**raw))


def test_nothing_fits_a_system_that_locks_at_once() -> None:
    with pytest.raises(SettingsError) as refused:
        check_lockouts(parsed(verifier=[verifier("brittle", 1, 60)]))
    assert "Raise the threshold" in refused.value.remedy


def test_without_a_legacy_lock_there_is_nothing_to_check() -> None:
    assert check_lockouts(parsed()) == []


def test_the_page_prints_what_fits_the_lock_that_it_names() -> None:
    found = schedule_that_fits(LegacyLockout(10, timedelta(minutes=10)), under_way=under_way_max(parsed()))
    assert found is not None
    shown = [line.strip() for line in PAGE.read_text(encoding="utf-8").splitlines()]
    lines = guard_lines(found).splitlines()
    assert any(shown[place : place + len(lines)] == lines for place in range(len(shown)))


@pytest.mark.parametrize(("threads", "waiting"), [(16, 4), (3, 1), (1, 1)])
def test_retries_that_wait_hold_a_quarter_of_the_threads(threads: int, waiting: int) -> None:
    memory = submissions_of(parsed(service={"threads": threads}))
    at = datetime(2026, 3, 1, tzinfo=UTC)
    tries = [b2c_submission(correlation_id=str(n), person="ana", mark=7, at=at) for n in range(threads + 1)]
    joined = [type(memory.join(one, at=at)) for one in tries]
    assert (joined[0], joined.count(Follower)) == (Leader, min(waiting, threads))


def test_every_process_has_a_key_of_its_own() -> None:
    one, other = keyed_digest(), keyed_digest()
    assert one(b"text") == one(b"text")
    assert one(b"text") != other(b"text")


@pytest.mark.parametrize(
    ("guard", "key"),
    [
        ({"attempts": 0}, "guard.attempts"),
        ({"stop_after_anywhere": 1_001}, "guard.stop_after_anywhere"),
        ({"lock_seconds": 901}, "guard.lock_seconds"),
        ({"silence_seconds": 59}, "guard.silence_seconds"),
        ({"rest_seconds": 1_799}, "guard.rest_seconds"),
        ({"known_addresses": -1}, "guard.known_addresses"),
        ({"spared_networks": ["0.0.0.0/0"]}, "every address"),
        ({"spared_networks": ["home"]}, "guard.spared_networks"),
        ({"path": ""}, "guard.path"),
        ({"attempt": 3}, "unknown setting 'attempt' in [guard]"),
    ],
)
def test_what_could_never_work_is_refused_by_name(guard: dict[str, Any], key: str) -> None:
    with pytest.raises(SettingsError) as refused:
        parsed(guard=guard)
    assert key in str(refused.value)
