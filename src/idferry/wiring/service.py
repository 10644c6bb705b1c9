"""The sign-in service of the settings: its endpoints over the ports that they need, and the applications of its listeners.

Each protocol has its own function that gives its endpoints; `endpoints_of` lists them.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import count
from typing import BinaryIO

from starlette.types import ASGIApp, Scope

from idferry.errors import SettingsError
from idferry.flows.see_password_reset import see_password_reset
from idferry.flows.track_password_reset import end_locks_of_reset, track_password_reset
from idferry.graph.machine import Machine
from idferry.graph.urgency import Urgency
from idferry.ports import Clock, ResetStatus
from idferry.service.app import admin_app, certificate_app, health, tenant_app
from idferry.service.bearer_tokens import SigningKeys
from idferry.service.caller_auth import CallerAuth, Callers
from idferry.service.clock_watch import ClockWatch
from idferry.service.doors import Books
from idferry.service.endpoints import Caller, Endpoint
from idferry.service.logs import PersonIds, open_log
from idferry.service.messages import texts_of
from idferry.service.metrics import Metrics
from idferry.service.peers import Peers
from idferry.service.reset_status import ResetStatusEndpoints, StatusLimits, StatusSource
from idferry.service.token_sources import TokenSources
from idferry.service.tracing import Trace
from idferry.service.workers import Workers
from idferry.settings import Settings
from idferry.stores.guard import SqliteGuard
from idferry.stores.settled_hashes import SettledHashes
from idferry.wiring.advice import advice_at_start
from idferry.wiring.callers import callers_of
from idferry.wiring.capture import CapturePlace, capture_endpoints
from idferry.wiring.directories import directory_of
from idferry.wiring.guard import check_lockouts, guard_of
from idferry.wiring.password_right import looking_at_password_rights, sets_passwords
from idferry.wiring.readiness import Readiness
from idferry.wiring.replicas import advice_for_replicas
from idferry.wiring.reset_status import ledger_status_of, reset_status_of
from idferry.wiring.rules import importing_applications
from idferry.wiring.settled_hashes import settled_hashes_of
from idferry.wiring.sign_ins import (
    SignInPlace,
    b2c_endpoints,
    creates_at_sign_in,
    external_id_endpoints,
    serves_sign_ins,
    settling_claims,
    sign_in_flow_of,
    sweeping,
)
from idferry.wiring.system import random_bytes
from idferry.wiring.timers import Timer, keep_doing

CAPTURE_THREADS = 8
CLAIMS_EVERY = timedelta(minutes=2)
STATUS_THREADS = 4
STATUS_WAITING_MAX = 64
KEY_THREADS = 2
WAITING_PER_THREAD = 2
CALLERLESS = Caller("insecure_loopback")
_KEY_BYTES = 32
_ID_BYTES = 8


@dataclass(slots=True)
class ServiceContext:
    """What endpoints are made with: settings, time, the books, threads for flows, ids for people in the log.

    `checks` name what must work before the service is ready; whoever makes endpoints adds his own.
    `on_end` is called in the end, in reverse order; `timers` run as long as somebody is served.
    """

    settings: Settings
    clock: Clock
    books: Books
    workers: Workers
    people: PersonIds
    token_sources: TokenSources
    clock_watch: ClockWatch
    hashes: SettledHashes
    checks: dict[str, Callable[[], bool]] = field(default_factory=dict)
    signing_keys: list[SigningKeys] = field(default_factory=list)
    on_end: list[Callable[[], None]] = field(default_factory=list)
    timers: list[Timer] = field(default_factory=list)
    accept_stale_hashes: bool = False
    _guard: SqliteGuard | None = None

    def keys_unread(self, whose: str, cause: str) -> None:
        """The keys of a caller could not be read: told, because its calls may all be refused from now on."""
        self.books.metrics.alert("keys_unread")
        self.books.log.warning("keys_unread", caller=whose, cause=cause)

    def machine(self) -> Machine:
        """For one directory; what its answers say of the time is looked at."""
        return Machine(self.clock, heard_skew=self.clock_watch.heard)

    def guard(self) -> SqliteGuard:
        """The guard, opened once for all endpoints of this process. Raises GuardUnavailable."""
        if self._guard is None:
            self._guard = guard_of(self.settings)
            self.on_end.append(self._guard.close)
        return self._guard


@dataclass(frozen=True, slots=True)
class ServiceParts:
    """The applications of the three listeners, and what is done before and after. `certificates` may be None."""

    endpoints: Sequence[Endpoint]
    tenant: ASGIApp
    certificates: ASGIApp | None
    admin: ASGIApp
    context: ServiceContext

    async def before(self) -> None:
        """Read the callers' keys, so that the first sign-in need not wait for them; without them we are not ready."""
        for keys in self.context.signing_keys:
            await keys.refresh()

    async def run_timers(self) -> None:
        """Until it is cancelled. What fails is told and done again the next time."""
        await asyncio.gather(*(keep_doing(one, books=self.context.books) for one in self.context.timers))

    def close(self) -> None:
        """Give back what was opened."""
        for end in reversed(self.context.on_end):
            end()


def endpoints_of(context: ServiceContext) -> list[Endpoint]:
    """Every endpoint of the service, the one asked most often first. Raises SettingsError."""
    found = [*_reset_status_endpoints(context), *_sign_in_endpoints(context)]
    return [*found, *_capture_endpoints(context)]


def service_parts_of(
    settings: Settings,
    clock: Clock,
    *,
    log_stream: BinaryIO,
    insecure_loopback: bool = False,
    trace: bool = False,
    tls_elsewhere: bool = False,
    accept_stale_hashes: bool = False,
) -> ServiceParts:
    """The service, ready to be served. `insecure_loopback` lets everybody call: for 127.0.0.1 alone.

    `tls_elsewhere`: the server that runs it ends TLS itself. `accept_stale_hashes`: as the option of that name.

    Raises:
        SettingsError: nobody may call, something that the settings name cannot be used, or guesses through us could
            lock people in a legacy system.
    """
    settings.need_tenant()
    lockouts = check_lockouts(settings)
    front_only = not (insecure_loopback or tls_elsewhere or settings.service.tls_certificate)
    context = _context(settings, clock, log_stream, trace=trace, front_only=front_only)
    context.accept_stale_hashes = accept_stale_hashes
    for line in lockouts:
        context.books.log.info("guard", most_forwarded=line)
    for line in advice_for_replicas(settings):
        context.books.log.warning("replicas", advice=line)
    for advice in advice_at_start(settings, clock):
        context.books.log.warning(advice.event, advice=advice.told)
    if sets_passwords(settings):
        context.timers.append(looking_at_password_rights(settings, clock, books=context.books))
    key_workers = _workers(context, KEY_THREADS, KEY_THREADS * WAITING_PER_THREAD, "keys")
    callers = callers_of(settings, clock, workers=key_workers, unread=context.keys_unread)
    endpoints = endpoints_of(context)
    if not insecure_loopback:
        endpoints = _callable(settings, callers, endpoints)
    _know(context, callers)
    auth = _Anybody() if insecure_loopback else _auth(callers, context)
    readiness = Readiness(workers=context.workers, log=context.books.log)
    ready = partial(readiness.ask, context.checks, keys=context.signing_keys)
    return ServiceParts(
        endpoints=[*endpoints, health()],
        tenant=tenant_app(endpoints, auth=auth, books=context.books),
        certificates=certificate_app(endpoints, auth=auth, books=context.books)
        if callers.certificates
        else None,
        admin=admin_app(endpoints, books=context.books, ready=ready),
        context=context,
    )


def _context(
    settings: Settings, clock: Clock, log_stream: BinaryIO, *, trace: bool, front_only: bool
) -> ServiceContext:
    service, log = settings.service, open_log(log_stream, clock=clock)
    try:
        texts = texts_of(service.language, service.texts)
    except ValueError as error:
        raise SettingsError(f"service.texts: {error}") from error
    books = Books(
        clock=clock,
        log=log,
        metrics=Metrics(clock),
        peers=Peers(service.trusted_proxies),
        texts=texts,
        new_id=_new_ids(),
        trace=Trace(log, clock=clock) if trace else None,
        front_only=front_only,
    )
    workers = Workers(threads=service.threads, waiting_max=service.threads * WAITING_PER_THREAD, name="flow")
    sources = TokenSources(key=random_bytes(_KEY_BYTES), peers=books.peers, log=log, metrics=books.metrics)
    people = PersonIds(random_bytes(_KEY_BYTES))
    watch = ClockWatch(clock=clock, log=log, metrics=books.metrics)
    hashes = settled_hashes_of(settings, clock, books=books)
    context = ServiceContext(settings, clock, books, workers, people, sources, watch, hashes)
    context.on_end += [hashes.close, workers.close]
    return context


def _new_ids() -> Callable[[], str]:
    """Ids that come once: a random beginning for this process, and a number. Asking the system for each would cost more."""
    begin, numbers = random_bytes(_ID_BYTES).hex(), count(1)
    return lambda: f"{begin}-{next(numbers):x}"


def _workers(context: ServiceContext, threads: int, waiting_max: int, name: str) -> Workers:
    workers = Workers(threads=threads, waiting_max=waiting_max, name=name)
    context.on_end.append(workers.close)
    return workers


def _reset_status_endpoints(context: ServiceContext) -> list[Endpoint]:
    settings, service = context.settings, context.settings.service
    chosen = reset_status_of(settings, context.clock, on_end=context.on_end, recorded=context.hashes.recorded)
    track = _tracking(context, chosen)
    source = StatusSource(
        status=chosen,
        track=track,
        is_local=service.status_store == "ledger",
        workers=_workers(context, STATUS_THREADS, STATUS_WAITING_MAX, "status"),
        second_look=_second_look(context, track),
    )
    # A look belongs to one thread at a time, and the endpoint's belong to the event loop.
    checked = reset_status_of(settings, context.clock, on_end=context.on_end) if source.is_local else chosen
    context.checks["status_store"] = partial(_answers, checked)
    limits = StatusLimits(service.status_per_address, service.status_conflicts_per_minute)
    return ResetStatusEndpoints(source, limits=limits, people=context.people, books=context.books).endpoints()


def _sign_in_endpoints(context: ServiceContext) -> list[Endpoint]:
    settings = context.settings
    if not serves_sign_ins(settings):
        return []
    place = SignInPlace(
        settings=settings,
        clock=context.clock,
        books=context.books,
        workers=context.workers,
        people=context.people,
        guard=context.guard(),
        on_end=context.on_end,
        accept_stale_hashes=context.accept_stale_hashes,
        machine=context.machine,
        recorded=context.hashes.recorded,
        keys_unread=context.keys_unread,
        token_heard=context.token_sources.heard,
    )
    flow = sign_in_flow_of(place)
    if creates_at_sign_in(settings):
        settle = settling_claims(
            settings,
            context.clock,
            directory=flow.directory,
            books=context.books,
            recorded=context.hashes.recorded,
        )
        context.timers.append(Timer("claims", CLAIMS_EVERY, settle))
    if settings.service.sweep_minutes:
        every = timedelta(minutes=settings.service.sweep_minutes)
        context.timers.append(Timer("sweep", every, sweeping(place, flow)))
    if settings.need_tenant().kind == "b2c":
        return b2c_endpoints(place, flow)
    keys = _workers(context, KEY_THREADS, KEY_THREADS * WAITING_PER_THREAD, "entra-keys")
    endpoints, check = external_id_endpoints(place, flow, key_workers=keys)
    context.signing_keys.append(check.keys)
    context.checks["keys_entra"] = partial(getattr, check.keys, "are_known")
    return endpoints


def _capture_endpoints(context: ServiceContext) -> list[Endpoint]:
    callers = context.settings.service.capture_callers
    if not callers:
        return []
    place = CapturePlace(
        settings=context.settings,
        clock=context.clock,
        books=context.books,
        workers=_workers(context, CAPTURE_THREADS, CAPTURE_THREADS * WAITING_PER_THREAD, "capture-now"),
        people=context.people,
        machine=context.machine,
        recorded=context.hashes.recorded,
        on_end=context.on_end,
        callers=(*callers, CALLERLESS.name),
    )
    endpoints, settle = capture_endpoints(place)
    context.timers.append(Timer("sign_ups", CLAIMS_EVERY, settle))
    return endpoints


def _tracking(context: ServiceContext, chosen: ResetStatus) -> Callable[[str, str], None]:
    """What is done when somebody has reset: ledger and store hear of it, and the locks of the name end."""
    settings, stores = context.settings, [chosen]
    hashes = context.hashes
    has_ledger = settings.ledger_path.is_file()
    ledger = ledger_status_of(settings, context.clock, recorded=hashes.recorded) if has_ledger else None
    if ledger and settings.service.status_store != "ledger":
        stores.insert(0, ledger)
    guard = context.guard() if ledger and settings.verifiers else None

    def track(sign_in_name: str, object_id: str) -> None:
        track_password_reset(stores=stores, sign_in_name=sign_in_name, object_id=object_id)
        if ledger and guard:
            end_locks_of_reset(
                guard=guard,
                legacy_user_of=lambda name, one: ledger.legacy_user_of(sign_in_name=name, object_id=one),
                sign_in_name=sign_in_name,
                object_id=object_id,
                at=context.clock.now(),
            )

    return track


def _second_look(context: ServiceContext, track: Callable[[str, str], None]) -> Callable[[str], bool] | None:
    """Where the account itself is the store, or no application may read accounts, there is nothing more to look at."""
    settings = context.settings
    if settings.service.status_store == "attribute" or not importing_applications(settings):
        return None
    directory = directory_of(
        settings, context.clock, machine=context.machine(), urgency=Urgency.SOMEBODY_WAITS
    )
    context.on_end.append(directory.close)
    return lambda name: see_password_reset(reader=directory.reader, sign_in_name=name, settle=track)


def _answers(status: ResetStatus) -> bool:
    """That it does; otherwise it raises, and the log names the error."""
    status.must_reset("nobody@readiness.invalid")
    return True


def _callable(settings: Settings, callers: Callers, endpoints: Sequence[Endpoint]) -> list[Endpoint]:
    """The endpoints that somebody may call: an External ID tenant can do without callers of the settings."""
    if callers.names():
        return list(endpoints)
    own = [one for one in endpoints if one.authenticate or one.is_open]
    if settings.need_tenant().kind == "b2c" or not any(one.authenticate for one in own):
        raise SettingsError(
            "nobody may call the service: the settings name no [[service.caller]]",
            remedy="Add one; for tests on this machine alone there is `idferry serve --insecure-loopback`.",
        )
    return own


def _know(context: ServiceContext, callers: Callers) -> None:
    """Every credential is listed in the metrics, also before it is used: a rotation looks there."""
    counted = [(one.name, len(one.secrets)) for one in callers.secrets]
    counted += [(one.name, len(one.thumbprints)) for one in callers.certificates]
    for name, how_many in counted:
        for number in range(how_many):
            context.books.metrics.know_credential(name, number)
    for name, check in callers.tokens.items():
        context.books.metrics.know_credential(name, 0)
        context.signing_keys.append(check.keys)
        context.checks[f"keys_{name}"] = partial(getattr, check.keys, "are_known")


def _auth(callers: Callers, context: ServiceContext) -> CallerAuth:
    return CallerAuth(
        callers,
        peers=context.books.peers,
        key=random_bytes(_KEY_BYTES),
        now=context.clock.now,
        heard=context.token_sources.heard,
    )


class _Anybody(CallerAuth):
    """Lets everybody in: for tests on this machine."""

    def __init__(self) -> None:
        """It compares nothing."""

    async def by_headers(self, scope: Scope) -> Caller | None:  # noqa: ARG002  of the one it replaces
        """The caller that stands for nobody in particular."""
        return CALLERLESS
