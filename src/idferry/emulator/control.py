r"""The control API under `/control`: what tests and the demo steer the emulator with. Plain HTTP on loopback only.

Every body is one JSON object; a refused one answers 400 `{"error": "..."}`. `tenant_id` takes an id, a domain, or `b2c` / `external`.
Sign-ins, resets and the mailbox stand in `control_sign_ins`, setting password submit up in `control_set_up`.

| request | body | answer |
|---|---|---|
| POST reset | `{}` | `{}`; accounts, applications but the first, extension attributes, faults, lag, clock, counts are gone |
| POST seed | `tenant_id, accounts: [create bodies]` | `{"ids": [...]}`; strict options, quota and lag are not looked at; undeclared `extension_<app>_<name>` is declared as String, Boolean or Integer |
| GET clock | | `{"now", "epoch_s", "offset_s", "from"}`; from: `system` or `requests` |
| POST clock | `advance_s`, `offset_s`, or `speed` (emulated seconds in one of the system's) | as GET |
| POST latency | `Latency` | `{}`; how long answers take, see `request_time.Latency`; only where time comes from requests |
| POST faults | `rules: [FaultRule], seed` | `{}`; replaces all rules, see `graph.faults.FaultRule` |
| POST throttle | `ThrottleProfile` | `{}`; full allowances again, see `graph.throttle.ThrottleProfile` |
| POST lag | `Lag` and optional `tenant_id` | `{}`; for changes from now on, see `lag.Lag` |
| POST tenant | `tenant_id` and any of `TenantOptions` | the options in force, see `tenants.TenantOptions` |
| POST applications | `tenant_id`, optional `client_id, display_name, roles, directory_roles, secret_expired, enabled, certificates: [PEM]` | `{"client_id", "client_secret", "object_id"}`; changes the one named, or makes one. A token keeps the roles it was issued with |
| POST expire-tokens | `{}` | `{"expired": n}` |
| GET issued-tokens | | `{"tokens": [...]}`, for tests that look for leaks |
| GET dump | query `tenant_id`, `deleted=true` | JSON Lines: each account as stored, all attributes, `hasPassword`, never a password |
| GET counts | | `{"received": {operation: n}, "outcomes": {operation: {outcome: n}}, "early": n}`, batch items included; early: requests of their own that came while a Retry-After told to their application ran |
| GET spent | | `{"units", "writes", "phases": {allowance: 0..1}, "first_refusal_s"}`: resource units and write units of the requests that passed since the profile was set, by how much of its period each fixed window is shifted, and when the first 429 was said (seconds since 1970, or null) |
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from inspect import isawaitable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from idferry.emulator.clock import stamp
from idferry.emulator.graph import accounts
from idferry.emulator.graph.applications import declare
from idferry.emulator.graph.errors import GraphError
from idferry.emulator.graph.faults import FaultRule
from idferry.emulator.graph.operations import NAMES
from idferry.emulator.graph.performer import BATCH
from idferry.emulator.graph.throttle import ThrottleProfile
from idferry.emulator.identity_endpoints import TOKEN
from idferry.emulator.lag import Lag
from idferry.emulator.request_time import Latency, RequestClock
from idferry.emulator.store import Account
from idferry.emulator.tenants import (
    DEFAULT_DIRECTORY_ROLES,
    DEFAULT_ROLES,
    SECRET_LIFETIME_S,
    Application,
    Tenant,
    new_application,
)
from idferry.emulator.world import World

DUMP_CHUNK = 500
FAULT_OPERATIONS = NAMES | {"any", BATCH, TOKEN}
Handler = Callable[[Any], Any]


class ControlError(Exception):
    """A control request that cannot be followed."""


class ApplicationChange(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The body of POST applications."""

    tenant_id: str
    client_id: str | None = None
    display_name: str = "an application"
    roles: list[str] | None = None
    directory_roles: list[str] | None = None
    secret_expired: bool | None = None
    enabled: bool | None = None
    certificates: list[str] | None = None


class Seed(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The body of POST seed."""

    tenant_id: str
    accounts: list[dict[str, Any]]


class ClockChange(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The body of POST clock."""

    advance_s: float | None = None
    offset_s: float | None = None
    speed: float | None = None


class FaultPlan(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The body of POST faults."""

    rules: list[FaultRule]
    seed: int | str = 0


class Control:
    """Routes of the control API."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """The routes, relative to `/control`."""
        posts: dict[str, tuple[Any, Handler]] = {
            "reset": (dict, self._reset),
            "seed": (Seed, self._seed),
            "clock": (ClockChange, self._set_clock),
            "faults": (FaultPlan, self._set_faults),
            "latency": (Latency, self._set_latency),
            "throttle": (ThrottleProfile, self._set_throttle),
            "lag": (dict[str, Any], self._set_lag),
            "tenant": (dict[str, Any], self._change_tenant),
            "applications": (ApplicationChange, self._change_application),
            "expire-tokens": (dict, self._expire_tokens),
        }
        routes = [
            Route("/clock", self._get(self._clock), methods=["GET"]),
            Route("/counts", self._get(self._world.counts.report), methods=["GET"]),
            Route("/spent", self._get(self._world.throttle.spent), methods=["GET"]),
            Route(
                "/issued-tokens", self._get(lambda: {"tokens": self._world.tokens.issued()}), methods=["GET"]
            ),
            Route("/dump", self._dump, methods=["GET"]),
        ]
        routes += [
            Route(f"/{name}", post(body, handler), methods=["POST"])
            for name, (body, handler) in posts.items()
        ]
        return routes

    def _get(self, handler: Callable[[], object]) -> Callable[[Request], Awaitable[Response]]:
        async def answer(_: Request) -> Response:
            return as_json(handler())

        return answer

    def _tenant(self, name: str) -> Tenant:
        return tenant_named(self._world, name)

    def _scene(self, tenant: Tenant, *, lenient: bool) -> accounts.Scene:
        return accounts.Scene(
            tenant=tenant, entropy=self._world.entropy, now_s=self._world.clock.now_s(), lenient=lenient
        )

    def _reset(self, _: object) -> object:
        self._world.reset()
        return {}

    def _seed(self, seed: Seed) -> object:
        tenant = self._tenant(seed.tenant_id)
        scene = self._scene(tenant, lenient=True)
        with tenant.directory.without_lag():
            ids = [
                self._seed_one(body, scene=scene, number=number) for number, body in enumerate(seed.accounts)
            ]
        return {"ids": ids}

    def _seed_one(self, body: dict[str, Any], *, scene: accounts.Scene, number: int) -> str:
        self._declare_used(body, tenant=scene.tenant)
        try:
            return accounts.create(body, scene=scene).id
        except GraphError as error:
            raise ControlError(f"Account {number}: {error.message}") from error

    def _declare_used(self, body: dict[str, Any], *, tenant: Tenant) -> None:
        prefix = f"extension_{tenant.extensions_application.client_id.replace('-', '')}_"
        for name, value in body.items():
            if name.startswith(prefix) and name not in tenant.extension_properties:
                kinds = {bool: "Boolean", int: "Integer"}
                declare(
                    tenant,
                    short_name=name.removeprefix(prefix),
                    data_type=kinds.get(type(value), "String"),
                    new_id=self._world.entropy.guid(),
                )

    def _clock(self) -> object:
        clock = self._world.clock
        now_s = clock.now_s()
        source = "requests" if isinstance(clock, RequestClock) else "system"
        return {"now": stamp(now_s), "epoch_s": now_s, "offset_s": clock.offset_s, "from": source}

    def _set_clock(self, change: ClockChange) -> object:
        if isinstance(self._world.clock, RequestClock):
            raise ControlError("This emulator takes its time from requests: it has no clock to move.")
        if change.offset_s is not None:
            self._world.clock.set_offset(change.offset_s)
        if change.speed is not None:
            self._world.clock.hurry(change.speed)
        if change.advance_s is not None:
            self._world.clock.advance(change.advance_s)
        return self._clock()

    def _set_latency(self, latency: Latency) -> object:
        if not isinstance(self._world.clock, RequestClock):
            raise ControlError(
                "Answers take their real time here: start the emulator with --time from-requests."
            )
        self._world.clock.set_latency(latency)
        return {}

    def _set_faults(self, plan: FaultPlan) -> object:
        for rule in plan.rules:
            if rule.kind == "trickle" and isinstance(self._world.clock, RequestClock):
                raise ControlError(
                    "Where time comes from requests, no byte of an answer takes time: use slow."
                )
            if rule.operation not in FAULT_OPERATIONS:
                known = ", ".join(sorted(FAULT_OPERATIONS))
                raise ControlError(f"There is no operation '{rule.operation}'; known: {known}.")
        self._world.faults.set_rules(plan.rules, seed=plan.seed)
        return {}

    def _set_throttle(self, profile: ThrottleProfile) -> object:
        self._world.throttle.set_profile(profile)
        return {}

    def _set_lag(self, body: dict[str, Any]) -> object:
        name = body.pop("tenant_id", None)
        lag = msgspec.convert(body, Lag)
        for tenant in self._world.tenants if name is None else [self._tenant(name)]:
            tenant.directory.set_lag(lag)
        return {}

    def _change_tenant(self, body: dict[str, Any]) -> object:
        tenant = self._tenant(str(body.pop("tenant_id", "")))
        tenant.change_options(body)
        return tenant.options

    def _change_application(self, change: ApplicationChange) -> object:
        tenant = self._tenant(change.tenant_id)
        application = self._application(change, tenant=tenant)
        if change.roles is not None:
            application.roles = frozenset(change.roles)
            tenant.consent(application, entropy=self._world.entropy)
        if change.directory_roles is not None:
            application.directory_roles = frozenset(change.directory_roles)
        if change.enabled is not None:
            application.enabled = change.enabled
        if change.certificates is not None:
            application.certificates = [text.encode() for text in change.certificates]
        if change.secret_expired is not None:
            distance_s = -1.0 if change.secret_expired else SECRET_LIFETIME_S
            application.secrets[0].expires_s = self._world.clock.now_s() + distance_s
        secret = application.secrets[0].value if application.secrets else None
        return {
            "client_id": application.client_id,
            "client_secret": secret,
            "object_id": application.object_id,
        }

    def _application(self, change: ApplicationChange, *, tenant: Tenant) -> Application:
        if change.client_id in tenant.applications:
            return tenant.applications[change.client_id]
        application = new_application(
            display_name=change.display_name,
            entropy=self._world.entropy,
            now_s=self._world.clock.now_s(),
            client_id=change.client_id,
            roles=DEFAULT_ROLES,
            directory_roles=DEFAULT_DIRECTORY_ROLES,
        )
        tenant.register(application, entropy=self._world.entropy)
        return application

    def _expire_tokens(self, _: object) -> object:
        return {"expired": self._world.tokens.expire(now_s=self._world.clock.now_s())}

    async def _dump(self, request: Request) -> Response:
        try:
            tenant = self._tenant(request.query_params.get("tenant_id", ""))
        except ControlError as error:
            return as_json({"error": str(error)}, status=400)
        deleted = request.query_params.get("deleted", "").lower() == "true"
        return StreamingResponse(_dump_lines(tenant, deleted=deleted), media_type="application/x-ndjson")


def tenant_named(world: World, name: str) -> Tenant:
    """The tenant with this id or domain, or the one of this kind; ControlError when there is none."""
    of_kind = (tenant for tenant in world.tenants if tenant.kind == name)
    tenant = world.tenant(name) or next(of_kind, None)
    if tenant is None:
        raise ControlError(f"There is no tenant '{name}' here.")
    return tenant


async def _dump_lines(tenant: Tenant, *, deleted: bool) -> AsyncIterator[bytes]:
    place = 0
    while True:
        chunk = tenant.sight.accounts.page("deleted" if deleted else "live", after=place, limit=DUMP_CHUNK)
        if not chunk:
            return
        place = chunk[-1].seq
        yield b"".join(map(_dump_line, chunk))


def _dump_line(account: Account) -> bytes:
    return msgspec.json.encode({**account.body, "hasPassword": account.password is not None}) + b"\n"


def post(body_type: Any, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint whose body is read as this type, and whose answer, awaited where it must be, is JSON."""

    async def answer(request: Request) -> Response:
        try:
            body = msgspec.json.decode(await request.body() or b"{}", type=body_type)
            answered = handler(body)
            if isawaitable(answered):
                answered = await answered
            return as_json(answered)
        except (ControlError, msgspec.DecodeError, msgspec.ValidationError) as error:
            return as_json({"error": str(error)}, status=400)

    return answer


def as_json(document: object, *, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(msgspec.json.encode(document), status, media_type="application/json")
