"""The hosted sign-in of an external tenant over HTTP: authorize, sign-in, sign-up and reset pages, and the way back.

https://learn.microsoft.com/entra/external-id/customers/concept-user-flow-sign-up-sign-in-customers. It reads forms and picks
pages; what is decided stands in `password_submit`, what an application may ask in `authorizations`.
"""

from collections.abc import Awaitable, Callable
from typing import assert_never

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from idferry.emulator.authorizations import Authorization, AuthorizationRefusal
from idferry.emulator.graph.address import read_query
from idferry.emulator.pages.html import SignInPages, error_page, signed_in_page
from idferry.emulator.pages.id_tokens import TokenIssuer
from idferry.emulator.password_submit import texts
from idferry.emulator.password_submit.resets import ResetEnd, email_of
from idferry.emulator.password_submit.sign_in import Attempt, Outcome, SignInEnd
from idferry.emulator.password_submit.sign_ups import SignUpEnd
from idferry.emulator.sign_in import find_account
from idferry.emulator.tenants import Tenant
from idferry.emulator.world import World

FORM_BYTES_MAX = 16 * 1024
SIGNED_IN = "signed-in"
SEE_OTHER = 303
TOO_LARGE = 413
NOT_COVERED = 501
_SHOWN_OF_USER = {
    "displayName": "Name",
    "mail": "E-mail",
    "id": "Object id",
    "lastPasswordChangeDateTime": "Password since",
}
Form = dict[str, str]
Step = Callable[[Authorization, Form, Request], Awaitable[Response]]


class SignInRoutes:
    """Routes of the hosted pages."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """The routes; each path begins with the tenant."""
        return [
            Route("/{tenant}/oauth2/v2.0/authorize", self.authorize, methods=["GET", "POST"]),
            Route("/{tenant}/sign-in", self._under_way(self._show_sign_in), methods=["GET"]),
            Route("/{tenant}/sign-in", self._under_way(self._sign_in), methods=["POST"]),
            Route("/{tenant}/reset", self._under_way(self._show_reset), methods=["GET"]),
            Route("/{tenant}/reset", self._under_way(self._reset), methods=["POST"]),
            Route("/{tenant}/sign-up", self._under_way(self._show_sign_up), methods=["GET"]),
            Route("/{tenant}/sign-up", self._under_way(self._sign_up), methods=["POST"]),
            Route(f"/{{tenant}}/{SIGNED_IN}", self.signed_in, methods=["GET"]),
        ]

    async def authorize(self, request: Request) -> Response:
        """GET or POST .../authorize: the sign-in page, or why there is none."""
        tenant = self._world.tenant(request.path_params["tenant"])
        if tenant is None:
            return error_page("AADSTS90002: There is no such tenant.")
        if tenant.is_b2c:
            return error_page("The emulator does not cover the pages of Azure AD B2C.", status=NOT_COVERED)
        given = await _read(request)
        if given is None:
            return error_page(texts.FAILED, status=TOO_LARGE)
        root = f"{request.url.scheme}://{request.headers.get('host', 'localhost')}"
        try:
            asked = self._world.authorizations.begin(
                given, tenant=tenant, issuer=f"{root}/{tenant.tenant_id}/v2.0"
            )
        except AuthorizationRefusal as refusal:
            return self._refused(refusal)
        if tenant.options.strict_user_flow and not _is_attached(asked.application.client_id, tenant):
            self._world.authorizations.finish(asked)
            return error_page("AADSTS500208: The application belongs to no user flow of this tenant.")
        return self._first_page(asked, error="")

    async def signed_in(self, request: Request) -> Response:
        """GET .../signed-in: an application of the emulator's own, which shows who came back to it."""
        tenant = self._world.tenant(request.path_params["tenant"])
        answer = read_query(request.url.query)
        address = str(request.url.replace(query=""))
        redeemed = self._world.authorizations.redeem(
            answer.get("code", ""), client_id=answer.get("state", ""), redirect_uri=address, verifier=None
        )
        account = None
        if tenant is not None and redeemed is not None and redeemed[0].tenant is tenant:
            account = tenant.sight.current(redeemed[1])
        if account is None:
            return error_page(answer.get("error_description") or texts.FLOW_UNKNOWN)
        return signed_in_page(
            {
                title: str(account.body[name])
                for name, title in _SHOWN_OF_USER.items()
                if account.body.get(name)
            }
        )

    def _under_way(self, step: Step) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            form = await _read(request)
            if form is None:
                return error_page(texts.FAILED, status=TOO_LARGE)
            asked = self._world.authorizations.under_way(form.get("flow", ""))
            tenant = self._world.tenant(request.path_params["tenant"])
            if asked is None or asked.tenant is not tenant:
                return error_page(texts.FLOW_UNKNOWN)
            return await step(asked, form, request)

        return answer

    async def _show_sign_in(self, asked: Authorization, _form: Form, _request: Request) -> Response:
        return self._first_page(asked, error="")

    async def _sign_in(self, asked: Authorization, form: Form, request: Request) -> Response:
        name = form.get("sign_in_name", "").strip()
        asked.user_name = name
        if not name:
            return self._first_page(asked, error=texts.NAME_MISSING)
        if "password" not in form:
            if find_account(asked.tenant, ("local", name.lower())) is None:
                return self._first_page(asked, error=texts.UNKNOWN)
            return _pages(asked).password(user_name=name)
        if not form["password"]:
            return self._again(asked, texts.PASSWORD_MISSING)
        attempt = Attempt(
            tenant=asked.tenant,
            client_id=asked.application.client_id,
            user_name=name,
            password=form["password"],
            client_address=request.client.host if request.client else "",
            correlation_id=asked.correlation_id,
        )
        return self._show_end(asked, await self._world.password_submit.sign_in(attempt))

    def _show_end(self, asked: Authorization, end: SignInEnd) -> Response:
        match end.outcome:
            case Outcome.OK:
                return self._hand_over(asked, end.object_id or "")
            case Outcome.UNKNOWN:
                return self._first_page(asked, error=end.text)
            case Outcome.WRONG_PASSWORD | Outcome.LOCKED | Outcome.DISABLED:
                return self._again(asked, end.text)
            case Outcome.MUST_RESET | Outcome.MUST_CHANGE_PASSWORD:
                return self._begin_reset(asked, asked.user_name, reason=end.text)
            case Outcome.BLOCKED:
                return _pages(asked).ended(title=end.title, text=end.text)
            case Outcome.ERROR:
                # The application hears of it in general words; the number stands in the sign-in log only.
                self._world.authorizations.finish(asked)
                return _answer(asked, {"error": "server_error", "error_description": texts.FAILED})
            case _:
                assert_never(end.outcome)

    def _hand_over(self, asked: Authorization, object_id: str) -> Response:
        self._world.authorizations.finish(asked)
        account = asked.tenant.sight.current(object_id)
        if account is None:
            return _answer(asked, {"error": "server_error", "error_description": texts.FAILED})
        answer: dict[str, str] = {}
        if "code" in asked.response_types:
            answer["code"] = self._world.authorizations.new_code(asked, object_id=object_id)
        if "id_token" in asked.response_types:
            issuer = TokenIssuer(
                tenant=asked.tenant,
                issuer=asked.issuer,
                tokens=self._world.tokens,
                entropy=self._world.entropy,
                now_s=self._world.clock.now_s(),
            )
            answer["id_token"] = issuer.id_token(
                asked.application,
                account,
                scopes=asked.scopes,
                nonce=asked.nonce,
                code=answer.get("code"),
            )
        return _answer(asked, answer)

    async def _show_reset(self, asked: Authorization, _form: Form, _request: Request) -> Response:
        return _pages(asked).reset_name(user_name=asked.user_name)

    async def _reset(self, asked: Authorization, form: Form, _request: Request) -> Response:
        match form.get("step"):
            case "send":
                name = form.get("sign_in_name", "").strip()
                if not name:
                    return _pages(asked).reset_name(user_name="", error=texts.NAME_MISSING)
                return self._begin_reset(asked, name, reason="")
            case "prove":
                return self._prove(asked, reset=form.get("reset", ""), code=form.get("code", ""))
            case "set":
                return self._set_password(asked, form)
            case _:
                return error_page(texts.FLOW_UNKNOWN)

    def _begin_reset(self, asked: Authorization, name: str, *, reason: str) -> Response:
        """Sends a code. Only who has just typed the right password is told that there is no address for one."""
        asked.user_name = name
        account = find_account(asked.tenant, ("local", name.lower()))
        if reason and (account is None or email_of(account) is None):
            return _pages(asked).ended(title=texts.RESET_REQUIRED, text=texts.NO_RESET)
        reset = self._world.password_submit.resets.begin(asked.tenant, account)
        return _pages(asked).code("reset", name=reset, sent=texts.CODE_SENT, reason=reason)

    def _prove(self, asked: Authorization, *, reset: str, code: str) -> Response:
        if self._world.password_submit.resets.prove(reset, code):
            return _pages(asked).reset_password(reset=reset)
        return _pages(asked).code("reset", name=reset, sent=texts.CODE_SENT, error=texts.CODE_WRONG)

    def _set_password(self, asked: Authorization, form: Form) -> Response:
        reset, password = form.get("reset", ""), form.get("password", "")
        if password != form.get("again"):
            return _pages(asked).reset_password(reset=reset, error=texts.PASSWORDS_DIFFER)
        match self._world.password_submit.resets.finish(reset, password):
            case ResetEnd.CHANGED:
                return _pages(asked).reset_done()
            case ResetEnd.WEAK:
                return _pages(asked).reset_password(reset=reset, error=texts.PASSWORD_WEAK)
            case ResetEnd.EXPIRED:
                return _pages(asked).reset_name(user_name=asked.user_name, error=texts.CODE_WRONG)

    async def _show_sign_up(self, asked: Authorization, _form: Form, _request: Request) -> Response:
        return _pages(asked).sign_up_address()

    async def _sign_up(self, asked: Authorization, form: Form, _request: Request) -> Response:
        sign_up = form.get("sign_up", "")
        match form.get("step"):
            case "send":
                address = form.get("address", "").strip()
                if "@" not in address:
                    return _pages(asked).sign_up_address(error=texts.ADDRESS_MISSING)
                begun = self._world.password_submit.sign_ups.begin(asked.tenant, address)
                return _pages(asked).code("sign-up", name=begun, sent=texts.CODE_SENT_TO_NEW)
            case "prove":
                return self._prove_sign_up(asked, sign_up, code=form.get("code", ""))
            case "create":
                return self._create(asked, sign_up, form)
            case _:
                return error_page(texts.FLOW_UNKNOWN)

    def _prove_sign_up(self, asked: Authorization, sign_up: str, *, code: str) -> Response:
        sign_ups = self._world.password_submit.sign_ups
        if not sign_ups.prove(sign_up, code):
            return _pages(asked).code(
                "sign-up", name=sign_up, sent=texts.CODE_SENT_TO_NEW, error=texts.CODE_WRONG
            )
        if sign_ups.is_taken(sign_up):
            return _pages(asked).sign_up_address(error=texts.ADDRESS_TAKEN)
        return _pages(asked).sign_up_details(sign_up=sign_up)

    def _create(self, asked: Authorization, sign_up: str, form: Form) -> Response:
        display_name, password = form.get("display_name", "").strip(), form.get("password", "")
        if not display_name or password != form.get("again"):
            wrong = texts.PASSWORDS_DIFFER if display_name else texts.DISPLAY_NAME_MISSING
            return _pages(asked).sign_up_details(sign_up=sign_up, display_name=display_name, error=wrong)
        made = self._world.password_submit.sign_ups.finish(
            sign_up, display_name=display_name, password=password
        )
        match made.end:
            case SignUpEnd.CREATED:
                return self._hand_over(asked, made.object_id)
            case SignUpEnd.TAKEN:
                return _pages(asked).sign_up_address(error=texts.ADDRESS_TAKEN)
            case SignUpEnd.REFUSED:
                return _pages(asked).sign_up_details(
                    sign_up=sign_up, display_name=display_name, error=texts.PASSWORD_WEAK
                )
            case SignUpEnd.EXPIRED:
                return _pages(asked).sign_up_address(error=texts.CODE_WRONG)
            case _:
                assert_never(made.end)

    def _refused(self, refusal: AuthorizationRefusal) -> Response:
        text = f"AADSTS{refusal.number}: {refusal.text}"
        if refusal.asked is None:
            return error_page(text)
        return _answer(refusal.asked, {"error": refusal.error, "error_description": text})

    def _first_page(self, asked: Authorization, *, error: str) -> Response:
        both = asked.tenant.options.sign_in_steps == 1
        return _pages(asked).name(user_name=asked.user_name, error=error, with_password=both)

    def _again(self, asked: Authorization, error: str) -> Response:
        if asked.tenant.options.sign_in_steps == 1:
            return self._first_page(asked, error=error)
        return _pages(asked).password(user_name=asked.user_name, error=error)


def _pages(asked: Authorization) -> SignInPages:
    return SignInPages(
        tenant=asked.tenant.domain,
        path=f"/{asked.tenant.tenant_id}",
        flow=asked.flow,
        redirect_uri=asked.redirect_uri,
    )


def _answer(asked: Authorization, answer: dict[str, str]) -> Response:
    """The way back to the application."""
    if asked.response_mode == "form_post":
        state = {} if asked.state is None else {"state": asked.state}
        return _pages(asked).handing_over({**answer, **state})
    return RedirectResponse(asked.address(answer), SEE_OTHER, {"Cache-Control": "no-store"})


def _is_attached(client_id: str, tenant: Tenant) -> bool:
    return client_id in tenant.registrations.flow_applications


async def _read(request: Request) -> Form | None:
    """The query of a GET, the form of a POST; None when it is larger than any form here."""
    if request.method == "GET":
        return read_query(request.url.query)
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > FORM_BYTES_MAX:
            return None
    return read_query(body.decode("utf-8", "replace"))
