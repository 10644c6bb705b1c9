"""What the settings say about hashes: the key, the freeze, when a source was exported, and what is refused."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.hand_clock import HandClock

from idferry.errors import HashStoreUnavailable, SettingsError
from idferry.hashes import BOUNDS
from idferry.rules.hash_trust import Freeze
from idferry.settings import HashesVerifier, Settings, parse_settings
from idferry.wiring.hash_store import (
    check_freeze,
    exported_at_of,
    freeze_of,
    hash_bounds_of,
    hash_descriptor_of,
    hash_store_if_any,
    hash_store_of,
    hash_store_path,
)
from idferry.wiring.hashes import hash_cases_of, processors
from idferry.wiring.sources import source_of

REAL = {"id": "00000000-0000-0000-0000-000000000001", "domain": "contoso.onmicrosoft.com"}
LOCAL = REAL | {"authority": "http://127.0.0.1:9", "graph": "http://127.0.0.1:9"}
NOW = HandClock().now()


def settings(folder: Path, **tables: Any) -> Settings:
    return parse_settings(tables, file=None, folder=folder)


def verifier(frozen: str = "") -> HashesVerifier:
    return HashesVerifier(name="old", kind="hashes", legacy_frozen_at=frozen)


# --- the store -------------------------------------------------------------------------------------------------------


def test_there_is_no_store_without_a_key(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="encrypted only"):
        hash_store_of(settings(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_the_key_is_the_name_of_a_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDFERRY_TEST_HASH_KEY", "k" * 40)
    hash_store_of(settings(tmp_path, tenant=REAL, hashes={"key": "env:IDFERRY_TEST_HASH_KEY"})).close()
    assert hash_store_path(settings(tmp_path)).is_file()
    with pytest.raises(SettingsError, match="written into the settings file"):
        hash_store_of(settings(tmp_path, tenant=REAL, hashes={"key": "k" * 40}))
    monkeypatch.setenv("IDFERRY_TEST_HASH_KEY", "other" * 10)
    with pytest.raises(HashStoreUnavailable, match="another key"):
        hash_store_of(settings(tmp_path, tenant=REAL, hashes={"key": "env:IDFERRY_TEST_HASH_KEY"}))


def test_a_store_that_protects_nothing_never_serves_a_real_tenant(tmp_path: Path) -> None:
    """Whoever can write into the folder could put one in the place of the real store."""
    hash_store_of(settings(tmp_path, tenant=LOCAL), plain=True).close()
    hash_store_of(settings(tmp_path, tenant=LOCAL)).close()
    for plain in (True, False):
        with pytest.raises(SettingsError, match="for tests"):
            hash_store_of(settings(tmp_path, tenant=REAL), plain=plain)


def test_whoever_cleans_up_makes_no_store(tmp_path: Path) -> None:
    with hash_store_if_any(settings(tmp_path)) as store:
        assert store is None
    assert list(tmp_path.iterdir()) == []


# --- the freeze ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("frozen", ["", (NOW + timedelta(seconds=1)).isoformat()])
def test_hashes_of_a_system_that_is_not_frozen_need_somebody_who_accepts_that(frozen: str) -> None:
    one = verifier(frozen)
    with pytest.raises(SettingsError, match="not frozen"):
        check_freeze(one, freeze_of(one, accept_stale=False), HandClock())
    check_freeze(one, freeze_of(one, accept_stale=True), HandClock())


def test_a_frozen_system_is_asked_by_its_hashes() -> None:
    one = verifier(NOW.isoformat())
    freeze = freeze_of(one, accept_stale=False)
    assert freeze == Freeze(NOW)
    check_freeze(one, freeze, HandClock())


@pytest.mark.parametrize("said", ["soon", "2026-01-01", "2026-01-01T00:00:00"])
def test_a_moment_has_a_zone(said: str) -> None:
    with pytest.raises(SettingsError, match="legacy_frozen_at"):
        freeze_of(verifier(said), accept_stale=False)


# --- sources ---------------------------------------------------------------------------------------------------------


def shop(folder: Path, **more: Any) -> Settings:
    record = (
        '{"key": "1", "signInName": "a@example.com", "passwordHash": "8743b52063cd84097a65d1633f5c74f5"}\n'
    )
    (folder / "shop.jsonl").write_text(record, encoding="utf-8")
    return settings(folder, tenant=REAL, sources={"shop": {"path": "shop.jsonl", **more}})


def test_when_a_source_was_exported(tmp_path: Path) -> None:
    plain = shop(tmp_path)
    source = source_of(plain, "shop")
    # The file's own time would make a copy of an old export as young as the copy.
    assert exported_at_of(plain, source) is None
    said = shop(tmp_path, exported_at="2026-01-02T03:04:05+01:00")
    assert exported_at_of(said, source) == datetime(2026, 1, 2, 2, 4, 5, tzinfo=UTC)
    assert exported_at_of(said, source, given="2026-01-01T00:00:00Z") == datetime(2026, 1, 1, tzinfo=UTC)


def test_secrets_of_a_descriptor_are_names_of_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDFERRY_TEST_PEPPER", "salt and pepper")
    found = hash_descriptor_of(
        shop(tmp_path, hash={"scheme": "bcrypt", "pepper": "env:IDFERRY_TEST_PEPPER"}), "shop"
    )
    assert (found.scheme, found.pepper) == ("bcrypt", "salt and pepper")
    with pytest.raises(SettingsError, match="written into the settings"):
        hash_descriptor_of(shop(tmp_path, hash={"pepper": "in clear"}), "shop")
    with pytest.raises(SettingsError, match="colour"):
        hash_descriptor_of(shop(tmp_path, hash={"colour": "red"}), "shop")
    assert hash_descriptor_of(shop(tmp_path), "unknown").table() == {}


def test_the_bounds_of_the_settings_hold_instead_of_the_usual_ones(tmp_path: Path) -> None:
    assert hash_bounds_of(settings(tmp_path)) == BOUNDS
    said = {"bcrypt_cost": 15, "argon2_memory_kib": 65_536}
    found = hash_bounds_of(settings(tmp_path, hashes={"bounds": said}))
    assert (found.bcrypt_cost, found.argon2_memory_kib) == (15, 65_536)
    assert found.pbkdf2_iterations == BOUNDS.pbkdf2_iterations


@pytest.mark.parametrize(
    ("hashes", "said"),
    [
        ({"bounds": {"bcrypt_costs": 12}}, "no bcrypt_costs"),
        ({"bounds": {"colour": 12}}, "no colour"),
        ({"bounds": {"bcrypt_cost": 16}}, "between 1 and 15"),
        ({"bounds": {"crypt_rounds": 0}}, "between 1 and 1,000,000"),
        ({"memory_mib": 255}, "one hash within hashes.bounds takes 256"),
        ({"memory_mib": 512, "bounds": {"argon2_memory_kib": 1_048_576}}, "takes 1,024"),
    ],
)
def test_bounds_that_mean_nothing_or_could_never_be_kept_are_refused(
    tmp_path: Path, hashes: dict[str, Any], said: str
) -> None:
    with pytest.raises(SettingsError, match=said):
        hash_bounds_of(settings(tmp_path, hashes=hashes))


@pytest.mark.parametrize("memory_mib", [0, 15, 2_000_000])
def test_the_memory_of_all_checks_is_some_and_not_endless(tmp_path: Path, memory_mib: int) -> None:
    with pytest.raises(SettingsError, match="memory_mib is between"):
        settings(tmp_path, hashes={"memory_mib": memory_mib})


def test_a_source_has_rows_to_forecast(tmp_path: Path) -> None:
    read = shop(tmp_path, hash={"scheme": "md5"})
    [case] = hash_cases_of(read, "shop").cases()
    assert (case.line, case.descriptor.scheme, case.password) == (1, "md5", None)
    rows = hash_cases_of(read, str(tmp_path / "shop.jsonl"))
    assert [one.unreadable is None for one in rows.cases()] == [False]


def test_a_machine_has_processors() -> None:
    assert processors() >= 1
