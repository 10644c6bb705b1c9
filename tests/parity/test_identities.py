"""Identities: which are taken, which are unique, and how a clash is told."""

from typing import Any

import pytest
from tests.support.emulator import Emulator
from tests.support.graph_http import GraphHttp, federated, refused, targets

IDENTITY = "https://learn.microsoft.com/graph/api/resources/objectidentity"
B2C_ATTRIBUTES = "https://learn.microsoft.com/azure/active-directory-b2c/user-profile-attributes"


def post(graph: GraphHttp, *identities: Any, **more: Any) -> Any:
    body = graph.tenant.local_account("x", **more)
    return graph.post("/users", {**body, "identities": list(identities)})


@pytest.mark.documented(IDENTITY)
@pytest.mark.parametrize("name", ["ann", "9ann", "ann-b_c", "a" * 64])
def test_user_names(graph: GraphHttp, name: str) -> None:
    """A user name begins with a letter or digit, then letters, digits, - and _, at most 64."""
    assert post(graph, graph.local(name, "userName")).status_code == 201


@pytest.mark.documented(IDENTITY)
@pytest.mark.parametrize("name", ["_ann", "ann.b", "ann+b", "änn", "ann b", "a" * 65])
def test_bad_user_names(graph: GraphHttp, name: str) -> None:
    """Other characters and longer user names are refused."""
    answer = post(graph, graph.local(name, "userName"))
    refused(answer, 400, "Request_BadRequest", "Property identities is invalid.")
    assert targets(answer) == [("InvalidValue", "identities")]


@pytest.mark.reported("MicrosoftDocs/azure-docs#50249")
def test_user_name_with_at(graph: GraphHttp) -> None:
    """A user name must not hold an @."""
    refused(post(graph, graph.local("ann@example.org", "userName")), 400, "Request_BadRequest")


@pytest.mark.documented(IDENTITY)
@pytest.mark.parametrize("name", ["ann+tag@example.org", "o'brien@example.org", '"a b"@example.org'])
def test_email_names(graph: GraphHttp, name: str) -> None:
    """An e-mail sign-in name is any valid address, in emailAddress and in types that begin with it."""
    assert post(graph, graph.local(name)).status_code == 201
    assert (
        post(
            graph, graph.local(f"2{name.replace(chr(34), '')}".replace(" ", ""), "emailAddress2")
        ).status_code
        == 201
    )


@pytest.mark.assumed("accents are refused in mail and otherMails; nobody says so of e-mail sign-in names")
def test_email_names_with_accents(graph: GraphHttp) -> None:
    """An e-mail sign-in name may hold any letters."""
    assert post(graph, graph.local("ünal@exämple.org")).status_code == 201


@pytest.mark.documented(IDENTITY)
@pytest.mark.parametrize(
    "name", ["ann", "ann@", "@example.org", "a b@example.org", "ann@example", "a@b@c.org"]
)
def test_bad_email_names(graph: GraphHttp, name: str) -> None:
    """An emailAddress identity that is no address is refused."""
    refused(post(graph, graph.local(name)), 400, "Request_BadRequest")
    refused(post(graph, graph.local(name, "emailAddress1")), 400, "Request_BadRequest")


@pytest.mark.reported("microsoftgraph/microsoft-graph-docs#13084")
def test_phone_names(b2c: GraphHttp) -> None:
    """A phone sign-in name is an E.164 number."""
    assert post(b2c, b2c.local("+15551234567", "phoneNumber")).status_code == 201
    refused(post(b2c, b2c.local("555-1234", "phoneNumber")), 400, "Request_BadRequest")


@pytest.mark.documented(B2C_ATTRIBUTES)
def test_custom_sign_in_types(b2c: GraphHttp) -> None:
    """Any other type of sign-in name is allowed in B2C."""
    assert post(b2c, b2c.local("E-77", "employeeId")).status_code == 201


@pytest.mark.assumed("samples write userName and username: any case is taken, and kept as sent")
def test_case_of_sign_in_type(graph: GraphHttp) -> None:
    """signInType is taken in any case and stored as sent."""
    object_id = post(graph, graph.local("ann", "username")).json()["id"]
    assert graph.read(object_id, "identities")["identities"][0]["signInType"] == "username"


@pytest.mark.documented(B2C_ATTRIBUTES)
def test_at_most_ten(graph: GraphHttp) -> None:
    """An account has at most ten identities."""
    names = [graph.local(f"ann{number}", "userName") for number in range(11)]
    answer = post(graph, *names)
    refused(answer, 400, "Request_BadRequest")
    assert targets(answer) == [("InvalidValue", "identities")]
    assert post(graph, *names[:10]).status_code == 201


@pytest.mark.documented(IDENTITY)
def test_issuer_of_local_identity(graph: GraphHttp) -> None:
    """The issuer of a local identity is the tenant's domain; its id or another domain is refused."""
    for issuer in (graph.tenant.tenant_id, "other.onmicrosoft.com"):
        refused(post(graph, {**graph.local("ann@example.org"), "issuer": issuer}), 400, "Request_BadRequest")
    refused(post(graph, federated("x" * 513, "1")), 400, "Request_BadRequest")


@pytest.mark.assumed("the tenant does not federate with itself")
def test_federated_with_itself(graph: GraphHttp) -> None:
    """A federated identity of the tenant's own domain is refused."""
    refused(post(graph, federated(graph.tenant.domain, "1")), 400, "Request_BadRequest")


@pytest.mark.reported("microsoftgraph/msgraph-sdk-php#708")
def test_identities_must_be_an_array(graph: GraphHttp) -> None:
    """An object in place of the array is 400 BadRequest."""
    body = graph.tenant.local_account("ann@example.org")
    answer = graph.post("/users", {**body, "identities": body["identities"][0]})
    refused(
        answer, 400, "BadRequest", "Property identities in payload has a value that does not match schema."
    )


@pytest.mark.reported("Azure-Samples/ms-identity-dotnetcore-b2c-account-management#17")
@pytest.mark.parametrize("part", ["signInType", "issuer", "issuerAssignedId"])
def test_incomplete_identity(graph: GraphHttp, part: str) -> None:
    """An identity without one of its parts is refused without naming the property."""
    identity = graph.local("ann@example.org")
    del identity[part]
    refused(
        post(graph, identity), 400, "Request_BadRequest", "One or more properties contains invalid values."
    )


@pytest.mark.reported("microsoftgraph/microsoft-graph-docs#1508")
def test_duplicate_email(graph: GraphHttp) -> None:
    """A second account with the same e-mail sign-in name, in any case, is 400 with ObjectConflict on proxyAddresses."""
    graph.create("Ann@Example.org")
    answer = post(graph, graph.local("ann@example.ORG"))
    refused(answer, 400, "Request_BadRequest", "same value for property proxyAddresses already exists")
    assert targets(answer)[0] == ("ObjectConflict", "proxyAddresses")


@pytest.mark.assumed("the property in a clash of user names or federated ids was seen once, as identities")
def test_duplicate_identities(graph: GraphHttp) -> None:
    """Clashing user names (in any case) and federated ids (same case) name the property identities."""
    assert post(graph, graph.local("ann", "userName")).status_code == 201
    assert targets(post(graph, graph.local("ANN", "userName")))[0] == ("ObjectConflict", "identities")
    assert post(graph, federated("google.com", "aB")).status_code == 201
    assert targets(post(graph, federated("Google.com", "aB")))[0] == ("ObjectConflict", "identities")
    assert post(graph, federated("google.com", "ab")).status_code == 201
    assert post(graph, federated("facebook.com", "aB")).status_code == 201


@pytest.mark.reported("microsoftgraph/microsoft-graph-docs#1508")
def test_duplicate_upn(graph: GraphHttp) -> None:
    """A clash of userPrincipalNames names that property."""
    upn = f"ann@{graph.tenant.domain}"
    graph.create("a@example.org", userPrincipalName=upn)
    answer = post(
        graph,
        graph.local("b@example.org"),
        userPrincipalName=upn.upper().replace(upn.upper().split("@")[1], graph.tenant.domain),
    )
    assert targets(answer)[0] == ("ObjectConflict", "userPrincipalName")


@pytest.mark.reported("microsoftgraph/microsoft-graph-docs-contrib#8421")
def test_duplicate_mail(graph: GraphHttp) -> None:
    """mail equal to another account's mail or userPrincipalName clashes on proxyAddresses, also in an update."""
    upn = f"ann@{graph.tenant.domain}"
    graph.create("a@example.org", mail="shared@example.org", userPrincipalName=upn)
    for mail in ("SHARED@example.org", upn):
        answer = post(graph, graph.local("b@example.org"), mail=mail)
        assert targets(answer)[0] == ("ObjectConflict", "proxyAddresses")
    other = post(graph, graph.local("b@example.org")).json()["id"]
    answer = graph.patch(f"/users/{other}", {"mail": "shared@example.org"})
    assert targets(answer)[0] == ("ObjectConflict", "proxyAddresses")


@pytest.mark.assumed("a stored copy of third-party notes shows the second detail; real tenants may omit it")
def test_conflict_names_the_other(emulator: Emulator, graph: GraphHttp) -> None:
    """A clash names the other object as User_<id>; the option conflict_details switches that off."""
    other = graph.create("ann@example.org")
    assert targets(post(graph, graph.local("ann@example.org")))[1] == ("ConflictingObjects", f"User_{other}")
    emulator.options(graph.tenant, conflict_details=False)
    assert len(targets(post(graph, graph.local("ann@example.org")))) == 1


@pytest.mark.documented("https://learn.microsoft.com/entra/identity/authentication/concept-sspr-policy")
@pytest.mark.parametrize("name", ["änn", "ann.", "a b", "a" * 65, "a&b"])
def test_bad_upn(graph: GraphHttp, name: str) -> None:
    """A userPrincipalName has a limited alphabet, 64 characters before the @, and no dot right before it."""
    answer = post(graph, graph.local("ann@example.org"), userPrincipalName=f"{name}@{graph.tenant.domain}")
    refused(answer, 400, "Request_BadRequest", "Property userPrincipalName is invalid.")
    assert targets(answer) == [("InvalidValue", "userPrincipalName")]


@pytest.mark.documented(IDENTITY)
def test_upn_identity_sets_the_property(graph: GraphHttp) -> None:
    """An identity of type userPrincipalName becomes the account's userPrincipalName."""
    upn = f"ann@{graph.tenant.domain}"
    answer = post(graph, graph.local("ann@example.org"), graph.local(upn, "userPrincipalName"))
    assert answer.json()["userPrincipalName"] == upn
    foreign = graph.local("ann@other.org", "userPrincipalName")
    refused(post(graph, foreign), 400, "Request_BadRequest")
