"""A stage on which every secret is known and everything that is written is kept: for the tests that look for leaks."""

import json
import logging
import os
import random
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx2
import pytest
from tests.support.canaries import Canary, Evidence, canaries_of
from tests.support.desk import Desk, Ended
from tests.support.emulator import Emulator

from idferry.cli import app
from idferry.ledger.database import Database
from idferry.rules.password import random_password

EXPORTS = (
    "people.jsonl",
    "weak.jsonl",
    "bad.jsonl",
    "UsersData.json",
    "people.csv",
    "no-heading.csv",
    "broken.json",
)
SNAPSHOT_EVERY_WRITES = 7


class KnownChance:
    """Stands for the module `secrets`: what it draws can be drawn again."""

    def __init__(self, seed: int) -> None:
        self._numbers, self._bytes = self._generators(seed)
        self._seed = seed
        self.bytes_drawn: list[bytes] = []

    @staticmethod
    def _generators(seed: int) -> tuple[random.Random, random.Random]:
        return random.Random(f"numbers {seed}"), random.Random(f"bytes {seed}")  # noqa: S311  known on purpose

    def randbelow(self, exclusive_upper_bound: int) -> int:
        """As secrets.randbelow."""
        return self._numbers.randrange(exclusive_upper_bound)

    def token_bytes(self, count: int) -> bytes:
        """As secrets.token_bytes."""
        drawn = self._bytes.randbytes(count)
        self.bytes_drawn.append(drawn)
        return drawn

    def passwords(self, count: int) -> list[str]:
        """The first random passwords that were drawn from the beginning."""
        numbers, _ = self._generators(self._seed)
        return [random_password(numbers.randrange).reveal_to(str) for _ in range(count)]


@dataclass
class Wire:
    """What left for the directory: passwords in create bodies, secrets in token requests, tokens in headers."""

    passwords: list[str] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)
    tokens: set[str] = field(default_factory=set)

    def note(self, request: httpx2.Request) -> None:
        """Keep the secrets of one request."""
        authorization = request.headers.get("authorization", "")
        if authorization:
            self.tokens.add(authorization.removeprefix("Bearer "))
        content = b"".join(request.stream) if request.method == "POST" else b""  # type: ignore[arg-type]
        if request.url.path.endswith("/token"):
            self.secrets.update(parse_qs(content.decode()).get("client_secret", []))
        elif request.url.path.endswith("/$batch"):
            bodies = [item.get("body") or {} for item in json.loads(content)["requests"]]
            self.passwords += [
                body["passwordProfile"]["password"] for body in bodies if "passwordProfile" in body
            ]


class KeepRecords(logging.Handler):
    """Everything that any library logs, formatted and as the record's own values."""

    def __init__(self, evidence: Evidence) -> None:
        super().__init__(logging.DEBUG)
        self._evidence = evidence
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one record."""
        self.count += 1
        self._evidence.add("log", f"{self.format(record)}\n{record.args!r}")


@dataclass
class Stage:
    """An operator's desk where nothing is secret to the test."""

    desk: Desk
    emulator: Emulator
    evidence: Evidence
    wire: Wire
    chance: KnownChance
    log: KeepRecords
    keeps_errors: bool = True
    settings_secrets: list[str] = field(default_factory=list)
    """Secrets that stood in the settings file and were never sent."""

    def run(self, *arguments: str, code: int | tuple[int, ...] = 0) -> Ended:
        """One command, plain and everything it wrote kept; the exit code must be as expected."""
        ended = self.desk.run(*arguments)
        self.evidence.add("standard output", ended.out)
        self.evidence.add("standard error", ended.err)
        self.evidence.add_files()
        codes = code if isinstance(code, tuple) else (code,)
        assert ended.code in codes, (arguments, ended)
        return ended

    def both(self, *arguments: str, code: int | tuple[int, ...] = 0) -> None:
        """One command for people, and again for scripts."""
        self.run(*arguments, code=code)
        self.run(*arguments, "--json", code=code)

    def keep_error(self, error: BaseException) -> None:
        """What the outermost place was told."""
        if self.keeps_errors:
            self.evidence.add_error(error)

    def canaries(self, known: list[str]) -> list[Canary]:
        """Every secret there was: passwords of exports, drawn ones, client secrets, tokens, the ledger's key."""
        found = [
            one for secret in known for one in canaries_of("password of the export", secret, allowed=EXPORTS)
        ]
        drawn = self.chance.passwords(len(self.wire.passwords))
        found += [one for secret in drawn for one in canaries_of("random password", secret)]
        for secret in {*self.wire.secrets, *self.settings_secrets}:
            found += canaries_of("client secret", secret, allowed=["idferry.toml"])
        for token in {*self.wire.tokens, *self.emulator.issued_tokens()}:
            for part in token.split(".")[1:]:
                # The beginning of the claims is the same in every token of the world.
                found += canaries_of("access token", part[-32:])
        keys = [drawn for drawn in self.chance.bytes_drawn if len(drawn) == 32]
        found += [
            one for key in keys for one in canaries_of("ledger key", key, allowed=["idferry.ledger.key"])
        ]
        return found


@contextmanager
def secret_stage(
    desk: Desk, emulator: Emulator, patch: pytest.MonkeyPatch, private_tmp: Path, *, seed: int
) -> Iterator[Stage]:
    """The stage, set up around an operator's desk; what it replaces comes back with `patch`."""
    evidence, wire, chance = Evidence((desk.folder, private_tmp)), Wire(), KnownChance(seed)
    log = KeepRecords(evidence)
    stage = Stage(desk, emulator, evidence, wire, chance, log)
    patch.setattr(tempfile, "tempdir", str(private_tmp))
    patch.setenv("TMPDIR", str(private_tmp))
    patch.setattr("idferry.wiring.system.secrets", chance)
    _record_requests(patch, wire)
    _keep_errors(patch, stage)
    _keep_files_while_writing(patch, evidence)
    with debug_log(evidence, log):
        yield stage


@contextmanager
def debug_log(evidence: Evidence, handler: KeepRecords | None = None) -> Iterator[KeepRecords]:
    """Everything that any library logs is kept, at its level for debugging."""
    log = handler or KeepRecords(evidence)
    root = logging.getLogger()
    level = root.level
    root.addHandler(log)
    root.setLevel(logging.DEBUG)
    try:
        yield log
    finally:
        root.removeHandler(log)
        root.setLevel(level)


def _record_requests(patch: pytest.MonkeyPatch, wire: Wire) -> None:
    original = httpx2.HTTPTransport.handle_request

    def handle_request(self: httpx2.HTTPTransport, request: httpx2.Request) -> httpx2.Response:
        wire.note(request)
        return original(self, request)

    patch.setattr(httpx2.HTTPTransport, "handle_request", handle_request)


def _keep_errors(patch: pytest.MonkeyPatch, stage: Stage) -> None:
    for name in ("print_error", "_bug"):
        original: Callable[..., Any] = getattr(app, name)

        def told(error: BaseException, *, original: Callable[..., Any] = original, **more: Any) -> Any:
            stage.keep_error(error)
            return original(error, **more)

        patch.setattr(app, name, told)


def _keep_files_while_writing(patch: pytest.MonkeyPatch, evidence: Evidence) -> None:
    """The log of the ledger, its index and the scratch copies are gone when a command has ended.

    A scratch copy has no name that anybody could open; it is asked for its pages.
    """
    original = Database.writing
    writes = 0

    @contextmanager
    def writing(self: Database) -> Iterator[Any]:
        nonlocal writes
        writes += 1
        with original(self) as connection:
            yield connection
            if writes % SNAPSHOT_EVERY_WRITES == 0:
                evidence.add_files()
        if writes % SNAPSHOT_EVERY_WRITES == 1:
            evidence.add_files()
            [(_, _, file)] = self.connection.execute("PRAGMA database_list").fetchall()
            if not file:
                evidence.add("scratch ledger", self.connection.serialize())

    patch.setattr(Database, "writing", writing)


def private_folder(path: Path) -> Path:
    """A folder for temporary files that nobody else uses."""
    path.mkdir(mode=0o700)
    assert os.access(path, os.W_OK)
    return path
