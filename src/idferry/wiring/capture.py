"""Capture of the settings: the flow with its ports, the queue before it, and the endpoint of the fronts that may call."""

from collections.abc import Callable, Collection
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from idferry.flows.capture import Captured, CaptureParts, capture
from idferry.flows.create_at_sign_up import SignUpParts, create_at_sign_up, is_being_created
from idferry.graph.directory import Directory
from idferry.graph.machine import Machine
from idferry.ledger.claims import LedgerClaims
from idferry.ledger.sign_ins import LedgerSignIns
from idferry.ports import Clock, Deadline
from idferry.rules.capture import CaptureEnd, CaptureRules
from idferry.service.capture import CaptureEndpoint, CaptureTerms
from idferry.service.capture_queue import CaptureQueue
from idferry.service.doors import Books
from idferry.service.endpoints import Endpoint
from idferry.service.logs import PersonIds
from idferry.service.workers import Workers
from idferry.settings import Settings
from idferry.stores.person_turns import LocalTurns
from idferry.stores.settled_hashes import Recorded
from idferry.stores.written_passwords import RecentlyWritten
from idferry.wiring.guard import keyed_digest
from idferry.wiring.ledgers import need_current_ledger
from idferry.wiring.sign_ins import ledger_place_of, settling_claims, sign_in_directory_of
from idferry.wiring.system import random_bytes

QUEUE_THREADS = 8
_KEY_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class CapturePlace:
    """What the endpoint needs of the service around it. `on_end` takes what gives back what was opened."""

    settings: Settings
    clock: Clock
    books: Books
    workers: Workers
    people: PersonIds
    machine: Callable[[], Machine]
    recorded: Recorded
    on_end: list[Callable[[], None]]
    callers: Collection[str]


def capture_endpoints(place: CapturePlace) -> tuple[list[Endpoint], Callable[[], None]]:
    """The endpoint, and what settles sign-ups whose answer was lost, to be called now and then.

    Raises:
        SettingsError, UsageError: there is no application, or no ledger.
    """
    settings, clock, books = place.settings, place.clock, place.books
    need_current_ledger(settings, clock)
    stack = ExitStack()
    place.on_end.append(stack.close)
    directory = stack.enter_context(sign_in_directory_of(settings, clock, place.machine()))
    parts = _parts(place, directory, stack)
    queue = CaptureQueue(
        threads=QUEUE_THREADS, elapsed=clock.elapsed, too_old=lambda: books.metrics.alert("capture_dropped")
    )
    stack.callback(queue.close)

    def flow(captured: Captured, deadline: Deadline) -> CaptureEnd:
        return capture(captured=captured, deadline=deadline, parts=parts)

    endpoint = CaptureEndpoint(
        flow,
        terms=CaptureTerms(
            callers=place.callers,
            deadline=timedelta(seconds=settings.service.deadline_seconds),
            key=random_bytes(_KEY_BYTES),
        ),
        queue=queue,
        workers=place.workers,
        people=place.people,
        books=books,
    )
    settle = settling_claims(settings, clock, directory=directory, books=books, recorded=place.recorded)
    return endpoint.endpoints(), settle


def _parts(place: CapturePlace, directory: Directory, stack: ExitStack) -> CaptureParts:
    settings, clock = place.settings, place.clock
    ledger_place = ledger_place_of(settings, clock, recorded=place.recorded)
    ledger = LedgerSignIns(ledger_place, lost=partial(place.books.metrics.alert, "notes_lost"))
    stack.callback(ledger.close)
    rules = CaptureRules(
        stores_weak=settings.passwords.weak == "allow",
        tolerance=timedelta(seconds=settings.passwords.creation_seconds),
    )
    sign_ups = SignUpParts(
        claims=LedgerClaims(ledger_place), writer=directory.writer, clock=clock, rules=rules
    )

    def sign_up(captured: Captured, deadline: Deadline) -> CaptureEnd:
        return create_at_sign_up(captured=captured, deadline=deadline, parts=sign_ups)

    return CaptureParts(
        ledger=ledger,
        directory=directory.sign_ins,
        written=RecentlyWritten(),
        turns=LocalTurns(),
        keyed=keyed_digest(),
        clock=clock,
        rules=rules,
        sign_up=sign_up,
        is_being_created=lambda captured: is_being_created(captured, claims=sign_ups.claims),
    )
