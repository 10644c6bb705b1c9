import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from idferry.connectors.password_grant import SERVERS
from idferry.errors import SettingsError
from idferry.ports import LegacyRef
from idferry.settings import parse_settings
from idferry.wiring import SystemClock, VerifierSet, advice_at_start, verifiers_of
from idferry.wiring.live_verifiers import advice_of, known_rate

LOCKOUT = "legacy_lockout = { threshold = 10, window_seconds = 600 }"
WEB = f"""
[[verifier]]
name = "web"
kind = "web_service"
url = "https://legacy.example.com/check"
{LOCKOUT}
"""
GRANT = f"""
[[verifier]]
name = "grant"
kind = "password_grant"
url = "https://legacy.example.com/token"
client_id = "idferry"
{LOCKOUT}
"""
LDAP = f"""
[[verifier]]
name = "ldap"
kind = "ldap"
url = "ldaps://dc1.example.com"
base = "dc=example,dc=com"
{LOCKOUT}
"""
COGNITO = f"""
[[verifier]]
name = "cognito"
kind = "cognito"
region = "eu-central-1"
user_pool_id = "pool"
client_id = "client"
{LOCKOUT}
"""


@contextmanager
def opened(text: str, folder: Path) -> Iterator[VerifierSet]:
    settings = parse_settings(tomllib.loads(text), file=None, folder=folder)
    with verifiers_of(settings, SystemClock(), lambda _: None) as verifiers:
        yield verifiers


def refusal(text: str, folder: Path) -> str:
    with pytest.raises(SettingsError) as refused, opened(text, folder):
        pass
    return f"{refused.value} {refused.value.remedy}"


def test_each_kind_is_built_without_a_call(tmp_path: Path) -> None:
    pytest.importorskip("botocore")
    with opened(WEB + GRANT + COGNITO, tmp_path) as verifiers:
        assert list(verifiers.names) == ["web", "grant", "cognito"]
        for name in verifiers.names:
            found = verifiers.named(name)
            assert found is not None
            assert (found.name, found.is_out) == (name, False)
        assert verifiers.named("nobody") is None


def test_a_directory_needs_its_library_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ldap", None)
    assert "pip install 'idferry[ldap]'" in refusal(LDAP, tmp_path)


def test_people_are_routed_by_source_and_by_domain_in_the_order_of_the_settings(tmp_path: Path) -> None:
    def one(name: str, more: str) -> str:
        return WEB.replace('"web"', f'"{name}"') + more + "\n"

    text = (
        one("shop", 'sources = ["shop"]')
        + one("contoso", 'email_domains = ["Contoso.com", "contoso.de"]')
        + one("both", 'sources = ["club"]\nemail_domains = ["contoso.com"]')
        + one("all", "")
    )
    with opened(text, tmp_path) as verifiers:

        def asked(source: str, typed: str, *names: str) -> list[str]:
            return [one.name for one in verifiers.responsible_for(LegacyRef(source, "1", typed, names))]

        assert asked("shop", "anna") == ["shop", "all"]
        assert asked("shop", "anna@contoso.com") == ["shop", "contoso", "all"]
        assert asked("club", "ANNA@CONTOSO.COM") == ["contoso", "both", "all"]
        assert asked("club", "anna", "anna@contoso.de") == ["contoso", "all"]
        assert asked("club", "anna@notcontoso.com") == ["all"]
        assert asked("club", "anna@contoso.com.example") == ["all"]
        assert asked("club", "contoso.com") == ["all"]
    with opened(one("shop", 'sources = ["shop"]'), tmp_path) as verifiers:
        assert verifiers.responsible_for(LegacyRef("club", "1", "anna")) == []


def test_hashes_are_asked_after_every_system_that_is_alive(tmp_path: Path) -> None:
    """A password that was changed there since the export: the old one is refused there, and that ends it."""
    hashes = """
[hashes]
key = "env:IDFERRY_HASH_KEY"

[[verifier]]
name = "hashes"
kind = "hashes"
legacy_frozen_at = "2026-01-01T00:00:00Z"
"""
    settings = parse_settings(tomllib.loads(hashes + WEB), file=None, folder=tmp_path)
    who = LegacyRef("shop", "1", "anna")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("IDFERRY_HASH_KEY", "k" * 32)
        with verifiers_of(settings, SystemClock(), lambda _: None) as verifiers:
            assert [one.name for one in verifiers.responsible_for(who)] == ["web", "hashes"]


WRONG = {
    "an address of another network": (WEB.replace("legacy.example.com", "10.0.0.5"), "not called"),
    "the address of credentials": (WEB.replace("legacy.example.com", "169.254.169.254"), "not called"),
    "http beyond this machine": (WEB.replace("https:", "http:"), "only https leaves"),
    "a password in the address": (WEB.replace("legacy.", "anna:secret@legacy."), "no user name"),
    "the password in the path": (WEB.replace("/check", "/{password}"), "alone between two slashes"),
    "a placeholder in the host": (WEB.replace("legacy.", "{key}."), "in the path only"),
    "a placeholder within a segment": (WEB.replace("/check", "/x-{key}"), "alone between two slashes"),
    "a placeholder within a value": (WEB + 'body = { a = "x{password}" }', "whole value"),
    "a list in a body": (WEB + "body = { a = [1] }", "no text, number"),
    "a table in a form": (WEB + 'encoding = "form"\nbody = { a = { b = "{password}" } }', "no text, number"),
    "a GET with a body": (WEB + 'method = "GET"', "a GET has no body"),
    "a body without the password": (WEB + 'body = { user = "{sign_in_name}" }', "the same to everybody"),
    "a body without the name": (WEB + 'body = { a = { pw = "{password}" } }', "the same to everybody"),
    "a plug-in without the name": (WEB + 'contract = "keycloak_plugin"', "the same to everybody"),
    "our Authorization beside the person's": (
        WEB + 'contract = "auth0_database"\nauthentication = "basic"\nuser = "x"\nsecret = "env:X"',
        "let everybody in as us",
    ),
    "our Authorization as a header": (
        WEB + 'contract = "auth0_database"\nsecret_headers = { authorization = "env:X" }',
        "let everybody in as us",
    ),
    "no such verdict": (WEB + 'answers = [{ status = 200, verdict = "yes" }]', "is no verdict"),
    "a header of HTTP itself": (WEB + 'headers = { Host = "x" }', "cannot be set"),
    "a header of two lines": (WEB + 'headers = { X-A = "a\\r\\nX-B: b" }', "one line of ASCII"),
    "a secret in the settings": (
        WEB + 'authentication = "bearer"\nsecret = "secret"',
        "written into the settings",
    ),
    "no secret": (WEB + 'authentication = "bearer"', "written into the settings"),
    "no authority": (WEB + 'ca_file = "nowhere.pem"', "ca_file or client_certificate"),
    "no realm": (GRANT + 'server = "auth0"', "realm is missing"),
    "a grant without a password": (
        GRANT + 'parameters = { grant_type = "client_credentials" }',
        "would not look at the person's password",
    ),
    "basic without a secret": (GRANT + 'client_authentication = "basic"', "needs a client_secret"),
    "a directory in clear": (LDAP.replace("ldaps:", "ldap:") + 'encryption = "none"', "only this machine"),
    "a filter for everybody": (LDAP + 'filter = "(objectClass=*)"', "the same entry for everybody"),
    "half of an account": (LDAP + 'bind_dn = "cn=a"', "go together"),
    "half of a key": (COGNITO + 'access_key_id = "A"', "go together"),
}


@pytest.mark.parametrize(("text", "said"), WRONG.values(), ids=WRONG)
def test_what_cannot_work_is_said_before_anybody_signs_in(text: str, said: str, tmp_path: Path) -> None:
    found = refusal(text, tmp_path)
    assert said in found
    assert "secret@" not in found


def test_a_401_means_nothing_where_we_authenticate_ourselves(tmp_path: Path) -> None:
    from idferry.wiring.live_verifiers import _contract

    def statuses(more: str, contract: str = "keycloak_plugin") -> set[int]:
        text = WEB + f'contract = "{contract}"\n' + more
        [one] = parse_settings(tomllib.loads(text), file=None, folder=tmp_path).verifiers
        return {row.status for row in _contract(one, "x").answers}  # type: ignore[arg-type]  # a web service

    assert 401 in statuses("")
    assert 401 not in statuses('authentication = "bearer"\nsecret = "env:X"')
    assert 401 not in statuses('secret_headers = { X-Api-Key = "env:X" }')
    assert 401 not in statuses('client_certificate = "idferry.pem"')
    assert 401 not in statuses('headers = { authorization = "Basic eDp5" }')
    assert 401 in statuses('headers = { X-Tenant = "1" }')
    assert 401 in statuses('secret_headers = { X-Api-Key = "env:X" }', "auth0_database")
    own = 'answers = [{ status = 401, verdict = "mismatch" }]'
    assert statuses(f'authentication = "bearer"\nsecret = "env:X"\n{own}') == {401}


def test_b2c_is_held_below_what_it_takes_unless_the_settings_say_otherwise(tmp_path: Path) -> None:
    def rate(more: str) -> int:
        [one] = parse_settings(tomllib.loads(GRANT + more), file=None, folder=tmp_path).verifiers
        return one.legacy_requests_per_second or known_rate(one)

    assert rate('server = "b2c"') == 18
    assert rate('server = "b2c"\nlegacy_requests_per_second = 5') == 5
    assert rate('server = "entra"') == 0


@pytest.mark.parametrize("server", SERVERS)
def test_who_cannot_be_told_the_persons_address_is_advised_about(server: str, tmp_path: Path) -> None:
    settings = parse_settings(tomllib.loads(GRANT + f'server = "{server}"'), file=None, folder=tmp_path)
    advised = server in ("standard", "b2c", "entra")
    assert [server in one for one in advice_of(settings)] == [True] * advised


def test_no_more_calls_than_b2c_takes_can_be_asked_for(tmp_path: Path) -> None:
    over = parse_settings(
        tomllib.loads(GRANT + 'server = "b2c"\nlegacy_requests_per_second = 19'), file=None, folder=tmp_path
    )
    with (
        pytest.raises(SettingsError, match="throttles an address") as refused,
        verifiers_of(over, SystemClock(), lambda _: None),
    ):
        pass
    assert "18 or less" in refused.value.remedy


@pytest.mark.parametrize(
    ("frozen", "stale"), [("", True), ("2100-01-01T00:00:00Z", True), ("2020-01-01T00:00:00Z", False)]
)
def test_hashes_that_may_be_stale_are_told_at_the_start(frozen: str, stale: bool, tmp_path: Path) -> None:
    lines = '[[verifier]]\nname = "stored"\nkind = "hashes"\n' + (
        f'legacy_frozen_at = "{frozen}"\n' if frozen else ""
    )
    settings = parse_settings(tomllib.loads('project = "contoso"\n' + lines), file=None, folder=tmp_path)
    told = advice_at_start(settings, SystemClock())
    assert [one.event for one in told] == ["stale_hashes"] * stale
    assert all("not frozen" in one.told for one in told)
