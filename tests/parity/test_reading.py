"""Reading accounts: one, many, filtered, page by page; and what each kind of tenant refuses."""

from typing import Any

import pytest
from tests.support.emulator import Emulator
from tests.support.graph_http import GraphHttp, all_pages, federated, refused

LIST = "https://learn.microsoft.com/graph/api/user-list"
IDENTITY = "https://learn.microsoft.com/graph/api/resources/objectidentity"
ADVANCED = "https://learn.microsoft.com/graph/aad-advanced-queries"
PAGING = "https://learn.microsoft.com/graph/paging"
EVENTUAL = {"ConsistencyLevel": "eventual"}


def who(graph: GraphHttp, name: str, issuer: str | None = None) -> str:
    quoted = name.replace("'", "''")
    return f"identities/any(c:c/issuerAssignedId eq '{quoted}' and c/issuer eq '{issuer or graph.tenant.domain}')"


def names(rows: list[dict[str, Any]]) -> list[str]:
    return [row["displayName"] for row in rows]


@pytest.mark.documented("https://learn.microsoft.com/graph/api/user-get")
def test_get(graph: GraphHttp) -> None:
    """By id in any case or by userPrincipalName; the default properties, or exactly the selected ones."""
    object_id = graph.create("ann@example.org")
    shown = graph.read(object_id.upper())
    assert graph.read(shown["userPrincipalName"])["id"] == object_id
    assert graph.get(f"/users('{object_id}')").json()["id"] == object_id
    selected = graph.read(object_id, "displayName", "identities")
    assert selected.keys() == {"@odata.context", "displayName", "identities"}
    assert "identities" not in shown


@pytest.mark.reported("pnp/cli-microsoft365")
def test_get_unknown(graph: GraphHttp) -> None:
    """An unknown account is 404 Request_ResourceNotFound and names what was asked for."""
    for name in ("00000000-0000-0000-0000-000000000000", "nobody@example.org"):
        refused(
            graph.get(f"/users/{name}"), 404, "Request_ResourceNotFound", f"Resource '{name}' does not exist"
        )


@pytest.mark.documented(LIST)
def test_extension_values_must_be_selected(graph: GraphHttp) -> None:
    """Extension attributes appear only when selected."""
    name = graph.declare("legacyId")
    object_id = graph.create("a@example.org", **{name: "1"})
    assert name not in graph.read(object_id)
    assert graph.read(object_id, name)[name] == "1"


@pytest.mark.assumed("common knowledge: an extension attribute without a value is left out of the answer")
def test_unset_values(graph: GraphHttp) -> None:
    """Selected but unset, an extension attribute is absent and a plain attribute null."""
    name = graph.declare("legacyId")
    shown = graph.read(graph.create("b@example.org"), "givenName", name)
    assert name not in shown
    assert shown["givenName"] is None


@pytest.mark.documented(LIST)
def test_select_outside_the_directory(graph: GraphHttp) -> None:
    """Selecting a property of the profile service in a list is 501."""
    refused(graph.get("/users", select="id,aboutMe"), 501, "NotImplemented", "aboutMe")


@pytest.mark.assumed("common knowledge: the text for an unknown property")
def test_select_unknown(graph: GraphHttp) -> None:
    """Selecting a property that does not exist is 400."""
    refused(graph.get("/users", select="id,nonsense"), 400, "BadRequest", "'nonsense'")


@pytest.mark.documented(IDENTITY)
def test_find_by_identity(graph: GraphHttp) -> None:
    """issuer and issuerAssignedId find an account; the issuer does not matter for a local identity."""
    graph.create("ann@example.org")
    assert names(graph.find(who(graph, "ann@example.org"))) == ["ann"]
    assert names(graph.find(who(graph, "ann@example.org", "other.example"))) == ["ann"]
    assert graph.find(who(graph, "bob@example.org")) == []


@pytest.mark.documented(IDENTITY)
def test_find_federated(graph: GraphHttp) -> None:
    """For a federated identity both must be right."""
    graph.post("/users", {"displayName": "Ann", "identities": [federated("google.com", "aB")]})
    assert names(graph.find(who(graph, "aB", "google.com"))) == ["Ann"]
    assert graph.find(who(graph, "other", "google.com")) == []
    assert graph.find(who(graph, "aB", "facebook.com")) == []


@pytest.mark.assumed(
    "common knowledge: sign-in names compare without regard to case, ids of other providers do not"
)
def test_case_of_identities(graph: GraphHttp) -> None:
    """A local identity is found in any case, a federated one in its own only."""
    graph.create("ann@example.org")
    graph.post("/users", {"displayName": "Bob", "identities": [federated("google.com", "aB")]})
    assert names(graph.find(who(graph, "ANN@example.org"))) == ["ann"]
    assert graph.find(who(graph, "ab", "google.com")) == []


@pytest.mark.documented(IDENTITY)
def test_find_by_issuer_alone(external: GraphHttp) -> None:
    """google.com, facebook.com, mail and phone may be asked for alone; other issuers may not."""
    for issuer, user_id in (("google.com", "1"), ("google.com", "2"), ("facebook.com", "1")):
        external.post(
            "/users", {"displayName": f"{issuer} {user_id}", "identities": [federated(issuer, user_id)]}
        )
    found = names(external.find("identities/any(c:c/issuer eq 'google.com')"))
    assert found == ["google.com 1", "google.com 2"]
    where = "identities/any(c:c/issuer eq 'apple.com')"
    refused(external.get("/users", filter=where), 400, "Request_UnsupportedQuery")


@pytest.mark.documented(IDENTITY)
@pytest.mark.parametrize(
    "inner",
    [
        "c/issuerAssignedId eq 'x'",
        "c/signInType eq 'federated'",
        "c/issuer ne 'a' and c/issuerAssignedId eq 'x'",
    ],
)
def test_identity_filters_that_are_refused(graph: GraphHttp, inner: str) -> None:
    """The id alone, the sign-in type, and anything but eq cannot be filtered."""
    assert graph.get("/users", filter=f"identities/any(c:{inner})").status_code == 400


@pytest.mark.reported("microsoftgraph/microsoft-graph-docs#12576")
def test_startswith_inside_any(graph: GraphHttp) -> None:
    """startswith inside any() is 400."""
    where = "identities/any(c:startswith(c/issuerAssignedId,'x'))"
    refused(
        graph.get("/users", filter=where), 400, "Request_BadRequest", "combination of property and operation"
    )


@pytest.mark.documented(IDENTITY)
def test_upn_is_not_found_as_identity(graph: GraphHttp) -> None:
    """The userPrincipalName entry is found through the property, not through identities."""
    upn = f"ann@{graph.tenant.domain}"
    graph.create("ann@example.org", userPrincipalName=upn)
    assert graph.find(who(graph, upn)) == []
    assert names(graph.find(f"userPrincipalName eq '{upn}'")) == ["ann"]


@pytest.mark.reported("microsoftgraph/microsoft-graph-docs#12576")
def test_address_in_the_tenants_domain(graph: GraphHttp) -> None:
    """An e-mail sign-in name in the tenant's own domain is not found through identities."""
    name = f"ann@{graph.tenant.domain}"
    graph.create(name)
    assert graph.find(who(graph, name)) == []


@pytest.mark.reported("microsoftgraph/microsoft-graph-explorer-v4#2061")
def test_plus_must_be_encoded(graph: GraphHttp) -> None:
    """An unencoded + in the address of a filter is a blank and finds nobody."""
    graph.create("ann+tag@example.org")
    where = who(graph, "ann+tag@example.org")
    assert names(graph.find(where)) == ["ann+tag"]
    sloppy = "/v1.0/users?$filter=" + where.replace(" ", "%20").replace("'", "%27")
    assert graph.http.get(sloppy).json()["value"] == []


@pytest.mark.assumed("OData: an apostrophe in a literal is doubled")
def test_apostrophe_is_doubled(graph: GraphHttp) -> None:
    """A doubled apostrophe stands for one."""
    graph.create("o'brien@example.org")
    assert names(graph.find(who(graph, "o'brien@example.org"))) == ["o'brien"]


@pytest.mark.documented(LIST)
def test_find_by_attributes(graph: GraphHttp) -> None:
    """eq on id, names, mail, flags and extension attributes; startswith; any over otherMails; dates; in; and, or."""
    flag, legacy = graph.declare("requiresMigration", "Boolean"), graph.declare("legacyId")
    more = {
        flag: True,
        legacy: "x:y:1",
        "mail": "m@example.org",
        "otherMails": ["o@example.org"],
        "surname": "Meyer",
    }
    ann = graph.create("ann@example.org", **more)
    bob = graph.create("bob@example.org", accountEnabled=False)
    found = {
        f"id eq '{ann}'": ["ann"],
        f"id in ('{ann}','{bob}')": ["ann", "bob"],
        "displayName eq 'ANN'": ["ann"],
        "mail eq 'M@example.org'": ["ann"],
        f"{flag} eq true": ["ann"],
        f"{legacy} eq 'x:y:1'": ["ann"],
        f"{legacy} eq null": ["bob"],
        "accountEnabled eq false": ["bob"],
        "creationType eq 'LocalAccount'": ["ann", "bob"],
        "startswith(displayName,'b')": ["bob"],
        "startswith(surname,'Mey')": ["ann"],
        "startswith(mail,'m@')": ["ann"],
        "otherMails/any(x:x eq 'o@example.org')": ["ann"],
        "proxyAddresses/any(p:p eq 'smtp:m@example.org')": ["ann"],
        "createdDateTime ge 2020-01-01T00:00:00Z": ["ann", "bob"],
        "createdDateTime le 2020-01-01T00:00:00Z": [],
        "displayName eq 'ann' or displayName eq 'bob'": ["ann", "bob"],
        "(displayName eq 'ann' or displayName eq 'bob') and accountEnabled eq true": ["ann"],
        f"{who(graph, 'ann@example.org')} or {who(graph, 'bob@example.org')}": ["ann", "bob"],
    }  # fmt: skip
    assert {where: names(graph.find(where)) for where in found} == found


@pytest.mark.assumed("the texts for unreadable filters are not published in full")
@pytest.mark.parametrize(
    "where",
    ["", "displayName", "displayName eq", "displayName eq 'x", "displayName eq 'x' and", "displayName like 'x'", "x:y",
     "identities/any(c:d/issuer eq 'x')", "displayName eq 'x') "],
)  # fmt: skip
def test_broken_filters(graph: GraphHttp, where: str) -> None:
    """A filter that cannot be read is 400 BadRequest."""
    refused(graph.get("/users", filter=where), 400, "BadRequest", "Invalid filter clause")


@pytest.mark.assumed("common knowledge: at most 15 clauses joined by or")
def test_too_many_clauses(graph: GraphHttp) -> None:
    """A filter joins at most 15 clauses by or."""
    clauses = [f"displayName eq 'p{number}'" for number in range(16)]
    assert graph.get("/users", filter=" or ".join(clauses[:15])).status_code == 200
    refused(graph.get("/users", filter=" or ".join(clauses)), 400, "Request_BadRequest", "Max allowed: 15")


@pytest.mark.assumed("an emulator must not answer what it does not imitate")
def test_uncovered_filters(graph: GraphHttp) -> None:
    """Filters and options that are not covered answer 501."""
    refused(graph.get("/users", filter="assignedLicenses/any(x:x eq 'y')"), 501, "NotImplemented")
    refused(graph.get("/users", filter="signInActivity eq 'x'"), 501, "NotImplemented")
    refused(graph.get("/users", expand="manager"), 501, "NotImplemented")


@pytest.mark.reported("microsoftgraph/microsoft-graph-explorer-v4#2567")
def test_unknown_options(graph: GraphHttp) -> None:
    """An option without $ is not recognised; $skip is not supported."""
    answer = graph.http.get("/v1.0/users", params={"filter": "displayName eq 'x'"})
    refused(answer, 400, "Request_BadRequest", "Unrecognized query argument specified: 'filter'.")
    refused(graph.get("/users", skip="5"), 400, "Request_BadRequest", "$skip")


@pytest.mark.documented(PAGING)
def test_pages(emulator: Emulator, graph: GraphHttp) -> None:
    """100 accounts a page unless $top says otherwise; the next link is absolute and repeats every option."""
    emulator.seed(
        graph.tenant, [graph.tenant.local_account(f"p{number:03}@example.org") for number in range(230)]
    )
    assert [len(page) for page in all_pages(graph, "/users")] == [100, 100, 30]
    first = graph.get("/users", top="77", select="id,displayName").json()
    assert first["@odata.nextLink"].startswith(f"{graph.tenant.graph_http}/v1.0/users?$top=77&$select=")
    pages = all_pages(graph, "/users", top="77", select="id,displayName")
    assert [len(page) for page in pages] == [77, 77, 76]
    assert len({row["id"] for page in pages for row in page}) == 230
    assert pages[2][0].keys() == {"id", "displayName"}


@pytest.mark.documented(PAGING)
def test_filtered_pages(emulator: Emulator, graph: GraphHttp) -> None:
    """Filtered lists page as well, by index and by scan."""
    bodies = [graph.tenant.local_account(f"p{number:03}@example.org", surname="Doe") for number in range(30)]
    emulator.seed(graph.tenant, bodies)
    for where in ("startswith(displayName,'p')", "surname eq 'Doe'"):
        assert [len(page) for page in all_pages(graph, "/users", filter=where, top="20")] == [20, 10]


@pytest.mark.assumed("common knowledge: page sizes from 1 to 999")
def test_page_sizes(graph: GraphHttp) -> None:
    """$top takes 1 to 999; a broken page token is refused."""
    assert graph.get("/users", top="999").status_code == 200
    for top in ("0", "1000", "x"):
        refused(
            graph.get("/users", top=top), 400, "Request_BadRequest", f"Invalid page size specified: '{top}'"
        )
    refused(graph.get("/users", skiptoken="x"), 400, "Directory_ExpiredPageToken")


@pytest.mark.documented(LIST)
def test_order_by_name(emulator: Emulator, graph: GraphHttp) -> None:
    """$orderby displayName sorts without regard to case, over pages."""
    order = ["delta", "Alpha", "charlie", "Bravo", "echo"]
    emulator.seed(graph.tenant, [graph.tenant.local_account(f"{name}@example.org") for name in order])
    pages = all_pages(graph, "/users", orderby="displayName", top="2", select="displayName")
    found = [row["displayName"] for page in pages for row in page]
    assert found == ["Alpha", "Bravo", "charlie", "delta", "echo"]


@pytest.mark.documented(ADVANCED)
@pytest.mark.parametrize(
    "query",
    [
        {"count": "true"},
        {"search": '"displayName:ann"'},
        {"filter": "displayName ne 'x'"},
        {"filter": "not(displayName eq 'x')"},
        {"filter": "endswith(mail,'x')"},
        {"filter": "displayName eq 'x'", "orderby": "displayName"},
    ],
)
def test_no_advanced_queries_in_b2c(b2c: GraphHttp, query: dict[str, str]) -> None:
    """B2C answers no advanced query, with or without ConsistencyLevel."""
    for headers in ({}, EVENTUAL):
        refused(b2c.get("/users", headers=headers, **query), 400, "Request_UnsupportedQuery")


@pytest.mark.documented(ADVANCED)
def test_advanced_queries_in_external(external: GraphHttp) -> None:
    """An external tenant answers them with ConsistencyLevel: eventual and $count=true, and not without."""
    for name in ("ann", "bob", "cid"):
        external.create(f"{name}@example.org")
    queries = {
        "displayName ne 'ann'": ["bob", "cid"],
        "not(displayName eq 'ann')": ["bob", "cid"],
        "endswith(mail,'b@example.org')": ["bob"],
    }
    for where, found in queries.items():
        assert external.get("/users", filter=where).status_code == 400
        answer = external.get("/users", headers=EVENTUAL, filter=where, count="true", orderby="displayName")
        assert names(answer.json()["value"]) == found
        assert answer.json()["@odata.count"] == len(found)
    answer = external.get("/users", headers=EVENTUAL, search='"displayName:an"')
    assert names(answer.json()["value"]) == ["ann"]
    refused(external.get("/users", count="true"), 400, "Request_UnsupportedQuery")


@pytest.mark.documented(PAGING)
def test_count_on_the_first_page_only(external: GraphHttp) -> None:
    """@odata.count stands on the first page only, and headers must be sent again for the next one."""
    for name in ("ann", "bob", "cid"):
        external.create(f"{name}@example.org")
    first = external.get("/users", headers=EVENTUAL, count="true", top="2").json()
    assert first["@odata.count"] == 3
    link = first["@odata.nextLink"]
    assert external.http.get(link).status_code == 400
    assert "@odata.count" not in external.http.get(link, headers=EVENTUAL).json()


@pytest.mark.documented("https://learn.microsoft.com/graph/api/user-list")
def test_count_as_text(b2c: GraphHttp, external: GraphHttp) -> None:
    """/users/$count is plain text in external tenants, and unsupported in B2C."""
    external.create("ann@example.org")
    answer = external.get("/users/$count", headers=EVENTUAL)
    assert (answer.text, answer.headers["content-type"].partition(";")[0]) == ("1", "text/plain")
    refused(external.get("/users/$count"), 400, "Request_UnsupportedQuery")
    refused(b2c.get("/users/$count", headers=EVENTUAL), 400, "Request_UnsupportedQuery")


@pytest.mark.documented("https://learn.microsoft.com/graph/delta-query-overview")
def test_delta_is_refused(emulator: Emulator, graph: GraphHttp) -> None:
    """Delta queries are refused in both kinds of tenant."""
    for path in ("/users/delta", "/users/delta()", "/users/microsoft.graph.delta()"):
        refused(graph.get(path), 400, "Request_UnsupportedQuery")
    emulator.options(graph.tenant, delta_status=501)
    refused(graph.get("/users/delta"), 501, "NotImplemented")
