r"""Sign-ins by control: what simulations use in place of a browser, and a look behind the pages. Below `/control` too.

| request | body | answer |
|---|---|---|
| POST sign-in | `tenant_id`, `sign_in_name, password` or `issuer, issuer_user_id`; optional `application` (client id; by default one that the first listener names), `extension` (false: only compares the stored password, changes nothing but the last sign-in), `correlation_id`, `client_address` | `{"signed_in", "object_id", "reason", "title", "text", "migrated", "error_code", "error_name", "correlation_id", "calls": [{"status", "took_ms", "outcome", "error_code"}], "id_token"}`; reason: ok, unknown, disabled, wrong_password, must_change_password, and with an extension locked, must_reset, blocked, error; title and text: what the page would say; id_token where an application is named |
| POST self-service-reset | `tenant_id, object_id, password` | `{}`, or Graph's refusal |
| GET sign-ins | query `tenant_id` | `{"sign_ins": [{"at", "sign_in_name", "correlation_id", "object_id", "outcome", "migrated", "error_code", "calls"}]}`, from pages and by control, oldest first |
| GET mail | query `tenant_id` | `{"letters": [{"to", "code", "sent"}]}`, newest first: codes of self-service reset and sign-up |
| GET mailbox | query `tenant_id` | the same as a page for people |
"""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from idferry.emulator.control import ControlError, as_json, post, tenant_named
from idferry.emulator.graph.errors import GraphError
from idferry.emulator.pages.html import mailbox_page
from idferry.emulator.pages.id_tokens import TokenIssuer
from idferry.emulator.password_submit.sign_in import Attempt, Outcome, SignInEnd
from idferry.emulator.sign_in import sign_in_federated, sign_in_local
from idferry.emulator.tenants import Tenant
from idferry.emulator.world import World

LOOPBACK = "127.0.0.1"


class SignInTry(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The body of POST sign-in."""

    tenant_id: str
    sign_in_name: str | None = None
    password: str | None = None
    issuer: str | None = None
    issuer_user_id: str | None = None
    application: str | None = None
    extension: bool = True
    correlation_id: str | None = None
    client_address: str = LOOPBACK


class Reset(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The body of POST self-service-reset."""

    tenant_id: str
    object_id: str
    password: str


class SignInControl:
    """Routes of the control API about sign-ins."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """The routes, relative to `/control`."""
        return [
            Route("/sign-in", post(SignInTry, self._sign_in), methods=["POST"]),
            Route("/self-service-reset", post(Reset, self._reset_password), methods=["POST"]),
            Route("/sign-ins", self._sign_ins, methods=["GET"]),
            Route("/mail", self._mail, methods=["GET"]),
            Route("/mailbox", self._mailbox, methods=["GET"]),
        ]

    async def _sign_in(self, attempt: SignInTry) -> object:
        world, tenant = self._world, tenant_named(self._world, attempt.tenant_id)
        now_s = world.clock.now_s()
        if attempt.sign_in_name is not None and attempt.password is not None:
            asked = attempt.application is not None or bool(tenant.registrations.listeners)
            if attempt.extension and asked and not tenant.is_b2c:
                return await self._submit(attempt, tenant)
            return sign_in_local(
                tenant,
                name=attempt.sign_in_name,
                password=attempt.password,
                entropy=world.entropy,
                now_s=now_s,
            )
        if attempt.issuer is not None and attempt.issuer_user_id is not None:
            return sign_in_federated(
                tenant,
                issuer=attempt.issuer,
                issuer_user_id=attempt.issuer_user_id,
                entropy=world.entropy,
                now_s=now_s,
            )
        raise ControlError("A sign-in needs sign_in_name and password, or issuer and issuer_user_id.")

    async def _submit(self, given: SignInTry, tenant: Tenant) -> object:
        if given.application is not None and tenant.application(given.application) is None:
            raise ControlError(f"There is no application '{given.application}'.")
        correlation_id = given.correlation_id or self._world.entropy.guid()
        attempt = Attempt(
            tenant=tenant,
            client_id=None if given.application is None else given.application.lower(),
            user_name=given.sign_in_name or "",
            password=given.password or "",
            client_address=given.client_address,
            correlation_id=correlation_id,
        )
        end = await self._world.password_submit.sign_in(attempt)
        return {
            "signed_in": end.outcome is Outcome.OK,
            "object_id": end.object_id,
            "reason": end.outcome.value,
            "title": end.title,
            "text": end.text,
            "migrated": end.migrated,
            "error_code": end.failure,
            "error_name": None if end.failure is None else end.failure.name.lower(),
            "correlation_id": correlation_id,
            "calls": end.calls,
            "id_token": self._id_token(given, tenant, end),
        }

    def _id_token(self, given: SignInTry, tenant: Tenant, end: SignInEnd) -> str | None:
        application = None if given.application is None else tenant.application(given.application)
        account = None if end.object_id is None else tenant.sight.current(end.object_id)
        if end.outcome is not Outcome.OK or application is None or account is None:
            return None
        issuer = TokenIssuer(
            tenant=tenant,
            issuer=f"{self._world.authority}/{tenant.tenant_id}/v2.0",
            tokens=self._world.tokens,
            entropy=self._world.entropy,
            now_s=self._world.clock.now_s(),
        )
        return issuer.id_token(application, account, scopes=frozenset({"openid", "profile"}))

    def _reset_password(self, reset: Reset) -> object:
        tenant = tenant_named(self._world, reset.tenant_id)
        account = tenant.sight.current(reset.object_id)
        if account is None:
            raise ControlError(f"There is no account '{reset.object_id}'.")
        try:
            self._world.password_submit.resets.set_password(tenant, account, reset.password)
        except GraphError as error:
            raise ControlError(error.message) from error
        return {}

    async def _sign_ins(self, request: Request) -> Response:
        return self._of_tenant(
            request, lambda tenant: {"sign_ins": self._world.password_submit.log(tenant.tenant_id)}
        )

    async def _mail(self, request: Request) -> Response:
        return self._of_tenant(
            request, lambda tenant: {"letters": self._world.password_submit.mailbox.letters(tenant.tenant_id)}
        )

    async def _mailbox(self, request: Request) -> Response:
        try:
            tenant = tenant_named(self._world, request.query_params.get("tenant_id", "external"))
        except ControlError as error:
            return as_json({"error": str(error)}, status=400)
        letters = self._world.password_submit.mailbox.letters(tenant.tenant_id)
        return mailbox_page([(letter.to, letter.code, letter.sent) for letter in letters])

    def _of_tenant(self, request: Request, answer: Any) -> Response:
        try:
            return as_json(answer(tenant_named(self._world, request.query_params.get("tenant_id", ""))))
        except ControlError as error:
            return as_json({"error": str(error)}, status=400)
