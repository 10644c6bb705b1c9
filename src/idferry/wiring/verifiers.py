"""From the `[[verifier]]` tables to verifiers: picks the connector of each kind and puts the protection around it."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta

from idferry.connectors.hash_verifier import HashVerifier
from idferry.ports import Clock, LegacyRef, PasswordVerifier, ProtectedVerifier, Tell
from idferry.rules.names import compared_form
from idferry.settings import HashesVerifier, Settings, Verifier
from idferry.wiring.hash_store import (
    check_freeze,
    freeze_of,
    hash_bounds_of,
    hash_memory_of,
    hash_store_of,
)
from idferry.wiring.hashes import processors
from idferry.wiring.live_verifiers import known_rate, live_verifier
from idferry.wiring.protected_verifiers import CallLimits, Protected, callers_max
from idferry.wiring.replicas import rate_for_each


class VerifierSet:
    """A ports.Verifiers: the verifiers of the settings in their order, those that ask a legacy system first."""

    def __init__(self, verifiers: Sequence[tuple[Verifier, ProtectedVerifier]]) -> None:
        # Who has changed the password there since the export must not be let in by the old hash.
        self._verifiers = sorted(verifiers, key=lambda one: isinstance(one[0], HashesVerifier))

    def responsible_for(self, who: LegacyRef) -> Sequence[ProtectedVerifier]:
        """Those whose sources and e-mail domains take this legacy user in; one that names neither takes everybody."""
        names = [compared_form(one) for one in (who.typed_sign_in_name, *who.sign_in_names)]
        domains = {one.rpartition("@")[2] for one in names if "@" in one}
        return [
            verifier
            for table, verifier in self._verifiers
            if (not table.sources or who.source in table.sources)
            and (not table.email_domains or domains & {one.lower() for one in table.email_domains})
        ]

    def is_any_out(self, typed_sign_in_name: str) -> bool:
        """Whether one of those that take such a name, from whatever source, gives no answers at the moment."""
        domain = compared_form(typed_sign_in_name).rpartition("@")[2]
        return any(
            verifier.is_out
            for table, verifier in self._verifiers
            if not table.email_domains or domain in {one.lower() for one in table.email_domains}
        )

    def named(self, name: str) -> ProtectedVerifier | None:
        """The one of this name."""
        return next((verifier for table, verifier in self._verifiers if table.name == name), None)

    @property
    def names(self) -> Sequence[str]:
        """Their names."""
        return [table.name for table, _ in self._verifiers]


@contextmanager
def verifiers_of(
    settings: Settings, clock: Clock, tell: Tell, *, accept_stale_hashes: bool = False
) -> Iterator[VerifierSet]:
    """The verifiers of the settings, until the block ends. Nothing is called before one is asked.

    Raises:
        SettingsError: a secret or a file is missing, a value means nothing to its connector, or hashes may be stale
            and nobody accepts that.
    """
    with ExitStack() as stack:
        built = [
            (one, _protected(settings, one, clock, tell, stack, accept_stale_hashes=accept_stale_hashes))
            for one in settings.verifiers
        ]
        yield VerifierSet(built)


def _protected(
    settings: Settings,
    one: Verifier,
    clock: Clock,
    tell: Tell,
    stack: ExitStack,
    *,
    accept_stale_hashes: bool,
) -> ProtectedVerifier:
    # Hashes are computed here: more at a time than there are cores would only make all of them late.
    calls = (
        min(one.concurrent_calls, processors()) if isinstance(one, HashesVerifier) else one.concurrent_calls
    )
    limits = CallLimits(
        concurrent_calls=calls,
        waiting_max=one.concurrent_calls,
        callers_max=callers_max(threads=settings.service.threads, verifiers=len(settings.verifiers)),
        calls_per_second=rate_for_each(
            one.legacy_requests_per_second or known_rate(one), replicas=settings.service.replicas
        ),
        abort_after=timedelta(seconds=one.deadline_seconds),
    )
    if isinstance(one, HashesVerifier):
        verifier = _hashes(settings, one, clock, tell, stack, accept_stale=accept_stale_hashes)
    else:
        verifier = live_verifier(settings, one, clock, tell, stack)
    return Protected(
        verifier, limits=limits, clock=clock, tell=tell, is_live=not isinstance(one, HashesVerifier)
    )


def _hashes(
    settings: Settings, one: HashesVerifier, clock: Clock, tell: Tell, stack: ExitStack, *, accept_stale: bool
) -> PasswordVerifier:
    freeze = freeze_of(one, accept_stale=accept_stale)
    check_freeze(one, freeze, clock)
    return HashVerifier(
        name=one.name,
        store=stack.enter_context(hash_store_of(settings)),
        freeze=freeze,
        bounds=hash_bounds_of(settings),
        memory=hash_memory_of(settings, clock),
        clock=clock,
        tell=tell,
    )
