"""Which permission each operation needs, and the directory role behind a password update."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from tests.support.emulator import Emulator
from tests.support.graph_http import GraphHttp, refused

UPDATE = "https://learn.microsoft.com/graph/api/user-update"
PASSWORD = {"passwordProfile": {"password": "N3w-pass-word"}}

USER_ADMINISTRATOR = ("User Administrator", "fe930be7-5e62-47db-91af-98c3a49a38b1")

NUMBERS = itertools.count()

Act = Callable[[GraphHttp, str], Any]


def become(
    emulator: Emulator, graph: GraphHttp, roles: list[str], directory_roles: list[str] | None = None
) -> None:
    made = emulator.application(graph.tenant, roles=roles, directory_roles=directory_roles or [])
    graph.sign_in(client_id=made["client_id"], client_secret=made["client_secret"])


def somebody(emulator: Emulator, graph: GraphHttp) -> str:
    return emulator.seed(graph.tenant, [graph.tenant.local_account(f"u{next(NUMBERS)}@example.org")])[0]


def check(
    emulator: Emulator, graph: GraphHttp, act: Act, *, good: list[list[str]], bad: list[list[str]]
) -> None:
    """Acts as applications with these permissions; only the good ones are let through."""
    for roles in bad:
        object_id = somebody(emulator, graph)
        become(emulator, graph, roles)
        refused(act(graph, object_id), 403, "Authorization_RequestDenied", "Insufficient privileges")
    for roles in good:
        object_id = somebody(emulator, graph)
        become(emulator, graph, roles)
        answer = act(graph, object_id)
        assert answer.status_code < 300, (roles, answer.text)


@pytest.mark.documented("https://learn.microsoft.com/graph/api/user-post-users")
def test_create(emulator: Emulator, graph: GraphHttp) -> None:
    """Creating needs User.Create, User.ReadWrite.All or Directory.ReadWrite.All; the password needs no more."""
    numbers = iter(range(9))
    check(
        emulator,
        graph,
        lambda g, _: g.post("/users", g.tenant.local_account(f"new{next(numbers)}@example.org")),
        good=[["User.Create"], ["User.ReadWrite.All"], ["Directory.ReadWrite.All"]],
        bad=[[], ["User.Read.All"]],
    )


@pytest.mark.documented("https://learn.microsoft.com/graph/api/user-list")
def test_read(emulator: Emulator, graph: GraphHttp) -> None:
    """Reading needs User.Read.All or more."""
    for act in (lambda g, i: g.get(f"/users/{i}"), lambda g, _: g.get("/users")):
        check(
            emulator, graph, act, good=[["User.Read.All"], ["Directory.Read.All"]], bad=[[], ["User.Create"]]
        )


@pytest.mark.documented("https://learn.microsoft.com/graph/api/resources/signinactivity")
def test_sign_in_activity(emulator: Emulator, graph: GraphHttp) -> None:
    """Selecting signInActivity needs AuditLog.Read.All as well."""
    for act in (
        lambda g, i: g.get(f"/users/{i}", select="signInActivity"),
        lambda g, _: g.get("/users", select="id,signInActivity"),
    ):
        good = [["User.Read.All", "AuditLog.Read.All"]]
        check(emulator, graph, act, good=good, bad=[["User.ReadWrite.All"], ["AuditLog.Read.All"]])


@pytest.mark.documented(UPDATE)
def test_plain_update(emulator: Emulator, graph: GraphHttp) -> None:
    """A plain attribute needs User.ReadUpdate.All or more."""
    check(
        emulator,
        graph,
        lambda g, i: g.patch(f"/users/{i}", {"displayName": "x"}),
        good=[["User.ReadUpdate.All"], ["User.ReadWrite.All"], ["Directory.ReadWrite.All"]],
        bad=[[], ["User.Read.All"], ["User-PasswordProfile.ReadWrite.All"]],
    )


@pytest.mark.documented(UPDATE)
def test_update_of_identities(emulator: Emulator, graph: GraphHttp) -> None:
    """identities need User.ManageIdentities.All; User.ReadWrite.All is not enough."""

    def act(g: GraphHttp, object_id: str) -> Any:
        entries = next(row for row in emulator.dump(g.tenant) if row["id"] == object_id)["identities"]
        return g.patch(f"/users/{object_id}", {"identities": entries})

    check(emulator, graph, act, good=[["User.ManageIdentities.All"]], bad=[["User.ReadWrite.All"]])


@pytest.mark.documented(UPDATE)
@pytest.mark.parametrize(
    ("body", "own"),
    [
        ({"otherMails": []}, ["User-Mail.ReadWrite.All"]),
        ({"mobilePhone": "1"}, ["User-Phone.ReadWrite.All"]),
        ({"businessPhones": ["1"]}, ["User-Phone.ReadWrite.All"]),
        ({"accountEnabled": False}, ["User.EnableDisableAccount.All", "User.Read.All"]),
    ],
)
def test_update_of_sensitive_attributes(
    emulator: Emulator, graph: GraphHttp, body: dict[str, Any], own: list[str]
) -> None:
    """Mails, phones and the enabled flag have permissions of their own."""
    good = [own, ["User.ReadWrite.All"]]
    check(
        emulator,
        graph,
        lambda g, i: g.patch(f"/users/{i}", body),
        good=good,
        bad=[own[1:], ["User.ReadUpdate.All"]],
    )


@pytest.mark.documented(UPDATE)
def test_password_update(emulator: Emulator, graph: GraphHttp) -> None:
    """A password update needs its own permission and the directory role User Administrator."""
    object_id = graph.create("ann@example.org")
    permission = ["User-PasswordProfile.ReadWrite.All"]
    for roles, directory_roles, status in (
        (["User.ReadWrite.All", "Directory.ReadWrite.All"], ["User Administrator"], 403),
        (permission, [], 403),
        (permission, ["User Administrator"], 204),
        (permission, ["Privileged Authentication Administrator"], 204),
    ):
        become(emulator, graph, roles, directory_roles)
        assert graph.patch(f"/users/{object_id}", PASSWORD).status_code == status


@pytest.mark.assumed("field code says that the permission alone is enough; the page demands the role")
def test_password_update_without_the_role(emulator: Emulator, graph: GraphHttp) -> None:
    """With the option strict_password_role off, the permission alone is enough for a password update."""
    object_id = graph.create("ann@example.org")
    emulator.options(graph.tenant, strict_password_role=False)
    become(emulator, graph, ["User-PasswordProfile.ReadWrite.All"])
    assert graph.patch(f"/users/{object_id}", PASSWORD).status_code == 204


@pytest.mark.documented("https://learn.microsoft.com/graph/api/directory-deleteditems-delete")
def test_delete_restore_purge(emulator: Emulator, graph: GraphHttp) -> None:
    """Deleting, restoring and purging need User.DeleteRestore.All; Directory.ReadWrite.All is not enough."""
    own, wide = ["User.DeleteRestore.All"], ["Directory.ReadWrite.All"]

    def delete(g: GraphHttp, object_id: str) -> Any:
        return g.delete(f"/users/{object_id}")

    def then(path: str, method: str) -> Act:
        def act(g: GraphHttp, object_id: str) -> Any:
            token = g.http.headers["Authorization"]
            g.sign_in()
            delete(g, object_id)
            g.http.headers["Authorization"] = token
            return g.http.request(method, f"/v1.0/directory/deletedItems/{object_id}{path}")

        return act

    for act in (delete, then("/restore", "POST"), then("", "DELETE")):
        check(emulator, graph, act, good=[own], bad=[wide])


@pytest.mark.assumed("common knowledge: the page of deletes names User.DeleteRestore.All as the least")
def test_delete_with_the_wide_permission(emulator: Emulator, graph: GraphHttp) -> None:
    """User.ReadWrite.All deletes as well; it neither restores nor purges."""
    become(emulator, graph, ["User.ReadWrite.All"])
    object_id = somebody(emulator, graph)
    assert graph.delete(f"/users/{object_id}").status_code == 204
    assert graph.http.post(f"/v1.0/directory/deletedItems/{object_id}/restore").status_code == 403
    assert graph.delete(f"/directory/deletedItems/{object_id}").status_code == 403


@pytest.mark.assumed(
    "common knowledge: the page of extension properties names no permission for foreign applications"
)
def test_extension_properties(emulator: Emulator, graph: GraphHttp) -> None:
    """Declaring needs Application.ReadWrite.All or Directory.ReadWrite.All; listing less."""
    numbers = iter(range(9))
    path = f"/applications(appId='{graph.tenant.extension_app_id}')/extensionProperties"

    def declare(g: GraphHttp, _: str) -> Any:
        body = {"name": f"a{next(numbers)}", "dataType": "String", "targetObjects": ["User"]}
        return g.post(path, body)

    good = [["Application.ReadWrite.All"], ["Directory.ReadWrite.All"]]
    check(emulator, graph, declare, good=good, bad=[["Application.Read.All"], ["User.ReadWrite.All"]])
    for act in (lambda g, _: g.get(path), lambda g, _: g.get("/applications")):
        check(emulator, graph, act, good=[["Application.Read.All"]], bad=[["User.ReadWrite.All"]])


@pytest.mark.documented(
    "https://learn.microsoft.com/azure/active-directory-b2c/tenant-management-directory-quota"
)
def test_quota(emulator: Emulator, graph: GraphHttp) -> None:
    """Reading the object quota needs Organization.Read.All."""
    check(
        emulator,
        graph,
        lambda g, _: g.get("/beta/organization", select="directorySizeQuota"),
        good=[["Organization.Read.All"]],
        bad=[["Directory.Read.All"], []],
    )


@pytest.mark.documented("https://learn.microsoft.com/graph/auth-v2-service")
def test_consent_needs_a_new_token(emulator: Emulator, graph: GraphHttp) -> None:
    """A token keeps the permissions that it was issued with."""
    made = emulator.application(graph.tenant, roles=[])
    graph.sign_in(client_id=made["client_id"], client_secret=made["client_secret"])
    emulator.application(graph.tenant, client_id=made["client_id"], roles=["User.Read.All"])
    assert graph.get("/users").status_code == 403
    graph.sign_in(client_id=made["client_id"], client_secret=made["client_secret"])
    assert graph.get("/users").status_code == 200


MEMBERSHIPS = "https://learn.microsoft.com/graph/api/serviceprincipal-list-transitivememberof"


@pytest.mark.documented(MEMBERSHIPS)
def test_roles_of_a_service_principal(emulator: Emulator, graph: GraphHttp) -> None:
    """A service principal's directory roles are listed; without a permission to read roles, by type and id alone."""
    held = ["User Administrator"]
    for roles, name, template in (
        (["Application.Read.All"], None, None),
        (["Application.Read.All", "RoleManagement.Read.Directory"], *USER_ADMINISTRATOR),
        (["Directory.Read.All"], *USER_ADMINISTRATOR),
    ):
        made = emulator.application(graph.tenant, roles=roles, directory_roles=held)
        graph.sign_in(client_id=made["client_id"], client_secret=made["client_secret"])
        answer = graph.get(f"/servicePrincipals(appId='{made['client_id']}')/transitiveMemberOf")
        assert answer.status_code == 200, answer.text
        [row] = answer.json()["value"]
        assert row["@odata.type"] == "#microsoft.graph.directoryRole"
        assert (row["displayName"], row["roleTemplateId"]) == (name, template)


@pytest.mark.documented(MEMBERSHIPS)
def test_roles_are_read_with_a_permission_for_applications(emulator: Emulator, graph: GraphHttp) -> None:
    """Listing what a service principal is a member of needs Application.Read.All or more."""
    path = f"/servicePrincipals(appId='{graph.tenant.client_id}')/transitiveMemberOf"
    check(
        emulator,
        graph,
        lambda g, _: g.get(path),
        good=[["Application.Read.All"], ["Directory.Read.All"]],
        bad=[["User.ReadWrite.All"], []],
    )
