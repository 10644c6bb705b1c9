import tomllib
from pathlib import Path

import pytest

from idferry.errors import SettingsError
from idferry.settings import CognitoVerifier, LdapVerifier, LegacyLockout, parse_settings

WEB = """
[[verifier]]
name = "web"
kind = "web_service"
url = "https://legacy.example.com/check"
legacy_lockout = { threshold = 10, window_seconds = 600 }
"""


def refusal(text: str) -> str:
    with pytest.raises(SettingsError) as refused:
        parse_settings(tomllib.loads(text), file=None, folder=Path())
    return f"{refused.value} | {refused.value.remedy}"


def test_each_kind_has_keys_of_its_own() -> None:
    text = """
[[verifier]]
name = "a"
kind = "ldap"
url = "ldaps://dc1"
base = "dc=x"
legacy_lockout = { threshold = 5, window_seconds = 60 }

[[verifier]]
name = "b"
kind = "cognito"
region = "r"
user_pool_id = "p"
client_id = "c"
legacy_lockout = { threshold = 5, window_seconds = 60 }
"""
    first, second = parse_settings(tomllib.loads(text), file=None, folder=Path()).verifiers
    assert isinstance(first, LdapVerifier)
    assert isinstance(second, CognitoVerifier)
    assert first.legacy_lockout == LegacyLockout(5, 60)
    assert (first.concurrent_calls, first.deadline_seconds) == (32, 10.0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            WEB.replace('kind = "web_service"', 'kind = "magic"'),
            "how the legacy system is asked | One of web_service",
        ),
        (WEB.replace('kind = "web_service"', ""), "how the legacy system is asked"),
        (WEB.replace("url", "ulr"), "unknown setting 'ulr' in [verifier] | Did you mean url?"),
        (WEB + 'base = "x"', "unknown setting 'base' in [verifier]"),
        (WEB.replace("window_seconds", "window"), "unknown setting 'window' in [verifier.legacy_lockout]"),
        (
            WEB + 'answers = [{ stat = 200, verdict = "match" }]',
            "unknown setting 'stat' in [verifier.answers]",
        ),
        (WEB.split("legacy_lockout")[0], "names no legacy_lockout | Say after how many"),
        (WEB.replace("threshold = 10", "threshold = 0"), "1 or more"),
        (WEB + WEB.replace('"web"', '"WEB"'), "have the same name"),
        (WEB.replace('"web"', '"a b"'), "a short name"),
        (WEB + "concurrent_calls = 0", "concurrent_calls is between 1 and 256"),
        (WEB + "deadline_seconds = 11", "deadline_seconds is between 0.1 and 10.0"),
        (WEB + "legacy_requests_per_second = -1", "legacy_requests_per_second is between 0 and 1000"),
        (WEB + 'email_domains = ["anna@contoso.com"]', "what stands behind the @"),
        (WEB + 'contract = "other"', "Expected one of 'kratos'"),
        ("verifier = 1", "write [[verifier]]"),
        ("[verifier]\nname = 'x'", "write [[verifier]]"),
    ],
)
def test_what_is_wrong_is_said_with_its_key(text: str, said: str) -> None:
    assert said in refusal(text)
