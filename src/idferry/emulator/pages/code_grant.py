"""The token endpoint's answer to an authorization code: tokens for the application that a person signed in to.

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow.
"""

from collections.abc import Collection, Mapping
from typing import Any

from idferry.emulator.credentials import TokenRefusal, missing_parameter, prove_application
from idferry.emulator.pages.id_tokens import LIFETIME_S, TokenIssuer
from idferry.emulator.tenants import Tenant
from idferry.emulator.world import World

GRANT = "authorization_code"


def redeem_code(
    form: Mapping[str, str],
    *,
    authorization: str | None,
    tenant: Tenant,
    audiences: Collection[str],
    issuer: str,
    world: World,
) -> dict[str, Any]:
    """The answer's document; TokenRefusal when the code is not good or the application does not prove itself."""
    for name in ("code", "redirect_uri"):
        if not form.get(name):
            raise missing_parameter(name)
    client_id = _client_id(form, authorization, tenant=tenant, audiences=audiences, world=world)
    redeemed = world.authorizations.redeem(
        form["code"],
        client_id=client_id,
        redirect_uri=form["redirect_uri"],
        verifier=form.get("code_verifier"),
    )
    if redeemed is None or redeemed[0].tenant is not tenant:
        raise _bad_code(
            "The provided authorization code, its redirect URI or its code verifier is not valid."
        )
    asked, object_id = redeemed
    if not asked.public and not _proves_itself(form, authorization):
        raise TokenRefusal(
            401,
            "invalid_client",
            7000218,
            "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
        )
    account = tenant.sight.current(object_id)
    if account is None:
        raise _bad_code("The account does not exist.")
    tokens = TokenIssuer(
        tenant=tenant, issuer=issuer, tokens=world.tokens, entropy=world.entropy, now_s=world.clock.now_s()
    )
    return {
        "token_type": "Bearer",
        "scope": " ".join(sorted(asked.scopes)),
        "expires_in": LIFETIME_S,
        "ext_expires_in": LIFETIME_S,
        "access_token": tokens.access_token(asked.application, account, scopes=asked.scopes),
        "id_token": tokens.id_token(asked.application, account, scopes=asked.scopes, nonce=asked.nonce),
    }


def _client_id(
    form: Mapping[str, str],
    authorization: str | None,
    *,
    tenant: Tenant,
    audiences: Collection[str],
    world: World,
) -> str:
    """Who asks: proven where credentials came along, else merely said."""
    if _proves_itself(form, authorization):
        proven = prove_application(
            form,
            authorization=authorization,
            tenant=tenant,
            audiences=audiences,
            now_s=world.clock.now_s(),
        )
        return proven.client_id
    if not form.get("client_id"):
        raise missing_parameter("client_id")
    return form["client_id"]


def _proves_itself(form: Mapping[str, str], authorization: str | None) -> bool:
    basic = (authorization or "").lower().startswith("basic ")
    return basic or bool(form.get("client_secret") or form.get("client_assertion"))


def _bad_code(text: str) -> TokenRefusal:
    return TokenRefusal(400, "invalid_grant", 70000, text)
