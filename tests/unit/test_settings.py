"""The settings file: every mistake in it gets one sentence and what to do; secrets are named and resolved late."""

import traceback
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from idferry.errors import EXIT_USAGE, SettingsError
from idferry.settings import (
    SETTINGS_VARIABLE,
    Application,
    Limits,
    Settings,
    Shape,
    Source,
    Tenant,
    find_settings,
    parse_settings,
    read_settings,
)

TENANT = {"id": "t-1", "domain": "contoso.onmicrosoft.com"}
LOOPBACK = {**TENANT, "authority": "https://127.0.0.1:8443", "graph": "http://localhost:8444"}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(SETTINGS_VARIABLE, raising=False)


def parsed(raw: dict[str, Any], *, folder: Path = Path("folder")) -> Settings:
    return parse_settings(raw, file=None, folder=folder)


def refused(raw: dict[str, Any]) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        parsed(raw)
    assert caught.value.exit_code == EXIT_USAGE
    return caught.value


# --- the document ------------------------------------------------------------------------------------------------


def test_nothing_is_enough_for_a_survey() -> None:
    settings = parsed({})
    assert (settings.project, settings.tenant, settings.applications) == ("idferry", None, ())
    assert (settings.limits.connections, settings.passwords.weak) == (4, "refuse")


def test_everything_can_be_said() -> None:
    settings = parsed(
        {
            "project": "contoso",
            "tenant": {**TENANT, "kind": "external", "migration_flag": "toBeMigrated"},
            "application": [
                {"client_id": "a"},
                {"client_id": "b", "use": "sign-in", "credential": "managed"},
            ],
            "ledger": {"path": "people.ledger"},
            "sources": {
                "crm": {"path": "crm.csv", "kind": "csv", "columns": {"Mail": "email"}, "delimiter": ";"}
            },
            "limits": {"connections": 2, "attempts": 3, "settle_seconds": 0, "timeout_seconds": 9},
            "passwords": {"weak": "allow"},
            "shape": {"too_long": "drop", "stale_after_days": 730, "attributes": {"Notes": ""}},
        }
    )
    assert settings.tenant is not None
    assert settings.tenant.migration_flag == "toBeMigrated"
    assert [one.use for one in settings.applications] == ["import", "sign-in"]
    assert settings.sources["crm"].columns == {"Mail": "email"}


@pytest.mark.parametrize(
    ("raw", "name", "place", "hint"),
    [
        ({"projet": "x"}, "projet", "at the top", "Did you mean project?"),
        ({"tenant": {**TENANT, "authorty": "x"}}, "authorty", "[tenant]", "Did you mean authority?"),
        ({"application": [{"client_id": "a", "secrets": "x"}]}, "secrets", "[application]", "secret"),
        ({"sources": {"crm": {"path": "p", "colums": {}}}}, "colums", "[sources.crm]", "columns"),
        ({"limits": {"zzzzzz": 1}}, "zzzzzz", "[limits]", "Known there: connections, attempts"),
        ({"ledger": {"paht": "x"}}, "paht", "[ledger]", "path"),
        ({"shape": {"to_long": "drop"}}, "to_long", "[shape]", "too_long"),
        ({"clock": {"uri": "x"}}, "uri", "[clock]", "url"),
    ],
)
def test_an_unknown_key_names_the_nearest_known_one(
    raw: dict[str, Any], name: str, place: str, hint: str
) -> None:
    error = refused(raw)
    assert repr(name) in str(error)
    assert place in str(error)
    assert hint in error.remedy


@pytest.mark.parametrize(
    ("raw", "where"),
    [
        ({"limits": {"connections": "4"}}, "limits.connections"),
        ({"limits": {"connections": True}}, "limits.connections"),
        ({"limits": {"attempts": 1.5}}, "limits.attempts"),
        ({"tenant": {**TENANT, "kind": "b2b"}}, "tenant.kind"),
        ({"tenant": {**TENANT, "id": 7}}, "tenant.id"),
        ({"application": [{"client_id": "a"}, {"client_id": "b", "secret": 12345}]}, "application"),
        ({"sources": {"crm": {"path": "p", "kind": "xml"}}}, "sources.crm.kind"),
        ({"sources": {"crm": {"path": "p", "columns": {"Mail": 1}}}}, "sources.crm.columns"),
        ({"passwords": {"weak": "maybe"}}, "passwords.weak"),
        ({"shape": {"stale_after_days": "730"}}, "shape.stale_after_days"),
        ({"shape": {"attributes": ["Notes"]}}, "shape.attributes"),
        ({"clock": {"url": 1}}, "clock.url"),
    ],
)
def test_a_wrong_type_names_the_setting(raw: dict[str, Any], where: str) -> None:
    assert where in str(refused(raw))


@pytest.mark.parametrize("value", [987654321, "Hunter2-Secret", 2**70, 1e308, True, ["Hunter2-Secret"]])
@pytest.mark.parametrize(
    ("table", "name"),
    [(table, one.name) for table in (Tenant, Application, Source, Limits, Shape) for one in fields(table)],
)
def test_a_wrong_value_is_not_quoted_because_it_could_be_a_secret(
    table: type, name: str, value: object
) -> None:
    raws: dict[type, dict[str, Any]] = {
        Tenant: {"tenant": {**TENANT, name: value}},
        Application: {"application": [{"client_id": "a", name: value}]},
        Source: {"sources": {"crm": {"path": "p", name: value}}},
        Limits: {"limits": {name: value}},
        Shape: {"shape": {name: value}},
    }
    told = _told(raws[table])
    assert str(value) not in told
    assert "Hunter2" not in told


def _told(raw: dict[str, Any]) -> str:
    """All that somebody sees of this error, or nothing."""
    try:
        parsed(raw)
    except SettingsError as error:
        return "".join([*traceback.format_exception(error), error.remedy])
    return ""


def test_what_may_be_chosen_is_listed() -> None:
    error = refused({"application": [{"client_id": "a", "credential": "my-client-secret-value"}]})
    assert "Expected one of '', 'managed' - at `application.credential`" in str(error)
    assert "my-client-secret-value" not in str(error)


@pytest.mark.parametrize(
    "raw",
    [
        {"tenant": "t-1"},
        {"tenant": []},
        {"application": {"client_id": "a"}},
        {"application": ["a"]},
        {"sources": "crm.csv"},
        {"sources": {"crm": "crm.csv"}},
        {"limits": 4},
    ],
)
def test_a_value_where_a_table_belongs_is_told(raw: dict[str, Any]) -> None:
    (name,) = raw
    assert name in str(refused(raw))
    assert "table" in str(refused(raw))


@pytest.mark.parametrize(
    ("raw", "where"),
    [
        ({"tenant": {"domain": "contoso.onmicrosoft.com"}}, "tenant.id"),
        ({"tenant": {"id": "t", "domain": ""}}, "tenant.domain"),
        ({"application": [{"name": "import"}]}, "application.client_id"),
        ({"sources": {"crm": {}}}, "sources.crm.path"),
    ],
)
def test_what_is_missing_is_named(raw: dict[str, Any], where: str) -> None:
    assert str(refused(raw)) == f"{where} is missing"


@pytest.mark.parametrize("project", ["", "a:b", 7, None, ["x"]])
def test_a_project_is_a_name_without_a_colon(project: object) -> None:
    assert "legacyId" in str(refused({"project": project}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("connections", 0),
        ("attempts", 0),
        ("settle_seconds", -1),
        ("timeout_seconds", 0),
        ("app_writes", 0),
        ("tenant_writes_seconds", 0),
        ("app_units", -1),
        ("creation_writes", 0),
        ("reserve_writes", -1),
    ],
)
def test_limits_have_a_lower_end(name: str, value: int) -> None:
    assert str(refused({"limits": {name: value}})) == f"limits.{name} is too small"


@pytest.mark.parametrize("value", [-0.1, 0.91, 1, float("nan")])
def test_a_reserve_leaves_something(value: float) -> None:
    assert "limits.reserve_writes" in str(refused({"limits": {"reserve_writes": value}}))


@pytest.mark.parametrize(
    ("second", "what"), [({"client_id": "b"}, "name"), ({"client_id": "A", "name": "other"}, "client_id")]
)
def test_two_applications_that_send_are_told_apart(second: dict[str, Any], what: str) -> None:
    assert str(refused({"application": [{"client_id": "a"}, second]})).endswith(f"have the same {what}")


def test_people_are_not_stale_before_their_time() -> None:
    for days in (-1, 10**12):
        assert "stale_after_days" in str(refused({"shape": {"stale_after_days": days}}))


@pytest.mark.parametrize("delimiter", [";;", "\n", '"'])
def test_a_delimiter_is_one_character(delimiter: str) -> None:
    assert "delimiter" in str(refused({"sources": {"crm": {"path": "p", "delimiter": delimiter}}}))


@pytest.mark.parametrize("name", ["", "my flag", "mail", "DisplayName", "city", "LegacyId"])
def test_the_flag_is_an_extension_attribute_of_its_own(name: str) -> None:
    error = refused({"tenant": {**TENANT, "migration_flag": name}})
    assert "tenant.migration_flag" in str(error)
    assert "requiresMigration" in error.remedy


@pytest.mark.parametrize(
    ("raw", "where"),
    [
        ({"ledger": {"path": "a\0b"}}, "'ledger.path'"),
        ({"application": [{"client_id": "a", "secret": "file:Hunter2\0"}]}, "'application.secret'"),
        ({"sources": {"crm": {"path": "crm\0.csv"}}}, "'sources.crm.path'"),
        ({"sources": {"crm\0": {"path": "crm.csv"}}}, r"'sources.crm\x00'"),
        ({"tenant": {**TENANT, "ca_file": "\0"}}, "'tenant.ca_file'"),
        ({"shape": {"attributes": {"Notes": "\0"}}}, "'shape.attributes.Notes'"),
    ],
)
def test_a_nul_character_is_nowhere(raw: dict[str, Any], where: str) -> None:
    error = refused(raw)
    assert str(error) == f"{where} holds a NUL character"


# --- addresses ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "http://login.microsoftonline.com",
        "HTTP://login.microsoftonline.com",
        "http://127.0.0.1.example.com",
    ],
)
def test_http_leaves_this_machine_nowhere(address: str) -> None:
    for name in ("authority", "graph"):
        error = refused({"tenant": {**TENANT, name: address}})
        assert str(error) == f"tenant.{name} uses http: only https leaves this machine"


@pytest.mark.parametrize(
    "address",
    [
        "graph.microsoft.com",
        "https://graph.microsoft.com/v1.0",
        "ftp://graph.microsoft.com",
        "https://",
        "",
        "https://graph.microsoft.com?x=1",
        "https://user:secret@graph.microsoft.com",
        "http://localhost@example.com",
        "https://graph.microsoft.com:port",
        "https://[::1",
    ],
)
def test_an_address_is_a_root_address(address: str) -> None:
    error = refused({"tenant": {**TENANT, "graph": address}})
    assert "tenant.graph is a root address" in str(error)
    assert "secret" not in str(error)


@pytest.mark.parametrize(
    "address", ["http://localhost:1", "http://127.0.0.1", "http://[::1]:8080", "https://localhost"]
)
def test_loopback_may_be_plain(address: str) -> None:
    assert parsed({"tenant": {**TENANT, "authority": address, "graph": address}}).is_loopback


def test_one_address_elsewhere_is_not_loopback() -> None:
    assert not parsed({"tenant": {**LOOPBACK, "graph": "https://graph.microsoft.com"}}).is_loopback
    assert not parsed({}).is_loopback


@pytest.mark.parametrize(
    "tenant", [None, TENANT, {**LOOPBACK, "authority": "https://login.microsoftonline.com"}]
)
def test_a_real_tenant_has_real_time(tenant: dict[str, str] | None) -> None:
    raw: dict[str, Any] = {"clock": {"url": "http://localhost:1/control/clock"}}
    error = refused(raw | ({"tenant": tenant} if tenant else {}))
    assert "clock.url" in str(error)
    assert "real tenant" in error.remedy


def test_a_clock_is_on_this_machine_too() -> None:
    assert "clock.url" in str(refused({"tenant": LOOPBACK, "clock": {"url": "http://example.com/clock"}}))
    assert parsed({"tenant": LOOPBACK, "clock": {"url": "http://localhost:1/clock"}}).clock.url


# --- secrets -----------------------------------------------------------------------------------------------------


def test_a_literal_secret_is_taken_on_this_machine_only() -> None:
    assert parsed({"tenant": LOOPBACK}).secret("abc", what="secret") == "abc"
    for raw in ({"tenant": TENANT}, {"tenant": {**LOOPBACK, "graph": "https://graph.microsoft.com"}}, {}):
        with pytest.raises(SettingsError, match="secret is written into the settings file") as caught:
            parsed(raw).secret("abc-the-secret", what="secret")
        assert "abc-the-secret" not in f"{caught.value}{caught.value.remedy}"


def test_a_secret_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = parsed({"tenant": TENANT})
    monkeypatch.setenv("IDFERRY_SECRET", "abc")
    assert settings.secret("env:IDFERRY_SECRET", what="secret") == "abc"
    monkeypatch.setenv("IDFERRY_SECRET", "")
    with pytest.raises(SettingsError, match="secret is empty: env:IDFERRY_SECRET"):
        settings.secret("env:IDFERRY_SECRET", what="secret")
    monkeypatch.delenv("IDFERRY_SECRET")
    with pytest.raises(SettingsError, match="environment variable IDFERRY_SECRET is not set"):
        settings.secret("env:IDFERRY_SECRET", what="secret")


def test_a_secret_comes_from_a_file_beside_the_settings(tmp_path: Path) -> None:
    settings = parsed({"tenant": TENANT}, folder=tmp_path)
    (tmp_path / "secret").write_text("abc\n", encoding="utf-8")
    assert settings.secret("file:secret", what="secret") == "abc"
    assert settings.secret(f"file:{tmp_path / 'secret'}", what="secret") == "abc"
    (tmp_path / "secret").write_text("\ufeffabc\r\n", encoding="utf-8")
    assert settings.secret("file:secret", what="secret") == "abc", "an editor's byte order mark is no secret"
    (tmp_path / "secret").write_text(" \n", encoding="utf-8")
    with pytest.raises(SettingsError, match="secret is empty"):
        settings.secret("file:secret", what="secret")
    (tmp_path / "secret").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="cannot be read"):
        settings.secret("file:secret", what="secret")
    for missing in ("file:nowhere", "file:.", "file:"):
        with pytest.raises(SettingsError, match="cannot be read"):
            settings.secret(missing, what="secret")


@pytest.mark.parametrize(
    ("value", "package"),
    [
        ("keyring:idferry", "keyring"),
        ("keyvault:https://v.vault.azure.net/secrets/s", "azure-keyvault-secrets"),
    ],
)
def test_an_extra_that_is_not_installed_is_named(
    value: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(name: str) -> object:
        raise ImportError(name)

    monkeypatch.setattr("idferry.settings.secret_readers.importlib.import_module", absent)
    with pytest.raises(SettingsError, match=package) as caught:
        parsed({"tenant": TENANT}).secret(value, what="secret")
    assert caught.value.remedy == f"pip install {package}"


# --- the file ----------------------------------------------------------------------------------------------------


def write(path: Path, text: str = 'project = "contoso"\n') -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_the_settings_named_come_before_those_of_the_environment_before_those_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert find_settings() is None
    here = write(tmp_path / "idferry.toml")
    assert find_settings() == Path(here.name)
    asked = write(tmp_path / "env" / "other.toml")
    monkeypatch.setenv(SETTINGS_VARIABLE, str(asked))
    assert find_settings() == asked
    named = write(tmp_path / "named" / "third.toml")
    assert find_settings(named) == named
    monkeypatch.setenv(SETTINGS_VARIABLE, "")
    assert find_settings() == Path(here.name), "an empty variable names nothing"


def test_a_file_that_was_named_must_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "idferry.toml")
    for missing in (tmp_path / "nowhere.toml", tmp_path):
        with pytest.raises(SettingsError, match="no settings file at"):
            read_settings(missing)
    monkeypatch.setenv(SETTINGS_VARIABLE, "nowhere.toml")
    with pytest.raises(SettingsError, match=r"nowhere\.toml"):
        read_settings()


def test_relative_paths_count_from_the_file(tmp_path: Path) -> None:
    file = write(tmp_path / "deep" / "idferry.toml", '[ledger]\npath = "ledgers/people"\n')
    settings = read_settings(file)
    assert settings.folder == tmp_path / "deep"
    assert settings.ledger_path == tmp_path / "deep" / "ledgers" / "people"
    assert read_settings(Path("deep/idferry.toml")).ledger_path == settings.ledger_path
    absolute = tmp_path / "elsewhere" / "ledger"
    other = write(tmp_path / "abs.toml", f"[ledger]\npath = '{absolute}'\n")
    assert read_settings(other).ledger_path == absolute


def test_without_a_file_paths_count_from_here(tmp_path: Path) -> None:
    settings = read_settings()
    assert (settings.file, settings.ledger_path) == (None, tmp_path / "idferry.ledger")


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    assert read_settings(write(tmp_path / "bom.toml", '\ufeffproject = "contoso"\n')).project == "contoso"


@pytest.mark.parametrize(
    "content", [b"project = ", b"[tenant\n", b"\xff\xfe", "project = 'é'".encode("latin-1")]
)
def test_what_is_no_toml_is_told_with_its_file(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "idferry.toml"
    file.write_bytes(content)
    with pytest.raises(SettingsError, match=r"idferry\.toml is not valid TOML"):
        read_settings()


def test_a_file_that_may_not_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def barred(_path: Path, **_how: str) -> str:
        raise PermissionError(13, "Permission denied")

    write(tmp_path / "idferry.toml")
    monkeypatch.setattr(Path, "read_text", barred)
    with pytest.raises(SettingsError, match=r"idferry\.toml cannot be read: Permission denied"):
        read_settings()


def test_commands_that_need_a_tenant_say_so(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"there is no idferry\.toml here"):
        read_settings().need_tenant()
    file = write(tmp_path / "idferry.toml")
    with pytest.raises(SettingsError, match=r"has no \[tenant\] table") as caught:
        read_settings(file).need_tenant()
    assert "idferry init" in caught.value.remedy
    assert parsed({"tenant": TENANT}).need_tenant().kind == "b2c"
