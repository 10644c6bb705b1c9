"""The endpoints of just-in-time migration in process, over a `SignInWorld`; time is the world's hand clock.

stage = ExternalStage()
account = stage.world.person("ana@example.com")
answer = stage.submit("ana@example.com", "Old-Password-1", object_id=account)
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from tests.support.memory_sign_ins import SignInWorld
from tests.support.password_tokens import AUDIENCE, ISSUER, Encryptor, claims
from tests.support.service_stage import Answered, ServiceStage
from tests.support.signed_tokens import APPLICATION, TENANT, Provider
from tests.support.signed_tokens import AUDIENCE as TOKEN_AUDIENCE
from tests.support.signed_tokens import ISSUER as TOKEN_ISSUER
from tests.support.signed_tokens import claims as token_claims

from idferry.flows.migrate_on_sign_in import SignIn, migrate_on_sign_in
from idferry.flows.note_password_reset import note_password_reset
from idferry.ports import Deadline
from idferry.rules.sign_in import Decision, SignInRules
from idferry.rules.submission import Front
from idferry.service.b2c_sign_in import B2cRules, B2cSignInEndpoints
from idferry.service.bearer_tokens import SigningKeys, TokenCheck, TokenTerms
from idferry.service.external_id import EVENT_TYPE, PATH, ExternalRules, PasswordSubmitEndpoint
from idferry.service.logs import PersonIds
from idferry.service.password_context import ContextTerms, PasswordContexts, decryption_key
from idferry.service.workers import Workers

EXTENSION = "eeeeeeee-0000-0000-0000-000000000001"
OURS, PROVIDER = Encryptor(), Provider()
JOURNEY = "cccccccc-0000-0000-0000-000000000001"
RIGHT = PROVIDER.sign(token_claims())


class SignInStage:
    """What both have in common: a world, a service, and a pause that turns the hand instead of waiting."""

    def __init__(self, world: SignInWorld) -> None:
        self.world = world
        self.paused: list[float] = []
        self.while_paused: Callable[[], None] = lambda: None
        self.threads = Workers(threads=2, waiting_max=2, name="flow")
        self.people = PersonIds(b"k" * 32)

    async def pause(self, seconds: float) -> None:
        self.paused.append(seconds)
        self.while_paused()
        self.world.clock.advance(seconds)

    def migrate(self, sign_in: SignIn, deadline: Deadline) -> Decision:
        return migrate_on_sign_in(sign_in=sign_in, deadline=deadline, parts=self.world.parts)

    def close(self) -> None:
        self.threads.close()
        self.service.close()

    service: ServiceStage


class ExternalStage(SignInStage):
    """The endpoint that Entra calls. `rules` are changes to its rules."""

    def __init__(self, *, decided_by: SignInRules | None = None, **rules: Any) -> None:
        super().__init__(SignInWorld(rules=decided_by or SignInRules(), front=Front.EXTERNAL_ID))
        self.key_threads = Workers(threads=1, waiting_max=4, name="keys")
        clock = self.world.clock
        terms = TokenTerms(
            issuers=[TOKEN_ISSUER], audiences=[TOKEN_AUDIENCE], applications=[APPLICATION], tenant_id=TENANT
        )
        keys = SigningKeys(PROVIDER.key_set, clock=clock, workers=self.key_threads)
        first = ServiceStage(clock=clock)
        first.close()
        endpoint = PasswordSubmitEndpoint(
            self.migrate,
            contexts=PasswordContexts(
                [decryption_key(OURS.pem(), what="a key")],
                terms=ContextTerms(audience=AUDIENCE, issuers=(ISSUER,)),
                now=clock.now,
            ),
            check=TokenCheck(terms, keys, clock.now),
            rules=ExternalRules(
                **{
                    "tenant_id": TENANT,
                    "extension_ids": frozenset({EXTENSION}),
                    "deadline": timedelta(seconds=1.6),
                    **rules,
                }
            ),
            workers=self.threads,
            people=self.people,
            books=first.books,
            pause=self.pause,
        )
        self.books = first.books
        self.service = ServiceStage(clock=clock, more=endpoint.endpoints())

    def event(self, name: str, password: str, **how: Any) -> dict[str, Any]:
        """What Entra sends; `how`: object_id, nonce, mail, correlation_id, and any field of data."""
        nonce = how.pop("nonce", "8a4b8d4e-1111-4222-8333-444455556666")
        object_id, mail = how.pop("object_id", "nobody"), how.pop("mail", name if "@" in name else None)
        now = int(self.world.clock.now().timestamp())
        content = claims(
            **{"username": name, "user-password": password, "nonce": nonce, "exp": now + 600, "nbf": now}
        )
        about = {
            "correlationId": how.pop("correlation_id", JOURNEY),
            "client": {"ip": how.pop("ip", "203.0.113.9"), "locale": "en-us", "market": "en-us"},
            "protocol": "OAUTH2.0",
            "resourceServicePrincipal": None,
            "user": {"id": object_id, "mail": mail, "userType": "Member"},
        }
        data = {
            "@odata.type": "microsoft.graph.onPasswordSubmitCalloutData",
            "tenantId": TENANT,
            "authenticationEventListenerId": "eeeeeeee-0000-0000-0000-000000000002",
            "customAuthenticationExtensionId": EXTENSION,
            "encryptedPasswordContext": OURS.token(content),
            "authenticationContext": about,
            "userSignUpInfo": None,
            "otpContext": None,
            **how,
        }
        return {"type": EVENT_TYPE, "source": f"/tenants/{TENANT}/applications/x", "data": data}

    def send(self, event: Any, *, token: str = "") -> Answered:
        """This event, by a caller who has proven himself unless `token` says otherwise."""
        token = token or PROVIDER.sign(self._token())
        return self.service.post(PATH, event, headers=[("Authorization", f"Bearer {token}")])

    def submit(self, name: str, password: str, **how: Any) -> Answered:
        """One pressing of the button at the tenant's page."""
        return self.send(self.event(name, password, **how))

    def _token(self) -> dict[str, Any]:
        now = int(self.world.clock.now().timestamp())
        return token_claims(iat=now, nbf=now, exp=now + 3600)

    def close(self) -> None:
        super().close()
        self.key_threads.close()


class B2cStage(SignInStage):
    """The endpoints that a policy calls."""

    def __init__(
        self, *, decided_by: SignInRules | None = None, negative_reply_at_s: float = 0.0, language: str = "en"
    ) -> None:
        super().__init__(SignInWorld(rules=decided_by or SignInRules()))
        clock = self.world.clock
        first = ServiceStage(clock=clock, language=language)
        first.close()
        endpoints = B2cSignInEndpoints(
            self.migrate,
            self.note_reset,
            rules=B2cRules(deadline=timedelta(seconds=10), negative_reply_at_s=negative_reply_at_s),
            workers=self.threads,
            people=self.people,
            books=first.books,
            pause=self.pause,
        )
        self.books = first.books
        self.service = ServiceStage(clock=clock, more=endpoints.endpoints())

    def note_reset(self, sign_in_name: str, object_id: str, deadline: Deadline) -> bool:
        world = self.world
        return note_password_reset(
            sign_in_name=sign_in_name,
            object_id=object_id,
            deadline=deadline,
            ledger=world.ledger,
            directory=world.directory,
            guard=world.guard,
            clock=world.clock,
        )

    def sign_in(
        self, name: str, password: str, *, path: str = "/api/migration/sign-in", **how: Any
    ) -> Answered:
        """What a policy asks."""
        return self.service.post(path, {"email": name, "password": password, **how})
