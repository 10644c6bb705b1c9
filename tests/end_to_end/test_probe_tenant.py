"""The probe of a test tenant: it tells one tenant from another, and leaves nothing behind and nobody changed."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.support.emulator import EmulatedTenant, Emulator
from tests.support.graph_http import GraphHttp
from tools.probe_tenant.__main__ import EXIT_INCOMPLETE, EXIT_NOT_BEGUN, main
from tools.probe_tenant.questions import QUESTIONS

from idferry.emulator.tenants import DEFAULT_ROLES

SEES_ROLES = sorted({*DEFAULT_ROLES, "RoleManagement.Read.Directory"})
NO_PURGE = sorted(DEFAULT_ROLES - {"User.DeleteRestore.All"})
AS_IT_COMES: Mapping[str, str] = {
    "password_expiration": "needed",
    "banned_words": "none",
    "password_check": "there",
    "user_name_characters": "strict",
    "user_name_spelling": "userName",
    "purging": "open",
    "own_domain": "not_found",
    "federated_ids": "shown",
    "password_by_application": "written",
    "first_password_time": "0",
    "sign_ins_shown": "shown",
    "delta": "not_there",
    "principal_name_entry": "needed",
    "conflicts": "named",
    "objects_left": "told",
    "retry_after": "not_asked",
}


class Probe:
    """The probe at one emulated tenant."""

    def __init__(self, folder: Path, tenant: EmulatedTenant, capsys: pytest.CaptureFixture[str]) -> None:
        self.tenant, self._capsys = tenant, capsys
        self._settings = folder / "idferry.toml"
        self._settings.write_text(tenant.settings, encoding="utf-8")

    def run(self, *more: str, confirm: bool = True) -> tuple[int, str, str]:
        """Exit code, output, messages."""
        confirmation = ["--test-tenant", self.tenant.domain] if confirm else []
        code = main(["--settings", str(self._settings), *confirmation, "--patience", "20", *more])
        printed = self._capsys.readouterr()
        return code, printed.out, printed.err

    def document(self, *only: str, code: int = 0) -> dict[str, Any]:
        """What `--json` prints."""
        asked = ["--only", *only] if only else []
        ended, out, err = self.run("--json", *asked)
        assert ended == code, err or out
        return dict(json.loads(out))

    def answers(self, *only: str, code: int = 0) -> dict[str, str]:
        """Question -> answer."""
        return {one["id"]: one["answer"] for one in self.document(*only, code=code)["questions"]}


@pytest.fixture
def probe(tmp_path: Path, tenant: EmulatedTenant, capsys: pytest.CaptureFixture[str]) -> Probe:
    """At each kind of tenant in turn."""
    return Probe(tmp_path, tenant, capsys)


def test_every_question_is_answered_and_everything_is_removed(probe: Probe, emulator: Emulator) -> None:
    strangers = [
        probe.tenant.local_account("ana@example.org"),
        {**probe.tenant.local_account("ben@example.org"), "displayName": "idferry probe 0badcafe"},
    ]
    emulator.seed(probe.tenant, strangers)
    before = emulator.dump(probe.tenant)
    document = probe.document()
    answers = {one["id"]: one["answer"] for one in document["questions"]}
    assert list(answers) == list(QUESTIONS)
    assert {name: answers[name] for name in AS_IT_COMES} == AS_IT_COMES
    is_b2c = probe.tenant.kind == "b2c"
    assert answers["creation_units"] == ("5" if is_b2c else "1")
    assert answers["disable_strong_password"] == ("taken" if is_b2c else "refused")
    assert answers["shortest_password"] == ("4" if is_b2c else "over_8")
    assert document["tenant"] == {"kind": probe.tenant.kind, "domain": probe.tenant.domain}
    assert (document["left"], document["removed"] > 10) == ([], True)
    assert emulator.dump(probe.tenant) == before, "nobody else was touched"


@pytest.mark.parametrize(
    ("options", "question", "answer"),
    [
        ({"banned_words": ["welcome", "qwerty"]}, "banned_words", "some"),
        ({"strict_password_expiration": False}, "password_expiration", "may_be_left_out"),
        ({"strict_upn_entry": False}, "principal_name_entry", "may_be_left_out"),
        ({"conflict_details": False}, "conflicts", "not_named"),
        ({"sign_in_activity": False}, "sign_ins_shown", "not_shown"),
        ({"deleted_holds_identities": True}, "deleted_names", "kept"),
    ],
)
def test_a_tenant_that_is_otherwise_is_told_apart(
    probe: Probe, emulator: Emulator, options: dict[str, Any], question: str, answer: str
) -> None:
    emulator.options(probe.tenant, **options)
    assert probe.answers(question) == {question: answer}


def test_the_strong_rule_is_told_apart(probe: Probe, emulator: Emulator) -> None:
    lifted = probe.tenant.kind != "b2c"
    emulator.options(probe.tenant, honour_disable_strong_password=lifted)
    expected = {"disable_strong_password": "taken", "shortest_password": "4"}
    otherwise = {"disable_strong_password": "refused", "shortest_password": "over_8"}
    assert probe.answers(*expected) == (expected if lifted else otherwise)


@pytest.mark.parametrize(
    ("strict", "held", "answer", "detail"),
    [
        (True, [], "refused", "without the role"),
        (False, [], "written", "without the role"),
        (True, ["User Administrator"], "written", "with the role"),
    ],
)
def test_what_stands_behind_changing_a_password_is_told(
    probe: Probe, emulator: Emulator, strict: bool, held: list[str], answer: str, detail: str
) -> None:
    tenant = probe.tenant
    emulator.options(tenant, strict_password_role=strict)
    emulator.application(tenant, client_id=tenant.client_id, roles=SEES_ROLES, directory_roles=held)
    [seen] = probe.document("password_by_application")["questions"]
    assert (seen["answer"], detail in seen["detail"]) == (answer, True)


@pytest.mark.parametrize("tenant", ["external"], indirect=True)
def test_a_tenant_that_shows_everything_late_is_waited_for(probe: Probe, emulator: Emulator) -> None:
    emulator.lag(get_s=(1.5, 1.5), filter_s=(2.5, 2.5))
    answers = probe.answers("visible_by_id", "visible_by_name", "password_change_shown")
    assert float(answers["visible_by_id"]) >= 1.0
    assert float(answers["visible_by_name"]) >= 2.0
    assert float(answers["password_change_shown"]) >= 1.0
    assert emulator.dump(probe.tenant) == []


def test_how_long_a_text_may_be_is_asked_where_the_attribute_is_there(
    probe: Probe, emulator: Emulator
) -> None:
    assert probe.answers("extension_text_length") == {"extension_text_length": "not_asked"}
    tenant, graph = probe.tenant, GraphHttp(probe.tenant)
    declared = {"name": "legacyId", "dataType": "String", "targetObjects": ["User"]}
    made = graph.post(f"/applications(appId='{tenant.extension_app_id}')/extensionProperties", declared)
    graph.close()
    assert made.status_code == 201, made.text
    assert probe.answers("extension_text_length") == {"extension_text_length": "256"}


def test_without_the_confirmation_nothing_is_asked(probe: Probe, emulator: Emulator) -> None:
    for confirmation in ((), ("--test-tenant", "another.onmicrosoft.com")):
        code, out, err = probe.run(*confirmation, confirm=False)
        assert (code, out) == (EXIT_NOT_BEGUN, "")
        assert f"--test-tenant {probe.tenant.domain}" in err


def test_a_creation_whose_answer_is_lost_leaves_no_account(probe: Probe, emulator: Emulator) -> None:
    emulator.faults({"operation": "users.create", "status": 503, "after_write": True, "count": 1})
    assert probe.answers("creation_units", code=EXIT_INCOMPLETE) == {"creation_units": "no_answer"}
    assert emulator.dump(probe.tenant) == []


def test_a_429_is_waited_for_and_what_it_says_is_an_answer(probe: Probe, emulator: Emulator) -> None:
    fault = {"operation": "users.create", "status": 429, "retry_after": "0.2", "count": 1}
    emulator.faults(fault)
    answers = probe.answers("creation_units", "retry_after")
    assert answers["retry_after"] == "always"
    assert answers["creation_units"] in ("1", "5")


def test_who_may_not_purge_leaves_accounts_in_the_recycle_bin_alone(probe: Probe, emulator: Emulator) -> None:
    emulator.application(probe.tenant, client_id=probe.tenant.client_id, roles=NO_PURGE)
    assert probe.answers("purging") == {"purging": "refused"}
    assert emulator.dump(probe.tenant) == []


def test_the_table_names_what_was_seen(probe: Probe) -> None:
    code, out, _ = probe.run("--only", "delta", "conflicts")
    lines = out.splitlines()
    assert (code, [one.split()[:2] for one in lines[:2]]) == (
        0,
        [["delta", "not_there"], ["conflicts", "named"]],
    )
    assert "left behind: none" in lines[-1]
