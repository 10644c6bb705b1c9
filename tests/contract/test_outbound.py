"""The client for everything but Graph, against servers on this machine that behave badly on purpose."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from tests.support.scripted_server import Piece, ScriptedServer, answer, scripted_server
from tests.support.throwaway_ca import ThrowawayCa

from idferry.outbound import (
    NamedHost,
    NoReply,
    Outbound,
    RefusedAddress,
    Reply,
    Request,
    named_host,
    tls_context,
)
from idferry.ports import Deadline
from idferry.rules.verdict import Silence
from idferry.wiring import SystemClock

CLOCK = SystemClock()
PATIENCE_SECONDS = 0.4
SLACK_SECONDS = 0.6  # two cores, shared


def deadline(seconds: float = PATIENCE_SECONDS) -> Deadline:
    return Deadline(CLOCK.elapsed() + seconds)


def outbound_to(url: str, *, tls: ssl.SSLContext | None = None) -> Outbound:
    return Outbound(hosts=[named_host(url)], clock=CLOCK, tls=tls)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server(lambda _: answer(200, {"status": "password_match"})) as running:
        yield running


def ask(server: ScriptedServer, seconds: float = PATIENCE_SECONDS) -> Reply | NoReply:
    with outbound_to(server.url) as outbound:
        return outbound.exchange(Request("POST", f"{server.url}/check", body=b"secret"), deadline(seconds))


def test_a_request_arrives_as_it_was_given_and_so_does_the_answer(server: ScriptedServer) -> None:
    with outbound_to(server.url) as outbound:
        request = Request("POST", f"{server.url}/check?a=b", [("X-One", "1")], b"\x00\xffbody")
        reply = outbound.exchange(request, deadline(5))
    assert isinstance(reply, Reply)
    assert (reply.status, reply.media_type) == (200, "application/json")
    assert reply.content == b'{"status": "password_match"}'
    [seen] = server.seen
    assert (seen.method, seen.target, seen.headers["x-one"], seen.body) == (
        "POST",
        "/check?a=b",
        "1",
        b"\x00\xffbody",
    )
    assert seen.headers["host"] == f"localhost:{server.port}"


def test_nothing_secret_is_in_a_representation() -> None:
    request = Request("POST", "https://legacy.example.com", [("Authorization", "Basic c2VjcmV0")], b"secret")
    reply = Reply(200, {"set-cookie": "secret"}, b"secret")
    assert "secret" not in repr((request, reply)).lower()
    assert "c2VjcmV0" not in repr(request)


def test_an_answer_that_comes_twice_is_never_the_answer_to_the_next_question() -> None:
    match, mismatch = answer(200, {"status": "password_match"}), answer(403)
    answers = iter([[*match, *match], mismatch])
    with scripted_server(lambda _: next(answers)) as server, outbound_to(server.url) as outbound:
        replies = [outbound.exchange(Request("POST", server.url), deadline(5)) for _ in range(2)]
        assert [one.status for one in replies if isinstance(one, Reply)] == [200, 403]
        assert server.connections == 2


def test_a_redirect_is_an_answer_and_leads_nowhere() -> None:
    with (
        scripted_server(lambda _: answer(200)) as other,
        scripted_server(lambda _: answer(307, location=f"{other.url}/")) as server,
    ):
        reply = ask(server)
        assert isinstance(reply, Reply)
        assert reply.status == 307
        assert (len(server.seen), other.connections) == (1, 0)


def test_proxies_of_the_environment_mean_nothing(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert isinstance(ask(server), Reply)


def body_of(size: int) -> Sequence[Piece]:
    return answer(200, b"x" * size)


def test_an_answer_of_64_kib_is_taken_and_a_longer_one_is_not() -> None:
    with scripted_server(lambda _: body_of(64 * 1024)) as server:
        assert isinstance(ask(server, 5), Reply)
    with scripted_server(lambda _: body_of(64 * 1024 + 1)) as server:
        reply = ask(server, 5)
    assert isinstance(reply, NoReply)
    assert (reply.silence, reply.reached) == (Silence.UNEXPECTED, True)


def test_an_answer_without_an_end_is_given_up() -> None:
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    with scripted_server(lambda _: [head, *[b"1000\r\n" + b"x" * 4096 + b"\r\n"] * 1000]) as server:
        assert isinstance(ask(server, 5), NoReply)


TOO_SLOW: dict[str, Callable[[], Sequence[Piece]]] = {
    "silent": lambda: [30.0],
    "head trickles": lambda: [
        one for byte in b"HTTP/1.1 200 OK\r\nx: " + b"y" * 400 for one in (bytes([byte]), 0.05)
    ],
    "body trickles": lambda: [
        b"HTTP/1.1 200 OK\r\ncontent-length: 400\r\n\r\n",
        *[one for _ in range(400) for one in (b"x", 0.05)],
    ],
    "continues for ever": lambda: [
        one for _ in range(400) for one in (b"HTTP/1.1 100 Continue\r\n\r\n", 0.05)
    ],
}


@pytest.mark.parametrize("script", TOO_SLOW.values(), ids=TOO_SLOW)
def test_whoever_is_too_slow_is_left_at_the_deadline(script: Callable[[], Sequence[Piece]]) -> None:
    with scripted_server(lambda _: script()) as server:
        began = time.monotonic()
        reply = ask(server)
        assert time.monotonic() - began < PATIENCE_SECONDS + SLACK_SECONDS
    assert isinstance(reply, NoReply)
    assert (reply.silence, reply.reached) == (Silence.TIMED_OUT, True)


def test_who_takes_no_bytes_is_left_at_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://localhost:{listener.getsockname()[1]}"
        with outbound_to(url) as outbound:
            began = time.monotonic()
            reply = outbound.exchange(Request("POST", url, body=b"x" * 20_000_000), deadline())
            assert time.monotonic() - began < PATIENCE_SECONDS + SLACK_SECONDS
    assert isinstance(reply, NoReply)
    assert (reply.silence, reply.reached) == (Silence.TIMED_OUT, True)


def test_a_handshake_that_does_not_end_has_seen_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://localhost:{listener.getsockname()[1]}"
        with outbound_to(url) as outbound:
            reply = outbound.exchange(Request("POST", url, body=b"secret"), deadline())
    assert isinstance(reply, NoReply)
    assert (reply.silence, reply.reached) == (Silence.TIMED_OUT, False)


def test_a_name_that_is_not_resolved_in_time_has_reached_nobody() -> None:
    released = threading.Event()

    def never(_host: str, _port: int) -> Sequence[str]:
        released.wait(10)
        return []

    host = NamedHost("https", "legacy.example.com", 443)
    with Outbound(hosts=[host], clock=CLOCK, resolve=never) as outbound:
        began = time.monotonic()
        reply = outbound.exchange(Request("GET", "https://legacy.example.com/"), deadline())
        assert time.monotonic() - began < PATIENCE_SECONDS + SLACK_SECONDS
    released.set()
    assert isinstance(reply, NoReply)
    assert (reply.silence, reply.reached) == (Silence.TIMED_OUT, False)


def test_a_deadline_that_has_passed_calls_nobody(server: ScriptedServer) -> None:
    reply = ask(server, 0)
    assert isinstance(reply, NoReply)
    assert (reply.reached, server.connections) == (False, 0)


BROKEN: dict[str, Sequence[Piece]] = {
    "nothing": [],
    "half a head": [b"HTTP/1.1 200 OK\r\ncontent-le"],
    "half a body": [b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nxx"],
    "no HTTP": [b"220 smtp.example ESMTP\r\n"],
    "two lengths": [b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx"],
}


@pytest.mark.parametrize("pieces", BROKEN.values(), ids=BROKEN)
def test_an_answer_that_breaks_off_is_none_and_may_have_reached(pieces: Sequence[Piece]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://localhost:{listener.getsockname()[1]}"

        def once() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(5)
                connection.recv(65536)
                for piece in pieces:
                    assert isinstance(piece, bytes)
                    connection.sendall(piece)

        thread = threading.Thread(target=once, daemon=True)
        thread.start()
        with outbound_to(url) as outbound:
            reply = outbound.exchange(Request("POST", url, body=b"secret"), deadline(5))
        thread.join(5)
    assert isinstance(reply, NoReply)
    assert (reply.silence, reply.reached) == (Silence.UNREACHABLE, True)


def test_a_refused_connection_has_reached_nobody() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with outbound_to(url) as outbound:
        reply = outbound.exchange(Request("POST", url, body=b"secret"), deadline(5))
    assert reply == NoReply(Silence.UNREACHABLE, reached=False, reason="Connection refused")


# --- TLS -------------------------------------------------------------------------------------------------------------


def server_context(ca: ThrowawayCa, *names: str, clients: ThrowawayCa | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issued = ca.server(*names)
    context.load_cert_chain(issued.certificate, issued.key)
    if clients:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(clients.file)
    return context


def ask_by_tls(server: ScriptedServer, tls: ssl.SSLContext | None) -> Reply | NoReply:
    with outbound_to(server.url, tls=tls) as outbound:
        return outbound.exchange(Request("POST", server.url, body=b"secret"), deadline(5))


def test_a_certificate_is_verified_with_the_named_authority_and_the_name(tmp_path: Path) -> None:
    ca, stranger = ThrowawayCa(tmp_path, "ours"), ThrowawayCa(tmp_path, "theirs")
    trusted = tls_context(ca_file=str(ca.file))
    with scripted_server(lambda _: answer(200), tls=server_context(ca)) as server:
        assert isinstance(ask_by_tls(server, trusted), Reply)
        for context in (None, tls_context(ca_file=str(stranger.file))):
            refused = ask_by_tls(server, context)
            assert isinstance(refused, NoReply)
            assert not refused.reached
            assert "certificate" in refused.reason
    with scripted_server(lambda _: answer(200), tls=server_context(ca, "elsewhere.example")) as server:
        refused = ask_by_tls(server, trusted)
        assert isinstance(refused, NoReply)
        assert (refused.reached, server.seen) == (False, [])


def test_a_client_certificate_is_shown(tmp_path: Path) -> None:
    ca = ThrowawayCa(tmp_path)
    mine = str(ca.client("idferry").whole)
    with scripted_server(lambda _: answer(200), tls=server_context(ca, clients=ca)) as server:
        assert isinstance(
            ask_by_tls(server, tls_context(ca_file=str(ca.file), client_certificate=mine)), Reply
        )
        assert isinstance(ask_by_tls(server, tls_context(ca_file=str(ca.file))), NoReply)
    assert len(server.seen) == 1


def test_old_tls_is_not_spoken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    context = tls_context()
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.keylog_filename is None


# --- S8: addresses that must not be called -----------------------------------------------------------------------------

STRANGE_URLS = [
    *("http://127.0.0.1/", "http://localhost/", "https://127.0.0.1/", "https://localhost/", "https://[::1]/"),
    *("https://2130706433/", "https://0x7f000001/", "https://0x7f.0x0.0x0.0x1/", "https://0177.0.0.1/"),
    *("https://127.1/", "https://0/", "https://017700000001/", "https://[::ffff:127.0.0.1]/"),
    *("https://[::ffff:7f00:1]/", "https://[0:0:0:0:0:ffff:7f00:0001]/", "https://[::]/", "https://0.0.0.0/"),
    *("https://169.254.169.254/latest/meta-data/", "http://169.254.169.254/", "https://2852039166/"),
    *("https://[::ffff:169.254.169.254]/", "https://[fd00:ec2::254]/", "https://168.63.129.16/"),
    *("https://metadata.google.internal/", "https://100.100.100.200/", "https://10.0.0.1/", "https://192.168.0.1/"),
    *("https://172.16.0.1/", "https://[fc00::1]/", "https://[fe80::1]/", "https://[fe80::1%25eth0]/"),
    *("https://[64:ff9b::7f00:1]/", "https://[2002:7f00:1::]/", "https://224.0.0.1/", "https://255.255.255.255/"),
    *("https://other.example/", "https://legacy.example.other.example/", "https://xlegacy.example/"),
    *("https://legacy.example:8443/", "http://legacy.example/", "http://legacy.example:443/", "ftp://legacy.example/"),
    *("file:///etc/passwd", "gopher://legacy.example/", "https://legacy.example@127.0.0.1/"),
    *("https://127.0.0.1@legacy.example/", "https://legacy.example:443@127.0.0.1/", "https://legacy.example\\@x/"),
    *("https://legacy.example#@127.0.0.1/", "https://legacy.example%2f@127.0.0.1/", "https://legacy.example%00/"),
    *("https://legacy.example./", "https://ⓛegacy.example/", "https://legacy。example/", "https://127。0。0。1/"),
    *("//127.0.0.1/", "legacy.example", "", "https:///path", "https://legacy.example\r\nHost: 127.0.0.1/"),
    *("https://legacy.example\t/", "https:/127.0.0.1/", "https://legacy.example:99999/", "https://[::1"),
]  # fmt: skip
STRANGE_URLS_MIN = 60
STRANGE_ANSWERS = [
    ["127.0.0.1"], ["::1"], ["169.254.169.254"], ["10.1.2.3"], ["fd00::1"], ["::ffff:127.0.0.1"], ["0.0.0.1"],
    ["8.8.8.8", "127.0.0.1"], ["168.63.129.16"], [], ["100.64.0.1"], ["64:ff9b::a9fe:a9fe"],
]  # fmt: skip


@pytest.fixture
def connects(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Every address that anybody tries to connect to; nobody gets there."""
    tried: list[object] = []

    def connect(_socket: socket.socket, address: object) -> None:
        tried.append(address)
        raise ConnectionRefusedError

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, connect)
    monkeypatch.setattr(socket.socket, "sendto", lambda _socket, *told: tried.append(told))
    return tried


def test_urls_that_lead_elsewhere_are_never_connected_to(connects: list[object]) -> None:
    assert len(set(STRANGE_URLS)) >= STRANGE_URLS_MIN
    host, looked_up = NamedHost("https", "legacy.example", 443), []

    def resolve(name: str, *_: object) -> list[str]:
        looked_up.append(name)
        return ["8.8.8.8"]

    with Outbound(hosts=[host], clock=CLOCK, resolve=resolve) as outbound:
        for url in STRANGE_URLS:
            with pytest.raises(RefusedAddress):
                outbound.exchange(Request("POST", url, body=b"secret"), deadline(5))
        # Nor does anybody's name server hear of them.
        assert (connects, looked_up) == ([], [])
        outbound.exchange(Request("POST", "https://legacy.example/", body=b"secret"), deadline(5))
    assert connects == [("8.8.8.8", 443)]


@pytest.mark.parametrize("addresses", STRANGE_ANSWERS, ids=str)
def test_a_name_that_stands_for_another_network_is_not_connected_to(
    addresses: Sequence[str], connects: list[object]
) -> None:
    answers = iter([["8.8.8.8"], addresses])  # the second time somebody else answers for the name
    host = NamedHost("https", "legacy.example", 443)
    with Outbound(hosts=[host], clock=CLOCK, resolve=lambda *_: next(answers)) as outbound:
        request = Request("POST", "https://legacy.example/", body=b"secret")
        outbound.exchange(request, deadline(5))
        reply = outbound.exchange(request, deadline(5))
    assert connects == [("8.8.8.8", 443)]
    assert isinstance(reply, NoReply)
    assert (reply.silence, reply.reached) == (Silence.UNREACHABLE, False)


def test_a_private_network_is_called_where_the_settings_say_so(connects: list[object]) -> None:
    host = NamedHost("https", "legacy.example", 443, private=True)
    with Outbound(hosts=[host], clock=CLOCK, resolve=lambda *_: ["10.1.2.3"]) as outbound:
        outbound.exchange(Request("POST", "https://legacy.example/"), deadline(5))
    assert connects == [("10.1.2.3", 443)]
