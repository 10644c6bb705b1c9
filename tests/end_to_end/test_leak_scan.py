"""The scan behind `test_no_secret_leaks` finds a leak in every place and in every form, and nothing where there is none."""

import base64
import gzip
import logging
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from tests.support.canaries import Canary, Evidence, Scanner, canaries_of


@pytest.fixture
def chance() -> random.Random:
    return random.Random(20_261_120)  # noqa: S311  known on purpose


Plant = Callable[[Evidence, Path, str], None]


def _in_file(name: str, form: Callable[[str], bytes]) -> Plant:
    def plant(evidence: Evidence, folder: Path, secret: str) -> None:
        (folder / name).write_bytes(b"before " + form(secret) + b" after")
        evidence.add_files()

    return plant


def _in_ledger(evidence: Evidence, folder: Path, secret: str) -> None:
    with closing(sqlite3.connect(folder / "idferry.ledger")) as connection:
        connection.execute("CREATE TABLE event (reason TEXT)")
        connection.execute("INSERT INTO event VALUES (?)", (f"refused: {secret}",))
        connection.commit()
    evidence.add_files()


def _in_ledger_log(evidence: Evidence, folder: Path, secret: str) -> None:
    with closing(sqlite3.connect(folder / "idferry.ledger")) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE event (reason TEXT)")
        connection.execute("INSERT INTO event VALUES (?)", (secret,))
        connection.commit()
        assert (folder / "idferry.ledger-wal").exists()
        evidence.add_files()
    evidence.pieces = {k: v for k, v in evidence.pieces.items() if v[0] == "idferry.ledger-wal"}


def _in_error_context(evidence: Evidence, _folder: Path, secret: str) -> None:
    try:
        try:
            int(secret)
        except ValueError:
            raise KeyError("harmless") from None
    except KeyError as error:
        evidence.add_error(error)


def _in_error_attribute(evidence: Evidence, _folder: Path, secret: str) -> None:
    error = UnicodeEncodeError("utf-8", f"{secret}\ud800", 0, 1, "surrogates not allowed")
    error.add_note("harmless")
    evidence.add_error(error)


def _in_log(message: str, *arguments: object) -> Plant:
    def plant(evidence: Evidence, _folder: Path, secret: str) -> None:
        filled = [one.replace("SECRET", secret) if isinstance(one, str) else one for one in arguments]
        record = logging.LogRecord(
            "x", logging.DEBUG, "x", 1, message.replace("SECRET", secret), tuple(filled), None
        )
        evidence.add("log", f"{record.getMessage()}\n{record.args!r}")

    return plant


def _in_text(place: str, form: Callable[[str], str]) -> Plant:
    return lambda evidence, _folder, secret: evidence.add(place, f"x {form(secret)} y")


def _percent(secret: str) -> bytes:
    return "".join(f"%{ord(one):02X}" for one in secret).encode()


PLANTS: dict[str, Plant] = {
    "raw in a file": _in_file("report.txt", str.encode),
    "raw in a hidden file deeper down": _in_file("deep/.state", str.encode),
    "base64 at 0": _in_file("a", lambda one: base64.b64encode(one.encode())),
    "base64 at 1": _in_file("b", lambda one: base64.b64encode(b"u" + one.encode())),
    "base64 at 2": _in_file("c", lambda one: base64.b64encode(b"u:" + one.encode())),
    "base64url": _in_file("d", lambda one: base64.urlsafe_b64encode(b"\xff\xfe" + one.encode())),
    "hex": _in_file("e", lambda one: one.encode().hex().encode()),
    "hex in capitals": _in_file("f", lambda one: one.encode().hex().upper().encode()),
    "percent-encoded": _in_file("g", _percent),
    "JSON-escaped throughout": _in_text(
        "standard output", lambda one: "".join(f"\\u{ord(c):04x}" for c in one)
    ),
    "UTF-16LE": _in_file("h", lambda one: one.encode("utf-16-le")),
    "UTF-16BE": _in_file("i", lambda one: b"x" + one.encode("utf-16-be")),
    "reversed": _in_text("standard error", lambda one: one[::-1]),
    "gzip": _in_file("j.gz", lambda one: gzip.compress(b"{}" * 500 + one.encode())),
    "ledger": _in_ledger,
    "ledger's log": _in_ledger_log,
    "lock file": _in_file("idferry.ledger.lock", str.encode),
    "context of an error": _in_error_context,
    "attribute of an error": _in_error_attribute,
    "log message": _in_log("posting SECRET"),
    "log arguments": _in_log("posting %s", "SECRET"),
    "cut off": _in_text("standard output", lambda one: one[:20]),
    "name of a file": lambda evidence, folder, secret: _in_file(secret.replace("/", ""), lambda _: b"")(
        evidence, folder, secret
    ),
}


def test_the_scan_finds_a_leak_planted_in_every_place(tmp_path: Path, chance: random.Random) -> None:
    missed = []
    for number, (name, plant) in enumerate(PLANTS.items()):
        folder = tmp_path / str(number)
        (folder / "deep").mkdir(parents=True)
        evidence, secret = Evidence((folder,)), f"Cnry-{chance.getrandbits(128):032x}!9a"
        plant(evidence, folder, secret)
        if not evidence.leaks(Scanner(canaries_of(name, secret))):
            missed.append(name)
    assert missed == []
    assert len(PLANTS) >= 20


def test_a_secret_is_allowed_in_its_own_file_alone(tmp_path: Path) -> None:
    secret = "a secret that stands in two files"
    for name in ("idferry.toml", "other.toml"):
        (tmp_path / name).write_text(secret)
    evidence = Evidence((tmp_path,))
    evidence.add_files()
    leaks = evidence.leaks(Scanner(canaries_of("secret", secret, allowed=["idferry.toml"])))
    assert {leak.place for leak in leaks} == {"other.toml"}


def test_what_is_no_secret_is_no_leak() -> None:
    evidence = Evidence(())
    evidence.add("x", gzip.compress(b"nothing here") + b"\x1f\x8b\x08 no gzip" + bytes(range(256)) * 50)
    assert evidence.leaks(Scanner([Canary("secret", b"0123456789abcdef")])) == []
