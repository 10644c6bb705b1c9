"""What the running service hands to the system to be written: passwords leave through sockets alone, never into a file."""

import json
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import httpx2
import pytest
from tests.support.canaries import Canary, Scanner, canaries_of
from tests.support.emulator import Emulator
from tests.support.scripted_server import scripted_server
from tests.support.service_process import running_service
from tests.support.service_stage import BASIC
from tests.support.signed_tokens import Provider
from tests.support.system_calls import Target, Written, tracer, writes_of
from tests.support.wired_service import legacy_of, name_of, prepared_desk

pytestmark = pytest.mark.xdist_group("heavy")

SEED = 20_261_120
SIGN_INS = 100
WRONG_EVERY = 5
WITHIN_S = 20.0


def leaks(scanner: Scanner, writes: list[Written]) -> list[tuple[str, str]]:
    """Place and canary; what was written to one place is read as a whole, so that a secret may lie across two calls."""
    places: dict[str, list[bytes]] = {}
    for one in writes:
        places.setdefault(one.name, []).append(one.content)
    return [
        (place, leak.canary)
        for place, pieces in places.items()
        for leak in scanner.scan(b"".join(pieces), place)
    ]


WRITER = """
import os, socket, sys
secret = sys.argv[1].encode()
file = os.open("file", os.O_RDWR | os.O_CREAT)
os.write(file, b'"quoted" \\\\ and\\n' + secret[:20])
os.write(file, secret[20:])
os.pwrite(file, secret.hex().encode(), 100)
os.writev(file, [b"one", secret])
ours, theirs = socket.socketpair()
ours.send(secret)
"""


def test_the_trace_tells_what_was_written_whereto(tmp_path: Path) -> None:
    trace, secret = tmp_path / "trace", "Cnry-0123456789abcdef0123456789abcdef"
    command = [*tracer(trace), sys.executable, "-c", WRITER, secret]
    subprocess.run(command, cwd=tmp_path, check=True)
    until = time.monotonic() + WITHIN_S
    while "exited with 0" not in trace.read_text(encoding="ascii"):
        assert time.monotonic() < until, "the tracer does not end"
        time.sleep(0.05)
    writes = list(writes_of(trace))
    to_file = [one.content for one in writes if one.name == str(tmp_path / "file")]
    assert to_file == [
        b'"quoted" \\ and\n' + secret[:20].encode(),
        secret[20:].encode(),
        secret.encode().hex().encode(),
        b"one" + secret.encode(),
    ]
    assert [one.content for one in writes if one.target is Target.SOCKET] == [secret.encode()]
    scanner = Scanner(canaries_of("secret", secret))
    assert len(leaks(scanner, [one for one in writes if one.target is Target.FILE])) >= 2


def test_d3_a_password_is_written_to_sockets_and_to_nothing_else(process: Emulator, tmp_path: Path) -> None:
    """In mode B, with everything unencrypted on this machine, so that what leaves can be seen."""
    trace = tmp_path / "trace"
    prefix = tracer(trace)
    process.reset()
    chance = random.Random(SEED)  # noqa: S311  known on purpose
    typed = [f"Cnry-{chance.getrandbits(128):032x}!9a" for _ in range(SIGN_INS)]
    right = {one for number, one in enumerate(typed) if number % WRONG_EVERY}
    folder = tmp_path / "desk"
    with scripted_server(legacy_of(right, Provider())) as legacy:
        desk = prepared_desk(folder, process.tenant("b2c"), "B", legacy.url, people=SIGN_INS)
        plain = desk.settings_file.read_text(encoding="utf-8").replace(
            desk.tenant.graph_https, desk.tenant.graph_http
        )
        desk.settings_file.write_text(plain, encoding="utf-8")
        with (
            running_service(folder, "--insecure-loopback", "--trace", prefix=prefix) as service,
            httpx2.Client(base_url=service.address, trust_env=False, timeout=60) as http,
        ):
            answers = Counter(
                http.post(
                    "/api/migration/sign-in",
                    content=json.dumps({"email": name_of(number), "password": password}),
                    headers=dict([BASIC]),
                ).status_code
                for number, password in enumerate(typed)
            )
            assert service.stop() == 0
    assert answers == {200: len(right), 409: SIGN_INS - len(right)}
    canaries: list[Canary] = [one for secret in typed for one in canaries_of(secret, secret)]
    scanner, writes = Scanner(canaries), list(writes_of(trace))
    to = {target: [one for one in writes if one.target is target] for target in Target}
    # Everything is there: the log, the guard's file and the ledger's were written.
    written = {Path(one.name).name for one in to[Target.FILE]}
    assert {"service.log", "idferry.ledger-wal"} <= written, written
    assert any("guard" in name for name in written), written
    assert leaks(scanner, [one for one in writes if one.target is not Target.SOCKET]) == []
    # And the one place where they belong: each leaves for the legacy system, and the right ones for the directory too.
    sent = Counter(secret for secret in typed for one in to[Target.SOCKET] if secret.encode() in one.content)
    assert {secret: 2 if secret in right else 1 for secret in typed} == sent
