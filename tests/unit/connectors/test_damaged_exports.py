"""Exports damaged in every way a seeded chance finds: bad records, or an error that says what to do, and no bug."""

import contextlib
import random
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path

import pytest

from idferry.connectors.csv_table import CsvSource
from idferry.connectors.json_lines import JsonLinesSource
from idferry.connectors.recognition import recognise
from idferry.connectors.users_data import UsersDataSource
from idferry.errors import SourceError
from idferry.ports import LegacySource, SourceRecord
from idferry.rules.account import TenantKind
from idferry.rules.legacy_user import BadRecord
from idferry.rules.plan import PasswordFacts, PlanRules, plan_person

COMPANY = files("idferry") / "cli" / "demo_company"
INPUTS_PER_FORMAT = 400
KEPT_BYTES = 3_000
RULES = PlanRules(project="p", tenant_kind=TenantKind.EXTERNAL)
OWN_COLUMNS = {name: name for name in ("loyaltyNumber", "points", "newsletter", "notes")}
FORMATS: dict[str, Callable[[Path], LegacySource]] = {
    "people.jsonl": lambda path: JsonLinesSource(path=path, name="shop"),
    "people.csv": lambda path: CsvSource(path=path, name="shop", columns=OWN_COLUMNS),
    "UsersData.json": lambda path: UsersDataSource(path=path, name="shop"),
}
NASTY = (
    b'{"key":"1","signInName":"a@b.cc","attributes":{"n":1e400,"x":["a"],"b":true}}\n'
    b'{"key":"2","federated":[{"issuer":"x","issuerUserId":5}],"lastSignIn":"2024-01-01"}\n'
)
DAMAGE = (
    *(bytes([one]) for one in b"{}[]\",:\\\n\r\x00\xff-\t;'"),
    *(b"//", b"1e999", b"\\ud800", b"null", b"\xef\xbb\xbf", b"9" * 400, b"[" * 4_000, b'{"a":' * 4_000),
)


def damaged(original: bytes, chance: random.Random) -> bytes:
    """The beginning of an export and a piece of its middle, with up to four faults."""
    text = bytearray(original)
    if len(text) > KEPT_BYTES:
        start = chance.randrange(len(text) - KEPT_BYTES)
        text = text[:800] + text[start : start + KEPT_BYTES - 800]
    for _ in range(chance.choice((0, 1, 1, 2, 4))):
        place = chance.randrange(len(text) + 1)
        match chance.randrange(4):
            case 0:
                text[place:place] = chance.choice(DAMAGE)
            case 1:
                del text[place : place + chance.randrange(1, 30)]
            case 2:
                text[place : place + 1] = bytes([chance.randrange(256)])
            case _:
                text[place:place] = text[chance.randrange(len(text) + 1) :][:50]
    return bytes(text)


def inputs(name: str) -> Iterator[bytes]:
    """The same ones every time."""
    chance = random.Random(f"idferry {name}")  # noqa: S311  it only has to be the same every time
    originals = [(COMPANY / one).read_bytes() for one in FORMATS]
    for _ in range(INPUTS_PER_FORMAT):
        mostly_its_own = (COMPANY / name).read_bytes() if chance.random() < 0.7 else None
        yield damaged(mostly_its_own or chance.choice([*originals, NASTY]), chance)


@pytest.mark.parametrize("name", FORMATS)
def test_a_damaged_export_is_read_or_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "export"
    read = bad = 0
    for content in inputs(name):
        path.write_bytes(content)
        with contextlib.suppress(SourceError):
            recognise(path)
        with contextlib.suppress(SourceError):
            for one in FORMATS[name](path).records():
                assert isinstance(one, SourceRecord | BadRecord)
                if isinstance(one, SourceRecord):
                    plan_person(one.user, PasswordFacts(present=one.password is not None), RULES)
                    read += 1
                else:
                    bad += 1
    assert read > INPUTS_PER_FORMAT
    assert bad > INPUTS_PER_FORMAT / 10
