"""Attributes and extension attributes: limits, types, declaration, and what deleting a declaration does."""

from typing import Any

import pytest
from tests.support.graph_http import GraphHttp, refused, targets

USER = "https://learn.microsoft.com/graph/api/resources/user"
B2C_ATTRIBUTES = "https://learn.microsoft.com/azure/active-directory-b2c/user-profile-attributes"
EXTENSION = "https://learn.microsoft.com/graph/api/application-post-extensionproperty"

LIMITS = {
    "givenName": 64, "surname": 64, "jobTitle": 128, "companyName": 64, "department": 64, "city": 128, "state": 128,
    "country": 128, "streetAddress": 1024, "postalCode": 40, "mobilePhone": 64, "officeLocation": 128, "employeeId": 16,
    "displayName": 256, "mailNickname": 64,
}  # fmt: skip


def post(graph: GraphHttp, **attributes: Any) -> Any:
    return graph.post("/users", graph.tenant.local_account("ann@example.org", **attributes))


@pytest.mark.documented(B2C_ATTRIBUTES)
@pytest.mark.parametrize(("name", "longest"), LIMITS.items())
def test_lengths(graph: GraphHttp, name: str, longest: int) -> None:
    """Each attribute takes its published length and refuses one character more."""
    object_id = post(graph, **{name: "x" * longest}).json()["id"]
    assert graph.read(object_id, name)[name] == "x" * longest
    answer = graph.patch(f"/users/{object_id}", {name: "x" * (longest + 1)})
    refused(answer, 400, "Request_BadRequest")
    assert targets(answer) == [("InvalidValue", name)]


@pytest.mark.documented(B2C_ATTRIBUTES)
def test_display_name_in_b2c(b2c: GraphHttp, external: GraphHttp) -> None:
    """B2C refuses < and > in a display name; an external tenant does not."""
    refused(post(b2c, displayName="Ann <3"), 400, "Request_BadRequest")
    assert post(external, displayName="Ann <3").status_code == 201


@pytest.mark.reported("Azure-Samples/ms-identity-dotnetcore-b2c-account-management#16")
@pytest.mark.parametrize("name", ["a b", "a@b"])
def test_mail_nickname(graph: GraphHttp, name: str) -> None:
    """mailNickname holds no blank and no @."""
    assert targets(post(graph, mailNickname=name)) == [("InvalidValue", "mailNickname")]


@pytest.mark.documented(USER)
@pytest.mark.parametrize(
    "attributes",
    [
        {"mail": "ännchen@example.org"},
        {"mail": "no address"},
        {"otherMails": ["ännchen@example.org"]},
        {"businessPhones": ["1", "2"]},
        {"usageLocation": "DEU"},
        {"usageLocation": None},
        {"ageGroup": "Old"},
        {"consentProvidedForMinor": "Maybe"},
        {"accountEnabled": None},
    ],
)
def test_refused_values(graph: GraphHttp, attributes: dict[str, Any]) -> None:
    """Values outside an attribute's rule are refused, naming it."""
    answer = post(graph, **attributes)
    refused(answer, 400, "Request_BadRequest", "is invalid")
    assert targets(answer) == [("InvalidValue", next(iter(attributes)))]


@pytest.mark.documented(USER)
def test_accepted_values(graph: GraphHttp) -> None:
    """Unicode names, one business phone, other mails and the published enumerations are kept as sent."""
    sent = {
        "displayName": "Дарья O'Brien 株式会社",
        "businessPhones": ["+1 555 0100"],
        "otherMails": ["a@example.org", "b@example.org"],
        "usageLocation": "DE",
        "ageGroup": "Adult",
        "consentProvidedForMinor": "NotRequired",
        "preferredLanguage": "en-US",
    }
    object_id = post(graph, **sent).json()["id"]
    shown = graph.read(object_id, *sent)
    assert {name: shown[name] for name in sent} == sent


@pytest.mark.assumed("the entity model has null for nothing; no answer to an empty text was recorded")
def test_empty_text(graph: GraphHttp) -> None:
    """An empty text is refused."""
    assert targets(post(graph, givenName="")) == [("InvalidValue", "givenName")]


@pytest.mark.assumed("texts for JSON of a wrong type were seen for identities only")
@pytest.mark.parametrize(
    "attributes", [{"givenName": 7}, {"accountEnabled": "yes"}, {"otherMails": "a@example.org"}]
)
def test_wrong_types(graph: GraphHttp, attributes: dict[str, Any]) -> None:
    """JSON of another type than the entity model's is 400 BadRequest."""
    refused(post(graph, **attributes), 400, "BadRequest", "does not match schema")


@pytest.mark.assumed("common knowledge: the texts for unknown and read-only properties")
@pytest.mark.parametrize(
    "name", ["nonsense", "createdDateTime", "proxyAddresses", "lastPasswordChangeDateTime"]
)
def test_not_settable(graph: GraphHttp, name: str) -> None:
    """Unknown and read-only properties are refused."""
    refused(post(graph, **{name: "x"}), 400, "Request_BadRequest", f"'{name}'")


@pytest.mark.documented(B2C_ATTRIBUTES)
def test_fax_number(b2c: GraphHttp, external: GraphHttp) -> None:
    """faxNumber cannot be set through Graph in B2C."""
    refused(post(b2c, faxNumber="1"), 400, "Request_BadRequest")
    assert post(external, faxNumber="1").status_code == 201


@pytest.mark.assumed("the page of updates says that applications cannot write them; the status is a guess")
def test_profile_properties(graph: GraphHttp) -> None:
    """An application cannot write the properties of the profile service."""
    object_id = graph.create("ann@example.org")
    for name in ("aboutMe", "skills", "employeeHireDate"):
        refused(graph.patch(f"/users/{object_id}", {name: "x"}), 403, "Authorization_RequestDenied")


@pytest.mark.documented(USER)
def test_mail_adds_a_proxy_address(graph: GraphHttp) -> None:
    """Each new mail becomes the primary proxy address, the older ones stay; at most ten."""
    object_id = post(graph, mail="m0@example.org").json()["id"]
    assert graph.read(object_id, "proxyAddresses")["proxyAddresses"] == ["SMTP:m0@example.org"]
    assert graph.patch(f"/users/{object_id}", {"mail": "m1@example.org"}).status_code == 204
    shown = graph.read(object_id, "proxyAddresses", "mail")
    assert shown["proxyAddresses"] == ["SMTP:m1@example.org", "smtp:m0@example.org"]
    for number in range(2, 10):
        assert graph.patch(f"/users/{object_id}", {"mail": f"m{number}@example.org"}).status_code == 204
    refused(graph.patch(f"/users/{object_id}", {"mail": "m10@example.org"}), 400, "Request_BadRequest")


@pytest.mark.documented("https://learn.microsoft.com/graph/api/user-update")
def test_mail_cannot_be_cleared(graph: GraphHttp) -> None:
    """mail cannot be set to null."""
    object_id = post(graph, mail="m@example.org").json()["id"]
    refused(graph.patch(f"/users/{object_id}", {"mail": None}), 400, "Request_BadRequest")


@pytest.mark.documented(EXTENSION)
def test_a_new_tenant_has_no_extension_attributes(graph: GraphHttp) -> None:
    """There is an extensions application, and it declares nothing yet."""
    where = "startswith(displayName,'b2c-extensions-app')"
    found = graph.get("/applications", filter=where, select="id,appId,displayName").json()["value"]
    assert [row["appId"] for row in found] == [graph.tenant.extension_app_id]
    assert graph.get(f"/applications/{found[0]['id']}").json()["displayName"] == found[0]["displayName"]
    assert graph.get(f"/applications/{found[0]['id']}/extensionProperties").json()["value"] == []


@pytest.mark.documented(EXTENSION)
def test_declare_and_list(graph: GraphHttp) -> None:
    """A declared attribute gets its full name from the application's id, and is listed and read."""
    base = f"/applications(appId='{graph.tenant.extension_app_id}')/extensionProperties"
    body = {"name": "requiresMigration", "dataType": "Boolean", "targetObjects": ["User"]}
    made = graph.post(base, body).json()
    assert made["name"] == graph.tenant.extension("requiresMigration")
    assert (made["dataType"], made["isMultiValued"], made["isSyncedFromOnPremises"]) == (
        "Boolean",
        False,
        False,
    )
    assert made["targetObjects"] == ["User"]
    assert made["deletedDateTime"] is None
    assert [row["id"] for row in graph.get(base).json()["value"]] == [made["id"]]
    assert graph.get(f"{base}/{made['id']}").json()["name"] == made["name"]


@pytest.mark.assumed("no answer to a second declaration was recorded")
def test_declare_twice(graph: GraphHttp) -> None:
    """Declaring the same attribute again is 400 with ObjectConflict."""
    graph.declare("legacyId")
    body = {"name": "legacyId", "dataType": "String", "targetObjects": ["User"]}
    path = f"/applications(appId='{graph.tenant.extension_app_id}')/extensionProperties"
    assert targets(graph.post(path, body)) == [("ObjectConflict", "name")]


@pytest.mark.documented(EXTENSION)
@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"name": "has blank"},
        {"dataType": "Text"},
        {"targetObjects": ["Person"]},
        {"targetObjects": []},
    ],
)
def test_bad_declarations(graph: GraphHttp, change: dict[str, Any]) -> None:
    """A declaration needs a plain name, a known type, and known targets."""
    body = {"name": "flag", "dataType": "Boolean", "targetObjects": ["User"], **change}
    path = f"/applications(appId='{graph.tenant.extension_app_id}')/extensionProperties"
    refused(graph.post(path, body), 400, "Request_BadRequest")


@pytest.mark.reported("Azure-Samples/ms-identity-dotnetcore-b2c-account-management#17")
def test_undeclared_attribute(graph: GraphHttp) -> None:
    """An attribute that is not declared, or under another application's id, is not available."""
    graph.declare("legacyId")
    for name in (graph.tenant.extension("other"), "extension_00000000000000000000000000000000_legacyId"):
        answer = post(graph, **{name: "x"})
        refused(
            answer,
            400,
            "Request_BadRequest",
            f"The following extension properties are not available: {name}.",
        )


@pytest.mark.documented(EXTENSION)
@pytest.mark.parametrize(
    ("data_type", "good", "bad"),
    [
        ("Boolean", [True, False], ["true", 1]),
        ("Integer", [2**31 - 1, -(2**31)], [2**31, "7", True]),
        ("LargeInteger", [2**63 - 1], [2**63, 1.5]),
        ("String", ["x" * 256], ["x" * 257, 7, ""]),
        ("Binary", ["AAECAw=="], ["no base64", "A" * 400]),
        ("DateTime", ["2026-11-20T09:06:39Z"], ["soon", 7]),
    ],
)
def test_extension_types(graph: GraphHttp, data_type: str, good: list[Any], bad: list[Any]) -> None:
    """Each type takes its values and refuses others."""
    name = graph.declare("value", data_type)
    object_id = graph.create("ann@example.org")
    for value in good:
        assert graph.patch(f"/users/{object_id}", {name: value}).status_code == 204
        assert graph.read(object_id, name)[name] == value
    for value in bad:
        refused(graph.patch(f"/users/{object_id}", {name: value}), 400, "Request_BadRequest", name)


@pytest.mark.documented(EXTENSION)
def test_moments_are_stored_in_utc(graph: GraphHttp) -> None:
    """A DateTime value with an offset comes back in UTC."""
    name = graph.declare("since", "DateTime")
    object_id = graph.create("ann@example.org", **{name: "2026-11-20T11:06:39+02:00"})
    assert graph.read(object_id, name)[name] == "2026-11-20T09:06:39Z"


@pytest.mark.documented(EXTENSION)
def test_multi_valued_attribute(graph: GraphHttp) -> None:
    """A multi-valued attribute takes an array and nothing else."""
    name = graph.declare("codes", isMultiValued=True)
    object_id = graph.create("ann@example.org", **{name: ["a", "b"]})
    assert graph.read(object_id, name)[name] == ["a", "b"]
    refused(graph.patch(f"/users/{object_id}", {name: "a"}), 400, "Request_BadRequest")


@pytest.mark.documented("https://learn.microsoft.com/graph/api/user-update")
def test_null_clears_an_extension_value(graph: GraphHttp) -> None:
    """Setting an extension attribute to null removes its value."""
    name = graph.declare("legacyId")
    object_id = graph.create("ann@example.org", **{name: "7"})
    assert graph.patch(f"/users/{object_id}", {name: None}).status_code == 204
    assert name not in graph.read(object_id, "id", name)
    assert graph.find(f"{name} eq '7'") == []


@pytest.mark.documented(B2C_ATTRIBUTES)
def test_deleting_a_declaration_removes_the_values(graph: GraphHttp) -> None:
    """With the declaration the values are gone from every account, and do not come back with a new one."""
    name = graph.declare("legacyId")
    object_id = graph.create("ann@example.org", **{name: "7"})
    base = f"/applications(appId='{graph.tenant.extension_app_id}')/extensionProperties"
    assert graph.delete(f"{base}/{graph.get(base).json()['value'][0]['id']}").status_code == 204
    assert graph.get(base).json()["value"] == []
    assert graph.declare("legacyId") == name
    assert name not in graph.read(object_id, "id", name)
    assert graph.find(f"{name} eq '7'") == []


@pytest.mark.documented(
    "https://learn.microsoft.com/entra/identity/users/directory-service-limits-restrictions"
)
def test_at_most_100_extension_values(graph: GraphHttp) -> None:
    """An account holds at most 100 extension values."""
    names = [graph.declare(f"v{number}", "Boolean") for number in range(101)]
    object_id = graph.create("ann@example.org", **dict.fromkeys(names[:100], True))
    refused(graph.patch(f"/users/{object_id}", {names[100]: True}), 400, "Request_BadRequest")


@pytest.mark.assumed("of applications only what a migration sets up is imitated")
def test_uncovered_application_queries(graph: GraphHttp) -> None:
    """Other filters and properties of applications answer 501; an unknown application 404."""
    refused(graph.get("/applications", filter="givenName eq 'x'"), 501, "NotImplemented")
    refused(graph.get("/applications", select="appRoles"), 501, "NotImplemented")
    refused(graph.get("/applications/00000000-0000-0000-0000-000000000000"), 404, "Request_ResourceNotFound")
    found = graph.get("/applications", filter=f"appId eq '{graph.tenant.client_id}'").json()["value"]
    assert [row["displayName"] for row in found] == ["idferry import"]
