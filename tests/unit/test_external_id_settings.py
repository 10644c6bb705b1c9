"""The `[external_id]` table: all of it or nothing, exact values, and keys of a bounded number."""

from pathlib import Path
from typing import Any

import pytest

from idferry.errors import SettingsError
from idferry.settings import parse_settings

APP = "aaaaaaaa-0000-0000-0000-000000000001"
WHOLE: dict[str, Any] = {
    "app_id": APP,
    "app_uri": f"api://signin.example.com/{APP}",
    "extension_ids": ["eeeeeeee-0000-0000-0000-000000000001"],
    "keys": ["file:entra.pem"],
}


def parsed(**changes: Any) -> Any:
    table = {name: value for name, value in {**WHOLE, **changes}.items() if value is not None}
    return parse_settings({"external_id": table}, file=None, folder=Path())


def test_all_of_it_or_nothing() -> None:
    assert parsed().external_id.is_used
    assert not parse_settings({}, file=None, folder=Path()).external_id.is_used


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"app_id": None}, "app_id"),
        ({"app_uri": None}, "app_uri"),
        ({"extension_ids": None}, "extension_ids"),
        ({"keys": None}, "keys"),
        ({"app_uri": "https://signin.example.com"}, "app_uri"),
        ({"extension_ids": ["*"]}, "exact"),
        ({"issuers": ["https://*.ciamlogin.com"]}, "exact"),
        ({"keys": ["env:A", "env:A"]}, "keys"),
        ({"keys": [f"env:K{number}" for number in range(5)]}, "keys"),
        ({"keys_url": "http://keys.example.com"}, "keys_url"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_what_cannot_work_is_named(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        parsed(**changes)


@pytest.mark.parametrize("seconds", [-1, 301])
def test_the_time_of_a_creation_has_bounds(seconds: int) -> None:
    with pytest.raises(SettingsError, match="creation_seconds"):
        parse_settings({"passwords": {"creation_seconds": seconds}}, file=None, folder=Path())


@pytest.mark.parametrize("minutes", [-1, 10_081])
def test_sweeps_have_bounds(minutes: int) -> None:
    with pytest.raises(SettingsError, match="sweep_minutes"):
        parse_settings({"service": {"sweep_minutes": minutes}}, file=None, folder=Path())
