"""Updating, deleting, restoring and purging accounts, and the directory's description of itself."""

from typing import Any

import pytest
from tests.support.emulator import Emulator
from tests.support.graph_http import GraphHttp, federated, refused, targets

UPDATE = "https://learn.microsoft.com/graph/api/user-update"
BIN = "https://learn.microsoft.com/graph/api/directory-deleteditems-list"
DAY_S = 24 * 3600


@pytest.mark.documented(UPDATE)
def test_patch_merges(graph: GraphHttp) -> None:
    """204 without a body; only what was sent changes, null clears, and filters see it."""
    object_id = graph.create("ann@example.org", givenName="Ann", surname="Meyer")
    answer = graph.patch(f"/users/{object_id}", {"displayName": "Annie", "surname": None})
    assert (answer.status_code, answer.content) == (204, b"")
    shown = graph.read(object_id)
    assert (shown["displayName"], shown["givenName"], shown["surname"]) == ("Annie", "Ann", None)
    assert graph.find("displayName eq 'ann'") == []
    assert len(graph.find("displayName eq 'annie'")) == 1


@pytest.mark.documented(UPDATE)
def test_patch_unknown(graph: GraphHttp) -> None:
    """An unknown account is 404."""
    refused(graph.patch("/users/nobody", {"displayName": "x"}), 404, "Request_ResourceNotFound")


@pytest.mark.documented(UPDATE)
def test_password_and_flag_in_one_patch(emulator: Emulator, graph: GraphHttp) -> None:
    """One update sets password, policies and an extension attribute, and moves lastPasswordChangeDateTime."""
    flag = graph.declare("requiresMigration", "Boolean")
    object_id = graph.create("ann@example.org", **{flag: True})
    before = graph.read(object_id, "lastPasswordChangeDateTime")["lastPasswordChangeDateTime"]
    emulator.advance(60)
    graph.sign_in()
    profile = {"password": "N3w-pass-word", "forceChangePasswordNextSignIn": False}
    body = {"passwordProfile": profile, "passwordPolicies": "DisablePasswordExpiration", flag: False}
    assert graph.patch(f"/users/{object_id}", body).status_code == 204
    shown = graph.read(object_id, "lastPasswordChangeDateTime", flag)
    assert shown["lastPasswordChangeDateTime"] > before
    assert shown[flag] is False
    assert emulator.sign_in(graph.tenant, "ann@example.org", "N3w-pass-word")["signed_in"]
    assert not emulator.sign_in(graph.tenant, "ann@example.org", "Zq7#mWv2!k")["signed_in"]


@pytest.mark.reported("microsoftgraph/msgraph-sdk-dotnet#2793")
def test_weak_password_in_a_patch(b2c: GraphHttp) -> None:
    """The strong rule holds in updates, unless the same update or the account itself switches it off."""
    object_id = b2c.create("ann@example.org")
    weak = {"passwordProfile": {"password": "simple"}}
    refused(b2c.patch(f"/users/{object_id}", weak), 400, "Request_BadRequest", "password complexity")
    off = {"passwordPolicies": "DisablePasswordExpiration,DisableStrongPassword"}
    assert b2c.patch(f"/users/{object_id}", {**weak, **off}).status_code == 204
    assert b2c.patch(f"/users/{object_id}", weak).status_code == 204


@pytest.mark.documented(UPDATE)
def test_flags_alone_keep_the_password(emulator: Emulator, graph: GraphHttp) -> None:
    """forceChangePasswordNextSignIn alone keeps password and its time; the next sign-in must change it."""
    object_id = graph.create("ann@example.org")
    before = graph.read(object_id, "lastPasswordChangeDateTime")
    emulator.advance(60)
    graph.sign_in()
    graph.patch(f"/users/{object_id}", {"passwordProfile": {"forceChangePasswordNextSignIn": True}})
    assert graph.read(object_id, "lastPasswordChangeDateTime") == before
    result = emulator.sign_in(graph.tenant, "ann@example.org", "Zq7#mWv2!k")
    assert (result["signed_in"], result["reason"]) == (False, "must_change_password")


@pytest.mark.documented(UPDATE)
def test_identities_are_replaced(graph: GraphHttp) -> None:
    """An update of identities replaces them all and must keep the userPrincipalName entry."""
    object_id = graph.create("ann@example.org")
    entries = graph.read(object_id, "identities")["identities"]
    refused(
        graph.patch(f"/users/{object_id}", {"identities": [graph.local("a@example.org")]}),
        400,
        "Request_BadRequest",
    )
    replaced = [graph.local("annie@example.org"), federated("google.com", "1"), entries[-1]]
    assert graph.patch(f"/users/{object_id}", {"identities": replaced}).status_code == 204
    assert graph.read(object_id, "identities")["identities"] == replaced
    assert (
        graph.post("/users", graph.tenant.local_account("ann@example.org", mail="x@example.org")).status_code
        == 201
    )


@pytest.mark.documented(UPDATE)
def test_upn_and_its_entry_move_together(graph: GraphHttp) -> None:
    """Changing userPrincipalName changes the entry, and changing the entry changes userPrincipalName."""
    object_id = graph.create("ann@example.org")
    new, newer = f"ann@{graph.tenant.domain}", f"annie@{graph.tenant.domain}"
    graph.patch(f"/users/{object_id}", {"userPrincipalName": new})
    entries = graph.read(new, "identities")["identities"]
    assert entries[-1]["issuerAssignedId"] == new
    entries[-1]["issuerAssignedId"] = newer
    graph.patch(f"/users/{object_id}", {"identities": entries})
    assert graph.read(newer, "userPrincipalName")["userPrincipalName"] == newer


@pytest.mark.documented(UPDATE)
def test_local_identity_needs_a_local_account(b2c: GraphHttp, external: GraphHttp) -> None:
    """In B2C a local identity can be added only to an account that has one."""
    for graph, status in ((b2c, 400), (external, 204)):
        made = graph.post(
            "/users", {"displayName": "Ann", "identities": [federated("google.com", "1")]}
        ).json()
        entries = graph.read(made["id"], "identities")["identities"]
        answer = graph.patch(f"/users/{made['id']}", {"identities": [graph.local("a@example.org"), *entries]})
        assert answer.status_code == status, answer.text


@pytest.mark.reported("microsoftgraph/microsoft-graph-docs#1508")
def test_patch_into_a_conflict(graph: GraphHttp) -> None:
    """An update into another account's name is refused, and nothing of it is applied."""
    graph.create("ann@example.org")
    bob = graph.create("bob@example.org")
    entries = graph.read(bob, "identities")["identities"]
    body = {"displayName": "Bobby", "identities": [graph.local("ann@example.org"), entries[-1]]}
    assert targets(graph.patch(f"/users/{bob}", body))[0] == ("ObjectConflict", "proxyAddresses")
    assert graph.read(bob)["displayName"] == "bob"


@pytest.mark.documented(BIN)
def test_delete_and_restore(emulator: Emulator, graph: GraphHttp) -> None:
    """A deleted account is gone from /users, stands in the recycle bin, and can be restored whole."""
    object_id = graph.create("ann@example.org")
    assert graph.delete(f"/users/{object_id}").status_code == 204
    refused(graph.get(f"/users/{object_id}"), 404, "Request_ResourceNotFound")
    refused(graph.delete(f"/users/{object_id}"), 404, "Request_ResourceNotFound")
    assert not emulator.sign_in(graph.tenant, "ann@example.org", "Zq7#mWv2!k")["signed_in"]
    listed = graph.get("/directory/deletedItems/microsoft.graph.user").json()["value"]
    assert [row["id"] for row in listed] == [object_id]
    assert listed[0]["deletedDateTime"] is not None
    shown = graph.get(f"/directory/deletedItems/{object_id}").json()
    assert shown["@odata.type"] == "#microsoft.graph.user"
    answer = graph.http.post(f"/v1.0/directory/deletedItems/{object_id}/restore")
    assert (answer.status_code, answer.json()["id"]) == (200, object_id)
    assert graph.read(object_id, "deletedDateTime")["deletedDateTime"] is None
    assert emulator.sign_in(graph.tenant, "ann@example.org", "Zq7#mWv2!k")["signed_in"]
    assert graph.get("/directory/deletedItems/microsoft.graph.user").json()["value"] == []


@pytest.mark.documented("https://learn.microsoft.com/graph/api/directory-deleteditems-delete")
def test_purge(graph: GraphHttp) -> None:
    """A purged account is gone for good."""
    object_id = graph.create("ann@example.org")
    refused(graph.delete(f"/directory/deletedItems/{object_id}"), 404, "Request_ResourceNotFound")
    graph.delete(f"/users/{object_id}")
    assert graph.delete(f"/directory/deletedItems/{object_id}").status_code == 204
    refused(graph.get(f"/directory/deletedItems/{object_id}"), 404, "Request_ResourceNotFound")
    assert graph.http.post(f"/v1.0/directory/deletedItems/{object_id}/restore").status_code == 404


@pytest.mark.documented(BIN)
def test_bin_keeps_30_days(emulator: Emulator, graph: GraphHttp) -> None:
    """After 30 days a deleted account is gone."""
    object_id = graph.create("ann@example.org")
    graph.delete(f"/users/{object_id}")
    for days, status in ((29, 200), (2, 404)):
        emulator.advance(days * DAY_S)
        graph.sign_in()
        assert graph.get(f"/directory/deletedItems/{object_id}").status_code == status


@pytest.mark.documented(BIN)
def test_bin_pages(graph: GraphHttp) -> None:
    """The recycle bin is listed in pages, with $select and $filter."""
    for number in range(3):
        graph.delete(f"/users/{graph.create(f'p{number}@example.org')}")
    path = "/directory/deletedItems/microsoft.graph.user"
    first = graph.get(path, top="2", select="id,displayName").json()
    assert len(first["value"]) == 2
    assert first["value"][0].keys() == {"id", "displayName"}
    assert len(graph.http.get(first["@odata.nextLink"]).json()["value"]) == 1
    assert len(graph.get(path, filter="displayName eq 'p1'").json()["value"]) == 1


@pytest.mark.assumed("one vendor's notes: a deleted account keeps its proxy addresses for about 30 days")
def test_bin_keeps_mail_addresses(graph: GraphHttp) -> None:
    """A deleted account still holds its mail address; a new account with it clashes until the purge."""
    object_id = graph.create("ann@example.org", mail="m@example.org")
    graph.delete(f"/users/{object_id}")
    body = graph.tenant.local_account("other@example.org", mail="m@example.org")
    answer = graph.post("/users", body)
    assert targets(answer) == [
        ("ObjectConflict", "proxyAddresses"),
        ("ConflictingObjects", f"User_{object_id}"),
    ]
    graph.delete(f"/directory/deletedItems/{object_id}")
    assert graph.post("/users", body).status_code == 201


@pytest.mark.assumed(
    "nobody says whether deleted accounts keep their sign-in names: they do not, unless asked to"
)
def test_bin_and_sign_in_names(emulator: Emulator, b2c: GraphHttp) -> None:
    """A deleted account gives its sign-in names up, so restoring can clash; an option makes it keep them."""
    body = b2c.tenant.local_account("ann@example.org")
    first = b2c.create("ann@example.org")
    b2c.delete(f"/users/{first}")
    second = b2c.post("/users", body).json()["id"]
    answer = b2c.http.post(f"/v1.0/directory/deletedItems/{first}/restore")
    assert targets(answer)[0] == ("ObjectConflict", "proxyAddresses")
    emulator.options(b2c.tenant, deleted_holds_identities=True)
    b2c.delete(f"/users/{second}")
    assert targets(b2c.post("/users", body))[1] == ("ConflictingObjects", f"User_{second}")


@pytest.mark.documented("https://learn.microsoft.com/graph/api/organization-list")
def test_organization(graph: GraphHttp) -> None:
    """/organization names the tenant and its domain."""
    row = graph.get("/organization").json()["value"][0]
    assert row["id"] == graph.tenant.tenant_id
    assert [(d["name"], d["isDefault"]) for d in row["verifiedDomains"]] == [(graph.tenant.domain, True)]
    assert graph.get(f"/organization/{row['id']}", select="id").json()["id"] == row["id"]
    assert graph.get("/organization/other").status_code == 404


@pytest.mark.documented(
    "https://learn.microsoft.com/azure/active-directory-b2c/tenant-management-directory-quota"
)
def test_directory_size_quota(graph: GraphHttp) -> None:
    """The object quota is read in beta only: 1.25 million in B2C, 300,000 in external tenants."""
    graph.create("ann@example.org")
    rows = graph.get("/beta/organization", select="directorySizeQuota").json()["value"]
    total = 1_250_000 if graph.tenant.kind == "b2c" else 300_000
    assert rows == [{"directorySizeQuota": {"used": 1, "total": total}}]
    refused(graph.get("/organization", select="directorySizeQuota"), 400, "BadRequest")


@pytest.mark.assumed("tenantType: seen in portals, not on a page about customers' tenants")
def test_tenant_type(graph: GraphHttp) -> None:
    """tenantType tells the kind of tenant."""
    kind: Any = {"b2c": "AAD B2C", "external": "CIAM"}[graph.tenant.kind]
    assert graph.get("/organization").json()["value"][0]["tenantType"] == kind
