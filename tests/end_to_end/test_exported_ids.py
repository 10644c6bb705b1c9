"""Old and new ids in a file: exact, private, and harmless in a spreadsheet."""

import csv
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.support.desk import Desk, people
from tests.support.emulator import Emulator

COLUMNS = ["key", "source", "object_id", "legacy_id", "state", "sign_in_names", "federated"]
FORMULAS = [
    "=1+1",
    "a;=1+1",
    "a,\t+1",
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("https://example.com","x")',
    "=@SUM(1)",
    "==1",
    "=",
    "+49 30 1234567",
    "+1+1",
    "+",
    "-1+1",
    "-",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)",
    "@",
    "\t=1+1",
    "\t+1",
    "\r=1+1",
    "\n=1+1",
    "＝1+1",
    "＋1",
    "－1",
    "＠SUM(1)",
    "'=1+1",
    "''+1",
    "=1,2;3",
    '="a""b"',
    "=1\r\n=2",
]
HARMLESS = ["1", "a=1", "O'Neil", "'quoted'", 'he said "so"', "a,b;c", "zwei\nZeilen", " =1", "x\u2028y"]


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def read_lines(path: Path) -> list[dict[str, Any]]:
    text = path.read_text(encoding="utf-8")
    return [json.loads(line) for line in text.removesuffix("\n").split("\n")]


@pytest.fixture
def migrated(b2c_desk: Desk) -> Desk:
    records = [dict(one) for one in people(6)]
    records[0]["federated"] = [{"issuer": "google.com", "issuerUserId": "g 0"}]
    del records[1]["signInName"]
    records[1]["federated"] = [{"issuer": "facebook.com", "issuerUserId": "f1"}]
    del records[2]["password"]
    records.append({"key": "nobody", "displayName": "Nobody"})
    b2c_desk.people("crm.jsonl", records)
    b2c_desk.ok("premigrate", "crm.jsonl", "--execute")
    b2c_desk.people("shop.jsonl", people(2, prefix="s"))
    b2c_desk.ok("premigrate", "shop.jsonl", "--cohort", "pilot", "--execute")
    return b2c_desk


def test_everybody_who_has_an_account_is_in_the_file(migrated: Desk, emulator: Emulator) -> None:
    done = migrated.json("ids", "export", "ids.csv")
    assert done == {"file": "ids.csv", "format": "csv", "people": 8, "without_account": 1}
    rows = read_csv(migrated.folder / "ids.csv")
    assert list(rows[0]) == COLUMNS
    name = migrated.tenant.extension("legacyId")
    accounts = {one[name]: one["id"] for one in emulator.dump(migrated.tenant)}
    assert {row["legacy_id"]: row["object_id"] for row in rows} == accounts
    by_key = {row["key"]: row for row in rows}
    assert by_key["p0"]["sign_in_names"] == "p0@example.org"
    assert by_key["p0"]["federated"] == "google.com|g 0"
    assert (by_key["p1"]["sign_in_names"], by_key["p1"]["federated"]) == ("", "facebook.com|f1")
    assert (by_key["p2"]["state"], by_key["p3"]["state"]) == ("awaiting_password", "complete")
    assert by_key["s0"]["source"] == "shop"
    migrated.ok("ids", "export", "ids.jsonl", "--format", "jsonl")
    lines = read_lines(migrated.folder / "ids.jsonl")
    assert [line["key"] for line in lines] == [row["key"] for row in rows]
    assert lines[0] == {
        **by_key["p0"],
        "sign_in_names": ["p0@example.org"],
        "federated": ["google.com|g 0"],
    }


@pytest.mark.parametrize(
    ("options", "keys"),
    [
        (("--source", "shop"), {"s0", "s1"}),
        (("--cohort", "pilot"), {"s0", "s1"}),
        (("--source", "crm"), None),
    ],
)
def test_only_some_people(migrated: Desk, options: tuple[str, ...], keys: set[str] | None) -> None:
    migrated.ok("ids", "export", "ids.csv", *options)
    found = {row["key"] for row in read_csv(migrated.folder / "ids.csv")}
    assert found == (keys or {f"p{number}" for number in range(6)})


def test_a_run_alone_and_a_name_that_nobody_has(migrated: Desk) -> None:
    run = migrated.json("status")["runs"][0]["run"]
    assert migrated.json("ids", "export", "ids.csv", "--run", run)["people"] == 2
    assert migrated.run("ids", "export", "other.csv", "--run", f"{run}x").code == 2
    assert not (migrated.folder / "other.csv").exists()


def test_the_file_is_private_and_never_replaced_by_mistake(migrated: Desk) -> None:
    path = migrated.file("ids.csv", "precious")
    refused = migrated.run("ids", "export", "ids.csv")
    assert (refused.code, path.read_text()) == (2, "precious")
    assert "--force" in refused.err
    migrated.ok("ids", "export", "ids.csv", "--force")
    assert len(read_csv(path)) == 8
    if sys.platform != "win32":
        assert path.stat().st_mode & 0o777 == 0o600
    assert not list(migrated.folder.glob("*.part")) + list(migrated.folder.glob(".*.part"))


def test_a_folder_that_is_not_there_is_said_so(migrated: Desk) -> None:
    refused = migrated.run("ids", "export", Path("nowhere", "ids.csv"))
    assert (refused.code, "cannot be written" in refused.err) == (2, True)


def test_no_cell_becomes_a_formula_and_json_lines_are_raw(b2c_desk: Desk) -> None:
    keys = [*FORMULAS, *HARMLESS]
    assert (len(FORMULAS), len(set(keys))) == (29, 29 + len(HARMLESS))
    records = [
        {
            "key": key,
            "signInName": f"p{number}@example.org",
            "displayName": "x",
            "password": f"Sunny-Day-{number}!",
        }
        for number, key in enumerate(keys)
    ]
    b2c_desk.people("crm.jsonl", records)
    b2c_desk.ok("premigrate", "crm.jsonl", "--execute")
    b2c_desk.ok("ids", "export", "ids.csv")
    rows = read_csv(b2c_desk.folder / "ids.csv")
    assert len(rows) == len(keys)
    for row in rows:
        assert not [cell for cell in row.values() if cell[:1] and cell[0] in "=+-@\t\r\n＝＋－＠"]
    found = [row["key"] for row in rows]
    assert set(HARMLESS) <= set(found)
    assert {key.replace("'", "") for key in found} == {key.replace("'", "") for key in keys}
    for separator in ",;\t":
        cells = [cell for key in found for cell in key.split(separator)]
        assert not [cell for cell in cells if cell[:1] and cell[0] in "=+-@＝＋－＠"]
    b2c_desk.ok("ids", "export", "ids.jsonl", "--format", "jsonl")
    assert {line["key"] for line in read_lines(b2c_desk.folder / "ids.jsonl")} == set(keys)
