"""Verifiers that ask a legacy system: from each kind of `[[verifier]]` table to its connector, and what it may reach."""

import ssl
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace

from idferry.connectors import cognito, ldap_directory, password_grant, web_service
from idferry.errors import SettingsError
from idferry.outbound import Outbound, RefusedAddress, named_host, tls_context
from idferry.ports import Clock, PasswordVerifier, Tell
from idferry.rules.verdict import VERDICT_NAMES
from idferry.settings import (
    CognitoVerifier,
    LdapVerifier,
    PasswordGrantVerifier,
    Settings,
    Verifier,
    WebServiceVerifier,
)

_OWN_HEADERS = frozenset({"host", "content-length", "content-type", "transfer-encoding", "connection"})


def live_verifier(
    settings: Settings, one: Verifier, clock: Clock, tell: Tell, stack: ExitStack
) -> PasswordVerifier:
    """The verifier of a table that asks a legacy system; what it opens is closed with `stack`.

    Raises:
        SettingsError: a secret or a file is missing, or a value means nothing to its connector.
    """
    match one:
        case WebServiceVerifier():
            return _web_service(settings, one, clock, tell, stack)
        case PasswordGrantVerifier():
            return _password_grant(settings, one, clock, tell, stack)
        case LdapVerifier():
            return _ldap(settings, one, clock, tell)
        case CognitoVerifier():
            return _cognito(settings, one, clock, tell, stack)
        case _:
            raise AssertionError(
                f"no connector for the kind {one.kind}"
            )  # a kind without a line here is a bug


def _web_service(
    settings: Settings, one: WebServiceVerifier, clock: Clock, tell: Tell, stack: ExitStack
) -> PasswordVerifier:
    where = f"verifier {one.name}"
    if problem := web_service.url_problem(one.url):
        raise SettingsError(f"{where}: url: {problem}")
    contract = _contract(one, where)
    if contract.person_authenticates and _authorizes(one):
        raise SettingsError(
            f"{where}: in the contract {one.contract} the Authorization header is the person's: with one of ours the "
            "service could let everybody in as us",
            remedy="Prove yourself with another header (secret_headers) or a client_certificate.",
        )
    if missing := web_service.missing_of(contract, one.url):
        raise SettingsError(
            f"{where}: neither url nor body holds {missing}: the service would say the same to everybody"
        )
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
    if one.parameters.get("grant_type", password_grant.PASSWORD_GRANT) not in password_grant.GRANTS:
        raise SettingsError(
            f"{where}: parameters: another grant_type would not look at the person's password",
            remedy=f"One of {', '.join(password_grant.GRANTS)}, or none.",
        )
    known = known_rate(one)
    if known and one.legacy_requests_per_second > known:
        raise SettingsError(
            f"{where}: legacy_requests_per_second is {one.legacy_requests_per_second}, and {one.server} throttles an "
            "address that asks so often: the people behind the others would not get in",
            remedy=f"Leave it out, or write {known} or less.",
        )
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


def _ldap(settings: Settings, one: LdapVerifier, clock: Clock, tell: Tell) -> PasswordVerifier:
    where = f"verifier {one.name}"
    start_tls = one.encryption == "start_tls" or (not one.encryption and one.url.startswith("ldap://"))
    problem = ldap_directory.address_problem(url=one.url, start_tls=start_tls, template=one.filter)
    if problem:
        raise SettingsError(f"{where}: {problem}")
    if bool(one.bind_dn) is not bool(one.bind_password):
        raise SettingsError(f"{where}: bind_dn and bind_password go together")
    secret = settings.secret(one.bind_password, what=f"{where}: bind_password") if one.bind_password else ""
    address = ldap_directory.DirectoryAddress(
        url=one.url,
        base=one.base,
        filter=one.filter,
        start_tls=start_tls,
        bind_dn=one.bind_dn,
        bind_password=secret,
    )
    tls = _tls(settings, where, one.ca_file, "")
    return ldap_directory.LdapVerifier(name=one.name, address=address, tls=tls, clock=clock, tell=tell)


def _cognito(
    settings: Settings, one: CognitoVerifier, clock: Clock, tell: Tell, stack: ExitStack
) -> PasswordVerifier:
    where = f"verifier {one.name}"
    if bool(one.access_key_id) is not bool(one.secret_access_key):
        raise SettingsError(f"{where}: access_key_id and secret_access_key go together")
    secrets = [
        settings.secret(value, what=f"{where}: {key}") if value else ""
        for key, value in (
            ("client_secret", one.client_secret),
            ("secret_access_key", one.secret_access_key),
        )
    ]
    url = one.endpoint or f"https://cognito-idp.{one.region}.amazonaws.com"
    outbound = _outbound(
        settings, where=where, url=url, private=one.private_address, files=(one.ca_file, ""), clock=clock
    )
    return cognito.CognitoVerifier(
        name=one.name,
        pool=cognito.UserPool(url.rstrip("/") + "/", one.user_pool_id, one.client_id, secrets[0]),
        sign=cognito.signer(region=one.region, access_key_id=one.access_key_id, secret_access_key=secrets[1]),
        outbound=stack.enter_context(outbound),
        tell=tell,
    )


def known_rate(one: Verifier) -> int:
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
    # Where the person's own name and password stand in the header, it is them that are refused.
    if _proves_itself(one) and not contract.person_authenticates:
        # It may mean that we ourselves are refused, and an outage is never "wrong password".
        answers = [answer for answer in contract.answers if answer.status != 401]
        return replace(contract, answers=answers)
    return contract


def _proves_itself(one: WebServiceVerifier) -> bool:
    """Whether we show the service who we are, in whatever way."""
    return _authorizes(one) or bool(one.secret_headers or one.client_certificate)


def _authorizes(one: WebServiceVerifier) -> bool:
    named = any(name.lower() == "authorization" for name in (*one.headers, *one.secret_headers))
    return one.authentication != "none" or named


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
    _check_headers(headers, where=where)
    return list(headers.items())


def _check_headers(headers: Mapping[str, str], *, where: str) -> None:
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
    return Outbound(hosts=[host], clock=clock, tls=_tls(settings, where, *files))


def _tls(settings: Settings, where: str, *files: str) -> ssl.SSLContext:
    ca_file, client_certificate = (str(settings.folder / one) if one else "" for one in files)
    try:
        return tls_context(ca_file=ca_file, client_certificate=client_certificate)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            f"{where}: ca_file or client_certificate cannot be used",
            remedy="Each is a PEM file; client_certificate holds the certificate and its unencrypted key.",
        ) from error
