"""Just-in-time migration of the settings: the flow with its ports, and the endpoints of the tenant's kind."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from idferry.errors import SettingsError
from idferry.flows.claim_newcomer import draft_for_reset, has_account_or_will
from idferry.flows.migrate_on_sign_in import SignIn, SignInParts, migrate_on_sign_in
from idferry.flows.note_password_reset import note_password_reset
from idferry.flows.settle_claims import settle_claims
from idferry.flows.sweep import sweep
from idferry.graph.directory import Directory
from idferry.graph.machine import Machine
from idferry.graph.urgency import Urgency
from idferry.ledger.claims import LedgerClaims
from idferry.ledger.reset_status import LedgerPlace
from idferry.ledger.sign_ins import LedgerSignIns
from idferry.ports import Clock, Deadline
from idferry.rules.entry import Selection
from idferry.rules.happenings import Happening, LegacyAnswered, PasswordChecked, SignInDecided
from idferry.rules.sign_in import Cause, Decision, SignInRules, Writer
from idferry.rules.verdict import verdict_name
from idferry.service.b2c_sign_in import B2cRules, B2cSignInEndpoints
from idferry.service.bearer_tokens import TokenCheck, TokenTerms
from idferry.service.doors import Books
from idferry.service.endpoints import Endpoint
from idferry.service.external_id import (
    CALLER,
    CALLER_APPLICATION_ID,
    KEYS,
    ExternalRules,
    PasswordSubmitEndpoint,
)
from idferry.service.logs import PersonIds
from idferry.service.newcomers import NewcomerEndpoints
from idferry.service.password_context import ContextTerms, PasswordContexts, decryption_key
from idferry.service.token_sources import Heard, unheard
from idferry.service.workers import Workers
from idferry.settings import Settings, Tenant
from idferry.stores.guard import SqliteGuard
from idferry.stores.settled_hashes import HeardObservations, Recorded
from idferry.stores.written_passwords import RecentlyWritten
from idferry.wiring.callers import Unread, signing_keys_of
from idferry.wiring.directories import directory_of
from idferry.wiring.guard import keyed_digest, submissions_of
from idferry.wiring.ledgers import ledger_of, need_current_ledger
from idferry.wiring.rules import importing_applications
from idferry.wiring.system import random_bytes
from idferry.wiring.verifiers import verifiers_of

DIRECTORY_TIMEOUT = timedelta(seconds=5)
"""Nobody at a sign-in page waits for longer; a hanging directory must not hold its threads for a minute."""
_ALERTS = frozenset(
    {
        Cause.CONFLICTING_SUBMISSION,
        Cause.PASSWORD_CHANGED_HERE,
        Cause.NOT_OURS,
        Cause.LEDGER_SILENT,
        Cause.OVERLOADED,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInPlace:
    """What the endpoints need of the service around them. `on_end` takes what gives back what was opened."""

    settings: Settings
    clock: Clock
    books: Books
    workers: Workers
    people: PersonIds
    guard: SqliteGuard
    on_end: list[Callable[[], None]]
    machine: Callable[[], Machine]
    accept_stale_hashes: bool = False
    recorded: Recorded
    keys_unread: Unread = lambda _whose, _cause: None
    token_heard: Heard = unheard


@dataclass(frozen=True, slots=True)
class SignInFlow:
    """The flow over real ports, and the directory that it uses."""

    parts: SignInParts
    directory: Directory

    def migrate(self, sign_in: SignIn, deadline: Deadline) -> Decision:
        """What to tell the tenant."""
        return migrate_on_sign_in(sign_in=sign_in, deadline=deadline, parts=self.parts)

    def note_reset(self, sign_in_name: str, object_id: str, deadline: Deadline) -> bool:
        """Whether the new password was seen."""
        parts = self.parts
        return note_password_reset(
            sign_in_name=sign_in_name,
            object_id=object_id,
            deadline=deadline,
            ledger=parts.ledger,
            directory=parts.directory,
            guard=parts.guard,
            clock=parts.clock,
            tolerance=parts.rules.tolerance,
        )


def serves_sign_ins(settings: Settings) -> bool:
    """Whether these settings name somebody who checks legacy passwords, and a tenant that asks."""
    is_external = settings.need_tenant().kind == "external"
    return bool(settings.verifiers) and (settings.external_id.is_used or not is_external)


def sign_in_flow_of(place: SignInPlace) -> SignInFlow:
    """The flow for these settings. Raises SettingsError, UsageError (there is no ledger)."""
    settings, clock = place.settings, place.clock
    need_current_ledger(settings, clock)
    stack = ExitStack()
    place.on_end.append(stack.close)
    directory = stack.enter_context(sign_in_directory_of(settings, clock, place.machine()))
    tell = _teller(place.books)
    verifiers = verifiers_of(settings, clock, tell, accept_stale_hashes=place.accept_stale_hashes)
    ledger_place = ledger_place_of(settings, clock, recorded=place.recorded)
    ledger = LedgerSignIns(ledger_place, lost=partial(place.books.metrics.alert, "notes_lost"))
    stack.callback(ledger.close)
    parts = SignInParts(
        ledger=ledger,
        directory=directory.sign_ins,
        verifiers=stack.enter_context(verifiers),
        guard=place.guard,
        submissions=submissions_of(settings),
        written=RecentlyWritten(),
        keyed=keyed_digest(),
        clock=clock,
        rules=sign_in_rules_of(settings),
        tell=tell,
        claims=LedgerClaims(ledger_place) if creates_at_sign_in(settings) else None,
    )
    return SignInFlow(parts, directory)


def sign_in_directory_of(settings: Settings, clock: Clock, machine: Machine) -> Directory:
    """The directory for calls that somebody waits for. Raises SettingsError."""
    return directory_of(
        settings,
        clock,
        machine=machine,
        timeout=DIRECTORY_TIMEOUT,
        for_sign_ins=True,
        urgency=Urgency.SOMEBODY_WAITS,
    )


def creates_at_sign_in(settings: Settings) -> bool:
    """Whether accounts are made when people sign in (mode C), which a policy of B2C alone can do."""
    return settings.need_tenant().kind == "b2c" and settings.service.mode == "C"


def ledger_place_of(settings: Settings, clock: Clock, *, recorded: Recorded) -> LedgerPlace:
    """Which ledger the service reads and writes, and whose. `recorded` hears of every step that is on disk."""
    return LedgerPlace(
        path=settings.ledger_path,
        tenant_id=settings.need_tenant().id,
        project=settings.project,
        random_bytes=random_bytes,
        now=clock.now,
        elapsed=clock.elapsed,
        recorded=recorded,
    )


def sign_in_rules_of(settings: Settings) -> SignInRules:
    """How sign-ins are decided."""
    service, is_b2c = settings.service, settings.need_tenant().kind == "b2c"
    stores_weak = settings.passwords.weak == "allow" if is_b2c else service.weak_password == "entra"
    return SignInRules(
        writer=Writer.US if is_b2c and service.mode == "B" else Writer.TENANT,
        stores_weak=stores_weak,
        methods_first=service.require_methods_before_jit,
        tolerance=timedelta(seconds=settings.passwords.creation_seconds),
    )


def b2c_endpoints(place: SignInPlace, flow: SignInFlow) -> list[Endpoint]:
    """What a policy calls."""
    service = place.settings.service
    flag = place.settings.need_tenant().migration_flag
    rules = B2cRules(
        deadline=timedelta(seconds=service.deadline_seconds),
        negative_reply_at_s=service.negative_reply_at,
        flag=flag,
    )
    endpoints = B2cSignInEndpoints(
        flow.migrate,
        flow.note_reset,
        rules=rules,
        workers=place.workers,
        people=place.people,
        books=place.books,
    ).endpoints()
    claims = flow.parts.claims
    if claims is None:
        return endpoints
    newcomers = NewcomerEndpoints(
        lambda name: has_account_or_will(sign_in_name=name, claims=claims),
        lambda name: draft_for_reset(sign_in_name=name, claims=claims, clock=place.clock),
        flag=flag,
        within_s=service.deadline_seconds,
        workers=place.workers,
        people=place.people,
        books=place.books,
    )
    return [*endpoints, *newcomers.endpoints()]


def settling_claims(
    settings: Settings, clock: Clock, *, directory: Directory, books: Books, recorded: Recorded
) -> Callable[[], None]:
    """One look at everybody whom a sign-in or a sign-up was creating; what came of it stands in log and ledger."""
    claims = LedgerClaims(ledger_place_of(settings, clock, recorded=recorded))

    def do() -> None:
        settled = settle_claims(claims=claims, writer=directory.writer, clock=clock)
        if settled.adopted or settled.ended:
            books.log.info("claims_settled", adopted=settled.adopted, ended=settled.ended)

    return do


def external_id_endpoints(
    place: SignInPlace, flow: SignInFlow, *, key_workers: Workers
) -> tuple[list[Endpoint], TokenCheck]:
    """What an external tenant calls, and the check of its caller. Raises SettingsError."""
    settings, tenant = place.settings, place.settings.need_tenant()
    external, service = settings.external_id, settings.service
    check = entra_check_of(settings, tenant, place.clock, workers=key_workers, unread=place.keys_unread)
    keys = [
        decryption_key(
            settings.secret(one, what="a key of external_id.keys"), what="a key of external_id.keys"
        )
        for one in external.keys
    ]
    if len(keys) > 1 and not all(one.names for one in keys):
        raise SettingsError(
            "external_id.keys: with several keys each one needs its certificate, by which it is named",
            remedy="Put the certificate into the same PEM text, behind the key.",
        )
    for number in range(len(keys)):
        place.books.metrics.know_credential(KEYS, number)
    terms = ContextTerms(audience=external.app_id, issuers=(external.app_uri,))
    endpoint = PasswordSubmitEndpoint(
        flow.migrate,
        contexts=PasswordContexts(keys, terms=terms, now=place.clock.now),
        check=check,
        rules=ExternalRules(
            tenant_id=tenant.id,
            extension_ids=frozenset(one.lower() for one in external.extension_ids),
            deadline=timedelta(seconds=service.external_deadline_seconds),
            outage_answer=service.outage_answer,
            can_reset=external.self_service_reset,
        ),
        workers=place.workers,
        people=place.people,
        books=place.books,
        heard=place.token_heard,
    )
    return endpoint.endpoints(), check


def entra_check_of(
    settings: Settings, tenant: Tenant, clock: Clock, *, workers: Workers, unread: Unread
) -> TokenCheck:
    """Who calls, by Microsoft's application in the tenant's own name. Raises SettingsError.

    An issuer is `https://{id or name}.ciamlogin.com/{id}/v2.0`:
    https://learn.microsoft.com/entra/identity-platform/custom-extension-overview
    """
    external = settings.external_id
    root = f"https://{tenant.id}.ciamlogin.com/{tenant.id}"
    named = f"https://{tenant.domain.partition('.')[0]}.ciamlogin.com/{tenant.id}/v2.0"
    terms = TokenTerms(
        issuers=external.issuers or [f"{root}/v2.0", named],
        audiences=[external.app_id],
        applications=[CALLER_APPLICATION_ID],
        tenant_id=tenant.id,
    )
    keys_url = external.keys_url or f"{root}/discovery/v2.0/keys"
    told = partial(unread, CALLER.name)
    return TokenCheck(
        terms, signing_keys_of(settings, keys_url, clock, workers=workers, unread=told), clock.now
    )


def sweeping(place: SignInPlace, flow: SignInFlow) -> Callable[[], None]:
    """One sweep over everybody who awaits a password; what it finds stands in log and ledger.

    It reads with the applications of the import, if there are any: sign-ins keep their allowance to themselves.
    """
    settings, clock = place.settings, place.clock
    theirs = not importing_applications(settings)

    def do() -> None:
        with (
            ledger_of(settings, clock) as ledger,
            directory_of(settings, clock, machine=place.machine(), for_sign_ins=theirs) as directory,
        ):
            found = sweep(
                selection=Selection(),
                reader=directory.reader,
                updater=directory.updater,
                report=ledger.report,
                observations=HeardObservations(ledger.observations, place.recorded),
                clock=clock,
                execute=True,
                tolerance=flow.parts.rules.tolerance,
            )
        place.books.log.info(
            "swept",
            checked=found.checked,
            cleared=found.cleared,
            progressed=found.progressed,
            failed=found.failed,
        )

    return do


def _teller(books: Books) -> Callable[[Happening], None]:
    def tell(happening: Happening) -> None:
        match happening:
            case PasswordChecked(verifier, verdict, seconds):
                books.log.info(
                    "password_checked",
                    verifier=verifier,
                    verdict=verdict_name(verdict),
                    ms=round(seconds * 1000, 1),
                )
            case LegacyAnswered(verifier, code):
                books.log.info("legacy_answered", verifier=verifier, code=code)
            case SignInDecided(_, cause) if cause in _ALERTS:
                books.metrics.alert(cause)
            case _:
                pass

    return tell
