"""Checking, proving and forecasting hashes: the flows over rows in memory, and the file they are read from."""

import hashlib
import json
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from tests.support.hand_clock import HandClock
from tests.support.hash_checks import CHEAP
from tests.support.hash_vectors import KEYCLOAK_ARGON2, SALT16, Vector

from idferry.connectors.hash_rows import ROW_BYTES_MAX, HashRows
from idferry.errors import SourceError, Stopped, UsageError
from idferry.flows.check_hashes import HashVerdict, check_hashes
from idferry.flows.forecast_hashes import forecast_hashes
from idferry.flows.prove_hash import HashProof, prove_hash
from idferry.hashes import Bounds, Descriptor, Hash, Malformed, parse
from idferry.ports.hash_cases import HashCase
from idferry.rules.password import Password

MD5 = "8743b52063cd84097a65d1633f5c74f5"
BCRYPT = "$2y$04$mIJxfrCaEI3GukZe11CiXublhEFanu5.ododkll1WphfSp6pn4zIu"


def written(folder: Path, *rows: Any) -> HashRows:
    file = folder / "rows.jsonl"
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return HashRows(file)


@dataclass
class Rows:
    """Rows in memory. Satisfies `ports.HashCases`."""

    kept: list[HashCase] = field(default_factory=list)

    def cases(self) -> Iterator[HashCase]:
        yield from self.kept


def of(**said: Any) -> Descriptor:
    found = Descriptor.of(said)
    assert isinstance(found, Descriptor), found
    return found


# --- check -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "verdict", "scheme"),
    [
        ({"hash": BCRYPT, "password": "test"}, "match", "bcrypt"),
        ({"hash": BCRYPT, "password": "Test"}, "mismatch", "bcrypt"),
        ({"hash": BCRYPT[:-1], "password": "test"}, "malformed", "bcrypt"),
        ({"hash": BCRYPT + "\n", "password": "test"}, "malformed", "bcrypt"),
        ({"hash": MD5, "password": "hashcat"}, "unsupported", ""),
        ({"hash": MD5, "password": "hashcat", "scheme": "md5"}, "match", "md5"),
        ({"hash": MD5, "password": "hashcat", "scheme": "MD5"}, "match", "md5"),
        ({"hash": MD5, "password": "hashcat", "algorithm": "md5"}, "match", "digest"),
        ({"hash": MD5, "password": "hashcat", "scheme": "ntlm"}, "mismatch", "ntlm"),
        ({"hash": MD5, "password": "hashcat", "scheme": "md6"}, "unsupported", ""),
        ({"hash": MD5, "password": "hashcat", "shceme": "md5"}, "malformed", ""),
        ({"hash": MD5, "password": "hashcat", "scheme": "md5", "id": 7, "note": "of Anna"}, "match", "md5"),
        ({"hash": "$2b$16$nFguVi9LsCAcvTZFKQlRKeLVydo8ETv483lkNsSFI/Wl1Rz1Ypo1K", "password": "x"}, "unsupported", "bcrypt"),
        ({"hash": "$y$j9T$abc$def", "password": "x"}, "unsupported", "yescrypt"),
        ({"hash": "", "password": "x"}, "unsupported", ""),
        ({"hash": b64encode(b"{SHA}uJ6qx+YUFzQbcQtyd2gpTQ5qJ3s=").decode(), "wrapping": "base64", "password": "hashcat"}, "match", "ldap-digest"),
        ({"hash": "%%%", "wrapping": "base64", "password": "hashcat"}, "malformed", ""),
        ({"hash": json.loads(KEYCLOAK_ARGON2 % ("iKZdsDsEufBmpjNVDs8nMAdJib25E2p+i8XjQnKOUoU=", SALT16, 3)), "password": "hashcat"}, "match", "keycloak"),
        ({"custom_password_hash": {"algorithm": "md5", "hash": {"value": MD5, "encoding": "hex"}}, "password": "hashcat"}, "match", "digest"),
        ({"algorithm": "md5", "hash": {"value": MD5, "encoding": "hex"}, "password": "hashcat"}, "match", "digest"),
        ({"hash": "ecf076ce9d6ed3624a9332112b1cd67b236fdd11", "scheme": "smf", "username": "17782686", "password": "hashcat"}, "match", "smf"),
        ({"hash": BCRYPT}, "malformed", "bcrypt"),
        ({"hash": BCRYPT, "password": 5}, "malformed", ""),
        ({"hash": 5, "password": "x"}, "malformed", ""),
        ({"hash": BCRYPT, "password": "test", "expect": "yes"}, "malformed", ""),
        ("[]", "malformed", ""),
        ("{", "malformed", ""),
        ("[" * 5_000, "malformed", ""),
        ('{"hash": "' + "a" * ROW_BYTES_MAX, "malformed", ""),
        ('{"hash": "\\ud800", "password": "x"}', "malformed", ""),
    ],
)  # fmt: skip
def test_each_row_gets_one_of_four_verdicts(row: Any, verdict: str, scheme: str, tmp_path: Path) -> None:
    report = check_hashes(cases=written(tmp_path, row))
    [checked] = report.rows
    assert (checked.line, checked.verdict.value, checked.scheme) == (1, verdict, scheme), checked
    assert bool(checked.reason) == (verdict in ("malformed", "unsupported"))


def test_rows_that_differ_from_what_they_expect_are_counted(tmp_path: Path) -> None:
    rows = [
        {"hash": BCRYPT, "password": "test", "expect": "match"},
        {"hash": BCRYPT, "password": "wrong", "expect": "match"},
        {"hash": BCRYPT, "password": "wrong", "expect": "mismatch"},
        {"hash": BCRYPT, "password": "wrong"},
        "",
        {"hash": "junk", "password": "x", "expect": "malformed"},
    ]
    report = check_hashes(cases=written(tmp_path, *rows))
    assert [row.differs for row in report.rows] == [False, True, False, False, True]
    assert [row.line for row in report.rows] == [1, 2, 3, 4, 6]
    assert report.differing == 2
    assert report.counts == {HashVerdict.MATCH: 1, HashVerdict.MISMATCH: 3, HashVerdict.UNSUPPORTED: 1}


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError):
        check_hashes(cases=HashRows(tmp_path / "nowhere.jsonl"))


def test_checking_stops_when_asked(tmp_path: Path) -> None:
    rows = written(tmp_path, *[{"hash": MD5, "password": "x", "scheme": "md5"}] * 3)
    with pytest.raises(Stopped, match="after 1 rows"):
        check_hashes(cases=rows, stop=lambda: True)


def test_no_answer_quotes_a_password_or_a_value(tmp_path: Path) -> None:
    rows = [{"hash": one.value[:-2], "password": "Kestrel-7-secret", **one.configured} for one in CHEAP]
    report = check_hashes(cases=written(tmp_path, *rows))
    text = repr(report)
    assert "Kestrel" not in text
    assert not [one for one in CHEAP if len(one.value) > 24 and one.value[:-2][-20:] in text]


# --- prove -----------------------------------------------------------------------------------------------------------


def hexed(algorithm: str, data: bytes) -> str:
    return hashlib.new(algorithm, data).hexdigest()


PROVABLE: list[tuple[str, dict[str, Any], str]] = [
    (MD5, {}, ""),
    (hexed("sha1", b"saltpass"), {"salt": "salt"}, ""),
    (hexed("sha256", b"passsalt"), {"salt": "salt"}, ""),
    (hexed("sha256", b"passsalt") + ":salt", {}, ""),
    (hexed("sha256", bytes.fromhex("00ff10") + b"pass"), {"salt": "00ff10"}, ""),
    (hexed("sha256", b"\x00\x01\x02pass"), {"salt": "AAEC"}, ""),
    (hexed("sha512", b"salt" + "pass".encode("utf-16-le")), {"salt": "salt"}, ""),
    (hexed("md5", hexed("md5", b"pass").encode()), {}, ""),
    (hexed("sha1", hashlib.sha1(b"pass", usedforsecurity=False).digest()), {}, ""),
    (hexed("sha256", b"salt:pass"), {"salt": "salt"}, ""),
    (hexed("sha256", b"salt" + hexed("md5", b"pass").encode()), {"salt": "salt"}, ""),
    (hexed("sha256", b"pass{salt}"), {"salt": "salt"}, ""),
    (hexed("sha512", b"sitepass"), {"key": "site"}, ""),
    (hexed("sha224", b"anna:pass"), {}, "Anna"),
    (b64encode(hashlib.sha256(b"saltpass").digest()).decode(), {"salt": "salt"}, ""),
    (b64encode(hashlib.pbkdf2_hmac("sha512", b"pass", b"salt", 1_000, 32)).decode(), {"salt": "salt"}, ""),
    (
        hashlib.pbkdf2_hmac("sha1", b"pass", b"\x00\x01\x02", 777, 20).hex(),
        {"salt": "AAEC", "iterations": 777},
        "",
    ),
    (b64encode(b"{CLEARTEXT}pass").decode(), {}, ""),
]


@pytest.mark.parametrize(("value", "hints", "name"), PROVABLE)
def test_a_formula_is_found_and_reads_the_value_alone(value: str, hints: dict[str, Any], name: str) -> None:
    password = "hashcat" if value == MD5 else "pass"
    case = HashCase(line=1, value=value, descriptor=of(**hints), hashed_name=name)
    proof = prove_hash(case=case, password=Password(password))
    assert proof.descriptor is not None, proof
    # What the settings will say is enough, together with the row's own salt, to open this value and no other password.
    again = parse(value, of(**proof.descriptor.table()))
    assert isinstance(again, Hash)
    assert again.verify(Password(password), name)
    assert not again.verify(Password("another"), name)


@pytest.mark.parametrize(
    "vector", [one for one in CHEAP if "scheme" in one.configured], ids=lambda one: one.scheme
)
def test_a_published_vector_is_found_without_its_scheme(vector: Vector) -> None:
    known = {"key", "salt", "separator", "iterations", "cost", "salt_encoding", "algorithm", "block_size"}
    hints = {name: value for name, value in vector.configured.items() if name in known}
    case = HashCase(line=1, value=vector.value, descriptor=of(**hints), hashed_name=vector.name)
    proof = prove_hash(case=case, password=Password(vector.password))
    assert proof.descriptor is not None, (vector, proof)


def test_what_cannot_be_found_is_told_with_the_number_of_ways() -> None:
    case = HashCase(line=1, value=hexed("sha512", b"whatever"))
    found = prove_hash(case=case, password=Password("pass"))
    assert (found.descriptor, found.scheme) == (None, "")
    assert found.tried > 50
    nothing = prove_hash(case=HashCase(line=1, value="no hash at all"), password=Password("pass"))
    assert nothing == HashProof(None, "", 0, nothing.reason)
    assert nothing.reason


def test_a_row_that_cannot_be_read_cannot_be_proven() -> None:
    with pytest.raises(UsageError, match="line 3"):
        prove_hash(case=HashCase(line=3, unreadable=Malformed("no hash")), password=Password("x"))


def test_proving_stops_when_asked() -> None:
    with pytest.raises(Stopped):
        prove_hash(case=HashCase(line=1, value=MD5), password=Password("x"), stop=lambda: True)


SMALL = Bounds(
    bcrypt_cost=4, argon2_memory_kib=64, argon2_work=64, pbkdf2_iterations=16, scrypt_n=4, scrypt_work=32,
    crypt_rounds=1_000,
)  # fmt: skip
# --- forecast --------------------------------------------------------------------------------------------------------


class TickingClock(HandClock):
    """Every look at it costs a millisecond: what is measured is the number of looks."""

    def elapsed(self) -> float:
        self.advance(0.03)
        return super().elapsed()


def test_a_forecast_measures_each_kind_once_and_counts_the_rest() -> None:
    rows = [HashCase(line=1, value=BCRYPT)] * 90 + [
        HashCase(line=1, value=MD5, descriptor=of(scheme="md5"))
    ] * 9
    rows += [HashCase(line=1, value="$2b$04$x"), HashCase(line=1, value="$y$")]
    found = forecast_hashes(
        cases=rows, clock=TickingClock(), threads=2, deadline_s=1.6, bounds=SMALL, memory_kib=64
    )
    assert (found.malformed, found.unsupported) == (1, 1)
    assert found.forecast is not None
    assert {(one.scheme, one.count) for one in found.forecast.kinds} == {("bcrypt", 90), ("md5", 9)}
    assert found.forecast.per_second == pytest.approx(0.8 * 2 / 0.03)
    assert found.forecast.fits


def test_rows_that_nobody_can_check_have_no_forecast() -> None:
    found = forecast_hashes(
        cases=[HashCase(line=1, value="x y")],
        clock=TickingClock(),
        threads=2,
        deadline_s=1,
        bounds=SMALL,
        memory_kib=64,
    )
    assert (found.forecast, found.unsupported) == (None, 1)


def test_too_many_kinds_are_refused() -> None:
    rows = [
        HashCase(
            line=1, value=f"pbkdf2_sha256${1_000 + one}$salt$8xBlGd3jVgvJ+92hWPxi5ww0uuAuAnKgC45eudxro7c="
        )
        for one in range(201)
    ]
    with pytest.raises(UsageError, match="201 kinds"):
        forecast_hashes(cases=rows, clock=HandClock(), threads=2, deadline_s=1, memory_kib=64)


def test_costs_beyond_the_bounds_are_not_measured() -> None:
    rows = [HashCase(line=1, value=BCRYPT)]
    found = forecast_hashes(
        cases=rows,
        clock=TickingClock(),
        threads=2,
        deadline_s=1,
        bounds=replace(SMALL, bcrypt_cost=3),
        memory_kib=64,
    )
    assert found.forecast is None
    assert found.over_bounds == {"bcrypt_cost": 1}


ARGON2 = "$argon2id$v=19$m=32,t=2,p=4$cm94YnRVOW5jZzFzcVE4bQ$MNzk5BtR2vUhrp6qQEjRNw"


@pytest.mark.parametrize(("memory_kib", "at_once"), [(32, 1), (95, 2), (96, 3), (10_000, 4)])
def test_hashes_that_take_memory_are_checked_beside_each_other_as_far_as_it_goes(
    memory_kib: int, at_once: int
) -> None:
    found = forecast_hashes(
        cases=[HashCase(line=1, value=ARGON2), HashCase(line=2, value=BCRYPT)],
        clock=TickingClock(),
        threads=4,
        deadline_s=1,
        bounds=SMALL,
        memory_kib=memory_kib,
    )
    assert (found.memory_kib, found.at_once) == (32, at_once)
    assert found.forecast is not None
    assert found.forecast.per_second == pytest.approx(0.8 * at_once / 0.03)


def test_what_the_bounds_allow_is_measured_in_part_and_multiplied() -> None:
    found = forecast_hashes(
        cases=[],
        clock=TickingClock(),
        threads=2,
        deadline_s=1,
        bounds=replace(
            SMALL, bcrypt_cost=8, argon2_work=256, pbkdf2_iterations=160, scrypt_work=96, crypt_rounds=16_000
        ),
        memory_kib=64,
    )
    seconds = {one.scheme: one.seconds / 0.03 for one in found.bounded if one.scheme != "sha512-crypt"}
    assert seconds == pytest.approx({"bcrypt": 16, "argon2": 4, "pbkdf2-phc": 16, "scrypt-phc": 3})
    assert {one.scheme: one.memory_kib for one in found.bounded if one.memory_kib} == {
        "argon2": 64,
        "scrypt-phc": 4,
    }


def test_a_machine_without_the_memory_that_a_bound_allows_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> bool:
        raise MemoryError

    monkeypatch.setattr("idferry.hashes.parsed.Hash.verify", fails)
    with pytest.raises(UsageError, match="has not the memory that"):
        forecast_hashes(cases=[], clock=TickingClock(), threads=2, deadline_s=1, bounds=SMALL, memory_kib=64)
