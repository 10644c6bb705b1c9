"""Bad days of the legacy IdP through the whole service (F12): an outage is never a wrong password, nor a right one.

Each kind of verifier that speaks HTTP meets each way to answer badly: first always, then at one answer in five, then
never again. The judges are what people are shown and the emulated tenant. LDAP has its own bad days in its contract tests.
"""

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import parse_qs

from tests.simulation.fronts import SIGN_IN, Customer, customers
from tests.simulation.kill_sign_ins import GIVEN_UP_S, WRONG, SignInStage
from tests.support.b2c_stand import PEOPLE, B2cStand, ask, b2c_stand
from tests.support.forked_service import ForkedService
from tests.support.scripted_server import Piece, Seen, answer, scripted_server

from idferry.service.messages import TEXTS, Text

OUTAGE = TEXTS["en"][Text.TRY_LATER]
TRIES = 8
AT_ONCE = 10
RATE = 0.2
SERVICE = 'mode = "B"\nnegative_reply_at = 0\ndeadline_seconds = 1'
_LOCKOUT = "legacy_lockout = { threshold = 1000, window_seconds = 60 }\n"
_AWS = "application/x-amz-json-1.1"


@dataclass(frozen=True)
class Kind:
    """One kind of verifier: its table without `legacy_lockout`, who is asked with what, and its right and wrong answer."""

    table: str
    asked: Callable[[Seen], tuple[str, str]]
    right: Sequence[Piece]
    wrong: Sequence[Piece]


@dataclass
class BadDays:
    """What a story came to. `outages`: presses that were answered as one; `refused`: wrong passwords that were."""

    people: int
    presses: int = 0
    outages: int = 0
    refused: int = 0


def _json_fields(*names: str) -> Callable[[Seen], tuple[str, str]]:
    def read(seen: Seen) -> tuple[str, str]:
        found: Any = seen.json
        found = found.get("AuthParameters", found)
        return found[names[0]], found[names[1]]

    return read


def _form(seen: Seen) -> tuple[str, str]:
    fields = parse_qs(seen.body.decode(), strict_parsing=True)
    return fields["username"][0], fields["password"][0]


KINDS: Mapping[str, Kind] = {
    "web_service": Kind(
        'kind = "web_service"\nurl = "{url}/check"',
        _json_fields("identifier", "password"),
        answer(200, {"status": "password_match"}),
        answer(403),
    ),
    "password_grant": Kind(
        'kind = "password_grant"\nurl = "{url}/token"\nclient_id = "idferry"',
        _form,
        answer(200, {"access_token": "x", "token_type": "Bearer"}),
        answer(400, {"error": "invalid_grant"}),
    ),
    "cognito": Kind(
        'kind = "cognito"\nregion = "eu-central-1"\nuser_pool_id = "pool"\nclient_id = "client"\n'
        'access_key_id = "not"\nsecret_access_key = "real"\nendpoint = "{url}/"',
        _json_fields("USERNAME", "PASSWORD"),
        answer(200, {"AuthenticationResult": {"AccessToken": "x"}}, content_type=_AWS),
        answer(
            400,
            {"__type": "NotAuthorizedException", "message": "Incorrect username or password."},
            content_type=_AWS,
        ),
    ),
}


def _retold(said: Sequence[Piece], *, content_type: str = "", status: str = "", more: int = 0) -> list[Piece]:
    """A right answer whose head or length is changed."""
    (whole,) = said
    assert isinstance(whole, bytes)
    head, _, body = whole.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    if status:
        lines[0] = f"HTTP/1.1 {status} Said"
    kept = [one for one in lines if not one.startswith("content-length")]
    if content_type:
        kept = [one for one in kept if not one.startswith("content-type")] + [f"content-type: {content_type}"]
    if more:
        document = json.loads(body)
        body = json.dumps({**document, "more": "x" * more}).encode()
    return ["\r\n".join([*kept, f"content-length: {len(body)}"]).encode() + b"\r\n\r\n" + body]


def _half(said: Sequence[Piece]) -> list[Piece]:
    (whole,) = said
    assert isinstance(whole, bytes)
    return [whole[:-5], 30.0]


def _page(elsewhere: str) -> list[Piece]:
    page = f'<html><form action="{elsewhere}">Please sign in</form></html>'
    return list(answer(200, page, content_type="text/html"))


BAD: Mapping[str, Callable[[Kind, str], Sequence[Piece]]] = {
    "hang": lambda _kind, _: [30.0],
    "500": lambda kind, _: _retold(kind.right, status="500"),
    "502 page": lambda _kind, _: answer(502, "<html>", content_type="text/html"),
    "503": lambda _kind, _: answer(503),
    "another content type": lambda kind, _: _retold(kind.right, content_type="text/plain"),
    "sign-in page with 200": lambda _kind, elsewhere: _page(elsewhere),
    "redirect": lambda _kind, elsewhere: answer(302, location=f"{elsewhere}/check"),
    "redirect that keeps the body": lambda _kind, elsewhere: answer(307, location=f"{elsewhere}/check"),
    "more than 64 KiB": lambda kind, _: _retold(kind.right, more=70_000),
    "half an answer": lambda kind, _: _half(kind.right),
    "no HTTP": lambda _kind, _: [b"hello\r\n\r\n"],
}


def bad_day(on: SignInStage, kind: str, bad: str, *, people: int, seed: int) -> BadDays:
    """Play it and judge it; AssertionError when anything does not hold."""
    on.emulator.reset()
    folder = Path(tempfile.mkdtemp(prefix=f"{kind}-{seed}-", dir=on.folder))
    crowd = customers(people, seed=seed)
    known, made = {one.name: one.password for one in crowd}, KINDS[kind]
    rates, chance = [1.0], Random(seed)  # noqa: S311  it must be repeatable
    with ExitStack() as stack:
        elsewhere = stack.enter_context(scripted_server(lambda _: made.right))

        def script(seen: Seen) -> Sequence[Piece]:
            if chance.random() < rates[-1]:
                return BAD[bad](made, elsewhere.url)
            name, password = made.asked(seen)
            return made.right if known.get(name) == password else made.wrong

        table = f'[[verifier]]\nname = "old"\n{made.table}\n{_LOCKOUT}'
        stand = stack.enter_context(
            b2c_stand(folder, on.emulator, known, service=SERVICE, verifier=table, script=script)
        )
        assert stand.run("premigrate", PEOPLE, "--execute")["failed"] == 0
        pool = stack.enter_context(ThreadPoolExecutor(AT_ONCE))
        service = on.services.of(folder, "--insecure-loopback")
        story = _Story(stand, service, pool, BadDays(people))
        for rate in (1.0, RATE, 0.0):
            rates.append(rate)
            on.emulator.advance(GIVEN_UP_S)
            service.start()
            story.play(crowd, rate)
            service.kill()
        assert elsewhere.connections == 0, "nobody was sent elsewhere"
    shutil.rmtree(folder)
    return story.figures


@dataclass
class _Story:
    stand: B2cStand
    service: ForkedService
    pool: ThreadPoolExecutor
    figures: BadDays

    def play(self, crowd: list[Customer], rate: float) -> None:
        """A third of the people at each rate; nobody hears of a wrong password who typed the right one."""
        third = len(crowd) // 3
        before = self.stand.flags()
        people = crowd[third : 2 * third] if rate == RATE else crowd[:third] if rate else crowd
        people = [one for one in people if before[one.name] is True]
        if rate == 1.0:
            assert {text for _, text in self._press(people)} <= {OUTAGE}
            assert set(self.stand.flags().values()) == {True}
            return
        waiting = people
        for _ in range(TRIES):
            told = self._press(waiting)
            assert {text for status, text in told if status != 200} <= {OUTAGE}
            waiting = [one for one, (status, _) in zip(waiting, told, strict=True) if status != 200]
        flags = self.stand.flags()
        assert all(self.stand.opens(one.name) is (flags[one.name] is False) for one in crowd)
        if not rate:
            assert waiting == []
            assert set(flags.values()) == {False}

    def _press(self, people: list[Customer]) -> list[tuple[int, str]]:
        """Two people mistype first; what everybody is told who types the right one."""

        def press(one: Customer, password: str) -> tuple[int, str]:
            # Whoever mistypes does so elsewhere: from one address one check of a name runs at a time.
            address = one.address if password == one.password else f"2001:db8:{len(one.name)}::1"
            body = {"signInName": one.name, "password": password, "ipAddress": address}
            status, document = ask(self.service.address, SIGN_IN, body)
            return status, (document or {}).get("userMessage", "")

        wrong = list(self.pool.map(lambda one: press(one, WRONG), people[:2]))
        assert 200 not in {status for status, _ in wrong}, "a wrong password let somebody in"
        told = list(self.pool.map(lambda one: press(one, one.password), people))
        self.figures.presses += len(wrong) + len(told)
        self.figures.outages += sum(text == OUTAGE for _, text in [*wrong, *told])
        self.figures.refused += sum(text != OUTAGE for _, text in wrong)
        return told
