"""Creating accounts: what is required, what the server adds, what it answers."""

from typing import Any

import pytest
from tests.support.emulator import Emulator
from tests.support.graph_http import GraphHttp, error_of, federated, refused, targets

CREATE = "https://learn.microsoft.com/graph/api/user-post-users"
USER = "https://learn.microsoft.com/graph/api/resources/user"
B2C_ATTRIBUTES = "https://learn.microsoft.com/azure/active-directory-b2c/user-profile-attributes"

DEFAULT_SET = {
    "businessPhones", "displayName", "givenName", "id", "jobTitle", "mail", "mobilePhone", "officeLocation",
    "preferredLanguage", "surname", "userPrincipalName",
}  # fmt: skip


@pytest.mark.documented(CREATE)
def test_created_account_is_answered(graph: GraphHttp) -> None:
    """201 with the default properties, the context, and never the password."""
    answer = graph.post("/users", graph.tenant.local_account("ann@example.org", givenName="Ann"))
    body = answer.json()
    assert answer.status_code == 201
    assert body["@odata.context"].endswith("/v1.0/$metadata#users/$entity")
    assert body.keys() >= DEFAULT_SET
    assert (body["givenName"], body["surname"], body["businessPhones"]) == ("Ann", None, [])
    assert "passwordProfile" not in body
    assert "Zq7#mWv2" not in answer.text


@pytest.mark.documented(CREATE)
def test_b2c_answers_identities(b2c: GraphHttp) -> None:
    """In B2C the answer to a create also holds identities and passwordPolicies."""
    body = b2c.post("/users", b2c.tenant.local_account("ann@example.org")).json()
    assert body["passwordPolicies"] == "DisablePasswordExpiration"
    assert [entry["signInType"] for entry in body["identities"]] == ["emailAddress", "userPrincipalName"]


@pytest.mark.reported("pnp/cli-microsoft365")
def test_sent_extension_attributes_are_answered(graph: GraphHttp) -> None:
    """Extension attributes that were sent come back in the answer to the create."""
    name = graph.declare("legacyId")
    body = graph.post("/users", graph.tenant.local_account("ann@example.org", **{name: "a:b:1"})).json()
    assert body[name] == "a:b:1"


@pytest.mark.assumed("example 3 of the page shows no identities; no external answer was recorded")
def test_external_answers_default_set(external: GraphHttp) -> None:
    """In an external tenant the answer to a create holds the default properties only."""
    body = external.post("/users", external.tenant.local_account("ann@example.org")).json()
    assert body.keys() == DEFAULT_SET | {"@odata.context"}
    assert body["mail"] == "ann@example.org"


@pytest.mark.reported("microsoftgraph/microsoft-graph-explorer-v4#2163")
def test_server_adds_upn_identity(graph: GraphHttp) -> None:
    """Every account has a userPrincipalName identity equal to its userPrincipalName, generated when omitted."""
    body = graph.read(graph.create("ann@example.org"), "identities", "userPrincipalName")
    upns = [row for row in body["identities"] if row["signInType"] == "userPrincipalName"]
    assert [row["issuerAssignedId"] for row in upns] == [body["userPrincipalName"]]
    assert body["userPrincipalName"].endswith(f"@{graph.tenant.domain}")


@pytest.mark.assumed("seen in one external sign-in; in B2C only the form <guid>@<domain> is known")
def test_generated_upn(graph: GraphHttp) -> None:
    """The generated userPrincipalName holds the object id in external tenants and some other GUID in B2C."""
    body = graph.read(graph.create("ann@example.org"))
    named = body["userPrincipalName"].partition("@")[0]
    assert len(named) == 36
    assert (named == body["id"]) == (graph.tenant.kind == "external")


@pytest.mark.documented(USER)
def test_what_the_server_sets(graph: GraphHttp) -> None:
    """createdDateTime, creationType LocalAccount, userType Member and the password's time are set."""
    names = ("createdDateTime", "creationType", "userType", "lastPasswordChangeDateTime")
    body = graph.read(graph.create("ann@example.org"), *names)
    assert (body["creationType"], body["userType"]) == ("LocalAccount", "Member")
    assert body["createdDateTime"] == body["lastPasswordChangeDateTime"]
    assert body["createdDateTime"].endswith("Z")


@pytest.mark.documented(CREATE)
def test_federated_account(graph: GraphHttp) -> None:
    """A federated account needs no password."""
    body = {"displayName": "Ann", "identities": [federated("facebook.com", "5eecb0cd")]}
    assert graph.post("/users", body).status_code == 201


@pytest.mark.assumed("samples leave accountEnabled out; no page says the creationType of a federated account")
def test_what_the_server_sets_unasked(graph: GraphHttp) -> None:
    """Accounts are enabled when nothing is said, and the creationType of a federated account is null."""
    body = {"displayName": "Ann", "identities": [federated("facebook.com", "5eecb0cd")]}
    shown = graph.read(graph.post("/users", body).json()["id"], "accountEnabled", "creationType")
    assert (shown["accountEnabled"], shown["creationType"]) == (True, None)


@pytest.mark.documented(CREATE)
@pytest.mark.parametrize(
    "missing", ["accountEnabled", "displayName", "mailNickname", "passwordProfile", "userPrincipalName"]
)
def test_account_without_identities(graph: GraphHttp, missing: str) -> None:
    """Without identities five properties are required."""
    body: dict[str, Any] = {
        "accountEnabled": True,
        "displayName": "Ann",
        "mailNickname": "ann",
        "passwordProfile": {"password": "Zq7#mWv2!k"},
        "userPrincipalName": f"ann@{graph.tenant.domain}",
    }
    assert graph.post("/users", body).status_code == 201
    body["userPrincipalName"] = f"bob@{graph.tenant.domain}"
    del body[missing]
    answer = graph.post("/users", body)
    refused(answer, 400, "Request_BadRequest", f"A value is required for property '{missing}'")
    assert targets(answer) == [("PropertyRequired", missing)]


@pytest.mark.documented(B2C_ATTRIBUTES)
@pytest.mark.parametrize("missing", ["displayName", "passwordProfile"])
def test_local_account_needs(graph: GraphHttp, missing: str) -> None:
    """A local account needs a display name and a password."""
    body = graph.tenant.local_account("ann@example.org")
    del body[missing]
    refused(graph.post("/users", body), 400, "Request_BadRequest", f"property '{missing}'")


@pytest.mark.documented(CREATE)
def test_password_expiration_must_be_off(graph: GraphHttp) -> None:
    """A local account must say DisablePasswordExpiration; the order of policies and the blank do not matter."""
    body = graph.tenant.local_account("ann@example.org", passwordPolicies="DisableStrongPassword")
    refused(graph.post("/users", body), 400, "Request_BadRequest")
    body["passwordPolicies"] = "DisableStrongPassword,DisablePasswordExpiration"
    assert graph.post("/users", body).status_code == 201


@pytest.mark.assumed(
    "pages disagree whether creationType may be sent; the body of the kit of Microsoft sends it"
)
def test_creation_type_is_ignored(graph: GraphHttp) -> None:
    """creationType in the body is accepted and ignored."""
    object_id = graph.create("ann@example.org", creationType="Invitation")
    assert graph.read(object_id, "creationType")["creationType"] == "LocalAccount"


@pytest.mark.reported("azure-ad-b2c/user-migration#25")
def test_id_cannot_be_chosen(graph: GraphHttp) -> None:
    """The object id is the server's to choose."""
    body = graph.tenant.local_account("ann@example.org", id="11111111-1111-1111-1111-111111111111")
    refused(graph.post("/users", body), 400, "Request_BadRequest")


@pytest.mark.assumed("common knowledge: the texts for bodies that are no JSON object")
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'"x"'])
def test_broken_body(graph: GraphHttp, content: bytes) -> None:
    """A body that is no JSON object is 400 BadRequest."""
    answer = graph.http.post("/v1.0/users", content=content, headers={"Content-Type": "application/json"})
    refused(answer, 400, "BadRequest")


@pytest.mark.documented("https://learn.microsoft.com/graph/errors")
def test_shape_of_errors(graph: GraphHttp) -> None:
    """An error holds code, message and innerError with request ids and a date without a zone."""
    answer = graph.post("/users", {"displayName": "x"}, **{"client-request-id": "abc"})
    inner = error_of(answer)["innerError"]
    assert inner["client-request-id"] == answer.headers["client-request-id"] == "abc"
    assert len(inner["request-id"]) == 36
    assert len(inner["date"]) == len("2026-11-20T09:06:39")


@pytest.mark.reported("Microsoft Q&A 2104165")
def test_headers_of_answers(graph: GraphHttp) -> None:
    """Every answer carries request ids, cost, diagnostics and OData headers."""
    for answer in (graph.get("/users"), graph.get("/users/nobody@x.org"), graph.http.get("/v1.0/groups")):
        assert len(answer.headers["request-id"]) == 36
        assert answer.headers["client-request-id"] == answer.headers["request-id"]
        assert answer.headers["odata-version"] == "4.0"
        assert answer.headers["cache-control"] == "no-cache"
        assert int(answer.headers["x-ms-resource-unit"]) >= 1
        assert "ServerInfo" in answer.headers["x-ms-ags-diagnostic"]
        assert answer.headers["content-type"].startswith("application/json;odata.metadata=minimal")
        assert answer.headers["strict-transport-security"]


@pytest.mark.reported("Microsoft Q&A 989366")
def test_object_quota(graph: GraphHttp, emulator: Emulator) -> None:
    """A full directory refuses new accounts with 403 Directory_QuotaExceeded."""
    emulator.options(graph.tenant, object_quota=1)
    graph.create("a@example.org")
    answer = graph.post("/users", graph.tenant.local_account("b@example.org"))
    refused(answer, 403, "Directory_QuotaExceeded", "object quota limit")


@pytest.mark.assumed("widely said, not on a page about customers' tenants")
def test_deleted_accounts_count(graph: GraphHttp, emulator: Emulator) -> None:
    """Accounts in the recycle bin still count against the quota; purged ones do not."""
    emulator.options(graph.tenant, object_quota=1)
    first = graph.create("a@example.org")
    body = graph.tenant.local_account("c@example.org")
    graph.delete(f"/users/{first}")
    refused(graph.post("/users", body), 403, "Directory_QuotaExceeded")
    graph.delete(f"/directory/deletedItems/{first}")
    assert graph.post("/users", body).status_code == 201


@pytest.mark.assumed("an emulator must not answer what it does not imitate")
def test_uncovered_resources(graph: GraphHttp) -> None:
    """A resource that is not covered answers 501 and names the gap."""
    refused(graph.get("/groups"), 501, "NotImplemented", "GET /v1.0/groups")
    refused(graph.post("/users/x/revokeSignInSessions", {}), 501, "NotImplemented", "revokeSignInSessions")
    refused(graph.post("/users/validatePassword", {}), 501, "NotImplemented", "outside beta")


@pytest.mark.documented("https://learn.microsoft.com/graph/json-batching")
def test_method_not_allowed(graph: GraphHttp) -> None:
    """A known resource with another method is 405 Request_BadRequest."""
    refused(graph.http.put("/v1.0/users", json={}), 405, "Request_BadRequest", "method is not allowed")
