"""No password, client secret, token or key stands anywhere but where it belongs, whatever the commands go through.

Every secret is known here: passwords of the export are canaries, chance is seeded, tokens are asked of the emulator.
A scan that finds nothing would prove nothing, so `test_leak_scan` has the same scan find a leak planted in every place.
"""

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.canaries import Scanner
from tests.support.desk import Desk
from tests.support.emulator import Emulator
from tests.support.lying_tenant import LyingTenant, in_id, in_refusal, in_status_line, lying_tenant
from tests.support.secret_stage import Stage, private_folder, secret_stage

from idferry.rules.account import AccountDraft
from idferry.rules.password import Password

pytestmark = pytest.mark.xdist_group("heavy")

SEED = 20_261_120
KNOWN, WEAK, RANDOM, HIT = 24, 6, 8, 3


class _Passwords:
    """Makes canaries of every shape and remembers them."""

    def __init__(self) -> None:
        self._chance = random.Random(SEED)  # noqa: S311  known on purpose
        self.made: list[str] = []

    def strong(self, marks: str = "!9a") -> str:
        self.made.append(f"Cnry-{self._chance.getrandbits(128):032x}{marks}")
        return self.made[-1]

    def weak(self) -> str:
        """Lower case and digits only."""
        self.made.append(f"cnry{self._chance.getrandbits(128):032x}")
        return self.made[-1]

    def like_a_code(self) -> str:
        """Strong, and nothing in it that an error code of Graph may not hold."""
        drawn = f"{self._chance.getrandbits(128):032x}"
        self.made.append("Cnry_" + drawn.translate(str.maketrans("0123456789", "ghijklmnop")))
        return self.made[-1]

    def number(self) -> int:
        digits = self._chance.randrange(10**17, 10**18)
        self.made.append(str(digits))
        return digits


@pytest.fixture
def passwords() -> _Passwords:
    return _Passwords()


@pytest.fixture
def stage(
    b2c_desk: Desk,
    emulator: Emulator,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stage]:
    private_tmp = private_folder(tmp_path_factory.mktemp("private") / "tmp")
    with secret_stage(b2c_desk, emulator, monkeypatch, private_tmp, seed=SEED) as stage:
        yield stage


# --- exports ----------------------------------------------------------------------------------------------------------


def _people(passwords: _Passwords) -> list[dict[str, Any]]:
    marks = ["!9a", '"9a', "\\9a", "'9a/", "%9a&", "+9a=", "<9a>"]
    known = [passwords.strong(marks[number % len(marks)]) for number in range(KNOWN)]
    weak = [passwords.weak() for _ in range(WEAK)]
    people = [
        {"key": f"k{number}", "signInName": f"person.{number}@example.org", "password": password}
        for number, password in enumerate([*known, *weak])
    ]
    people += [
        {"key": f"r{number}", "signInName": f"random.{number}@example.org"} for number in range(RANDOM)
    ]
    refused = {"key": "x1", "signInName": "long@example.org", "password": passwords.strong()}
    people.append({**refused, "attributes": {"city": "x" * 300}})
    # The rules let it pass and the directory does not: half a character cannot be encoded.
    people.append({"key": "x2", "signInName": "no sign-in name", "password": passwords.strong()})
    people.append({"key": "x3", "signInName": "person.1@example.org", "password": passwords.strong()})
    return people


def _bad_lines(passwords: _Passwords) -> str:
    """Lines that cannot be read, each with a password in a place where messages might quote it."""
    strong = passwords.strong
    lines = [
        f'{{"key": "1", "signInName": "a@example.org", "password": "{strong()}"',
        f'{{"key": "2", "password": {passwords.number()}}}',
        f'{{"key": "3", "password": ["{strong()}"]}}',
        f'{{"key": "4", "attributes": {{"password": "{strong()}"}}}}',
        f'{{"key": "5", "attributes": {{"city": {{"password": "{strong()}"}}}}}}',
        f'{{"key": "6", "lastSignIn": "{strong()}"}}',
        f'{{"key": "7", "signInName": "a@example.org", "password": "{strong()}\\ud800"}}',
        f'{{"key": "8", "password": "{strong()}" "{strong()}"}}',
        f'"{strong()}"',
        strong(),
        f'{{"key": "9", "signInNames": [{{"type": "{strong()}", "value": "a"}}]}}',
        f'{{"key": "10", "accountEnabled": "{strong()}"}}',
        f'{{"key": "11", "federated": [{{"issuer": "", "issuerUserId": "{strong()}"}}]}}',
        '{"key": "12", "signInName": "fine@example.org", "displayName": "Fine"}',
    ]
    return "\n".join(lines) + "\n"


def _write_exports(desk: Desk, passwords: _Passwords) -> list[dict[str, Any]]:
    people = _people(passwords)
    desk.people("people.jsonl", people)
    weak = [
        {"key": f"w{n}", "signInName": f"weak.{n}@example.org", "password": passwords.weak()}
        for n in range(3)
    ]
    desk.people("weak.jsonl", weak)
    desk.file("bad.jsonl", _bad_lines(passwords))
    users = [
        {"signInName": f"old.{n}@example.org", "displayName": "Old", "password": passwords.strong()}
        for n in range(3)
    ]
    users.append({"signInName": "old.9@example.org", "displayName": "Old", "password": passwords.number()})
    desk.file("UsersData.json", json.dumps({"userType": "emailAddress", "Users": users}))
    desk.file(
        "broken.json", f'{{"userType": "emailAddress", "Users": [{{"password": "{passwords.strong()}" oops'
    )
    rows = [f"c{n},csv.{n}@example.org,{passwords.strong()}" for n in range(3)] + [
        f'c9,"{passwords.strong()},x'
    ]
    desk.file("people.csv", "\n".join(["key,signInName,password", *rows]) + "\n")
    rows = [f"{passwords.strong()},a{n}@example.org,c{n}" for n in range(2)]
    desk.file("no-heading.csv", "\n".join(rows) + "\n")
    return people


# --- the play ---------------------------------------------------------------------------------------------------------


def _play(stage: Stage, patch: pytest.MonkeyPatch, passwords: _Passwords) -> list[dict[str, Any]]:
    people = _write_exports(stage.desk, passwords)
    _plan_everything(stage)
    _wrong_settings(stage, passwords)
    _plant_strangers(stage, people[:HIT])
    _premigrate_on_a_bad_day(stage, patch)
    stage.both("premigrate", "weak.jsonl", "--execute", "--password", "known")
    _look_at_everything(stage, people)
    _remove_everything(stage)
    return people


MAPPED = """
[sources.mapped]
path = "no-heading.csv"
columns = {login = "signInName", pw = "password"}
"""


def _plan_everything(stage: Stage) -> None:
    stage.desk.write_settings(more=MAPPED)
    for export in ("people.jsonl", "weak.jsonl", "bad.jsonl", "UsersData.json", "people.csv"):
        for command in (
            ("survey", export),
            ("premigrate", export, "--password", "known"),
            ("premigrate", export),
        ):
            stage.both(*command)
    for export in ("broken.json", "no-heading.csv", "mapped"):
        stage.both("survey", export, code=2)


def _wrong_settings(stage: Stage, passwords: _Passwords) -> None:
    """Secrets in a settings file that cannot be used, and one that the tenant refuses."""
    wrong = passwords.strong()
    passwords.made.remove(wrong)
    stage.settings_secrets.append(wrong)
    desk = stage.desk
    desk.write_settings(secret=f'"{wrong}"')
    stage.both("premigrate", "people.jsonl", "--execute", code=2)
    stage.both("find", "--sign-in-name", "a@example.org", code=2)
    for line in (
        f'secret = "{wrong}',
        f'secret = {{a = "{wrong}"}}',
        f'sekret = "{wrong}"',
        f'secret = ["{wrong}"]',
    ):
        text = desk.settings_file.read_text()
        desk.settings_file.write_text(text.replace(f'secret = "{wrong}"', line))
        stage.both("premigrate", "people.jsonl", "--execute", code=2)
        desk.settings_file.write_text(text)
    desk.write_settings()


def _plant_strangers(stage: Stage, people: list[dict[str, Any]]) -> None:
    tenant = stage.desk.tenant
    stage.emulator.seed(tenant, [tenant.local_account(person["signInName"]) for person in people])


def _premigrate_on_a_bad_day(stage: Stage, patch: pytest.MonkeyPatch) -> None:
    """Throttled, garbled, cut off, crashed with a message that quotes a password, and at last finished."""
    _crash(stage, patch)
    item: dict[str, Any] = {"operation": "users.create", "item": True}
    stage.emulator.faults(
        {**item, "status": 504, "after_write": True, "rate": 0.2},
        {**item, "status": 400, "count": 2},
        {"operation": "batch", "kind": "truncate", "count": 1},
        {"operation": "batch", "kind": "cut_after", "count": 1, "skip": 1},
        {"operation": "batch", "kind": "garbage", "status": 200, "after_write": True, "count": 1, "skip": 1},
        {"operation": "batch", "status": 401, "count": 1, "skip": 2},
        seed=SEED,
    )
    stage.run("premigrate", "people.jsonl", "--execute", code=1)
    stage.emulator.faults()
    stage.both("status", "--export-failures", "failed.jsonl", "--force")
    mended = ("--only", "failed.jsonl.keys", "--corrections", "failed.jsonl")
    stage.both("premigrate", "people.jsonl", *mended)
    stage.both("premigrate", "people.jsonl", "--execute", "--retry-failed", code=(0, 1))


def _crash(stage: Stage, patch: pytest.MonkeyPatch) -> None:
    def quote(draft: AccountDraft, password: Password | None, names: object) -> bytes:
        assert password
        raise RuntimeError(f"cannot encode {password.reveal_to(str)}")

    stage.keeps_errors = False  # this message quotes a password on purpose: nobody may be shown it
    with patch.context() as broken:
        broken.setattr("idferry.graph.users.create_body", quote)
        for debug in ("", "1"):
            broken.setenv("IDFERRY_DEBUG", debug)
            stage.both("premigrate", "people.jsonl", "--execute", code=3)
    stage.keeps_errors = True


def _look_at_everything(stage: Stage, people: list[dict[str, Any]]) -> None:
    name = people[HIT]["signInName"]
    stage.both("status")
    stage.both("verify", "--source", "people.jsonl", code=(0, 1))
    stage.both("verify", "--strict", code=(0, 1))
    stage.both("find", "--sign-in-name", name)
    stage.both("find", "--display-name", name)
    stage.run("find", "--sign-in-name", name, "--output", "found.json")
    for one in (name, people[0]["signInName"], "nobody@example.org"):
        stage.both("person", one, code=(0, 1))


def _remove_everything(stage: Stage) -> None:
    for more in ((), ("--execute",)):
        stage.both("remove", "--source", "people", *more, code=(0, 1))
    stage.both("restore", "--source", "people", "--execute", code=(0, 1))
    stage.both("remove", "--file", "people.jsonl", "--execute", code=(0, 1))
    stage.both("purge", "--source", "people", "--execute", code=(0, 1))
    stage.both("premigrate", "people.jsonl", "--execute", "--again", code=(0, 1))


def test_no_secret_is_written_anywhere(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, passwords: _Passwords
) -> None:
    people = _play(stage, monkeypatch, passwords)

    canaries = stage.canaries(passwords.made)
    kinds = {canary.name for canary in canaries}
    assert kinds == {
        "password of the export",
        "random password",
        "client secret",
        "access token",
        "ledger key",
    }
    assert stage.evidence.leaks(Scanner(canaries)) == []
    written = {"standard output", "standard error", "log", "exceptions", "tracebacks", "file names"}
    written |= {"scratch ledger"}
    files = {
        "idferry.ledger",
        "idferry.ledger-wal",
        "idferry.ledger-shm",
        "idferry.ledger.lock",
    }
    assert stage.evidence.places >= written | files | {"found.json", "idferry.toml", "idferry.ledger.key"}
    assert stage.log.count > 100
    _passwords_arrived(stage, people)


def _passwords_arrived(stage: Stage, people: list[dict[str, Any]]) -> None:
    """The one place where they belong: in the create request, and so behind the account."""
    wire, tenant = stage.wire, stage.desk.tenant
    known = {person["password"] for person in people[HIT:KNOWN]}
    assert known <= set(wire.passwords)
    drawn = [
        password for password in stage.chance.passwords(len(wire.passwords)) if password in wire.passwords
    ]
    assert len(drawn) >= RANDOM + WEAK
    assert set(wire.passwords) - set(drawn) - {person.get("password") for person in people} == set()
    for person in people[HIT:KNOWN]:
        assert stage.emulator.sign_in(tenant, person["signInName"], person["password"])["signed_in"], person
    awaiting = people[KNOWN + WEAK]["signInName"]
    assert any(stage.emulator.sign_in(tenant, awaiting, one)["signed_in"] for one in drawn)


# --- a tenant, or a gateway before it, that repeats what it was sent --------------------------------------------------


def _lie_about_creates(liar: LyingTenant) -> Iterator[int]:
    """Every lie in turn, with the exit code that the command then ends with."""
    same = "Another object with the same value for property {} already exists."
    weak = "The specified password does not comply with password complexity requirements: {}"
    bad = "Request_BadRequest"
    for creates, code in (
        (in_id, 1),
        (in_refusal(400, bad, same, "ObjectConflict"), 1),
        (in_refusal(400, bad, weak, "x"), 1),
        (in_refusal(400, bad, "Invalid value specified for property '{}'.", "InvalidValue"), 1),
        (in_refusal(400, "{}", "{}", "{}"), 1),
        (in_refusal(403, "{}", "{}", "x"), 3),
        (in_refusal(503, "{}", "{}", "x"), 1),
    ):
        liar.creates = creates
        yield code
    liar.raw = in_status_line
    yield 1


def _lie_about_tokens(liar: LyingTenant, secret: str) -> Iterator[int]:
    for token in (f"{secret}\n", f"{secret}\u00e9", f"{secret} {secret}"):
        liar.token = token
        yield 2
    liar.raw_token = in_status_line
    yield 3


def test_no_secret_that_is_repeated_is_written_anywhere(stage: Stage, passwords: _Passwords) -> None:
    desk, token = stage.desk, passwords.strong("")
    desk.limits = {"settle_seconds": 0, "timeout_seconds": 5, "attempts": 2}
    with lying_tenant() as liar:
        desk.write_settings(authority=f'"{liar.url}"', graph=f'"{liar.url}"')
        for number, code in enumerate(_lie_about_creates(liar)):
            rows = [
                {"key": f"{number}-{n}", "signInName": f"p{number}.{n}@example.org", "password": password}
                for n, password in enumerate([passwords.like_a_code(), passwords.strong()])
            ]
            desk.people("people.jsonl", rows)
            stage.run("premigrate", "people.jsonl", "--execute", "--accept-changes", code=code)
            stage.both("person", rows[0]["signInName"], code=(0, 1))
        stage.both("status")
        for code in _lie_about_tokens(liar, token):
            stage.both("premigrate", "people.jsonl", "--execute", code=code)
        stage.both(
            "status", "--export-failures", "failed.jsonl", "--source", "people.jsonl", "--force", code=(0, 1)
        )
    # What the HTTP library would log if somebody let it, at its level for debugging, is not ours to choose.
    leaks = stage.evidence.leaks(Scanner(stage.canaries(passwords.made)))
    assert [leak for leak in leaks if leak.place != "log"] == []
    assert len(stage.wire.passwords) >= 16
    # Where the tenant calls a password weak, random ones are sent.
    drawn = set(stage.chance.passwords(len(stage.wire.passwords)))
    assert not set(stage.wire.passwords) - set(passwords.made) - drawn
