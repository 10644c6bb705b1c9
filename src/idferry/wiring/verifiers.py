"""From the `[[verifier]]` tables to verifiers: picks the connector of each kind and puts the protection around it."""

import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta

from idferry.connectors import password_grant, web_service
from idferry.connectors.hash_verifier import HashVerifier
from idferry.errors import SettingsError
from idferry.hashes import BOUNDS
from idferry.outbound import Outbound, RefusedAddress, named_host, tls_context
from idferry.ports import Clock, LegacyRef, PasswordVerifier, ProtectedVerifier, Tell
from idferry.rules.names import compared_form
from idferry.rules.verdict import VERDICT_NAMES
from idferry.settings import HashesVerifier, PasswordGrantVerifier, Settings, Verifier, WebServiceVerifier
from idferry.wiring.hash_store import check_freeze, freeze_of, hash_store_of
from idferry.wiring.hashes import processors
from idferry.wiring.protected_verifiers import CallLimits, Protected

_OWN_HEADERS = frozenset({"host", "content-length", "content-type", "transfer-encoding", "connection"})


class VerifierSet:
    """A ports.Verifiers: the verifiers of the settings, in their order."""

    def __init__(self, verifiers: Sequence[tuple[Verifier, ProtectedVerifier]]) -> None:
        self._verifiers = verifiers

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
        calls_per_second=one.legacy_requests_per_second or _known_rate(one),
        abort_after=timedelta(seconds=one.deadline_seconds),
    )
    if isinstance(one, HashesVerifier):
        verifier = _hashes(settings, one, clock, tell, stack, accept_stale=accept_stale_hashes)
    else:
        verifier = _built(settings, one, clock, tell, stack)
    return Protected(verifier, limits=limits, clock=clock, tell=tell)


def _built(settings: Settings, one: Verifier, clock: Clock, tell: Tell, stack: ExitStack) -> PasswordVerifier:
    match one:
        case WebServiceVerifier():
            return _web_service(settings, one, clock, tell, stack)
        case PasswordGrantVerifier():
            return _password_grant(settings, one, clock, tell, stack)
        case _:
            raise AssertionError(
                f"no connector for the kind {one.kind}"
            )  # a kind without a line here is a bug


def _hashes(
    settings: Settings, one: HashesVerifier, clock: Clock, tell: Tell, stack: ExitStack, *, accept_stale: bool
) -> PasswordVerifier:
    freeze = freeze_of(one, accept_stale=accept_stale)
    check_freeze(one, freeze, clock)
    return HashVerifier(
        name=one.name,
        store=stack.enter_context(hash_store_of(settings)),
        freeze=freeze,
        bounds=BOUNDS,
        clock=clock,
        tell=tell,
    )


def _web_service(
    settings: Settings, one: WebServiceVerifier, clock: Clock, tell: Tell, stack: ExitStack
) -> PasswordVerifier:
    where = f"verifier {one.name}"
    if problem := web_service.url_problem(one.url):
        raise SettingsError(f"{where}: url: {problem}")
    contract = _contract(one, where)
    outbound = _outbound(
        settings,
        where=where,
        url=one.url.replace("{sign_in_name}", "x").replace("{key}", "x"),
        private=one.private_address,
        files=(one.ca_file, one.client_certificate),
        clock=clock,
    )
    endpoint = web_service.Endpoint(one.url, _headers(settings, one, where))
    return web_service.WebServiceVerifier(
        name=one.name,
        endpoint=endpoint,
        contract=contract,
        outbound=stack.enter_context(outbound),
        tell=tell,
    )


def _password_grant(
    settings: Settings, one: PasswordGrantVerifier, clock: Clock, tell: Tell, stack: ExitStack
) -> PasswordVerifier:
    where = f"verifier {one.name}"
    if one.server == "auth0" and not one.realm:
        raise SettingsError(
            f"{where}: realm is missing", remedy='The name of the database connection: realm = "Username-..."'
        )
    if one.client_authentication == "basic" and not one.client_secret:
        raise SettingsError(f'{where}: client_authentication = "basic" needs a client_secret')
    secret = settings.secret(one.client_secret, what=f"{where}: client_secret") if one.client_secret else ""
    client = password_grant.Client(
        url=one.url,
        client_id=one.client_id,
        client_secret=secret,
        by_basic=one.client_authentication == "basic",
        scope=one.scope,
        realm=one.realm,
        parameters=one.parameters,
    )
    outbound = _outbound(
        settings,
        where=where,
        url=one.url,
        private=one.private_address,
        files=(one.ca_file, one.client_certificate),
        clock=clock,
    )
    return password_grant.PasswordGrantVerifier(
        name=one.name,
        client=client,
        server=password_grant.SERVERS[one.server],
        outbound=stack.enter_context(outbound),
        tell=tell,
    )


def _known_rate(one: Verifier) -> int:
    """What the legacy system is known to take from one address, where the settings say nothing."""
    if isinstance(one, PasswordGrantVerifier):
        return password_grant.SERVERS[one.server].requests_per_second
    return 0


def advice_of(settings: Settings) -> Sequence[str]:
    """What to arrange in legacy systems that see every sign-in come from our one address (decision 16)."""
    return [
        f"verifier {one.name}: every check reaches {one.server} from this machine's address. Put it on the allow list "
        "there, or the honest typing errors of the first hour stop the migration."
        for one in settings.verifiers
        if isinstance(one, PasswordGrantVerifier) and not password_grant.SERVERS[one.server].address_header
    ]


def _contract(one: WebServiceVerifier, where: str) -> web_service.Contract:
    contract = web_service.CONTRACTS[one.contract]
    if one.body:
        contract = replace(contract, body=one.body)
    contract = replace(
        contract, method=one.method or contract.method, encoding=one.encoding or contract.encoding
    )
    if problem := web_service.template_problem(contract.body, encoding=contract.encoding):
        raise SettingsError(f"{where}: body: {problem}")
    if contract.method == "GET" and contract.body:
        raise SettingsError(f"{where}: a GET has no body", remedy='Use method = "POST".')
    if one.answers:
        return replace(contract, answers=_answers(one, where))
    if one.authentication != "none":
        # It may mean that we ourselves are refused, and an outage is never "wrong password".
        answers = [answer for answer in contract.answers if answer.status != 401]
        return replace(contract, answers=answers)
    return contract


def _answers(one: WebServiceVerifier, where: str) -> Sequence[web_service.Answer]:
    unknown = [row.verdict for row in one.answers if row.verdict not in VERDICT_NAMES]
    if unknown:
        raise SettingsError(
            f"{where}: answers: {unknown[0]!r} is no verdict", remedy=f"One of {', '.join(VERDICT_NAMES)}."
        )
    return [
        web_service.Answer(
            row.status, VERDICT_NAMES[row.verdict], path=row.path, equals=row.equals, empty=row.empty
        )
        for row in one.answers
    ]


def _headers(settings: Settings, one: WebServiceVerifier, where: str) -> Sequence[tuple[str, str]]:
    headers = dict(one.headers)
    for name, secret in one.secret_headers.items():
        headers[name] = settings.secret(secret, what=f"{where}: the header {name}")
    if one.authentication != "none":
        secret = settings.secret(one.secret, what=f"{where}: secret")
        headers["Authorization"] = web_service.authorization(one.authentication, user=one.user, secret=secret)
    check_headers(headers, where=where)
    return list(headers.items())


def check_headers(headers: Mapping[str, str], *, where: str) -> None:
    """Headers that HTTP can carry and that are not its own business. The message quotes no value."""
    for name, value in headers.items():
        if name.lower() in _OWN_HEADERS or not name.replace("-", "").replace("_", "").isalnum():
            raise SettingsError(f"{where}: the header {name!r} cannot be set")
        if not (name.isascii() and value.isascii() and value.isprintable()):
            raise SettingsError(f"{where}: the value of the header {name} is not one line of ASCII")


def _outbound(
    settings: Settings, *, where: str, url: str, private: bool, files: tuple[str, str], clock: Clock
) -> Outbound:
    try:
        host = named_host(url, private=private)
    except RefusedAddress as error:
        raise SettingsError(f"{where}: url: {error}") from None
    ca_file, client_certificate = (str(settings.folder / one) if one else "" for one in files)
    try:
        tls = tls_context(ca_file=ca_file, client_certificate=client_certificate)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            f"{where}: ca_file or client_certificate cannot be used",
            remedy="Each is a PEM file; client_certificate holds the certificate and its unencrypted key.",
        ) from error
    return Outbound(hosts=[host], clock=clock, tls=tls)
