"""The ledger's file: private, bound to its tenant and its key, and clear about everything that is wrong with it."""

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec import structs
from tests.support.any_ledger import ALL, PLANNED, counting_bytes, move, people, person, plan, snapshot
from tests.support.ledger_records import AT, PROJECT, TENANT, in_order, wanted

from idferry.errors import LedgerBusy, LedgerError, LedgerForeign, LedgerUnwritable
from idferry.ledger import Ledger, open_ledger, run_lock, scratch_copy
from idferry.ledger.named_queries import migrations
from idferry.rules.entry import Selection, TakeUp
from idferry.rules.plan import Planned

NOBODY = 65534

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no mode bits")


def opened(path: Path, *, tenant: str = TENANT, project: str = PROJECT, read_only: bool = False) -> Ledger:
    return open_ledger(
        path, tenant_id=tenant, project=project, random_bytes=counting_bytes(), at=AT, read_only=read_only
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A ledger with one planned person in it, closed."""
    path = tmp_path / "contoso.ledger"
    with opened(path) as ledger:
        plan(ledger, wanted("1", "secretive@x.org"))
    return path


@contextmanager
def nobody_in_particular() -> Iterator[None]:
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
def reachable(tmp_path: Path) -> Iterator[Path]:
    """A folder that everybody can reach; what a test makes read-only can be removed again."""
    folder = Path("/tmp") / f"idferry-test-{os.getpid()}-{tmp_path.name}"  # noqa: S108  tmp_path is root's alone
    folder.mkdir(mode=0o755)
    if os.geteuid() == 0:
        os.chown(folder, NOBODY, NOBODY)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


# Private ---------------------------------------------------------------------------------------------------------


@posix_only
def test_everything_beside_the_ledger_is_private(tmp_path: Path) -> None:
    path = tmp_path / "contoso.ledger"
    before = os.umask(0)
    try:
        with run_lock(path), opened(path) as ledger:
            plan(ledger, wanted("1", "a@x.org"))
            modes = {one.name: stat.S_IMODE(one.stat().st_mode) for one in tmp_path.iterdir()}
    finally:
        os.umask(before)
    names = ["contoso.ledger", *(f"contoso.ledger{end}" for end in (".key", ".lock", "-shm", "-wal"))]
    assert modes == dict.fromkeys(names, 0o600)


@posix_only
def test_what_was_there_before_is_made_private(tmp_path: Path) -> None:
    path, key = tmp_path / "contoso.ledger", tmp_path / "contoso.ledger.key"
    for one, content in ((path, b""), (key, b"k" * 32)):
        one.write_bytes(content)
        one.chmod(0o666)
    with opened(path) as ledger:
        plan(ledger, wanted("1", "a@x.org"))
        modes = {stat.S_IMODE(one.stat().st_mode) for one in tmp_path.iterdir()}
    assert modes == {0o600}
    assert key.read_bytes() == b"k" * 32


@posix_only
def test_a_key_of_another_user_is_not_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, key = tmp_path / "contoso.ledger", tmp_path / "contoso.ledger.key"
    key.write_bytes(b"k" * 32)
    monkeypatch.setattr(os, "geteuid", lambda: key.stat().st_uid + 1)
    with pytest.raises(LedgerError, match="another user") as refused:
        opened(path)
    assert "Remove it" in refused.value.remedy
    assert not path.exists()
    key.unlink()
    opened(path).close()


def test_sign_in_names_are_found_by_the_key_alone(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        [(mark, kind)] = connection.execute("SELECT mark, kind FROM sign_in_name").fetchall()
    connection.close()
    assert kind == "local"
    assert len(mark) == 32
    assert b"secretive" not in mark


# Whose -----------------------------------------------------------------------------------------------------------


def test_another_tenant_or_project_is_refused(path: Path) -> None:
    with pytest.raises(LedgerForeign, match=TENANT):
        opened(path, tenant="99999999-2222-3333-4444-555555555555")
    with pytest.raises(LedgerForeign, match=PROJECT):
        opened(path, project="fabrikam")
    opened(path, tenant=TENANT.upper()).close()


@pytest.mark.parametrize("read_only", [False, True])
def test_a_ledger_without_its_key_is_refused(path: Path, read_only: bool) -> None:
    key = path.with_name("contoso.ledger.key")
    right = key.read_bytes()
    for wrong, told in ((b"x" * 32, "another ledger"), (b"short", "32 bytes")):
        key.write_bytes(wrong)
        with pytest.raises(LedgerError, match=told):
            opened(path, read_only=read_only)
    key.unlink()
    with pytest.raises(LedgerError, match="lost its key") as lost:
        opened(path, read_only=read_only)
    assert "ledger rebuild" in lost.value.remedy
    assert not key.exists()
    key.write_bytes(right)
    opened(path).close()


def test_what_a_crash_left_of_making_a_ledger_is_completed(tmp_path: Path) -> None:
    path = tmp_path / "contoso.ledger"
    path.with_name("contoso.ledger.key").write_bytes(b"cut")
    path.touch()
    with opened(path) as ledger:
        assert plan(ledger, wanted("1", "a@x.org")) == [PLANNED]
    path.unlink()
    with opened(path) as ledger:
        assert people(ledger) == []


# Wrong -----------------------------------------------------------------------------------------------------------


def test_what_is_no_ledger_is_refused_and_left_alone(tmp_path: Path, path: Path) -> None:
    text = tmp_path / "text.ledger"
    text.write_text("not a database, but long enough to be taken for one" * 50)
    other = tmp_path / "other.ledger"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE invoice (number INTEGER)")
    connection.close()
    for wrong in (text, other):
        shutil.copy(path.with_name("contoso.ledger.key"), wrong.with_name(wrong.name + ".key"))
        before = wrong.read_bytes()
        with pytest.raises(LedgerError, match="not a ledger"):
            opened(wrong)
        assert wrong.read_bytes() == before
    with pytest.raises(LedgerError, match="cannot be read"):
        opened(tmp_path)
    with pytest.raises(LedgerError, match="folder"):
        opened(tmp_path / "missing" / "contoso.ledger")
    with pytest.raises(LedgerError, match="folder"), run_lock(tmp_path / "missing" / "contoso.ledger"):
        pass
    with pytest.raises(LedgerError, match="no ledger"):
        opened(tmp_path / "missing.ledger", read_only=True)


def test_an_older_schema_is_brought_up_to_date_and_keeps_what_it_held(path: Path) -> None:
    with opened(path) as ledger:
        asked = {"command": "premigrate", "source": "shop", "source_digest": "d1", "cohort": ""}
        run, _ = ledger.runs.open_run(**asked, at=AT)
        before = people(ledger)
    with sqlite3.connect(path) as connection:
        for column in ("place", "superseded_by"):
            connection.execute(f"ALTER TABLE run DROP COLUMN {column}")
        connection.execute("DROP INDEX person_by_object_id")
        connection.execute("DROP INDEX legacy_user_further")
        for column in ("rank", "sign_in_names"):
            connection.execute(f"ALTER TABLE legacy_user DROP COLUMN {column}")
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    with pytest.raises(LedgerError, match="has schema 1") as refused:
        opened(path, read_only=True)
    assert "idferry premigrate" in refused.value.remedy
    with opened(path) as ledger:
        assert ledger.report.runs() == [run]
        assert (run.place, run.superseded_by) == ("", "")
        assert people(ledger) == before


def test_a_newer_schema_is_refused(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {len(migrations()) + 1}")
    connection.close()
    with pytest.raises(LedgerError, match=f"schema {len(migrations()) + 1}") as refused:
        opened(path)
    assert "newer idferry" in refused.value.remedy


def test_a_damaged_draft_is_told_without_quoting_it(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE person SET draft = replace(draft, 'random', 'secretive')")
    connection.close()
    with opened(path) as ledger, pytest.raises(LedgerError, match="draft") as told:
        people(ledger)
    assert "secretive" not in str(told.value)
    assert told.value.__cause__ is None


def test_two_people_of_one_legacy_id_are_no_damage_of_the_file(path: Path) -> None:
    with opened(path) as ledger:
        before = snapshot(ledger)
        theirs = wanted("2", "b@x.org")
        assert isinstance(theirs.plan, Planned)
        draft = structs.replace(theirs.plan.draft, legacy_id=person(ledger, "1").legacy_id)
        with pytest.raises(LedgerError, match="contradicts itself") as told:
            plan(ledger, structs.replace(theirs, plan=Planned(draft)))
        assert "Restore" not in told.value.remedy
        assert snapshot(ledger) == before


def test_a_damaged_file_is_told(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    with pytest.raises(LedgerError):
        opened(path)


# Nothing can be written ------------------------------------------------------------------------------------------


def test_a_reader_writes_nothing(path: Path) -> None:
    with opened(path, read_only=True) as ledger:
        assert person(ledger, "1") == ledger.report.entry_of_sign_in_name("secretive@x.org")
        with pytest.raises(LedgerUnwritable):
            plan(ledger, wanted("2", "b@x.org"))
        with pytest.raises(LedgerUnwritable):
            move(ledger, "1")


@posix_only
def test_a_read_only_file_or_folder_is_noticed_at_once_and_can_still_be_read(reachable: Path) -> None:
    path = reachable / "contoso.ledger"
    with nobody_in_particular():
        with opened(path) as ledger:
            plan(ledger, wanted("1", "a@x.org"))
        path.chmod(0o400)
        with pytest.raises(LedgerUnwritable):
            opened(path)
        path.chmod(0o600)
        reachable.chmod(0o500)
        with pytest.raises(LedgerUnwritable):
            opened(path)
        with pytest.raises(LedgerUnwritable):
            opened(reachable / "new.ledger")
        with pytest.raises(LedgerUnwritable), run_lock(path):
            pass
        with opened(path, read_only=True) as ledger:
            assert [entry.key for entry in people(ledger)] == ["1"]
        path.chmod(0o000)
        with pytest.raises(LedgerError, match="cannot be read"):
            opened(path)


def test_a_full_disk_loses_nothing_that_was_answered(path: Path) -> None:
    with opened(path) as ledger:
        before = snapshot(ledger)
        connection = ledger._database.connection
        [(pages,)] = connection.execute("PRAGMA page_count").fetchall()
        connection.execute(f"PRAGMA max_page_count = {pages}")
        items = in_order(*(wanted(f"n{number}", f"n{number}@x.org") for number in range(500)))
        with pytest.raises(LedgerUnwritable) as full:
            plan(ledger, *items)
        assert full.value.code == "ledger_unwritable"
        assert isinstance(full.value.__cause__, sqlite3.Error)
        assert "n1@x.org" not in str(full.value)
        assert snapshot(ledger) == before
        connection.execute("PRAGMA max_page_count = 1000000")
        assert plan(ledger, *items) == [PLANNED] * 500


def test_another_writer_makes_it_busy(path: Path) -> None:
    writer = sqlite3.connect(path, isolation_level=None)
    with opened(path) as ledger:
        ledger._database.connection.execute("PRAGMA busy_timeout = 20")
        writer.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerBusy):
            move(ledger, "1")
        writer.execute("ROLLBACK")
        move(ledger, "1")
    writer.close()


# Scratch ---------------------------------------------------------------------------------------------------------


def test_a_scratch_copy_knows_what_the_ledger_knows_and_leaves_no_trace(path: Path) -> None:
    with opened(path) as ledger:  # a run may be at work while somebody asks what another would do
        before = snapshot(ledger)
        with scratch_copy(
            path, tenant_id=TENANT, project=PROJECT, random_bytes=counting_bytes(), at=AT
        ) as scratch:
            [(_, _, file)] = scratch._database.connection.execute("PRAGMA database_list").fetchall()
            assert file == ""  # it has no name that anybody could open
            scratch.plan.begin_planning()
            items = in_order(wanted("1", "secretive@x.org"), wanted("2", "Secretive@x.org"))
            effects = scratch.plan.plan(items, run="", take_up=TakeUp(), at=AT)
            assert [effect.kept_key for effect in effects] == ["", "shop:1"]
            assert sum(scratch.report.states(Selection()).values()) == 2
        assert snapshot(ledger) == before


def test_a_scratch_ledger_needs_no_ledger(tmp_path: Path) -> None:
    for nothing in (None, tmp_path / "missing.ledger"):
        with scratch_copy(
            nothing, tenant_id=TENANT, project=PROJECT, random_bytes=counting_bytes(), at=AT
        ) as scratch:
            assert scratch.report.states(ALL) == {}
    assert list(tmp_path.iterdir()) == []


def test_a_scratch_copy_of_a_foreign_ledger_is_refused(path: Path) -> None:
    foreign = scratch_copy(path, tenant_id="x", project=PROJECT, random_bytes=counting_bytes(), at=AT)
    with pytest.raises(LedgerForeign), foreign:
        pass


@posix_only
def test_another_opening_leaves_the_locks_of_the_first(path: Path) -> None:
    """Else another process that closes last deletes the log beneath a connection that goes on writing to it."""
    opens_and_closes = "import sqlite3, sys; it = sqlite3.connect(sys.argv[1]); it.execute('SELECT * FROM run').fetchall(); it.close()"
    with opened(path) as ledger:
        opened(path, read_only=True).close()
        subprocess.run([sys.executable, "-c", opens_and_closes, str(path)], check=True)
        assert path.with_name(path.name + "-wal").exists(), "the other process took itself for the last one"
        plan(ledger, wanted("2", "late@x.org"))
    with opened(path) as again:
        assert len(list(again.report.entries(Selection()))) == 2
