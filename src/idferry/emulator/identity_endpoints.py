"""The identity side of a tenant over HTTP: token endpoint, discovery documents, keys, instance discovery.

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow. Paths carry the tenant, by id or domain.
"""

from typing import Any
from urllib.parse import urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from idferry.emulator.clock import http_date, stamp
from idferry.emulator.credentials import TokenRefusal, missing_parameter, prove_application
from idferry.emulator.graph.address import read_query
from idferry.emulator.graph.faults import DAMAGES, GARBAGE, FaultRule
from idferry.emulator.graph_endpoint import cut
from idferry.emulator.pages.code_grant import GRANT, redeem_code
from idferry.emulator.tenants import Tenant
from idferry.emulator.tokens import GRAPH
from idferry.emulator.world import World

TOKEN = "token"


class IdentityEndpoints:
    """Routes of the identity side."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """The routes, in the order in which they must be tried."""
        return [
            Route("/common/discovery/instance", self.instance, methods=["GET"]),
            Route("/{tenant}/v2.0/.well-known/openid-configuration", self.discovery, methods=["GET"]),
            Route("/{tenant}/.well-known/openid-configuration", self.discovery, methods=["GET"]),
            Route("/{tenant}/discovery/v2.0/keys", self.keys, methods=["GET"]),
            Route("/{tenant}/oauth2/v2.0/token", self.token, methods=["POST"]),
            Route("/{rest:path}", self.uncovered, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
        ]

    async def instance(self, request: Request) -> Response:
        """GET /common/discovery/instance: which authority answers for a host."""
        wanted = request.query_params.get("authorization_endpoint")
        if wanted is None:
            return self._refusal(missing_parameter("authorization_endpoint"))
        path = urlsplit(wanted).path.split("/")
        tenant = self._world.tenant(path[1]) if len(path) > 1 else None
        if tenant is None:
            return self._refusal(TokenRefusal(400, "invalid_instance", 50049, "Unknown or invalid instance."))
        found = f"{_root(request)}/{tenant.tenant_id}/v2.0/.well-known/openid-configuration"
        return self._json({"tenant_discovery_endpoint": found, "api-version": "1.1", "metadata": []})

    async def discovery(self, request: Request) -> Response:
        """GET .../.well-known/openid-configuration: the tenant's addresses, on the scheme it was asked over."""
        try:
            tenant = self._tenant(request)
        except TokenRefusal as refusal:
            return self._refusal(refusal)
        authority = f"{_root(request)}/{request.path_params['tenant']}"
        return self._json(
            {
                "token_endpoint": f"{authority}/oauth2/v2.0/token",
                "token_endpoint_auth_methods_supported": [
                    "client_secret_post",
                    "private_key_jwt",
                    "client_secret_basic",
                ],
                "jwks_uri": f"{authority}/discovery/v2.0/keys",
                "response_modes_supported": ["query", "fragment", "form_post"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "response_types_supported": ["code", "id_token", "code id_token"],
                "scopes_supported": ["openid", "profile", "email", "offline_access"],
                "issuer": f"{_root(request)}/{tenant.tenant_id}/v2.0",
                "authorization_endpoint": f"{authority}/oauth2/v2.0/authorize",
                "msgraph_host": urlsplit(_root(request)).netloc,
            }
        )

    async def keys(self, request: Request) -> Response:
        """GET .../discovery/v2.0/keys: the public key that tokens are signed with."""
        try:
            self._tenant(request)
        except TokenRefusal as refusal:
            return self._refusal(refusal)
        return self._json(self._world.tokens.public_keys())

    async def token(self, request: Request) -> Response:
        """POST .../oauth2/v2.0/token: 200 with a token, or OAuth's error document."""
        world = self._world
        fault = None if world.faults.none else world.faults.draw(TOKEN, in_batch=False)
        if fault is not None and fault.kind == "cut_before":
            world.counts.ended(TOKEN, "cut_before")
            await cut(request.scope)
            return Response()
        form = read_query((await request.body()).decode("utf-8", "replace"))
        world.counts.arrived(TOKEN)
        if fault is not None and fault.kind == "slow":
            await world.clock.pause(fault.delay_ms / 1000)
            fault = None
        try:
            response = self._json(self._issue(request, form))
        except TokenRefusal as refusal:
            response = self._refusal(refusal)
        if fault is not None:
            return await self._damaged(request, fault)
        world.counts.ended(TOKEN, response.status_code)
        return response

    async def uncovered(self, request: Request) -> Response:
        """Any other address: 501, naming what the emulator does not cover."""
        text = f"The emulator does not cover {request.method} {request.url.path}."
        return self._json({"error": "not_implemented", "error_description": text}, status=501)

    def _issue(self, request: Request, form: dict[str, str]) -> dict[str, Any]:
        tenant = self._tenant(request)
        now_s = self._world.clock.now_s()
        grant = form.get("grant_type")
        if not grant:
            raise missing_parameter("grant_type")
        if grant == GRANT and not tenant.is_b2c:
            return redeem_code(
                form,
                authorization=request.headers.get("authorization"),
                tenant=tenant,
                audiences=_audiences(request, tenant),
                issuer=f"{_root(request)}/{tenant.tenant_id}/v2.0",
                world=self._world,
            )
        if grant != "client_credentials":
            raise TokenRefusal(
                400, "unsupported_grant_type", 70003, f"The app requested the grant '{grant}'."
            )
        _check_scope(form.get("scope"), own_root=_root(request))
        application = prove_application(
            form,
            authorization=request.headers.get("authorization"),
            tenant=tenant,
            audiences=_audiences(request, tenant),
            now_s=now_s,
        )
        issuer = f"{_root(request)}/{tenant.tenant_id}/"
        token = self._world.tokens.issue(tenant=tenant, application=application, issuer=issuer, now_s=now_s)
        lifetime = tenant.options.token_lifetime_s
        return {
            "token_type": "Bearer",
            "expires_in": lifetime,
            "ext_expires_in": lifetime,
            "access_token": token,
        }

    def _tenant(self, request: Request) -> Tenant:
        name = request.path_params["tenant"]
        tenant = self._world.tenant(name)
        if tenant is None:
            text = f"Tenant '{name}' not found. Check to make sure you have the correct tenant ID."
            raise TokenRefusal(400, "invalid_request", 90002, text)
        return tenant

    async def _damaged(self, request: Request, fault: FaultRule) -> Response:
        self._world.counts.ended(
            TOKEN, f"{fault.kind}_{fault.status}" if fault.kind == "status" else fault.kind
        )
        if fault.kind == "cut_after" or fault.kind in DAMAGES:
            await cut(request.scope)
            return Response()
        if fault.kind == "garbage":
            return Response(GARBAGE, fault.status, media_type="text/html")
        headers = {} if fault.retry_after is None else {"Retry-After": fault.retry_after}
        number = 50196 if fault.status == 429 else 90033
        refusal = TokenRefusal(
            fault.status, "temporarily_unavailable", number, "A transient error has occurred."
        )
        response = self._refusal(refusal)
        response.headers.update(headers)
        return response

    def _refusal(self, refusal: TokenRefusal) -> Response:
        entropy, now = self._world.entropy, stamp(self._world.clock.now_s()).replace("T", " ")
        trace, correlation = entropy.guid(), entropy.guid()
        description = (
            f"AADSTS{refusal.number}: {refusal.text}\r\nTrace ID: {trace}\r\nCorrelation ID: {correlation}\r\n"
            f"Timestamp: {now}"
        )
        document = {
            "error": refusal.error,
            "error_description": description,
            "error_codes": [refusal.number],
            "timestamp": now,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": f"https://login.microsoftonline.com/error?code={refusal.number}",
        }
        return self._json(document, status=refusal.status)

    def _json(self, document: object, *, status: int = 200) -> Response:
        headers = {"Cache-Control": "no-store, no-cache", "Date": http_date(self._world.clock.now_s())}
        return Response(
            msgspec.json.encode(document), status, headers, media_type="application/json; charset=utf-8"
        )


def _root(request: Request) -> str:
    return f"{request.url.scheme}://{request.headers.get('host', 'localhost')}"


def _audiences(request: Request, tenant: Tenant) -> set[str]:
    host = request.headers.get("host", "localhost")
    names = (tenant.tenant_id, tenant.domain)
    return {f"{scheme}://{host}/{name}/oauth2/v2.0/token" for scheme in ("https", "http") for name in names}


def _check_scope(scope: str | None, *, own_root: str) -> None:
    if not scope:
        raise missing_parameter("scope")
    if not scope.endswith("/.default"):
        text = f"The provided value for scope {scope} is not valid. Client credential flows must have a scope value "
        raise TokenRefusal(
            400, "invalid_scope", 1002012, text + "with /.default suffixed to the resource identifier."
        )
    if scope.removesuffix("/.default").rstrip("/") not in (GRAPH, own_root):
        text = f"The provided value for the input parameter 'scope' is not valid. The scope {scope} is not valid."
        raise TokenRefusal(400, "invalid_scope", 70011, text)
