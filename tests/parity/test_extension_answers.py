"""What is wrong with an extension's answer or its set-up, by the numbers of the sign-in log."""

from typing import Any

import msgspec
import pytest
from starlette.responses import Response
from tests.support.emulator import EmulatedTenant, Emulator
from tests.support.password_submit import GRAPH_CLIENT_ID, SetUp
from tests.support.stand_in_extension import Answer, Call, StandIn, action, document, migrate, plain

CODES = "https://learn.microsoft.com/entra/identity-platform/custom-extension-troubleshoot"
LEGACY = "Leg4cy-pass!word"
STORED = "Zq7#mWv2!k"
ANN = "ann@example.org"
RIGHT = {"@odata.type": "microsoft.graph.passwordSubmit.MigratePassword"}


@pytest.fixture
def tenant(emulator: Emulator) -> EmulatedTenant:
    return emulator.tenant("external")


@pytest.fixture
def ann(ready: SetUp) -> str:
    """An account with the flag up; its object id."""
    return ready.graph.create(ANN, **{ready.flag: True})


def with_actions(*actions: Any, **changes: Any) -> Answer:
    """An answer with these actions, and the nonce that was sent unless `changes` say otherwise."""

    async def answer(call: Call) -> Response:
        return document([*actions], **{"nonce": call.nonce, **changes})

    return answer


def refused(emulator: Emulator, tenant: EmulatedTenant, ready: SetUp, ann: str, code: int) -> dict[str, Any]:
    """Asserts that a sign-in ends with this number, and that nothing was stored."""
    end = emulator.submit(tenant, ANN, LEGACY)
    assert (end["reason"], end["error_code"], end["signed_in"]) == ("error", code, False)
    assert ready.graph.read(ann, ready.flag)[ready.flag] is True
    return end


@pytest.mark.documented(CODES)
@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (plain(b"{}", status=401), 1003002),
        (plain(b"", status=302), 1003002),
        (plain(b"{}", status=429), 1003002),
        (plain(b""), 1003009),
        (plain(b"nonsense"), 1003003),
        (plain(b"[]"), 1003003),
        (plain(b'{"actions":[]}'), 1003003),
        (plain(b"<html>", media_type="text/html"), 1003006),
        (plain(b'{"data":{"@odata.type":"microsoft.graph.other","actions":[]}}'), 1003008),
        (plain(b"[" * 30_000), 1003003),
        (plain(b"x" * 70_000), 1003024),
        (with_actions(), 1003010),
        (with_actions(RIGHT, RIGHT), 1003010),
        (with_actions({"@odata.type": "microsoft.graph.passwordSubmit.Forgive"}), 1003012),
        (with_actions({}), 1003012),
        (with_actions("MigratePassword"), 1003012),
    ],
)
def test_wrong_answers(
    emulator: Emulator,
    ready: SetUp,
    extension: StandIn,
    tenant: EmulatedTenant,
    ann: str,
    answer: Answer,
    code: int,
) -> None:
    """Another status, content type, shape, number or kind of action ends the sign-in with its own number."""
    extension.answers.append(answer)
    end = refused(emulator, tenant, ready, ann, code)
    assert len(end["calls"]) == len(extension.calls) == 1


@pytest.mark.assumed("the answer must repeat the nonce; which number its absence has is not documented")
@pytest.mark.parametrize("nonce", [None, "", "another"])
def test_nonce_must_come_back(
    emulator: Emulator, ready: SetUp, extension: StandIn, tenant: EmulatedTenant, ann: str, nonce: str | None
) -> None:
    """An answer without the nonce of the call, or with another one, is an invalid body."""
    extension.answers.append(with_actions(RIGHT, nonce=nonce))
    refused(emulator, tenant, ready, ann, 1003003)


@pytest.mark.assumed("the troubleshooting page names the error and no number of bytes")
def test_largest_answer(emulator: Emulator, extension: StandIn, tenant: EmulatedTenant, ann: str) -> None:
    """An answer may have 64 KiB."""
    extension.answers.append(action("MigratePassword", filler="x" * 60_000))
    assert emulator.submit(tenant, ANN, LEGACY)["signed_in"]


@pytest.mark.documented(CODES)
def test_server_errors_and_connections(
    emulator: Emulator, ready: SetUp, extension: StandIn, tenant: EmulatedTenant, ann: str
) -> None:
    """A 5xx is an invalid status, a refused connection and an untrusted certificate a connection error."""
    extension.answers.extend([plain(b"", status=503)] * 2)
    end = refused(emulator, tenant, ready, ann, 1003002)
    assert [call["status"] for call in end["calls"]] == [503, 503]
    emulator.options(tenant, trusted_authorities=[])
    end = refused(emulator, tenant, ready, ann, 1003027)
    assert [call["status"] for call in end["calls"]] == [None, None]
    assert len(extension.calls) == 2
    emulator.options(tenant, trusted_authorities=["no certificate"])
    refused(emulator, tenant, ready, ann, 1003027)
    resource_id = extension_row(ready)["authenticationConfiguration"]["resourceId"]
    change_extension(ready, target="https://localhost:9/", resource_id=resource_id)
    refused(emulator, tenant, ready, ann, 1003027)


def extension_row(ready: SetUp) -> dict[str, Any]:
    path = f"/v1.0/identity/customAuthenticationExtensions/{ready.extension_id}"
    return dict(ready.graph.get(path).json())


def change_extension(ready: SetUp, *, target: str, resource_id: str) -> None:
    row = extension_row(ready)
    row["endpointConfiguration"]["targetUrl"] = target
    row["authenticationConfiguration"]["resourceId"] = resource_id
    path = f"/v1.0/identity/customAuthenticationExtensions/{ready.extension_id}"
    changes = {name: row[name] for name in ("endpointConfiguration", "authenticationConfiguration")}
    assert ready.graph.patch(path, changes).status_code == 204


@pytest.mark.documented(CODES)
@pytest.mark.parametrize(
    ("client_id", "change", "code"),
    [
        ("resource", {"accountEnabled": False}, 1003018),
        ("resource", None, 1003016),
        ("client", {"accountEnabled": False}, 1003019),
        ("client", None, 1003017),
        (GRAPH_CLIENT_ID, {"accountEnabled": False}, 1003022),
        (GRAPH_CLIENT_ID, None, 1003022),
    ],
)
def test_service_principals(
    emulator: Emulator,
    ready: SetUp,
    extension: StandIn,
    tenant: EmulatedTenant,
    ann: str,
    client_id: str,
    change: dict[str, Any] | None,
    code: int,
) -> None:
    """The extension's, the application's and Graph's service principals must exist and be enabled."""
    named = {"resource": ready.resource_client_id, "client": ready.client_id}
    path = f"/servicePrincipals(appId='{named.get(client_id, client_id)}')"
    answer = ready.graph.delete(path) if change is None else ready.graph.patch(path, change)
    assert answer.status_code == 204
    refused(emulator, tenant, ready, ann, code)
    assert extension.calls == []


@pytest.mark.documented(CODES)
def test_permission_and_identifier(
    emulator: Emulator, ready: SetUp, extension: StandIn, tenant: EmulatedTenant, ann: str
) -> None:
    """Without the permission to receive payloads, or without its identifier URI, the extension is not called."""
    principal = ready.graph.get(f"/servicePrincipals(appId='{ready.resource_client_id}')").json()["id"]
    assigned = f"/servicePrincipals/{principal}/appRoleAssignments"
    [row] = ready.graph.get(assigned).json()["value"]
    assert ready.graph.delete(f"{assigned}/{row['id']}").status_code == 204
    refused(emulator, tenant, ready, ann, 1003021)
    application = f"/applications/{ready.resource_object_id}"
    assert ready.graph.patch(application, {"identifierUris": []}).status_code == 204
    refused(emulator, tenant, ready, ann, 1003016)
    assert extension.calls == []


@pytest.mark.assumed("which number a missing encryption key has is not documented")
def test_encryption_key_is_needed(
    emulator: Emulator, ready: SetUp, extension: StandIn, tenant: EmulatedTenant, ann: str
) -> None:
    """Without a key to encrypt for, no password leaves the tenant."""
    application = f"/applications/{ready.resource_object_id}"
    assert (
        ready.graph.patch(application, {"keyCredentials": [], "tokenEncryptionKeyId": None}).status_code
        == 204
    )
    refused(emulator, tenant, ready, ann, 1003001)
    assert extension.calls == []


@pytest.mark.assumed("that an option can be taken back is part of the test tool")
def test_plain_http_is_refused_again(
    emulator: Emulator, ready: SetUp, extension: StandIn, tenant: EmulatedTenant, ann: str
) -> None:
    """A target over plain HTTP, allowed when it was stored, is not called when it is allowed no longer."""
    resource_id = extension_row(ready)["authenticationConfiguration"]["resourceId"]
    emulator.options(tenant, http_loopback_targets=True)
    change_extension(ready, target="http://localhost:9/", resource_id=resource_id)
    refused(emulator, tenant, ready, ann, 1003027)
    emulator.options(tenant, http_loopback_targets=False)
    refused(emulator, tenant, ready, ann, 1003020)


@pytest.mark.documented(CODES)
def test_stored_password_needs_no_extension(
    emulator: Emulator, ready: SetUp, extension: StandIn, tenant: EmulatedTenant, ann: str
) -> None:
    """However broken the extension is, the stored password opens, and the next right answer migrates."""
    extension.answers.extend([plain(b"nonsense"), migrate()])
    refused(emulator, tenant, ready, ann, 1003003)
    assert emulator.submit(tenant, ANN, LEGACY)["migrated"] is True
    assert msgspec.json.decode(extension.calls[0].raw)["data"]["tenantId"] == tenant.tenant_id
