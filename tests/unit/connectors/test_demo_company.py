"""The demo company's files, planned by the tool, against the figures that were counted by hand."""

import json
import re
from importlib.resources import as_file, files

import pytest
from tests.support.hand_clock import HandClock
from tests.support.memory_ledger import MemoryLedger

from idferry.connectors.csv_table import CsvSource
from idferry.connectors.json_lines import JsonLinesSource
from idferry.connectors.recognition import recognise
from idferry.connectors.users_data import UsersDataSource
from idferry.flows.plan_people import PlanReport
from idferry.flows.survey import survey
from idferry.ports import LegacySource
from idferry.rules.account import TenantKind
from idferry.rules.plan import PlanRules

COMPANY = files("idferry") / "cli" / "demo_company"
EXPECTED = json.loads((COMPANY / "expected.json").read_text(encoding="utf-8"))
RESERVED_DOMAINS = re.compile(r"@(?!example\.(?:com|org|net)\b)[\w.-]+", re.IGNORECASE)


def surveyed(file: str, tenant_kind: TenantKind) -> PlanReport:
    expected = EXPECTED[file]
    with as_file(COMPANY / file) as path:
        assert recognise(path) == expected["kind"]
        sources: dict[str, LegacySource] = {
            "json_lines": JsonLinesSource(path=path, name="shop"),
            "users_data": UsersDataSource(path=path, name="shop"),
            "csv": CsvSource(path=path, name="shop", columns=expected.get("columns", {})),
        }
        return survey(
            source=sources[expected["kind"]],
            scratch=MemoryLedger().plan,
            rules=PlanRules(project="halyard", tenant_kind=tenant_kind),
            clock=HandClock(),
            tell=lambda _happening: None,
        )


@pytest.mark.parametrize("tenant_kind", list(TenantKind))
@pytest.mark.parametrize("file", list(EXPECTED))
def test_planning_finds_what_was_planted(file: str, tenant_kind: TenantKind) -> None:
    report = surveyed(file, tenant_kind)
    found = {
        "people": report.people,
        "create": report.create,
        "left_out": dict(report.left_out),
        "refused": dict(report.refused),
        "refused_attributes": {name: dict(codes) for name, codes in report.refused_attributes.items()},
        "notes": dict(report.notes),
        "passwords": dict(report.passwords),
        "bad_records": [{"line": bad.line, "field": bad.field} for bad in report.bad_records],
    }
    expected = {**EXPECTED[file], **EXPECTED[file].get(tenant_kind, {})}
    assert found == {name: value for name, value in expected.items() if name in found}
    assert expected.keys() - found.keys() <= {"kind", "columns", "external"}


@pytest.mark.parametrize("file", list(EXPECTED))
def test_every_address_is_fictional(file: str) -> None:
    text = (COMPANY / file).read_text(encoding="utf-8-sig")
    assert "@" in text
    assert RESERVED_DOMAINS.findall(text.replace("@'s", "")) == []


def test_the_files_have_the_form_that_they_are_there_for() -> None:
    text = (COMPANY / "UsersData.json").read_bytes()
    assert text.startswith(b"\xef\xbb\xbf")
    assert b"// " in text


def test_a_look_alike_is_shown_beside_the_one_it_looks_like() -> None:
    report = surveyed("people.jsonl", TenantKind.B2C)
    assert report.examples["look_alike_sign_in_name"] == ["hf-0061 (looks like: shop:hf-0056)"]
