"""Whatever is wrong with input, settings, tenant or disk: one clear error with what to do, no traceback, nothing lost.

Every case ends with the corrected command, which must finish with everybody created once.
"""

import os
import shutil
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.support.certificates import self_signed
from tests.support.desk import Desk, Ended, environment, people
from tests.support.emulator import Emulator

NOBODY = 65534
NOT_THERE = '"00000000-0000-4000-8000-000000000001"'
SECRET_VARIABLE = "IDFERRY_TEST_SECRET_THAT_IS_NOT_SET"
PEOPLE = 3

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="mode bits and limits of POSIX")


def assert_told(ended: Ended, *, code: str, exit_code: int) -> None:
    """One error with its code and one remedy, the last things on standard error; no traceback."""
    assert ended.code == exit_code, f"{ended.code}\n{ended.err}"
    lines = ended.err.splitlines()
    [error] = [line for line in lines if line.startswith("error")]
    assert error.startswith(f"error ({code}): "), error
    [remedy] = [line for line in lines if line.startswith("what to do: ")]
    assert len(remedy) > len("what to do: ") + 10
    behind = lines[lines.index(error) :]
    told = [line for line in behind if not line.startswith(("done so far: run ", "then: idferry "))]
    assert told == [error, remedy]
    assert "Traceback" not in ended.err + ended.out


def refused(desk: Desk, *command: object, code: str, exit_code: int) -> str:
    """Run it with --json, which tells people on standard error as well; gives message and remedy."""
    ended = desk.run(*command, "--json")
    assert_told(ended, code=code, exit_code=exit_code)
    assert list(ended.document) in (["error"], ["error", "progress"])
    error = ended.error
    assert list(error)[:3] == ["code", "message", "remedy"]
    assert error["code"] == code
    assert f"error ({code}): {error['message']}\n" in ended.err
    assert f"what to do: {error['remedy']}\n" in ended.err
    return f"{error['message']} {error['remedy']}"


def assert_finishes(desk: Desk, emulator: Emulator, source: str = "crm.jsonl") -> None:
    """The corrected command creates everybody, once."""
    desk.ok("premigrate", source, "--execute")
    names = [one["displayName"] for one in emulator.dump(desk.tenant)]
    assert sorted(names) == [f"Person p{number}" for number in range(PEOPLE)]
    assert desk.json("verify")["differences"] == 0


# the export -------------------------------------------------------------------------------------------------------

USERS = '{"userType": "emailAddress", "Users": [%s]}'
USER = '{"signInName": "p%d@example.org", "displayName": "Person p%d"}'
ALL_USERS = USERS % ", ".join(USER % (number, number) for number in range(PEOPLE))
CSV_HEAD = "key,signInName,displayName"
CSV_ROWS = "".join(f"p{one},p{one}@example.org,Person p{one}\n" for one in range(PEOPLE))


@dataclass(frozen=True)
class Export:
    """A file that cannot be read as a whole, what must be said about it, and the file that can."""

    name: str
    broken: str
    said: str
    mended: str


EXPORTS = {
    "broken JSON": Export("u.json", ALL_USERS[:-5], "never closed", ALL_USERS),
    "no list": Export("u.json", '{"userType": "emailAddress", "Users": 7}', "Users is no list", ALL_USERS),
    "not JSON": Export("u.json", "these are not the people", "no kind that is known", ALL_USERS),
    "unknown column": Export(
        "u.csv", f"{CSV_HEAD},Shoe Size\np0,p0@example.org,P,44\n", "Shoe Size", f"{CSV_HEAD}\n{CSV_ROWS}"
    ),
    "empty": Export("u.csv", "", "is empty", f"{CSV_HEAD}\n{CSV_ROWS}"),
    "empty JSON": Export("u.json", "", "is empty", ALL_USERS),
}


@pytest.mark.parametrize("export", list(EXPORTS.values()), ids=list(EXPORTS))
def test_an_export_that_cannot_be_read(b2c_desk: Desk, emulator: Emulator, export: Export) -> None:
    b2c_desk.file(export.name, export.broken)
    for command in (["survey"], ["premigrate"], ["premigrate", "--execute"]):
        said = refused(b2c_desk, command[0], export.name, *command[1:], code="source", exit_code=2)
        assert export.said in said
        assert export.name in said
    assert emulator.dump(b2c_desk.tenant) == []
    b2c_desk.file(export.name, export.mended)
    assert_finishes(b2c_desk, emulator, export.name)


def test_a_missing_file_and_a_folder(b2c_desk: Desk, emulator: Emulator) -> None:
    (b2c_desk.folder / "export").mkdir()
    for name in ("crm.jsonl", "export"):
        for command in (["survey"], ["premigrate"], ["premigrate", "--execute"]):
            assert name in refused(b2c_desk, command[0], name, *command[1:], code="source", exit_code=2)
    assert emulator.counts()["received"] == {}
    b2c_desk.people("crm.jsonl", people(PEOPLE))
    assert_finishes(b2c_desk, emulator)


def test_broken_lines_stop_nobody_else(b2c_desk: Desk, emulator: Emulator) -> None:
    good = b2c_desk.people("crm.jsonl", people(PEOPLE)).read_text(encoding="utf-8").splitlines()
    broken = ['{"key": "x", "signInName": ', "[]", '{"signInName": "no-key@example.org"}', "\x00\x01"]
    b2c_desk.file("crm.jsonl", "\n".join([broken[0], good[0], *broken[1:], *good[1:]]) + "\n")
    ended = b2c_desk.ok("premigrate", "crm.jsonl", "--execute", "--json")
    assert [bad["line"] for bad in ended.document["bad_records"]] == [1, 3, 4, 5]
    assert all(bad["reason"] for bad in ended.document["bad_records"])
    assert ended.document["states"] == {"complete": PEOPLE}
    text = b2c_desk.ok("premigrate", "crm.jsonl").out
    assert "crm.jsonl:4" in text
    assert_finishes(b2c_desk, emulator)


# the command line -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["premigrate", "crm.jsonl", "--only", "nonsense"], "NAME=PATTERN"),
        (["premigrate", "crm.jsonl", "--only", "=x"], "NAME=PATTERN"),
        (["premigrate", "crm.jsonl", "--limit", "0"], "--limit"),
        (["premigrate", "crm.jsonl", "--password", "guess"], "random"),
        (["premigrate", "crm.jsonl", "--name", "a:b"], "colon"),
        (["premigrate"], "SOURCE"),
        (["premigrate", "crm.jsonl", "--exceute"], "--execute"),
        (["find"], "--sign-in-name"),
        (["find", "--id", "a", "--display-name", "b"], "exactly one"),
        (["remove", "--execute"], "--run, --source, --cohort or --file"),
        (["purge"], "--run, --source, --cohort or --file"),
        (["remove", "--source", "crm"], "premigrate` first"),
        (["status"], "premigrate` first"),
        (["verify"], "premigrate` first"),
        (["migrate", "crm.jsonl"], "--help"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage(b2c_desk: Desk, emulator: Emulator, command: list[str], said: str) -> None:
    b2c_desk.people("crm.jsonl", people(PEOPLE))
    assert said in refused(b2c_desk, *command, code="usage", exit_code=2)
    as_text = b2c_desk.run(*command)
    assert_told(as_text, code="usage", exit_code=2)
    assert as_text.out == ""
    assert emulator.counts()["received"] == {}
    assert b2c_desk.ledger_files() == {}


# settings and credentials -----------------------------------------------------------------------------------------


def _replaced(**settings: str) -> Callable[[Desk], None]:
    return lambda desk: desk.write_settings(**settings)


def _added(more: str) -> Callable[[Desk], None]:
    return lambda desk: desk.write_settings(more=more)


def _other_authority(desk: Desk) -> None:
    desk.file("other.pem", self_signed().public_pem)
    desk.write_settings(ca_file='"other.pem"')


def _nobody_listens(desk: Desk) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f'"https://127.0.0.1:{free.getsockname()[1]}"'
    desk.write_settings(authority=address, graph=address)


SETTINGS: dict[str, tuple[Callable[[Desk], None], str, int, str]] = {
    "unknown setting": (_added('\n[passwords]\nweek = "allow"\n'), "settings", 2, "Did you mean weak?"),
    "wrong value": (_added("\n[shape]\nstale_after_days = true\n"), "settings", 2, "stale_after_days"),
    "no TOML": (_added("\nproject = \n"), "settings", 2, "not valid TOML"),
    "no such variable": (_replaced(secret=f'"env:{SECRET_VARIABLE}"'), "settings", 2, SECRET_VARIABLE),
    "no such secret file": (_replaced(secret='"file:nowhere.txt"'), "settings", 2, "nowhere.txt"),
    "no such CA file": (_replaced(ca_file='"nowhere.pem"'), "settings", 2, "nowhere.pem"),
    "wrong secret": (_replaced(secret='"not-the-secret"'), "token_refused", 2, "secret's value"),
    "wrong tenant": (_replaced(id=NOT_THERE), "token_refused", 2, "AADSTS90002"),
    "wrong client": (_replaced(client_id=NOT_THERE), "token_refused", 2, "client_id"),
    "untrusted certificate": (_other_authority, "unreachable", 3, "ca_file"),
    "unreachable": (_nobody_listens, "unreachable", 3, "network"),
}


@pytest.mark.parametrize("case", list(SETTINGS), ids=list(SETTINGS))
def test_wrong_settings_and_credentials(b2c_desk: Desk, emulator: Emulator, case: str) -> None:
    breaks, code, exit_code, said = SETTINGS[case]
    b2c_desk.people("crm.jsonl", people(PEOPLE))
    breaks(b2c_desk)
    message = refused(b2c_desk, "premigrate", "crm.jsonl", "--execute", code=code, exit_code=exit_code)
    assert said in message
    assert b2c_desk.tenant.client_secret not in message
    assert emulator.dump(b2c_desk.tenant) == []
    b2c_desk.write_settings()
    assert_finishes(b2c_desk, emulator)


def test_a_literal_secret_for_a_tenant_that_is_not_on_this_machine(b2c_desk: Desk) -> None:
    b2c_desk.people("crm.jsonl", people(PEOPLE))
    b2c_desk.write_settings(graph='"https://graph.microsoft.com"')
    said = refused(b2c_desk, "premigrate", "crm.jsonl", "--execute", code="settings", exit_code=2)
    assert b2c_desk.tenant.client_secret not in said


def test_an_expired_secret(b2c_desk: Desk, emulator: Emulator) -> None:
    tenant = b2c_desk.tenant
    b2c_desk.people("crm.jsonl", people(PEOPLE))
    emulator.application(tenant, client_id=tenant.client_id, secret_expired=True)
    said = refused(b2c_desk, "premigrate", "crm.jsonl", "--execute", code="token_refused", exit_code=2)
    assert "expired" in said
    emulator.application(tenant, client_id=tenant.client_id, secret_expired=False)
    assert_finishes(b2c_desk, emulator)


def test_no_settings_at_all(b2c_desk: Desk, emulator: Emulator) -> None:
    b2c_desk.people("crm.jsonl", people(PEOPLE))
    b2c_desk.settings_file.unlink()
    said = refused(b2c_desk, "premigrate", "crm.jsonl", "--execute", code="settings", exit_code=2)
    assert "idferry init" in said
    b2c_desk.write_settings()
    assert_finishes(b2c_desk, emulator)


# the tenant -------------------------------------------------------------------------------------------------------


def test_a_missing_permission(desk: Desk, emulator: Emulator) -> None:
    tenant = desk.tenant
    desk.people("crm.jsonl", people(PEOPLE))
    emulator.application(tenant, client_id=tenant.client_id, roles=["Application.ReadWrite.All"])
    said = refused(desk, "premigrate", "crm.jsonl", "--execute", code="forbidden", exit_code=3)
    assert "User.ReadWrite.All" in said
    emulator.application(tenant, client_id=tenant.client_id, roles=["Application.Read.All"])
    assert "User" in refused(desk, "find", "--sign-in-name", "x@example.org", code="forbidden", exit_code=3)
    emulator.application(
        tenant, client_id=tenant.client_id, roles=["User.ReadWrite.All", "Application.ReadWrite.All"]
    )
    assert_finishes(desk, emulator)


def test_a_full_directory_is_seen_before_the_first_account(desk: Desk, emulator: Emulator) -> None:
    desk.people("crm.jsonl", people(PEOPLE))
    emulator.options(desk.tenant, object_quota=PEOPLE - 1)
    said = refused(desk, "premigrate", "crm.jsonl", "--execute", code="quota_exceeded", exit_code=3)
    assert "quota" in said
    assert emulator.dump(desk.tenant) == []
    emulator.options(desk.tenant, object_quota=1000)
    assert_finishes(desk, emulator)


def test_a_directory_that_fills_up_on_the_way(desk: Desk, emulator: Emulator) -> None:
    """Where the tenant does not tell its quota, the run stops at the first refusal and continues later."""
    tenant = desk.tenant
    roles = ["User.ReadWrite.All", "Application.ReadWrite.All"]  # not Organization.Read.All
    emulator.application(tenant, client_id=tenant.client_id, roles=roles)
    desk.people("crm.jsonl", people(PEOPLE))
    emulator.options(tenant, object_quota=PEOPLE - 1)
    refused(desk, "premigrate", "crm.jsonl", "--execute", code="quota_exceeded", exit_code=3)
    assert len(emulator.dump(tenant)) == PEOPLE - 1
    emulator.options(tenant, object_quota=1000)
    assert_finishes(desk, emulator)


# the ledger -------------------------------------------------------------------------------------------------------


@contextmanager
def as_nobody(desk: Desk) -> Iterator[None]:
    """As somebody whom mode bits stop: tests often run as root, whom nothing stops."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_desk(emulator: Emulator, tmp_path: Path) -> Iterator[Desk]:
    """A desk in a folder that everybody reaches (pytest's are its owner's alone)."""
    folder = Path("/tmp") / f"idferry-bad-input-{os.getpid()}-{tmp_path.name}"  # noqa: S108  see above
    folder.mkdir(mode=0o755)
    desk = Desk(folder, emulator.tenant("b2c"))
    # The emulator's own folder is its owner's alone too.
    desk.file("ca.pem", Path(desk.tenant.ca_file).read_bytes())
    desk.write_settings(ca_file='"ca.pem"')
    with environment(IDFERRY_SETTINGS=None):
        yield desk
    folder.chmod(0o755)
    shutil.rmtree(folder)


@posix_only
def test_a_read_only_ledger(open_desk: Desk, emulator: Emulator) -> None:
    desk = open_desk
    desk.people("crm.jsonl", people(PEOPLE))
    desk.ok("premigrate", "crm.jsonl", "--limit", 1, "--execute")
    if os.geteuid() == 0:
        for path in (desk.folder, *desk.folder.iterdir()):
            os.chown(path, NOBODY, NOBODY)
    with as_nobody(desk):
        desk.ledger.chmod(0o400)
        refused(desk, "premigrate", "crm.jsonl", "--execute", code="ledger_unwritable", exit_code=3)
        assert desk.json("status")["states"] == {"complete": 1}, "reading needs no right to write"
        desk.ledger.chmod(0o600)
        desk.folder.chmod(0o500)
        refused(desk, "premigrate", "crm.jsonl", "--execute", code="ledger_unwritable", exit_code=3)
        assert desk.json("status")["states"] == {"complete": 1}
        assert len(emulator.dump(desk.tenant)) == 1
        desk.folder.chmod(0o755)
    assert_finishes(desk, emulator)


@posix_only
def test_a_full_disk(b2c_desk: Desk, emulator: Emulator) -> None:
    """No file may grow beyond a limit, which SQLite meets as a full disk: nothing is sent without its intent kept."""
    import resource

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))

    b2c_desk.people("crm.jsonl", people(3000))
    ended = b2c_desk.as_process("premigrate", "crm.jsonl", "--execute", preexec_fn=limit)
    assert_told(ended, code="ledger_unwritable", exit_code=3)
    before = len(emulator.dump(b2c_desk.tenant))
    assert before < 3000
    assert b2c_desk.json("premigrate", "crm.jsonl", "--execute")["states"] == {"complete": 3000}
    assert len(emulator.dump(b2c_desk.tenant)) == 3000


def test_a_corrupt_ledger_and_a_lost_key(b2c_desk: Desk, emulator: Emulator) -> None:
    desk = b2c_desk
    desk.people("crm.jsonl", people(PEOPLE))
    desk.ok("premigrate", "crm.jsonl", "--limit", 1, "--execute")
    backup = {path: path.read_bytes() for path in (desk.ledger, desk.folder / "idferry.ledger.key")}
    for broken, content in (
        (desk.ledger, b"not a ledger " * 500),
        (desk.folder / "idferry.ledger.key", b"x"),
    ):
        broken.write_bytes(content)
        for command in (["status"], ["premigrate", "crm.jsonl"], ["premigrate", "crm.jsonl", "--execute"]):
            assert "backup" in refused(desk, *command, code="ledger", exit_code=3)
        broken.write_bytes(backup[broken])
    assert len(emulator.dump(desk.tenant)) == 1
    assert_finishes(desk, emulator)


def test_the_ledger_of_another_tenant(b2c_desk: Desk, emulator: Emulator) -> None:
    other = Desk(b2c_desk.folder, emulator.tenant("external"))
    other.people("crm.jsonl", people(PEOPLE))
    other.ok("premigrate", "crm.jsonl", "--execute")
    b2c_desk.write_settings()
    said = refused(b2c_desk, "premigrate", "crm.jsonl", "--execute", code="ledger_foreign", exit_code=2)
    assert "[ledger] path" in said
    assert emulator.dump(b2c_desk.tenant) == []
    b2c_desk.write_settings(path='"b2c.ledger"')
    assert_finishes(b2c_desk, emulator)


def test_a_second_run_while_one_is_active(b2c_desk: Desk, emulator: Emulator) -> None:
    b2c_desk.people("crm.jsonl", people(PEOPLE))
    b2c_desk.people("more.jsonl", people(1, prefix="q"))
    emulator.faults({"operation": "batch", "kind": "slow", "delay_ms": 4000})
    with b2c_desk.start("premigrate", "crm.jsonl", "--execute") as first:
        assert first.stderr
        while "starting run" not in first.stderr.readline():
            assert first.poll() is None
        for command in (
            ["premigrate", "more.jsonl", "--execute"],
            ["remove", "--source", "crm", "--execute"],
        ):
            refused(b2c_desk, *command, code="ledger_busy", exit_code=2)
        assert b2c_desk.json("status")["states"].keys() <= {"planned", "creating"}, "readers do not wait"
        assert first.wait(60) == 0
        first.communicate()
    emulator.faults()
    assert_finishes(b2c_desk, emulator)


BROKEN = "".join(f'{{"key": "c-{number}", "password": 5}}\n' for number in range(300))


@pytest.mark.parametrize("command", [("rehearse", "crm.jsonl"), ("premigrate", "crm.jsonl", "--execute")])
def test_an_export_of_which_no_record_can_be_read_is_no_success(
    b2c_desk: Desk, command: tuple[str, ...]
) -> None:
    b2c_desk.file("crm.jsonl", BROKEN)
    assert "Nobody to create: no record could be read" in b2c_desk.ok(*command, code=1).out
    document = b2c_desk.json(*command, code=1)
    assert (document["people"], document["bad_records_count"], document["created"]) == (0, 300, 0)


def test_one_that_can_be_read_is_enough_and_an_honest_nobody_is_done(b2c_desk: Desk) -> None:
    b2c_desk.people("crm.jsonl", people(1))
    with (b2c_desk.folder / "crm.jsonl").open("a", encoding="utf-8") as file:
        file.write(BROKEN)
    b2c_desk.ok("premigrate", "crm.jsonl", "--execute")
    b2c_desk.file("empty.csv", "key,signInName\n")
    assert "had nobody to create" in b2c_desk.ok("premigrate", "empty.csv", "--execute").out
    assert "no record could be read" not in b2c_desk.ok("rehearse", "empty.csv").out
