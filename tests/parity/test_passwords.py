"""Passwords: the strong rule, the ways around it, and the pre-check."""

from typing import Any

import pytest
from tests.support.emulator import Emulator
from tests.support.graph_http import GraphHttp, error_of, refused

POLICY = "https://learn.microsoft.com/entra/identity/authentication/concept-sspr-policy"
WEAK = "does not comply with password complexity requirements"
BOTH = "DisablePasswordExpiration, DisableStrongPassword"


def post(
    graph: GraphHttp, password: Any, policies: str = "DisablePasswordExpiration", name: str = "p@example.org"
) -> Any:
    body = graph.tenant.local_account(name, passwordPolicies=policies)
    return graph.post("/users", {**body, "passwordProfile": {"password": password}})


@pytest.mark.documented(POLICY)
@pytest.mark.parametrize(
    "password",
    ["Abcdef12", "abcdef1!", "ABC DEF1", "Ab1" + "x" * 253, "Aa@#$%^&*-_!+=[]{}|\\:',.?/`~\"();<> "],
)
def test_strong_passwords(graph: GraphHttp, password: str) -> None:
    """8 to 256 characters of three out of four classes are taken, and open the account."""
    assert post(graph, password).status_code == 201


@pytest.mark.documented(POLICY)
@pytest.mark.parametrize(
    "password", ["Abcde1!", "abcdefgh", "abcdefg1", "Ab1" + "x" * 254, "Abcdef1ü", "Abcdef1\n"]
)
def test_weak_passwords(graph: GraphHttp, password: str) -> None:
    """Shorter, longer, two classes only, or Unicode: 400 with the complexity text."""
    answer = post(graph, password)
    refused(answer, 400, "Request_BadRequest", WEAK)
    assert "details" not in error_of(answer)


@pytest.mark.reported("MicrosoftDocs/entra-docs#472")
def test_password_with_user_id(graph: GraphHttp) -> None:
    """A password that holds the person's own name is refused."""
    refused(post(graph, "Frederik-77", name="frederik@example.org"), 400, "Request_BadRequest", WEAK)


@pytest.mark.assumed("the global banned list exists; its words and the error of a create are not published")
def test_banned_words(emulator: Emulator, graph: GraphHttp) -> None:
    """A password that holds a banned word is refused like a weak one."""
    emulator.options(graph.tenant, banned_words=["contoso"])
    refused(post(graph, "Contoso-2026"), 400, "Request_BadRequest", WEAK)


@pytest.mark.reported("microsoftgraph/msgraph-sdk-dotnet#2793")
def test_disable_strong_password(b2c: GraphHttp) -> None:
    """In B2C DisableStrongPassword in the same request lets a weak password through, with or without the blank."""
    assert post(b2c, "1234", BOTH, "a@example.org").status_code == 201
    assert post(b2c, "simple", BOTH.replace(" ", ""), "b@example.org").status_code == 201
    refused(post(b2c, "123", BOTH), 400, "Request_BadRequest", WEAK)
    refused(post(b2c, "ünicode", BOTH), 400, "Request_BadRequest", WEAK)


@pytest.mark.assumed("pages disagree about DisableStrongPassword in external tenants: the stricter reading")
def test_disable_strong_password_external(emulator: Emulator, external: GraphHttp) -> None:
    """In external tenants the strong rule stays in force; the option honour_disable_strong_password lifts it."""
    refused(post(external, "simple", BOTH), 400, "Request_BadRequest", WEAK)
    emulator.options(external.tenant, honour_disable_strong_password=True)
    assert post(external, "simple", BOTH).status_code == 201


@pytest.mark.documented("https://learn.microsoft.com/graph/api/resources/user")
def test_unknown_policy(graph: GraphHttp) -> None:
    """passwordPolicies takes the two published names only."""
    refused(post(graph, "Zq7#mWv2!k", "DisablePasswordExpiration, Nonsense"), 400, "Request_BadRequest")


@pytest.mark.assumed("shape follows the entity model; no refusal was recorded")
@pytest.mark.parametrize(
    "profile", [{}, {"password": 7}, {"password": "Zq7#mWv2!k", "forceChangePasswordNextSignIn": "no"}]
)
def test_bad_profiles(graph: GraphHttp, profile: dict[str, Any]) -> None:
    """A profile without a password, or with values of other types, is refused."""
    body = graph.tenant.local_account("p@example.org")
    assert graph.post("/users", {**body, "passwordProfile": profile}).status_code == 400


@pytest.mark.documented("https://learn.microsoft.com/graph/api/resources/passwordprofile")
def test_profile_never_shows_the_password(graph: GraphHttp) -> None:
    """passwordProfile can be selected; its password is null."""
    object_id = graph.create("ann@example.org")
    profile = graph.read(object_id, "passwordProfile")["passwordProfile"]
    assert profile["password"] is None
    assert profile["forceChangePasswordNextSignIn"] is False


@pytest.mark.reported("pnp/cli-microsoft365")
@pytest.mark.parametrize(
    ("password", "rule"),
    [
        ("Zq7#mWv2!k", "AllChecks"),
        ("short", "password_too_short"),
        ("longbutsimple", "password_not_meet_complexity"),
        ("Contoso-2026", "password_banned"),
    ],
)
def test_validate_password(emulator: Emulator, graph: GraphHttp, password: str, rule: str) -> None:
    """/beta/users/validatePassword names the rule that a password breaks."""
    emulator.options(graph.tenant, banned_words=["contoso"])
    body = graph.post("/beta/users/validatePassword", {"password": password}).json()
    assert body["isValid"] == (rule == "AllChecks")
    assert body["validationResults"][0]["ruleName"] == rule
    assert body["validationResults"][0]["validationPassed"] == body["isValid"]
