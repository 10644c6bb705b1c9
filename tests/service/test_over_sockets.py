"""The service as a process of its own: TLS, certificates of clients, slow and silent connections, and a quiet end."""

import asyncio
import io
import json
import socket
import ssl
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID
from tests.support.any_ledger import counting_bytes, move, plan
from tests.support.hand_clock import HandClock
from tests.support.ledger_records import AT, PROJECT, TENANT, wanted
from tests.support.service_process import RunningService, running_service
from tests.support.service_stage import BASIC, SECRET, STATUS, asgi_call
from tests.support.tls_files import Authority, Signed

import idferry.asgi
from idferry.cli.app import run
from idferry.errors import EXIT_USAGE, SettingsError
from idferry.ledger import open_ledger
from idferry.rules.lifecycle import State
from idferry.service.connections import CONNECTIONS_MAX, HEAD_BYTES_MAX, HEAD_SECONDS_MAX
from idferry.settings import read_settings
from idferry.wiring.service import service_parts_of
from idferry.wiring.timers import Timer

SETTINGS = f"""
project = "{PROJECT}"

[tenant]
kind = "b2c"
id = "{TENANT}"
domain = "contoso.onmicrosoft.com"
authority = "https://localhost:1"
graph = "https://localhost:1"

[ledger]
path = "contoso.ledger"

[service]
tls_certificate = "server.pem"
tls_key = "server.key"
client_ca = "authority.pem"

[[service.caller]]
name = "policy"
kind = "basic"
user = "policy"
secrets = ["{SECRET}"]
"""


def project(folder: Path, more: str = "") -> Authority:
    """Settings, a ledger with one person who must reset, and certificates."""
    authority = Authority(folder)
    authority.server()
    path = folder / "contoso.ledger"
    with open_ledger(path, tenant_id=TENANT, project=PROJECT, random_bytes=counting_bytes(), at=AT) as ledger:
        plan(ledger, wanted("1", "ana@example.com"))
        move(ledger, "1", State.AWAITING_PASSWORD)
    (folder / "idferry.toml").write_text(SETTINGS + more, encoding="utf-8")
    return authority


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("service")


@pytest.fixture(scope="module")
def clients(folder: Path) -> dict[str, Signed]:
    authority = project(folder)
    made = {
        "known": authority.client("known"),
        "next": authority.client("next"),
        "unlisted": authority.client("unlisted"),
        "server-purpose": authority.client("server-purpose", usage=ExtendedKeyUsageOID.SERVER_AUTH),
        "expired": authority.client("expired", expired=True),
        "stranger": Authority(folder, "strangers").client("stranger"),
    }
    callers = ""
    for names in (("known", "next"), ("server-purpose", "expired", "stranger")):
        listed = json.dumps([made[name].thumbprint for name in names])
        callers += (
            f'\n[[service.caller]]\nname = "{names[0]}"\nkind = "certificate"\nthumbprints = {listed}\n'
        )
    (folder / "idferry.toml").write_text(SETTINGS + callers, encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def service(folder: Path, clients: dict[str, Signed]) -> Iterator[RunningService]:
    with running_service(folder, "--mtls-port", "0") as running:
        yield running


def trust(folder: Path, client: Signed | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(folder / "authority.pem"))
    if client:
        context.load_cert_chain(client.certificate, client.key)
    return context


def ask(address: str, tls: ssl.SSLContext, *, secret: str = SECRET, path: str = STATUS) -> int:
    with httpx2.Client(verify=tls, auth=("policy", secret), trust_env=False, timeout=10) as http:
        return http.post(f"{address}{path}", json={"email": "ana@example.com"}).status_code


def test_the_tenants_listener_speaks_tls_and_nothing_older_than_1_2(
    service: RunningService, folder: Path
) -> None:
    assert ask(service.address, trust(folder)) == 409
    assert ask(service.address, trust(folder), secret="wrong-secret") == 401
    old = trust(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that is the point
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with pytest.raises(httpx2.ConnectError):
        ask(service.address, old)
    with pytest.raises(httpx2.HTTPError):
        httpx2.get(service.address.replace("https", "http"), trust_env=False)


@pytest.mark.parametrize("name", ["known", "next"])
def test_a_client_with_a_listed_certificate_gets_through_without_a_secret(
    service: RunningService, folder: Path, clients: dict[str, Signed], name: str
) -> None:
    assert ask(service.mtls, trust(folder, clients[name]), secret="wrong") == 409


def test_a_listed_authority_is_not_enough(
    service: RunningService, folder: Path, clients: dict[str, Signed]
) -> None:
    assert ask(service.mtls, trust(folder, clients["unlisted"])) == 401


@pytest.mark.parametrize("name", ["server-purpose", "expired", "stranger", ""])
def test_certificates_that_tls_does_not_accept_reach_nothing(
    service: RunningService, folder: Path, clients: dict[str, Signed], name: str
) -> None:
    with pytest.raises(httpx2.HTTPError):
        ask(service.mtls, trust(folder, clients.get(name)))


def test_other_routes_do_not_exist_there(
    service: RunningService, folder: Path, clients: dict[str, Signed]
) -> None:
    tls = trust(folder, clients["known"])
    assert [ask(service.mtls, tls, path=path) for path in ("/healthz", "/metrics", "/ready")] == [404] * 3
    assert [ask(service.address, trust(folder), path=path) for path in ("/metrics", "/openapi.json")] == [
        404
    ] * 2


def test_the_admin_listener_knows_who_called_and_whether_we_are_ready(
    service: RunningService, folder: Path
) -> None:
    ask(service.address, trust(folder))
    with httpx2.Client(base_url=service.admin, trust_env=False) as http:
        assert http.get("/ready").json() == {"status_store": True}
        used = [
            line
            for line in http.get("/metrics").text.splitlines()
            if "last_used" in line and "policy" in line
        ]
        assert float(used[0].rpartition(" ")[2]) > 1_700_000_000
        assert "LoalAccountSignIn" in http.get("/openapi.json").text
        assert http.get(STATUS).status_code == 404


# --- connections -------------------------------------------------------------------------------------------------------


def connect(address: str) -> socket.socket:
    host, _, port = address.rpartition("//")[2].rpartition(":")
    return socket.create_connection((host, int(port)), timeout=HEAD_SECONDS_MAX + 5)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service without TLS, so that a test may write to its sockets."""
    folder = tmp_path_factory.mktemp("plain")
    project(folder)
    with running_service(folder, "--insecure-loopback") as running:
        yield running


def answered(address: str) -> bool:
    """Whether a good client gets an answer, on a connection of its own."""
    with httpx2.Client(base_url=address, trust_env=False, timeout=30) as http:
        return http.post(STATUS, json={"email": "ana@example.com"}).status_code == 409


def is_ended(one: socket.socket) -> bool:
    one.setblocking(False)
    try:
        return one.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def test_silent_and_slow_connections_keep_nobody_out(plain: RunningService) -> None:
    """More of them than may be open, some of which send their head byte by byte: the oldest give way."""
    crowd = [connect(plain.address) for _ in range(CONNECTIONS_MAX)]
    slow = [connect(plain.address) for _ in range(60)]
    for one in slow:
        one.send(b"POST /api HTTP/1.1\r\nhost: x\r\n")
    assert all(answered(plain.address) for _ in range(20))
    for one in slow:
        with suppress(OSError):  # it may have been cut
            one.send(b"x-a: b\r\n")
    assert all(map(is_ended, crowd[: len(slow)]))
    with httpx2.Client(base_url=plain.admin, trust_env=False) as http:
        assert 'idferry_alerts_total{alert="connections_full"}' in http.get("/metrics").text
    for one in (*crowd, *slow):
        one.close()


def test_a_head_that_takes_too_long_or_is_too_large_ends_its_connection(plain: RunningService) -> None:
    slow, idle, large = (connect(plain.address) for _ in range(3))
    slow.send(b"POST / HTTP/1.1\r\n")
    large.send(b"POST / HTTP/1.1\r\nx: " + b"y" * (HEAD_BYTES_MAX + 10))
    assert large.recv(4096).startswith(b"HTTP/1.1 400")
    begun = time.monotonic()
    for one in (slow, idle):
        with suppress(ConnectionResetError):
            assert one.recv(10) == b""
    assert HEAD_SECONDS_MAX - 1 < time.monotonic() - begun < HEAD_SECONDS_MAX + 3
    for one in (slow, idle, large):
        one.close()
    assert answered(plain.address)


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + b"x: " + b"y" * (HEAD_BYTES_MAX + 1) + b"\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + b"x: y\r\n" * HEAD_BYTES_MAX + b"\r\n",
    ],
)
def test_what_is_no_request_is_refused_in_the_shape_of_every_error(
    plain: RunningService, sent: bytes
) -> None:
    one = connect(plain.address)
    one.sendall(sent)
    head, _, body = one.recv(4096).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400")
    assert list(json.loads(body)) == ["version", "status", "userMessage"]
    one.close()


def test_whoever_is_being_answered_when_the_service_stops_gets_the_answer(tmp_path: Path) -> None:
    project(tmp_path)
    with running_service(tmp_path, "--insecure-loopback") as running:
        one = connect(running.address)
        body = b'{"email":"ana@example.com"}'
        head = f"POST {STATUS} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n".encode()
        one.sendall(head + body[:5])
        time.sleep(0.3)
        stopped: list[int] = []
        stopping = threading.Thread(target=lambda: stopped.append(running.stop()))
        stopping.start()
        time.sleep(0.5)
        with pytest.raises(OSError):
            connect(running.address)
        one.sendall(body[5:])
        assert one.recv(4096).startswith(b"HTTP/1.1 409")
        stopping.join()
        one.close()
        assert stopped == [0]


# --- starting ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def _in_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Commands run in the process of the tests, whose limits must stay."""
    monkeypatch.setattr("idferry.service.hardening.refuse_core_dumps", lambda: None)
    monkeypatch.setattr("idferry.asgi.refuse_core_dumps", lambda: None)
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("_in_process")
def test_nothing_starts_that_would_let_anybody_in_or_carry_passwords_in_clear(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project(tmp_path)
    settings = SETTINGS.partition("[[service.caller]]")[0]
    file = tmp_path / "idferry.toml"
    cases: list[tuple[str, tuple[str, ...], str]] = [
        (settings, (), "nobody may call"),
        (SETTINGS.replace('tls_certificate = "server.pem"\ntls_key = "server.key"\n', ""), (), "there is no TLS"),
        (SETTINGS.replace("server.key", "authority.pem"), (), "are not a certificate chain"),
        (SETTINGS, ("--mtls-port", "0"), "the settings name none"),
        (settings + '[[service.caller]]\nname = "c"\nkind = "certificate"\nthumbprints = ["' + "0" * 64 + '"]\n', (), "nobody would see it"),
        (SETTINGS.replace("[service]", '[service]\nlisten = "0.0.0.0:0"'), ("--insecure-loopback",), "binds 127.0.0.1 only"),
        (SETTINGS, ("--insecure-loopback", "--mtls-port", "0"), "no certificates"),
        (SETTINGS.replace(SECRET, "short"), (), "shorter than"),
        (SETTINGS.replace('path = "contoso.ledger"', 'path = "nowhere.ledger"'), (), "there is no ledger"),
    ]  # fmt: skip
    for text, options, said in cases:
        file.write_text(text, encoding="utf-8")
        assert run(["serve", "--json", "--port", "0", "--admin-port", "0", *options]) == EXIT_USAGE
        assert said in json.loads(capsys.readouterr().out)["error"]["message"]


@pytest.mark.usefixtures("_in_process")
def test_under_another_asgi_server_it_starts_with_callers_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project(tmp_path)
    file = tmp_path / "idferry.toml"
    monkeypatch.setenv("IDFERRY_SETTINGS", str(file))
    application = idferry.asgi._application
    file.write_text(SETTINGS.partition("[[service.caller]]")[0], encoding="utf-8")
    with pytest.raises(SettingsError, match="nobody may call"):
        _ = idferry.asgi.app
    file.write_text(SETTINGS, encoding="utf-8")
    answer = asyncio.run(
        asgi_call(idferry.asgi.app, "POST", STATUS, [b'{"email":"ana@example.com"}'], headers=[BASIC])
    )
    assert answer.status == 409
    assert idferry.asgi.app is application()
    application.cache_clear()
    with pytest.raises(AttributeError):
        _ = idferry.asgi.application


@pytest.mark.usefixtures("_in_process")
def test_what_is_done_from_time_to_time_goes_on_after_a_failure(tmp_path: Path) -> None:
    project(tmp_path)
    parts = service_parts_of(read_settings(tmp_path / "idferry.toml"), HandClock(), log_stream=io.BytesIO())
    done: list[int] = []

    def do() -> None:
        done.append(1)
        if len(done) == 1:
            raise ZeroDivisionError

    async def story() -> None:
        running = asyncio.ensure_future(parts.run_timers())
        while len(done) < 3:
            await asyncio.sleep(0.005)
        running.cancel()

    parts.context.timers.append(Timer("test", timedelta(milliseconds=5), do))
    asyncio.run(story())
    assert b'idferry_alerts_total{alert="timer_failed"} 1.0' in parts.context.books.metrics.text()
    parts.close()


@pytest.mark.usefixtures("_in_process")
def test_a_port_that_is_taken_is_told_with_its_address(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert run(["serve", "--json", "--port", str(port), "--admin-port", "0"]) == EXIT_USAGE
    assert f"127.0.0.1:{port} cannot be used" in json.loads(capsys.readouterr().out)["error"]["message"]
