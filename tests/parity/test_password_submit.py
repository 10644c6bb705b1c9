"""Password submit: when an external tenant calls the extension, what it sends, and what it makes of the answer."""

import base64
import hmac
import zlib
from typing import Any

import httpx2
import msgspec
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from joserfc import jwt
from joserfc.jwk import KeySet
from starlette.responses import Response
from tests.support.emulator import EmulatedTenant, Emulator
from tests.support.graph_http import GraphHttp
from tests.support.password_submit import SetUp
from tests.support.stand_in_extension import Answer, Call, StandIn, action, late, migrate, plain

JIT = "https://learn.microsoft.com/entra/external-id/customers/how-to-migrate-passwords-just-in-time"
LIMITS = "https://learn.microsoft.com/entra/external-id/customers/reference-service-limits"
CALLER = "https://learn.microsoft.com/entra/identity-platform/custom-extension-overview"
LOCKOUT = "https://learn.microsoft.com/entra/identity/authentication/howto-password-smart-lockout"
CAPTURED = "a captured call, seen in a public repository's README; nobody documents it"
LEGACY = "Leg4cy-pass!word"
WEAK = "weakweakweak"
STORED = "Zq7#mWv2!k"
ANN = "ann@example.org"


@pytest.fixture
def tenant(emulator: Emulator) -> EmulatedTenant:
    return emulator.tenant("external")


@pytest.fixture
def ann(ready: SetUp) -> str:
    """An account with the flag up and a password that nobody knows; its object id."""
    return ready.graph.create(ANN, **{ready.flag: True, "givenName": "Ann"})


def shown(ready: SetUp, object_id: str) -> dict[str, Any]:
    return ready.graph.read(object_id, ready.flag, "lastPasswordChangeDateTime")


@pytest.mark.documented(JIT)
def test_matching_password_lowers_the_flag(
    emulator: Emulator, ready: SetUp, extension: StandIn, tenant: EmulatedTenant, ann: str
) -> None:
    """The stored password opens without a call, and the account is silently marked migrated."""
    before = shown(ready, ann)
    end = emulator.submit(tenant, ANN, STORED)
    assert (end["signed_in"], end["migrated"], end["calls"]) == (True, True, [])
    assert extension.calls == []
    assert shown(ready, ann) == {**before, ready.flag: False}


@pytest.mark.documented(JIT)
def test_flag_not_true(emulator: Emulator, ready: SetUp, extension: StandIn, tenant: EmulatedTenant) -> None:
    """Without a flag, and with one that is false, a wrong password is a wrong password."""
    ready.graph.create(ANN)
    ready.graph.create("bob@example.org", **{ready.flag: False})
    for name in (ANN, "bob@example.org"):
        assert emulator.submit(tenant, name, LEGACY)["reason"] == "wrong_password"
    assert emulator.submit(tenant, "nobody@example.org", LEGACY)["reason"] == "unknown"
    assert extension.calls == []


@pytest.mark.documented(JIT)
def test_migrate_password(
    emulator: Emulator, ready: SetUp, extension: StandIn, tenant: EmulatedTenant, ann: str
) -> None:
    """MigratePassword stores the submitted password and lowers the flag; the next sign-in calls nobody."""
    extension.answers.append(migrate())
    emulator.advance(60)
    end = emulator.submit(tenant, ANN, LEGACY)
    assert (end["signed_in"], end["migrated"]) == (True, True)
    assert [(call["status"], call["outcome"]) for call in end["calls"]] == [(200, "MigratePassword")]
    assert shown(ready, ann)[ready.flag] is False
    assert emulator.submit(tenant, ANN, LEGACY)["signed_in"]
    assert not emulator.submit(tenant, ANN, STORED)["signed_in"]
    assert len(extension.calls) == 1


@pytest.mark.assumed("the stored password changes, so its time should; no page says so for this event")
def test_migration_moves_the_time_of_the_password(
    emulator: Emulator, ready: SetUp, extension: StandIn, tenant: EmulatedTenant, ann: str
) -> None:
    """A migrated password moves lastPasswordChangeDateTime; a matching one and a refused one do not."""
    before = shown(ready, ann)["lastPasswordChangeDateTime"]
    emulator.advance(60)
    emulator.submit(tenant, ANN, "Wr0ng-wrong-word")
    assert shown(ready, ann)["lastPasswordChangeDateTime"] == before
    extension.answers.append(migrate())
    emulator.submit(tenant, ANN, LEGACY)
    assert shown(ready, ann)["lastPasswordChangeDateTime"] > before


@pytest.mark.documented(JIT)
def test_weak_legacy_password(
    emulator: Emulator, ready: SetUp, extension: StandIn, tenant: EmulatedTenant, ann: str
) -> None:
    """A right password that the tenant finds weak leads to a reset; the flag stays up."""
    extension.answers.append(migrate())
    end = emulator.submit(tenant, ANN, WEAK)
    assert (end["reason"], end["migrated"]) == ("must_reset", False)
    assert shown(ready, ann)[ready.flag] is True


@pytest.mark.documented(JIT)
def test_disable_strong_password(
    emulator: Emulator, ready: SetUp, extension: StandIn, tenant: EmulatedTenant, ann: str
) -> None:
    """With the option a weak legacy password is taken, if it has eight characters."""
    emulator.options(tenant, disable_strong_password=True)
    extension.answers.extend([migrate(), migrate()])
    assert emulator.submit(tenant, ANN, WEAK[:7])["reason"] == "must_reset"
    assert emulator.submit(tenant, ANN, WEAK)["signed_in"]


@pytest.mark.documented(JIT)
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (action("UpdatePassword"), "must_reset"),
        (action("Retry"), "wrong_password"),
        (action("Block"), "blocked"),
    ],
    ids=["UpdatePassword", "Retry", "Block"],
)
def test_other_actions(
    emulator: Emulator,
    ready: SetUp,
    extension: StandIn,
    tenant: EmulatedTenant,
    ann: str,
    answer: Answer,
    reason: str,
) -> None:
    """UpdatePassword, Retry and Block store nothing and leave the flag up."""
    extension.answers.append(answer)
    assert emulator.submit(tenant, ANN, LEGACY)["reason"] == reason
    assert shown(ready, ann)[ready.flag] is True
    assert emulator.submit(tenant, ANN, STORED)["signed_in"]


@pytest.mark.documented(JIT)
def test_block_shows_the_answers_words(
    emulator: Emulator, extension: StandIn, tenant: EmulatedTenant, ann: str
) -> None:
    """Title and message of a Block are shown."""
    extension.answers.append(action("Block", title="Account closed", message="Call 555-0100."))
    end = emulator.submit(tenant, ANN, LEGACY)
    assert (end["title"], end["text"], end["error_code"]) == ("Account closed", "Call 555-0100.", 1003023)


@pytest.mark.assumed("title and message are documented as shown for Block only")
def test_only_a_block_has_words(
    emulator: Emulator, extension: StandIn, tenant: EmulatedTenant, ann: str
) -> None:
    """A title and a message of another action are shown to nobody."""
    emulator_text = emulator.submit(tenant, ANN, LEGACY)["text"]
    extension.answers.append(action("Retry", title="Sorry", message="Locked in the old shop"))
    assert emulator.submit(tenant, ANN, LEGACY)["text"] == emulator_text


@pytest.mark.assumed("documents and samples differ in the casing of the action types")
def test_casing_of_actions(emulator: Emulator, extension: StandIn, tenant: EmulatedTenant, ann: str) -> None:
    """Action types are taken in any casing unless an option asks for the documented one."""
    spellings = ["microsoft.graph.passwordsubmit.", "#microsoft.graph.passwordSubmit."]
    for prefix in spellings:
        extension.answers.append(action("Block", prefix=prefix))
        assert emulator.submit(tenant, ANN, LEGACY)["reason"] == "blocked"
    emulator.options(tenant, exact_action_casing=True)
    extension.answers.append(action("Block", prefix=spellings[0]))
    assert emulator.submit(tenant, ANN, LEGACY)["error_code"] == 1003012


@pytest.mark.documented(JIT)
def test_body_of_the_call(
    emulator: Emulator, ready: SetUp, extension: StandIn, tenant: EmulatedTenant, ann: str
) -> None:
    """The event names tenant, listener, extension, application, the person's address and the account."""
    emulator.submit(tenant, ANN, LEGACY, client_address="203.0.113.7")
    [call] = extension.calls
    assert call.headers["content-type"].startswith("application/json")
    assert call.body["type"] == "microsoft.graph.authenticationEvent.passwordSubmit"
    assert call.body["source"] == f"/tenants/{tenant.tenant_id}/applications/{ready.client_id}"
    data = call.body["data"]
    assert data["@odata.type"] == "microsoft.graph.onPasswordSubmitCalloutData"
    assert data["tenantId"] == tenant.tenant_id
    assert data["authenticationEventListenerId"] == ready.listener_id
    assert data["customAuthenticationExtensionId"] == ready.extension_id
    context = data["authenticationContext"]
    assert context["client"] == {"ip": "203.0.113.7", "locale": "en-us", "market": "en-us"}
    assert context["protocol"] == "OAUTH2.0"
    assert context["clientServicePrincipal"]["appId"] == ready.client_id
    user = context["user"]
    assert (user["id"], user["mail"], user["givenName"]) == (ann, ANN, "Ann")
    assert user["userPrincipalName"] == f"{ann}@{tenant.domain}"
    assert "surname" not in user
    assert ready.flag not in user


@pytest.mark.assumed(CAPTURED)
def test_null_members_of_the_call(
    emulator: Emulator, extension: StandIn, tenant: EmulatedTenant, ann: str
) -> None:
    """Sign-up information, one-time code and resource principal are there and null."""
    emulator.submit(tenant, ANN, LEGACY)
    data = extension.calls[0].body["data"]
    assert data["userSignUpInfo"] is data["otpContext"] is None
    assert data["authenticationContext"]["resourceServicePrincipal"] is None


@pytest.mark.assumed(CAPTURED)
def test_encrypted_password(
    emulator: Emulator, ready: SetUp, extension: StandIn, tenant: EmulatedTenant, ann: str
) -> None:
    """The password travels in a JWE (RSA-OAEP, A128CBC-HS256, x5t, deflated) around an unsigned token."""
    emulator.submit(tenant, "ANN@Example.org", LEGACY)
    [call] = extension.calls
    assert list(call.header) == ["alg", "enc", "x5t", "zip"]
    thumbprint = base64.urlsafe_b64encode(bytes.fromhex(extension.certificate.sha1)).decode().rstrip("=")
    assert call.header == {"alg": "RSA-OAEP", "enc": "A128CBC-HS256", "x5t": thumbprint, "zip": "DEF"}
    assert call.inner_header["alg"] == "none"
    claims = call.claims
    assert (claims["user-password"], claims["username"]) == (LEGACY, "ANN@Example.org")
    assert claims["aud"] == ready.resource_client_id
    assert claims["iss"].startswith("api://localhost")
    assert claims["iss"].endswith(ready.resource_client_id)
    assert claims["exp"] - claims["iat"] == 600
    assert claims["nbf"] == claims["iat"]
    assert LEGACY.encode() not in call.raw


def opened_by_hand(token: str, private_pem: str) -> bytes:
    """The inside of a JWE, without any library of that name: RFC 7516, appendix A.2 with other algorithms."""
    protected, *parts = token.split(".")
    wrapped, vector, ciphertext, tag = (decoded(part) for part in parts)
    key = serialization.load_pem_private_key(private_pem.encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    digest = hashes.SHA1()  # noqa: S303  RSA-OAEP of RFC 7518 is this one
    oaep = padding.OAEP(padding.MGF1(digest), digest, None)
    content_key = key.decrypt(wrapped, oaep)
    length = (len(protected) * 8).to_bytes(8, "big")
    signed = protected.encode() + vector + ciphertext + length
    assert hmac.digest(content_key[:16], signed, "sha256")[:16] == tag
    aes = Cipher(algorithms.AES(content_key[16:]), modes.CBC(vector)).decryptor()
    padded = aes.update(ciphertext) + aes.finalize()
    return zlib.decompress(padded[: -padded[-1]], -zlib.MAX_WBITS)


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@pytest.mark.documented("https://www.rfc-editor.org/rfc/rfc7516")
def test_encryption_is_the_standards(
    emulator: Emulator, extension: StandIn, tenant: EmulatedTenant, ann: str
) -> None:
    """The encrypted password opens step by step: SHA-1 OAEP, AES-CBC with HMAC, raw deflate, a token of three parts."""
    emulator.submit(tenant, ANN, LEGACY)
    [call] = extension.calls
    inside = opened_by_hand(
        call.body["data"]["encryptedPasswordContext"], extension.certificate.private_pem
    ).decode()
    header, claims, signature = inside.split(".")
    assert msgspec.json.decode(decoded(header)) == {"alg": "none", "typ": "JWT"}
    assert msgspec.json.decode(decoded(claims))["user-password"] == LEGACY
    assert signature == ""


@pytest.mark.documented(CALLER)
@pytest.mark.parametrize("version", [2, 1])
def test_bearer_token(
    emulator: Emulator, ready: SetUp, extension: StandIn, tenant: EmulatedTenant, ann: str, version: int
) -> None:
    """The caller proves itself with a token that the tenant's published keys verify, version 2 by default."""
    if version == 1:
        emulator.options(tenant, extension_token_version=1)
    emulator.submit(tenant, ANN, LEGACY)
    scheme, _, token = extension.calls[0].headers["authorization"].partition(" ")
    with httpx2.Client(base_url=tenant.graph_http, trust_env=False) as http:
        discovered = http.get(f"/{tenant.tenant_id}/v2.0/.well-known/openid-configuration").json()
        keys = KeySet.import_key_set(http.get(discovered["jwks_uri"]).json())
    read = jwt.decode(token, keys, algorithms=["RS256"])
    claims = read.claims
    assert scheme == "Bearer"
    assert read.header["alg"] == "RS256"
    assert claims["tid"] == tenant.tenant_id
    assert claims["nbf"] <= claims["iat"] < claims["exp"]
    assert "roles" not in claims
    if version == 2:
        assert claims["iss"] == f"{tenant.authority}/{tenant.tenant_id}/v2.0"
        assert claims["aud"] == ready.resource_client_id
        assert claims["azp"] == "99045fe1-7639-4a75-9d4a-577b6ca3810f"
    else:
        assert claims["iss"] == f"{tenant.authority}/{tenant.tenant_id}/"
        assert claims["aud"] == f"api://{extension.url.split('/')[2]}/{ready.resource_client_id}"
        assert claims["appid"] == "99045fe1-7639-4a75-9d4a-577b6ca3810f"


@pytest.mark.documented("https://learn.microsoft.com/graph/api/resources/customextensionclientconfiguration")
@pytest.mark.parametrize("retries", [0, 1])
def test_timeout_and_retries(
    emulator: Emulator, ready: SetUp, extension: StandIn, tenant: EmulatedTenant, ann: str, retries: int
) -> None:
    """An extension has timeoutInMilliseconds for each of at most 1 + maximumRetries calls."""
    client = {"timeoutInMilliseconds": 200, "maximumRetries": retries}
    path = f"/beta/identity/customAuthenticationExtensions/{ready.extension_id}"
    assert ready.graph.patch(path, {"clientConfiguration": client}).status_code == 204
    extension.answers.extend([late(migrate(), by_s=0.6)] * 2)
    end = emulator.submit(tenant, ANN, LEGACY)
    assert (end["reason"], end["error_code"]) == ("error", 1003005)
    assert [call["error_code"] for call in end["calls"]] == [1003005] * (1 + retries)
    assert all(call["took_ms"] >= 190 for call in end["calls"])
    assert shown(ready, ann)[ready.flag] is True


@pytest.mark.assumed("the limits name one retry; which failures are retried is not said")
@pytest.mark.parametrize("first", [plain(b"", status=503), late(migrate(), by_s=1.5)], ids=["503", "late"])
def test_the_retry_may_succeed(
    emulator: Emulator, ready: SetUp, extension: StandIn, tenant: EmulatedTenant, ann: str, first: Answer
) -> None:
    """After a 5xx or no answer in time the extension is called once more, and that answer counts."""
    path = f"/beta/identity/customAuthenticationExtensions/{ready.extension_id}"
    ready.graph.patch(path, {"clientConfiguration": {"timeoutInMilliseconds": 1000, "maximumRetries": 1}})
    extension.answers.extend([first, migrate()])
    end = emulator.submit(tenant, ANN, LEGACY)
    assert end["signed_in"]
    assert len(end["calls"]) == 2
    assert emulator.counts()["received"]["passwordSubmit"] == 2


@pytest.mark.assumed("whether a retry repeats the bytes, the nonce or neither is not documented")
@pytest.mark.parametrize("form", ["same_bytes", "encrypted_again", "new_nonce"])
def test_forms_of_a_retry(
    emulator: Emulator, extension: StandIn, tenant: EmulatedTenant, ann: str, form: str
) -> None:
    """A retry is the same bytes, the same nonce freshly encrypted, or a new nonce: the correlation id stays."""
    emulator.options(tenant, retry_form=form)
    extension.answers.extend([plain(b"", status=503), migrate()])
    end = emulator.submit(tenant, ANN, LEGACY)
    assert end["signed_in"]
    first, second = extension.calls
    assert (first.raw == second.raw) is (form == "same_bytes")
    assert (first.nonce == second.nonce) is (form != "new_nonce")
    ids = [call.body["data"]["authenticationContext"]["correlationId"] for call in (first, second)]
    assert ids == [end["correlation_id"]] * 2
    assert first.password == second.password == LEGACY
    assert first.headers["authorization"] == second.headers["authorization"]


@pytest.mark.documented(LIMITS)
def test_calls_per_second(emulator: Emulator, extension: StandIn, tenant: EmulatedTenant, ann: str) -> None:
    """A tenant makes at most 50 calls in a second over all its extensions; the next is an error of its own."""
    assert emulator.options(tenant)["extension_calls_per_s"] == 50
    emulator.options(tenant, extension_calls_per_s=3, lockout_threshold=100)
    ends = [emulator.submit(tenant, ANN, f"{LEGACY}{number}") for number in range(4)]
    assert [end["error_code"] for end in ends] == [None, None, None, 1003004]
    assert len(extension.calls) == 3
    emulator.advance(1)
    assert emulator.submit(tenant, ANN, LEGACY)["reason"] == "wrong_password"


@pytest.mark.assumed("one sign-in page keeps one correlation id over all passwords typed on it")
def test_correlation_id(emulator: Emulator, extension: StandIn, tenant: EmulatedTenant, ann: str) -> None:
    """Several passwords on one page carry the same correlation id and a nonce of their own."""
    first = emulator.submit(tenant, ANN, "Wr0ng-wrong-word")
    emulator.submit(tenant, ANN, LEGACY, correlation_id=first["correlation_id"])
    one, other = extension.calls
    assert one.nonce != other.nonce
    context = [call.body["data"]["authenticationContext"]["correlationId"] for call in (one, other)]
    assert context[0] == context[1]


@pytest.mark.documented(LOCKOUT)
def test_smart_lockout(emulator: Emulator, extension: StandIn, tenant: EmulatedTenant, ann: str) -> None:
    """Ten different wrong passwords lock an account for a minute; the same wrong one again is not counted."""
    for _ in range(12):
        assert emulator.submit(tenant, ANN, "Wr0ng-wrong-word")["reason"] == "wrong_password"
    for number in range(9):
        assert emulator.submit(tenant, ANN, f"Wr0ng-wrong-word{number}")["reason"] == "wrong_password"
    asked = len(extension.calls)
    assert emulator.submit(tenant, ANN, STORED)["reason"] == "locked"
    assert len(extension.calls) == asked
    emulator.advance(61)
    assert emulator.submit(tenant, ANN, STORED)["signed_in"]


@pytest.mark.assumed("whether a Retry counts for smart lockout is not documented")
def test_retries_lock(emulator: Emulator, extension: StandIn, tenant: EmulatedTenant, ann: str) -> None:
    """A Retry counts as a wrong password; Block, UpdatePassword and errors do not."""
    emulator.options(tenant, lockout_threshold=2)
    for answer in (action("Block"), action("UpdatePassword"), plain(b"", status=404)):
        extension.answers.append(answer)
        emulator.submit(tenant, ANN, LEGACY)
    for number in range(2):
        assert emulator.submit(tenant, ANN, f"{LEGACY}{number}")["reason"] == "wrong_password"
    assert emulator.submit(tenant, ANN, LEGACY)["reason"] == "locked"


@pytest.mark.assumed("no page says what comes first, the disabled account or the event")
def test_disabled_account_is_not_asked_for(
    emulator: Emulator, ready: SetUp, extension: StandIn, tenant: EmulatedTenant, ann: str
) -> None:
    """A disabled account with the flag up calls nobody and opens with no password."""
    ready.graph.patch(f"/users/{ann}", {"accountEnabled": False})
    assert emulator.submit(tenant, ANN, LEGACY)["reason"] == "disabled"
    assert emulator.submit(tenant, ANN, STORED)["reason"] == "disabled"
    assert extension.calls == []


@pytest.mark.documented(JIT)
def test_reset_before_the_first_sign_in(
    emulator: Emulator, ready: SetUp, extension: StandIn, tenant: EmulatedTenant, ann: str
) -> None:
    """A self-service reset calls nobody; the flag falls with the next sign-in, when the new password matches."""
    emulator.advance(60)
    before = shown(ready, ann)["lastPasswordChangeDateTime"]
    emulator.self_service_reset(tenant, ann, "N3w-pass-word")
    assert shown(ready, ann)[ready.flag] is True
    assert shown(ready, ann)["lastPasswordChangeDateTime"] > before
    assert emulator.submit(tenant, ANN, "N3w-pass-word")["migrated"] is True
    assert extension.calls == []


@pytest.mark.assumed(
    "what happens to the flag on a reset is not documented; between the two the event still fires"
)
def test_legacy_password_after_a_reset(
    emulator: Emulator, ready: SetUp, extension: StandIn, tenant: EmulatedTenant, ann: str
) -> None:
    """After a reset the legacy password still reaches the extension, and would overwrite the new one."""
    emulator.self_service_reset(tenant, ann, "N3w-pass-word")
    extension.answers.append(migrate())
    assert emulator.submit(tenant, ANN, LEGACY)["migrated"] is True
    assert not emulator.submit(tenant, ANN, "N3w-pass-word")["signed_in"]
    bob = ready.graph.create("bob@example.org", **{ready.flag: True})
    emulator.options(tenant, reset_clears_flag=True)
    emulator.self_service_reset(tenant, bob, "N3w-pass-word")
    assert emulator.submit(tenant, "bob@example.org", LEGACY)["reason"] == "wrong_password"
    assert len(extension.calls) == 1


@pytest.mark.documented("https://learn.microsoft.com/graph/api/user-list")
def test_lag_of_flag_and_time(
    emulator: Emulator, ready: SetUp, extension: StandIn, tenant: EmulatedTenant, ann: str
) -> None:
    """Readers of Graph are shown flag and time of the password late; the sign-in itself is not."""
    before = shown(ready, ann)
    emulator.lag(get_s=[60, 60], filter_s=[60, 60])
    emulator.advance(5)
    emulator.self_service_reset(tenant, ann, "N3w-pass-word")
    assert emulator.submit(tenant, ANN, "N3w-pass-word")["migrated"] is True
    assert shown(ready, ann) == before
    emulator.advance(61)
    after = shown(ready, ann)
    assert after[ready.flag] is False
    assert after["lastPasswordChangeDateTime"] > before["lastPasswordChangeDateTime"]


@pytest.mark.assumed("a sign-in may be shown an older state of the account, as other readers are")
def test_lag_at_sign_in(
    emulator: Emulator, ready: SetUp, extension: StandIn, tenant: EmulatedTenant, ann: str
) -> None:
    """Where sign-ins lag, a new password does not match yet, and reaches the extension while the flag seems up."""
    emulator.lag(sign_in_s=[60, 60])
    emulator.self_service_reset(tenant, ann, "N3w-pass-word")
    assert emulator.submit(tenant, ANN, "N3w-pass-word")["reason"] == "wrong_password"
    assert extension.passwords() == ["N3w-pass-word"]
    emulator.advance(61)
    assert emulator.submit(tenant, ANN, "N3w-pass-word")["migrated"] is True
    assert len(extension.calls) == 1


@pytest.mark.assumed("an extension may ask Graph before it answers; nothing forbids it")
def test_extension_calls_graph(
    emulator: Emulator, ready: SetUp, extension: StandIn, tenant: EmulatedTenant, ann: str
) -> None:
    """While the tenant waits for the extension, Graph answers the extension."""
    seen: list[Any] = []

    async def answer(call: Call) -> Response:
        token = ready.graph.http.headers["Authorization"]
        async with httpx2.AsyncClient(base_url=tenant.graph_http, trust_env=False) as http:
            user = call.body["data"]["authenticationContext"]["user"]["id"]
            path = f"/v1.0/users/{user}?$select={ready.flag}"
            seen.append((await http.get(path, headers={"Authorization": token})).json()[ready.flag])
        return await migrate()(call)

    extension.answers.append(answer)
    assert emulator.submit(tenant, ANN, LEGACY)["signed_in"]
    assert seen == [True]


@pytest.mark.assumed("what a deleted account does while the extension is asked is not documented")
def test_account_deleted_meanwhile(
    emulator: Emulator, ready: SetUp, extension: StandIn, tenant: EmulatedTenant, ann: str
) -> None:
    """An account that is deleted while the extension is asked opens for nobody."""

    async def answer(call: Call) -> Response:
        token = ready.graph.http.headers["Authorization"]
        async with httpx2.AsyncClient(base_url=tenant.graph_http, trust_env=False) as http:
            await http.delete(f"/v1.0/users/{ann}", headers={"Authorization": token})
        return await migrate()(call)

    extension.answers.append(answer)
    assert emulator.submit(tenant, ANN, LEGACY)["reason"] == "unknown"


@pytest.mark.documented(JIT)
def test_listener_names_its_applications(
    emulator: Emulator, ready: SetUp, extension: StandIn, tenant: EmulatedTenant, ann: str
) -> None:
    """An application that no listener names has ordinary sign-ins; its matching passwords leave the flag."""
    other = emulator.application(tenant, display_name="other")["client_id"]
    assert emulator.submit(tenant, ANN, LEGACY, application=other)["reason"] == "wrong_password"
    assert extension.calls == []
    assert emulator.submit(tenant, ANN, STORED, application=other)["migrated"] is False
    assert emulator.submit(tenant, ANN, LEGACY, application=ready.client_id)["reason"] == "wrong_password"
    assert len(extension.calls) == 1
    listener = f"/v1.0/identity/authenticationEventListeners/{ready.listener_id}"
    every = {"applications": {"includeAllApplications": True}}
    assert ready.graph.patch(listener, {"conditions": every}).status_code == 204
    emulator.submit(tenant, ANN, LEGACY, application=other)
    assert len(extension.calls) == 2


@pytest.mark.assumed("part of the test tool, not of the imitation")
def test_sign_in_log_holds_no_password(
    emulator: Emulator, ready: SetUp, extension: StandIn, tenant: EmulatedTenant, ann: str
) -> None:
    """The sign-in log tells outcome, error and calls of each sign-in; the check without the extension is none."""
    extension.answers.extend([plain(b"nonsense"), migrate()])
    emulator.submit(tenant, ANN, LEGACY)
    emulator.submit(tenant, ANN, LEGACY)
    assert emulator.submit(tenant, ANN, LEGACY, extension=False)["signed_in"]
    log = emulator.sign_ins(tenant)
    assert [(row["outcome"], row["error_code"]) for row in log] == [("error", 1003003), ("ok", None)]
    assert log[0]["object_id"] == ann
    assert LEGACY not in str(log)
    outcomes = emulator.counts()["outcomes"]
    assert outcomes["passwordSubmit"] == {"1003003": 1, "MigratePassword": 1}
    assert outcomes["sign_in"] == {"error": 1, "ok": 1}


@pytest.mark.documented(JIT)
def test_external_tenants_only(emulator: Emulator, b2c: GraphHttp, extension: StandIn) -> None:
    """Azure AD B2C knows neither the event nor its set-up."""
    assert b2c.get("/beta/identity/customAuthenticationExtensions").status_code == 501
    assert b2c.get("/beta/identity/authenticationEventListeners").status_code == 501
    b2c.create(ANN)
    assert emulator.sign_in(b2c.tenant, ANN, LEGACY)["reason"] == "wrong_password"
    assert extension.calls == []
