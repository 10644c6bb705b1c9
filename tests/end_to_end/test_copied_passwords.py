"""A second column with everybody's password: none of it arrives anywhere, and the column is named with its count."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.desk import PASSWORD, Desk, people
from tests.support.emulator import Emulator

COPIED = 12
EVERYBODY = 20


def with_copies() -> Iterator[dict[str, Any]]:
    for number, person in enumerate(people(EVERYBODY)):
        copied = PASSWORD.format(number) if number < COPIED else f"note {number}"
        yield {**person, "attributes": {"city": "Cork", "remark": copied}}


def remarks(desk: Desk, emulator: Emulator) -> list[str]:
    name = desk.tenant.extension("remark")
    return sorted(one[name] for one in emulator.dump(desk.tenant) if one.get(name))


@pytest.fixture
def premigrated(b2c_desk: Desk) -> Desk:
    b2c_desk.people("crm.jsonl", with_copies())
    plan = b2c_desk.json("survey", "crm.jsonl")
    assert plan["refused_attributes"] == {"remark": {"sensitive": COPIED}}
    done = b2c_desk.json("premigrate", "crm.jsonl", "--execute")
    assert done["created"] == EVERYBODY
    return b2c_desk


def test_only_values_that_are_no_password_arrive(premigrated: Desk, emulator: Emulator) -> None:
    assert remarks(premigrated, emulator) == sorted(f"note {one}" for one in range(COPIED, EVERYBODY))
    assert premigrated.json("verify", "--source", "crm.jsonl")["differences"] == 0


def test_a_later_export_brings_none_either(premigrated: Desk, emulator: Emulator) -> None:
    """People who had an innocent value keep it, and are counted; nobody else is touched."""
    before = remarks(premigrated, emulator)
    records = list(with_copies())
    for number in range(COPIED, COPIED + 3):
        records[number]["attributes"]["remark"] = PASSWORD.format(number)
    records[0]["attributes"]["city"] = "Kerry"
    premigrated.people("crm.jsonl", records)
    update = premigrated.json("premigrate", "crm.jsonl", "--update", "--execute")["update"]
    assert update["updated"] == 1
    assert update["unsent_attributes"] == {"remark": 3}
    assert remarks(premigrated, emulator) == before


def test_a_correction_brings_none_either(b2c_desk: Desk, emulator: Emulator) -> None:
    """The correction cannot hold a password, but it can hold the same text."""
    b2c_desk.people("crm.jsonl", with_copies())
    corrections = [{"key": "p15", "attributes": {"remark": PASSWORD.format(15)}}]
    corrections.append({"key": "p0", "attributes": {"remark": "mended"}})
    b2c_desk.people("mended.jsonl", corrections)
    done = b2c_desk.json("premigrate", "crm.jsonl", "--corrections", "mended.jsonl", "--execute")
    assert done["refused_attributes"] == {"remark": {"sensitive": COPIED}}
    arrived = [f"note {one}" for one in range(COPIED, EVERYBODY) if one != 15]
    assert remarks(b2c_desk, emulator) == sorted(["mended", *arrived])
