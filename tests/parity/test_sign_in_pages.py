"""The hosted sign-in pages of an external tenant: what they ask and say, self-service reset, and the tokens at the end."""

import base64
import hashlib
import ssl
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from tests.support.emulator import EmulatedTenant, Emulator
from tests.support.hosted_pages import HostedPage, HostedPages
from tests.support.password_submit import REDIRECT_URI, SetUp, sign_in_application
from tests.support.stand_in_extension import StandIn, action, migrate, plain

CODE_FLOW = "https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow"
OIDC = "https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc"
CLAIMS = "https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference"
RESET = "https://learn.microsoft.com/entra/external-id/customers/how-to-enable-password-reset-customers"
JIT = "https://learn.microsoft.com/entra/external-id/customers/how-to-migrate-passwords-just-in-time"
CODES = "https://learn.microsoft.com/entra/identity-platform/custom-extension-troubleshoot"
WORDS = "the pages' words and steps are imitated from sight"
LEGACY = "Leg4cy-pass!word"
STORED = "Zq7#mWv2!k"
NEW = "N3w-pass-word"
ANN = "ann@example.org"


@pytest.fixture
def tenant(emulator: Emulator) -> EmulatedTenant:
    return emulator.tenant("external")


@pytest.fixture
def ann(ready: SetUp) -> str:
    """An account with the flag up; its object id."""
    return ready.graph.create(ANN, **{ready.flag: True})


@pytest.fixture
def pages(tenant: EmulatedTenant) -> Iterator[HostedPages]:
    opened = HostedPages(tenant)
    yield opened
    opened.close()


@pytest.fixture
def page(pages: HostedPages, ready: SetUp) -> HostedPage:
    """The first page of the application that was set up."""
    return pages.open(ready.client_id, REDIRECT_URI)


def ca_client(tenant: EmulatedTenant) -> httpx2.Client:
    """A client that trusts the emulator's authority."""
    return httpx2.Client(verify=ssl.create_default_context(cafile=tenant.ca_file), trust_env=False)


def claims_of(pages: HostedPages, token: str) -> dict[str, Any]:
    """The claims of a token, after its signature was checked with the published keys."""
    discovery = pages.http.get(f"/{pages.tenant.tenant_id}/v2.0/.well-known/openid-configuration").json()
    keys = KeySet.import_key_set(pages.http.get(discovery["jwks_uri"]).json())
    read = jwt.decode(token, keys, algorithms=discovery["id_token_signing_alg_values_supported"])
    registry = jwt.JWTClaimsRegistry(iss={"essential": True, "value": discovery["issuer"]})
    registry.validate(read.claims)
    return dict(read.claims)


@pytest.mark.assumed(WORDS)
def test_two_steps(page: HostedPage, extension: StandIn, ann: str) -> None:
    """The name comes first and the password on a page of its own, which names who is signing in."""
    assert page.heading == "Sign in"
    assert "password" not in page.forms[0]["fields"]
    assert "account" in page.submit(sign_in_name="nobody@example.org").alert
    assert "Enter" in page.submit(sign_in_name="").alert
    second = page.submit(sign_in_name=ANN)
    assert ANN in second.text
    assert second.follow("Use another name").heading == "Sign in"
    assert second.submit(password=STORED).redirected["state"] == "a state"


@pytest.mark.assumed(WORDS)
def test_one_step(
    emulator: Emulator, pages: HostedPages, ready: SetUp, tenant: EmulatedTenant, ann: str
) -> None:
    """By option name and password stand on one page."""
    emulator.options(tenant, sign_in_steps=1)
    page = pages.open(ready.client_id, REDIRECT_URI, login_hint=ANN)
    assert page.forms[0]["fields"]["sign_in_name"] == ANN
    assert "password" in page.submit(password="").alert
    assert "not correct" in page.submit(password="Wr0ng-wrong-word").alert
    assert "code" in page.submit(password=STORED).redirected


@pytest.mark.documented(JIT)
def test_first_sign_in_on_the_page(page: HostedPage, extension: StandIn, ready: SetUp, ann: str) -> None:
    """A wrong password may be tried again; the right legacy one signs in; both calls carry the page's correlation id."""
    extension.answers.extend([action("Retry"), migrate()])
    password = page.submit(sign_in_name=ANN)
    again = password.submit(password="Wr0ng-wrong-word")
    assert (again.heading, again.alert) == (
        "Enter your password",
        "Your password is not correct. Try again, or select Forgot your password.",
    )
    assert "code" in again.submit(password=LEGACY).redirected
    contexts = [call.body["data"]["authenticationContext"] for call in extension.calls]
    assert contexts[0]["correlationId"] == contexts[1]["correlationId"]
    assert contexts[0]["client"]["ip"] == "127.0.0.1"
    assert ready.graph.read(ann, ready.flag)[ready.flag] is False


@pytest.mark.documented(JIT)
def test_block_page(page: HostedPage, extension: StandIn, ann: str) -> None:
    """A Block is a page with the answer's title and message, which cannot bring HTML along."""
    extension.answers.append(action("Block", title="<b>Closed</b>", message="Call <script>555</script>"))
    shown = page.submit(sign_in_name=ANN).submit(password=LEGACY)
    assert (shown.heading, shown.alert) == ("<b>Closed</b>", "Call <script>555</script>")
    assert "<script>" not in shown.answer.text


@pytest.mark.documented(CODES)
def test_failing_extension(page: HostedPage, extension: StandIn, ann: str) -> None:
    """When the extension fails, the application gets a general error without the number, and no token."""
    extension.answers.append(plain(b"nonsense"))
    answer = page.submit(sign_in_name=ANN).submit(password=LEGACY).redirected
    assert (answer["error"], answer["state"]) == ("server_error", "a state")
    assert "1003" not in str(answer)
    assert "code" not in answer


@pytest.mark.assumed(WORDS)
def test_locked_and_disabled(
    emulator: Emulator, page: HostedPage, ready: SetUp, tenant: EmulatedTenant, ann: str
) -> None:
    """A locked and a disabled account are told so."""
    emulator.options(tenant, lockout_threshold=1)
    password = page.submit(sign_in_name=ANN)
    password.submit(password="Wr0ng-wrong-word")
    assert "locked" in password.submit(password=STORED).alert
    emulator.advance(61)
    ready.graph.sign_in()
    ready.graph.patch(f"/users/{ann}", {"accountEnabled": False})
    assert "disabled" in password.submit(password=STORED).alert


@pytest.mark.documented(RESET)
def test_reset(
    emulator: Emulator, page: HostedPage, extension: StandIn, tenant: EmulatedTenant, ready: SetUp, ann: str
) -> None:
    """A code goes to the account's address; whoever types it chooses a new password and signs in with it."""
    asked = page.submit(sign_in_name=ANN).follow("Forgot your password?")
    assert asked.forms[0]["fields"]["sign_in_name"] == ANN
    code = asked.submit()
    [letter] = emulator.letters(tenant)
    assert letter["to"] == ANN
    assert letter["code"] not in code.answer.text
    wrong = code.submit(code="00000000" if letter["code"] != "00000000" else "1")
    assert "not correct" in wrong.alert
    choose = wrong.submit(code=letter["code"])
    assert "same" in choose.submit(password=NEW, again=f"{NEW}x").alert
    assert "Choose" in choose.submit(password="weak", again="weak").alert
    done = choose.submit(password=NEW, again=NEW)
    assert done.heading == "Your password was changed"
    assert "code" in done.follow("Sign in").submit(sign_in_name=ANN).submit(password=NEW).redirected
    assert extension.calls == []
    assert ready.graph.read(ann, ready.flag)[ready.flag] is False


@pytest.mark.documented(JIT)
def test_update_password_leads_to_the_reset(
    emulator: Emulator, page: HostedPage, extension: StandIn, tenant: EmulatedTenant, ann: str
) -> None:
    """UpdatePassword, a weak legacy password and a demanded change all lead to the reset page, with a code on its way."""
    password = page.submit(sign_in_name=ANN)
    for number, (answer, typed) in enumerate(
        [(action("UpdatePassword"), LEGACY), (migrate(), "weakweakweak")]
    ):
        extension.answers.append(answer)
        shown = password.submit(password=typed)
        assert (shown.heading, len(emulator.letters(tenant))) == ("Prove that it is you", number + 1)
    choose = shown.submit(code=emulator.letters(tenant)[0]["code"])
    done = choose.submit(password=NEW, again=NEW)
    assert "code" in done.follow("Sign in").submit(sign_in_name=ANN).submit(password=NEW).redirected


@pytest.mark.documented("https://learn.microsoft.com/graph/api/user-update")
def test_demanded_change(
    emulator: Emulator, page: HostedPage, ready: SetUp, tenant: EmulatedTenant, ann: str
) -> None:
    """forceChangePasswordNextSignIn lets nobody in before a new password is chosen."""
    demanded = {"passwordProfile": {"forceChangePasswordNextSignIn": True}}
    assert ready.graph.patch(f"/users/{ann}", demanded).status_code == 204
    shown = page.submit(sign_in_name=ANN).submit(password=STORED)
    assert "need to choose a new password" in shown.text
    choose = shown.submit(code=emulator.letters(tenant)[0]["code"])
    done = choose.submit(password=NEW, again=NEW)
    assert "code" in done.follow("Sign in").submit(sign_in_name=ANN).submit(password=NEW).redirected


@pytest.mark.assumed("a reset by e-mail needs an address; what a page says without one is a guess")
def test_no_address_for_a_reset(
    page: HostedPage, ready: SetUp, extension: StandIn, tenant: EmulatedTenant
) -> None:
    """Who must choose a new password and has no e-mail address is told so."""
    ready.graph.create("bob", **{ready.flag: True})
    extension.answers.append(action("UpdatePassword"))
    assert "no e-mail address" in page.submit(sign_in_name="bob").submit(password=LEGACY).alert


@pytest.mark.assumed("that a reset page tells nobody whether an account exists is the stricter reading")
def test_reset_of_nobody(emulator: Emulator, page: HostedPage, tenant: EmulatedTenant, ann: str) -> None:
    """For an unknown name the same page comes, no letter is sent, and no code is right."""
    known = page.follow("Forgot your password?").submit(sign_in_name=ANN)
    unknown = page.follow("Forgot your password?").submit(sign_in_name="nobody@example.org")
    assert known.text == unknown.text
    [letter] = emulator.letters(tenant)
    assert "not correct" in unknown.submit(code=letter["code"]).alert


@pytest.mark.assumed("how long a code is good and how often it may be tried is not documented")
def test_codes_end(emulator: Emulator, page: HostedPage, tenant: EmulatedTenant, ann: str) -> None:
    """A code is good for ten minutes and five tries; without a proven code no password can be set."""
    code = page.follow("Forgot your password?").submit(sign_in_name=ANN)
    right = emulator.letters(tenant)[0]["code"]
    for _ in range(5):
        assert "not correct" in code.submit(code="x").alert
    assert "not correct" in code.submit(code=right).alert
    late = page.follow("Forgot your password?").submit(sign_in_name=ANN)
    reset = late.forms[0]["fields"]["reset"]
    action_path = late.forms[0]["action"]
    form = {
        "flow": late.forms[0]["fields"]["flow"],
        "step": "set",
        "reset": reset,
        "password": NEW,
        "again": NEW,
    }
    unproven = HostedPages(tenant)
    try:
        assert (
            HostedPage(unproven.http, unproven.http.post(action_path, data=form)).heading
            == "Reset your password"
        )
    finally:
        unproven.close()
    emulator.advance(601)
    assert "not correct" in late.submit(code=emulator.letters(tenant)[0]["code"]).alert
    assert not emulator.submit(tenant, ANN, NEW)["signed_in"]


@pytest.mark.documented(CODE_FLOW)
@pytest.mark.parametrize("kind", ["web", "spa", "publicClient"])
def test_code_flow(
    emulator: Emulator, pages: HostedPages, ready: SetUp, tenant: EmulatedTenant, ann: str, kind: str
) -> None:
    """A code with proof key is redeemed once for an id token: by a web application with its secret, by others without."""
    client_id = sign_in_application(ready.graph, kind=kind)
    secret = {}
    if kind == "web":
        path = f"/applications(appId='{client_id}')/addPassword"
        secret = {"client_secret": ready.graph.post(path, {}).json()["secretText"]}
    verifier = "a-verifier-of-at-least-forty-three-characters-long"
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    proof = {"code_challenge": challenge, "code_challenge_method": "S256", "nonce": "a nonce"}
    codes = []
    for _ in range(4):
        page = pages.open(client_id, "http://localhost:5173/signed-in", **proof)
        codes.append(page.submit(sign_in_name=ANN).submit(password=STORED).redirected["code"])
    good = {
        "client_id": client_id,
        "redirect_uri": "http://localhost:5173/signed-in",
        "code_verifier": verifier,
        **secret,
    }
    assert (
        pages.redeem(code=codes[0], **{**good, "code_verifier": "wrong"}).json()["error"] == "invalid_grant"
    )
    assert pages.redeem(code=codes[1], **{**good, "redirect_uri": REDIRECT_URI}).status_code == 400
    answer = pages.redeem(code=codes[2], **good)
    assert answer.status_code == 200, answer.text
    claims = claims_of(pages, answer.json()["id_token"])
    assert (claims["aud"], claims["oid"], claims["nonce"]) == (client_id, ann, "a nonce")
    assert (claims["tid"], claims["ver"], claims["email"]) == (tenant.tenant_id, "2.0", ANN)
    assert pages.redeem(code=codes[2], **good).json()["error"] == "invalid_grant"
    emulator.advance(601)
    assert pages.redeem(code=codes[3], **good).json()["error"] == "invalid_grant"
    if kind == "web":
        page = pages.open(client_id, "http://localhost:5173/signed-in", **proof)
        code = page.submit(sign_in_name=ANN).submit(password=STORED).redirected["code"]
        without = {name: value for name, value in good.items() if name != "client_secret"}
        assert pages.redeem(code=code, **without).json()["error_codes"] == [7000218]


@pytest.mark.documented(OIDC)
def test_implicit_id_token(pages: HostedPages, ready: SetUp, ann: str) -> None:
    """An id token comes in the fragment where the application allows it, and needs a nonce."""
    page = pages.open(ready.client_id, REDIRECT_URI, response_type="id_token", nonce="a nonce")
    end = page.submit(sign_in_name=ANN).submit(password=STORED)
    assert "#" in end.answer.headers["location"]
    assert claims_of(pages, end.redirected["id_token"])["nonce"] == "a nonce"
    without = pages.open(ready.client_id, REDIRECT_URI, response_type="id_token")
    assert without.redirected["error"] == "invalid_request"
    path = f"/applications(appId='{ready.client_id}')"
    implicit = {"implicitGrantSettings": {"enableIdTokenIssuance": False}}
    assert ready.graph.patch(path, {"web": implicit}).status_code == 204
    refused = pages.open(ready.client_id, REDIRECT_URI, response_type="id_token", nonce="a nonce")
    assert "AADSTS700054" in refused.redirected["error_description"]


@pytest.mark.documented("https://openid.net/specs/openid-connect-core-1_0.html#HybridIDToken")
def test_code_and_id_token(pages: HostedPages, ready: SetUp, ann: str) -> None:
    """Asked for both, the id token is bound to the code; posted, the answer is a form without a script."""
    asked = {"response_type": "code id_token", "response_mode": "form_post", "nonce": "n"}
    page = pages.open(ready.client_id, REDIRECT_URI, **asked)
    end = page.submit(sign_in_name=ANN).submit(password=STORED)
    [form] = end.forms
    assert form["action"] == REDIRECT_URI
    half = hashlib.sha256(form["fields"]["code"].encode()).digest()[:16]
    expected = base64.urlsafe_b64encode(half).decode().rstrip("=")
    assert claims_of(pages, form["fields"]["id_token"])["c_hash"] == expected
    assert form["fields"]["state"] == "a state"


@pytest.mark.documented(CLAIMS)
def test_subject_is_pairwise(pages: HostedPages, ready: SetUp, ann: str) -> None:
    """sub is another one in each application and stays in one; oid is the object id in all."""
    other = sign_in_application(ready.graph)
    found = []
    for client_id in (ready.client_id, ready.client_id, other):
        page = pages.open(client_id, REDIRECT_URI, response_type="id_token", nonce="n")
        token = page.submit(sign_in_name=ANN).submit(password=STORED).redirected["id_token"]
        found.append(claims_of(pages, token))
    assert found[0]["sub"] == found[1]["sub"] != found[2]["sub"]
    assert {claims["oid"] for claims in found} == {ann}


@pytest.mark.documented(CODE_FLOW)
def test_refused_requests(pages: HostedPages, ready: SetUp) -> None:
    """An unknown application or address is told to the person only; everything else to the application."""
    unknown = pages.open("11111111-2222-4333-8444-555555555555", REDIRECT_URI)
    assert (unknown.answer.status_code, "AADSTS700016" in unknown.text) == (400, True)
    for redirect_uri in (
        "http://localhost/other",
        "https://localhost/signed-in",
        "http://evil.example/signed-in",
        "http://localhost:80;script-src *;/signed-in",
        "http://me@localhost/signed-in",
        "http://localhost:port/signed-in",
        "http://localhost@evil.example/signed-in",
    ):
        elsewhere = pages.open(ready.client_id, redirect_uri)
        assert (elsewhere.answer.status_code, "AADSTS50011" in elsewhere.text) == (400, True)
    for query, error in (
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": ""}, "unsupported_response_type"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"code_challenge": "x", "code_challenge_method": "S512"}, "invalid_request"),
        ({"response_type": "id_token", "response_mode": "query", "nonce": "n"}, "invalid_request"),
    ):
        answer = pages.open(ready.client_id, REDIRECT_URI, **query).redirected
        assert (answer["error"], answer["state"]) == (error, "a state"), query
    spa = sign_in_application(ready.graph, kind="spa")
    assert pages.open(spa, REDIRECT_URI).redirected["error"] == "invalid_request"


@pytest.mark.assumed("the pages' protection is ours; a real tenant's is its own affair")
def test_pages_keep_to_themselves(
    emulator: Emulator, pages: HostedPages, page: HostedPage, ready: SetUp, ann: str
) -> None:
    """Pages cannot be framed, cached or scripted; what is typed is shown escaped, a password never."""
    policy = page.answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert page.answer.headers["cache-control"] == "no-store"
    odd = '"><script>alert(1)</script>'
    assert odd not in page.submit(sign_in_name=odd).answer.text
    wrong = page.submit(sign_in_name=ANN).submit(password="Wr0ng-wrong-word")
    assert "Wr0ng-wrong-word" not in wrong.answer.text
    tenant_path = page.forms[0]["action"].rpartition("/")[0]
    assert pages.http.get(f"{tenant_path}/sign-in", params={"flow": "guessed"}).status_code == 400
    assert pages.http.post(f"{tenant_path}/sign-in", data={"x": "y" * 20_000}).status_code == 413
    emulator.advance(3_601)
    assert "no longer good" in page.submit(sign_in_name=ANN).text


@pytest.mark.assumed("part of the test tool, not of the imitation")
def test_mailbox_page(emulator: Emulator, page: HostedPage, pages: HostedPages, ann: str) -> None:
    """Codes lie on a page of the control API, for people without a test program."""
    page.follow("Forgot your password?").submit(sign_in_name=ANN)
    shown = pages.http.get("/control/mailbox", params={"tenant_id": "external"})
    assert emulator.letters(pages.tenant)[0]["code"] in shown.text
    assert pages.http.get("/control/mailbox", params={"tenant_id": "nobody"}).status_code == 400
    assert pages.http.get("/control/mail", params={"tenant_id": "nobody"}).status_code == 400


@pytest.mark.assumed("part of the test tool, not of the imitation")
def test_set_up_in_one_request(
    emulator: Emulator, pages: HostedPages, extension: StandIn, tenant: EmulatedTenant
) -> None:
    """One control request sets everything up, with a page to sign in on and one that says who did."""
    made = emulator.password_submit(
        tenant, extension.url, extension.certificate.public_pem, authority=extension.authority_pem
    )
    emulator.seed(tenant, [tenant.local_account(ANN, **{made["flag"]: True})])
    extension.answers.append(migrate())
    assert emulator.submit(tenant, ANN, LEGACY)["migrated"] is True
    assert extension.calls[0].claims["iss"] == made["resource_id"]
    page = pages.at(made["sign_in_url"].replace(tenant.authority, tenant.graph_http))
    end = page.submit(sign_in_name=ANN).submit(password=LEGACY)
    landing = end.answer.headers["location"]
    assert landing.startswith(f"{tenant.authority}/{tenant.tenant_id}/signed-in?code=")
    with ca_client(tenant) as browser:
        assert ANN in browser.get(landing).text
        assert browser.get(landing).status_code == 400


@pytest.mark.assumed("part of the test tool, not of the imitation")
def test_set_up_is_refused_as_graph_refuses(
    emulator: Emulator, extension: StandIn, tenant: EmulatedTenant
) -> None:
    """A wrong address or certificate is refused in one sentence."""
    pem = extension.certificate.public_pem
    for target, certificate, patience in (
        ("http://localhost:1/", pem, {}),
        (extension.url, "none", {}),
        (extension.url, pem, {"timeout_ms": 5000}),
    ):
        body = {"tenant_id": "external", "target_url": target, "certificate": certificate, **patience}
        answer = httpx2.post(f"{emulator.control_url}/password-submit", json=body, trust_env=False)
        assert answer.status_code == 400, body
        assert answer.json()["error"]


@pytest.mark.assumed("part of the test tool, not of the imitation")
def test_reset_forgets_sign_ins(
    emulator: Emulator, page: HostedPage, pages: HostedPages, ready: SetUp, tenant: EmulatedTenant, ann: str
) -> None:
    """After a control reset no set-up, sign-in, letter or page of before is left."""
    page.follow("Forgot your password?").submit(sign_in_name=ANN)
    emulator.submit(tenant, ANN, STORED)
    assert emulator.sign_ins(tenant)
    assert emulator.letters(tenant)
    emulator.reset()
    assert (emulator.sign_ins(tenant), emulator.letters(tenant)) == ([], [])
    assert page.follow("Forgot your password?").answer.status_code == 400
    assert "AADSTS700016" in pages.open(ready.client_id, REDIRECT_URI).text
    emulator.seed(tenant, [tenant.local_account(ANN)])
    assert emulator.sign_in(tenant, ANN, LEGACY) == {
        "signed_in": False,
        "object_id": emulator.dump(tenant)[0]["id"],
        "reason": "wrong_password",
    }
