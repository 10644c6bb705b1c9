"""From the settings to what is believed of the tenant, and to who sends."""

from pathlib import Path
from typing import Any

import pytest

from idferry.rules.quota import PUBLISHED, Allowance, Quota
from idferry.settings import Settings, parse_settings
from idferry.wiring.rules import (
    CHUNKS_PER_CONNECTION,
    importing_applications,
    lasting_pace_of,
    quota_of,
    send_limits_of,
)


def parsed(**raw: Any) -> Settings:
    return parse_settings(raw, file=None, folder=Path())


def test_the_allowances_are_the_published_ones_until_something_else_is_said() -> None:
    assert quota_of(parsed()) == PUBLISHED
    limits = {
        "app_writes": 100,
        "app_writes_seconds": 10,
        "tenant_writes": 300,
        "tenant_writes_seconds": 20,
        "app_units": 50,
        "app_units_seconds": 5,
        "creation_writes": 5,
        "reserve_writes": 0.5,
    }
    assert quota_of(parsed(limits=limits)) == Quota(
        app_writes=Allowance(50, 10),
        tenant_writes=Allowance(150, 20),
        app_units=Allowance(50, 5),
        creation_writes=5,
    )


def test_every_application_that_imports_sends() -> None:
    applications: list[dict[str, Any]] = [{"client_id": "a"}, {"client_id": "b", "use": "sign-in"}]
    settings = parsed(application=applications)
    assert [one.client_id for one in importing_applications(settings)] == ["a"]
    assert lasting_pace_of(settings).people_per_s == pytest.approx(20)
    settings = parsed(
        application=[*applications, {"client_id": "c", "name": "third"}], limits={"connections": 4}
    )
    assert [one.client_id for one in importing_applications(settings)] == ["a", "c"]
    assert lasting_pace_of(settings).people_per_s == pytest.approx(40)
    paced = parsed(limits={"app_writes_seconds": 10})
    assert lasting_pace_of(paced).period_s == 10
    assert send_limits_of(settings).chunks_under_way_max == 2 * 4 * CHUNKS_PER_CONNECTION
