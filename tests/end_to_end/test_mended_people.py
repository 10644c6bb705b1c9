"""Failed people out of the ledger into a file, mended there, and taken up again: all three formats, word for word."""

import csv
import io
import json
import shlex
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from tests.support.desk import PASSWORD, Desk, people
from tests.support.emulator import Emulator

PEOPLE = 6
UNLUCKY = ("p1", "p4")
ANYBODYS = "Meadow-"  # in every password of these exports


def _json_lines(records: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(one) + "\n" for one in records)


def _users_data(records: list[dict[str, Any]]) -> str:
    users = [{name: text for name, text in one.items() if name != "key"} for one in records]
    return json.dumps({"userType": "emailAddress", "Users": users})


def _csv(records: list[dict[str, Any]]) -> str:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(records[0]))
    writer.writeheader()
    writer.writerows(records)
    return buffer.getvalue()


FORMATS: dict[str, Callable[[list[dict[str, Any]]], str]] = {
    "people.jsonl": _json_lines,
    "people.json": _users_data,
    "people.csv": _csv,
}


def key_of(name: str, key: str) -> str:
    """UsersData.json has no key of its own."""
    return f"{key}@example.org" if name == "people.json" else key


@pytest.fixture(params=list(FORMATS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def failed(b2c_desk: Desk, emulator: Emulator, name: str) -> Desk:
    """Two of six people have failed: strangers hold their names."""
    desk = b2c_desk
    desk.file(name, FORMATS[name](list(people(PEOPLE))))
    strangers = [desk.tenant.local_account(f"{key}@example.org") for key in UNLUCKY]
    emulator.seed(desk.tenant, strangers)
    done = desk.json("premigrate", name, "--execute", code=1)
    assert done["states"] == {"complete": PEOPLE - 2, "failed": 2}
    return desk


def export(desk: Desk, *more: str, code: int = 0) -> dict[str, Any]:
    suffix = next((path.suffix for path in desk.folder.glob("people.*")), ".jsonl")
    return dict(desk.json("status", "--export-failures", f"failed{suffix}", *more, code=code)["exported"])


def test_the_whole_way(failed: Desk, emulator: Emulator, name: str) -> None:
    desk = failed
    exported = export(desk)
    file, keys = desk.folder / exported["file"], desk.folder / exported["keys_file"]
    assert (exported["source"], exported["people"], exported["not_found"]) == ("people", 2, 0)
    assert ANYBODYS not in file.read_text(encoding="utf-8")
    listed = [line for line in keys.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert listed == [key_of(name, key) for key in UNLUCKY]
    if sys.platform != "win32":
        assert {stat.S_IMODE(one.stat().st_mode) for one in (file, keys)} == {0o600}

    mended = file.read_text(encoding="utf-8")
    for key in UNLUCKY:
        sign_in_name = f'"{key}@example.org"' if name.endswith("json") else f"{key}@example.org"
        place = mended.rindex(sign_in_name)
        mended = (
            mended[:place] + sign_in_name.replace(key, f"mended.{key}") + mended[place + len(sign_in_name) :]
        )
    if name == "people.json":
        mended = mended.replace('"signInName": "p', '"signInName": "mended.p')
    file.write_text(mended, encoding="utf-8")

    program, *command = shlex.split(exported["next"])
    assert program == "idferry"
    plan = desk.json(*(word for word in command if word != "--execute"))
    assert (plan["people"], plan["create"], plan["keys_not_found"]) == (2, 2, [])
    done = desk.json(*command)
    assert (done["created"], done["states"]) == (2, {"complete": PEOPLE})
    for key in UNLUCKY:
        password = PASSWORD.format(key[1:])
        assert emulator.sign_in(desk.tenant, f"mended.{key}@example.org", password)["signed_in"]
    assert desk.json("verify", "--source", name, "--corrections", file.name)["differences"] == 0
    assert desk.json("verify", "--source", name, code=1)["differences"] == 2


def test_files_are_not_overwritten_unless_told_to(failed: Desk) -> None:
    desk = failed
    export(desk)
    keys = next(desk.folder.glob("failed.*.keys"))
    before = keys.read_bytes()
    again = desk.run("status", "--export-failures", keys.with_suffix("").name, "--json")
    assert (again.code, again.error["code"]) == (2, "usage")
    assert "--force" in again.error["remedy"]
    assert keys.read_bytes() == before
    keys.with_suffix("").write_bytes(b"mended by hand")
    exported = export(desk, "--force")
    assert (exported["people"], exported["backup"]) == (2, f"{keys.with_suffix('').name}.bak")
    assert (desk.folder / exported["backup"]).read_bytes() == b"mended by hand"
    assert export(desk, "--force")["backup"].endswith(".bak1")
    assert (desk.folder / exported["backup"]).read_bytes() == b"mended by hand"
    assert not list(desk.folder.glob(".failed*")), "nothing half written stays"


@pytest.mark.parametrize("name", ["people.jsonl"], indirect=True)
class TestJsonLines:
    """What holds for every format is tried on one."""

    def test_without_corrections_the_original_is_sent_again(self, failed: Desk, emulator: Emulator) -> None:
        desk = failed
        keys = export(desk)["keys_file"]
        before = emulator.counts()["received"]["users.create"]
        done = desk.json("premigrate", "people.jsonl", "--only", keys, "--execute", code=1)
        assert (done["people"], done["failed"], done["failures"][0]["code"]) == (2, 2, "conflict")
        assert emulator.counts()["received"]["users.create"] == before + 2

    def test_corrections_alone_take_up_whom_they_mend(self, failed: Desk) -> None:
        desk = failed
        desk.people("one.jsonl", [{"key": "p1", "signInName": "other@example.org"}])
        done = desk.json("premigrate", "people.jsonl", "--corrections", "one.jsonl", "--execute", code=1)
        assert (done["created"], done["states"]) == (1, {"complete": PEOPLE - 1, "failed": 1})
        assert desk.json("person", "other@example.org")["accounts"][0]["displayName"] == "Person p1"

    def test_retry_failed_with_corrections_takes_everybody_who_failed(self, failed: Desk) -> None:
        desk = failed
        desk.people("one.jsonl", [{"key": "p1", "signInName": "other@example.org"}])
        command = ("premigrate", "people.jsonl", "--retry-failed", "--corrections", "one.jsonl", "--execute")
        done = desk.json(*command, code=1)
        assert (done["people"], done["created"], done["failed"]) == (2, 1, 1)

    def test_an_expression_restricts_the_listed_people(self, failed: Desk) -> None:
        desk = failed
        keys = export(desk)["keys_file"]
        plan = desk.json("premigrate", "people.jsonl", "--only", keys, "--only", "signInName=p4*")
        assert (plan["people"], plan["keys_not_found_count"]) == (1, 0)

    def test_a_listed_key_that_is_not_in_the_source_is_told(self, failed: Desk) -> None:
        desk = failed
        desk.file("some.keys", "# two of them\np1\n\nnobody\n")
        plan = desk.json("premigrate", "people.jsonl", "--only", "some.keys")
        assert (plan["people"], plan["keys_not_found"], plan["keys_not_found_count"]) == (1, ["nobody"], 1)
        assert "not in the source: nobody" in desk.ok("premigrate", "people.jsonl", "--only", "some.keys").out

    def test_only_who_failed_gets_other_sign_in_names(self, failed: Desk, emulator: Emulator) -> None:
        desk = failed
        desk.people("people.jsonl", people(PEOPLE + 1))
        before = emulator.counts()["received"]["users.create"]
        for key in ("p0", f"p{PEOPLE}"):  # has an account, and one whom nobody has met
            desk.people("wrong.jsonl", [{"key": key, "signInName": "other@example.org"}])
            for more in ((), ("--execute",)):
                ended = desk.run(
                    "premigrate", "people.jsonl", "--corrections", "wrong.jsonl", *more, "--json"
                )
                assert (ended.code, ended.error["code"]) == (2, "source")
                assert f"'{key}'" in ended.error["message"]
        assert emulator.counts()["received"]["users.create"] == before
        desk.people("fine.jsonl", [{"key": f"p{PEOPLE}", "displayName": "Other"}])
        desk.json("premigrate", "people.jsonl", "--corrections", "fine.jsonl")
        keys = desk.file("some.keys", f"p{PEOPLE}\n").name
        command = ("premigrate", "people.jsonl", "--corrections", "wrong.jsonl", "--only", keys, "--execute")
        assert desk.json(*command, code=1)["created"] == 1

    def test_the_same_corrections_once_more_are_no_others(self, failed: Desk) -> None:
        desk = failed
        desk.people("one.jsonl", [{"key": "p1", "signInName": "other@example.org"}])
        command = ("premigrate", "people.jsonl", "--corrections", "one.jsonl", "--execute")
        assert desk.json(*command, code=1)["created"] == 1
        assert desk.json(*command, code=1)["created"] == 0
        changed = [one | {"displayName": "Changed"} for one in people(PEOPLE)]
        desk.people("people.jsonl", changed)
        assert desk.run(*command, "--json").error["code"] == "source"
        updated = desk.json(*command, "--update", code=1)["update"]
        assert updated["updated"] == PEOPLE - 1
        assert desk.json("person", "other@example.org")["accounts"][0]["displayName"] == "Changed"

    def test_listed_keys_bound_the_corrections(self, failed: Desk) -> None:
        desk = failed
        desk.file("some.keys", "p1\n")
        desk.people("both.jsonl", [{"key": "p1"}, {"key": "p4", "displayName": "Four"}])
        command = ("premigrate", "people.jsonl", "--corrections", "both.jsonl", "--only", "some.keys")
        ended = desk.run(*command, "--json")
        assert (ended.code, ended.error["code"]) == (2, "source")
        assert "'p4'" in ended.error["message"]
        assert "'p1'" not in ended.error["message"]

    def test_a_changed_list_of_keys_is_another_command(self, failed: Desk) -> None:
        desk = failed
        command = ("premigrate", "people.jsonl", "--only", "some.keys", "--execute")
        for text in ("p1\np4\n", "# the other way round\np4\np1\n", "p1\n"):
            desk.file("some.keys", text)
            desk.json(*command, code=1)
        commands = [run["command"] for run in desk.json("status")["runs"]]
        assert commands[0] != commands[1] == commands[2]

    @pytest.mark.parametrize(
        ("text", "said"), [(None, "does not exist"), ("", "is empty"), ("# nobody\n\n", "lists no keys")]
    )
    def test_a_list_without_keys_is_told_by_its_name(self, failed: Desk, text: str | None, said: str) -> None:
        if text is not None:
            failed.file("some.keys", text)
        ended = failed.run("premigrate", "people.jsonl", "--only", "some.keys", "--json")
        assert (ended.code, ended.error["code"]) == (2, "source")
        assert "some.keys" in ended.error["message"]
        assert said in ended.error["message"]
        assert failed.json("premigrate", "people.jsonl", "--only", "signInName=*.keys")["people"] == 0

    def test_a_correction_without_a_record_stops_before_anything(self, failed: Desk) -> None:
        desk = failed
        desk.people("wrong.jsonl", [{"key": "p1"}, {"key": "p99", "displayName": "Nobody"}])
        ended = desk.run("premigrate", "people.jsonl", "--corrections", "wrong.jsonl", "--execute", "--json")
        assert (ended.code, ended.error["code"]) == (2, "source")
        assert "'p99'" in ended.error["message"]
        assert len(desk.json("status")["runs"]) == 1

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ('{"key": "p1"}\nno json\n', "line 2"),
            ('{"key": "p1"}\n{"key": "p1"}\n', "came before"),
            ('{"key": "p1", "surprise": "Sunny-Meadow-1!"}\n', "surprise"),
        ],
    )
    def test_broken_corrections_are_told_with_their_place(self, failed: Desk, text: str, said: str) -> None:
        failed.file("wrong.jsonl", text)
        ended = failed.run("premigrate", "people.jsonl", "--corrections", "wrong.jsonl", "--json")
        assert (ended.code, ended.error["code"]) == (2, "source")
        assert said in ended.error["message"]
        assert ANYBODYS not in ended.err + ended.out

    def test_a_source_that_moved_or_changed_is_told_and_can_be_named(self, failed: Desk) -> None:
        desk = failed
        moved = desk.export.rename(desk.folder / "elsewhere.jsonl")
        ended = desk.run("status", "--export-failures", "failed.jsonl", "--json")
        assert (ended.code, ended.error["code"]) == (2, "source")
        assert str(desk.export) in ended.error["message"]
        assert "--source" in ended.error["remedy"]
        exported = export(desk, "--source", "elsewhere.jsonl", "--name", "people")
        assert exported["people"] == 2
        assert "--name people" in exported["next"]
        desk.people("people.jsonl", list(people(PEOPLE))[:3])
        changed = desk.run("status", "--export-failures", "failed.jsonl", "--force", "--json")
        assert (changed.code, changed.error["code"]) == (3, "source_changed")
        found = export(desk, "--source", "people.jsonl", "--force", code=1)
        assert (found["people"], found["not_found"]) == (1, 1)
        moved.unlink()

    def test_people_of_several_sources_are_exported_one_source_at_a_time(
        self, failed: Desk, emulator: Emulator
    ) -> None:
        desk = failed
        desk.people("shop.jsonl", people(1, prefix="s"))
        emulator.seed(desk.tenant, [desk.tenant.local_account("s0@example.org")])
        desk.json("premigrate", "shop.jsonl", "--execute", code=1)
        ended = desk.run("status", "--export-failures", "failed.jsonl", "--json")
        assert (ended.code, ended.error["code"]) == (2, "usage")
        assert "people, shop" in ended.error["message"]
        exported = export(desk, "--source", "shop.jsonl")
        assert (exported["source"], exported["people"]) == ("shop", 1)

    def test_nobody_failed_is_no_file(self, failed: Desk) -> None:
        desk = failed
        assert desk.json(
            "status", "--cohort", "", "--export-failures", "f.jsonl", "--source", "people.jsonl"
        )["exported"]
        desk.people("fine.jsonl", people(2, prefix="f"))
        desk.json("premigrate", "fine.jsonl", "--execute")
        document = desk.json("status", "--export-failures", "none.jsonl", "--source", "fine.jsonl")
        assert document["exported"] is None
        assert not Path(desk.folder, "none.jsonl").exists()

    def test_what_commands_work_from_is_never_overwritten(self, failed: Desk) -> None:
        desk = failed
        desk.people("used.jsonl", [{"key": "p1", "displayName": "Mended"}])
        desk.json("premigrate", "people.jsonl", "--corrections", "used.jsonl", "--execute", code=1)
        for name in (
            "people.jsonl",
            "./people.jsonl",
            "idferry.toml",
            "idferry.ledger",
            "idferry.ledger.key",
            "idferry.ledger.lock",
            "idferry.ledger-wal",
            "used.jsonl",
        ):
            there = desk.folder / name
            before = there.read_bytes() if there.exists() else None
            for command in (("status", "--export-failures", name), ("ids", "export", name)):
                ended = desk.run(*command, "--force", "--json")
                assert (ended.code, ended.error["code"]) == (2, "usage"), (command, ended)
                assert "--force" not in ended.error["remedy"]
            assert (there.read_bytes() if there.exists() else None) == before
        desk.file("f.jsonl.keys", "").unlink()
        (desk.folder / "f.jsonl.keys").hardlink_to(desk.export)
        assert desk.run("status", "--export-failures", "f.jsonl", "--force").code == 2

    def test_options_of_the_export_need_it(self, failed: Desk) -> None:
        assert failed.run("status", "--force").code == 2
        assert failed.run("verify", "--corrections", "x.jsonl").code == 2

    def test_the_page_says_what_to_type_next(self, failed: Desk) -> None:
        text = failed.ok("status", "--export-failures", "failed.jsonl").out
        assert "2 records of people, without passwords" in text
        look, act = text.splitlines()[-2:]
        assert look.endswith("--only failed.jsonl.keys --corrections failed.jsonl")
        assert act == f"{look} --execute"

    def test_a_command_to_copy_is_whole_and_has_the_settings(
        self, failed: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("idferry.cli.status.screen", lambda: Console(width=40, highlight=False))
        (failed.folder / "sub").mkdir()
        file = "sub/a file with a long name in a folder.jsonl"
        command = ("status", "--export-failures", file, "--settings", "./idferry.toml")
        look, act = failed.ok(*command).out.splitlines()[-2:]
        assert shlex.split(look)[-4:] == ["--corrections", file, "--settings", "idferry.toml"]
        assert failed.json(*shlex.split(look)[1:])["people"] == 2
        assert act.endswith("--settings idferry.toml --execute")


def test_a_table_with_columns_of_its_own(b2c_desk: Desk, emulator: Emulator) -> None:
    """A mapping in the settings fits the copy too, although its password column is gone."""
    desk = b2c_desk
    rows = [f"{n};p{n}@example.org;=Person {n};{PASSWORD.format(n)};secret {n}" for n in range(3)]
    desk.file("shop.csv", "\n".join(["id;mail;name;pw;internal", *rows]) + "\n")
    columns = 'id = "key"\nmail = "signInName"\nname = "displayName"\npw = "password"\ninternal = ""\n'
    desk.write_settings(more=f'\n[sources.shop]\npath = "shop.csv"\n\n[sources.shop.columns]\n{columns}')
    emulator.seed(desk.tenant, [desk.tenant.local_account("p1@example.org")])
    desk.json("premigrate", "shop", "--execute", code=1)
    exported = desk.json("status", "--export-failures", "failed.csv")["exported"]
    file = desk.folder / "failed.csv"
    text = file.read_bytes().decode()
    assert text == "id;mail;name;internal\r\n1;p1@example.org;'=Person 1;\r\n"
    file.write_bytes(text.replace("p1@", "mended@").encode())
    done = desk.json(*shlex.split(exported["next"])[1:])
    assert done["states"] == {"complete": 3}
    assert emulator.sign_in(desk.tenant, "mended@example.org", PASSWORD.format(1))["signed_in"]
    [account] = desk.json("find", "--sign-in-name", "mended@example.org")["accounts"]
    assert account["displayName"] == "=Person 1"


def test_one_name_for_somebody_with_two_is_refused(b2c_desk: Desk) -> None:
    desk = b2c_desk
    desk.people("people.jsonl", [{"key": "1", "signInNames": ["a1@example.org", "user1"]}])
    desk.people("one.jsonl", [{"key": "1", "signInName": "new1@example.org"}])
    ended = desk.run("premigrate", "people.jsonl", "--corrections", "one.jsonl", "--json")
    assert (ended.code, ended.error["code"]) == (2, "source")
    assert "one.jsonl, line 1" in ended.error["message"]
    assert "signInNames" in ended.error["remedy"]


def test_a_spreadsheet_gives_nobody_the_password_of_another(b2c_desk: Desk, emulator: Emulator) -> None:
    desk = b2c_desk
    rows = [
        f"{key},{name}@example.org,{PASSWORD.format(key)}" for key, name in (("007", "ann"), ("7", "bob"))
    ]
    desk.file("people.csv", "\n".join(["key,signInName,password", *rows]) + "\n")
    emulator.seed(desk.tenant, [desk.tenant.local_account("ann@example.org")])
    desk.json("premigrate", "people.csv", "--limit", 1, "--execute", code=1)
    desk.json("status", "--export-failures", "failed.csv")
    assert "\n'007,ann@" in (desk.folder / "failed.csv").read_text(encoding="utf-8")
    desk.file("saved.csv", "key,signInName\n7,new@example.org\n")
    command = ("premigrate", "people.csv", "--corrections", "saved.csv", "--execute", "--json")
    for more in ((), ("--only", "failed.csv.keys")):
        ended = desk.run(*command, *more)
        assert (ended.code, ended.error["code"]) == (2, "source")
        assert "'7'" in ended.error["message"]
    mended = (desk.folder / "failed.csv").read_text(encoding="utf-8").replace("ann@", "new@")
    desk.file("failed.csv", mended)
    desk.json("premigrate", "people.csv", "--corrections", "failed.csv", "--execute")
    assert emulator.sign_in(desk.tenant, "new@example.org", PASSWORD.format("007"))["signed_in"]
