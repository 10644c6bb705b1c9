"""Who sets passwords needs a permission and a directory role: told before people depend on it, and when it fails."""

import time

import pytest
from tests.support.desk import Desk
from tests.support.emulator import Emulator
from tests.support.service_process import running_service

from idferry.emulator.tenants import DEFAULT_ROLES

SECRET = "Not-a-real-secret-of-at-least-32-bytes"
CAPTURE = f"""
[service]
trusted_proxies = ["127.0.0.1"]
capture_callers = ["front"]

[[service.caller]]
name = "front"
kind = "basic"
user = "front"
secrets = ["{SECRET}"]
"""
SEES_ROLES = sorted({*DEFAULT_ROLES, "RoleManagement.Read.Directory"})
NO_PASSWORDS = sorted(DEFAULT_ROLES - {"User-PasswordProfile.ReadWrite.All"})
UNSEEN = ("its directory roles cannot be seen", "Application.Read.All")
CASES = [
    ("present", SEES_ROLES, ["User Administrator"], ()),
    ("missing", SEES_ROLES, [], ("the directory role User Administrator is missing",)),
    (
        "another role",
        SEES_ROLES,
        ["Directory Readers"],
        ("the directory role User Administrator is missing",),
    ),
    (
        "no permission",
        NO_PASSWORDS,
        ["User Administrator"],
        ("User-PasswordProfile.ReadWrite.All is missing",),
    ),
    ("cannot be seen", sorted(DEFAULT_ROLES), ["User Administrator"], UNSEEN),
]


@pytest.fixture
def capturing(b2c_desk: Desk) -> Desk:
    """A project whose service hands captured passwords on."""
    b2c_desk.write_settings(more=CAPTURE)
    b2c_desk.people("people.jsonl", [{"key": "1", "signInName": "ana@example.com", "displayName": "Ana"}])
    return b2c_desk


def grant(emulator: Emulator, desk: Desk, roles: list[str], directory_roles: list[str]) -> None:
    """The application may do this from now on."""
    named = {"client_id": desk.tenant.client_id, "roles": roles, "directory_roles": directory_roles}
    emulator.application(desk.tenant, **named)


@pytest.mark.parametrize(("roles", "held", "told"), [one[1:] for one in CASES], ids=[one[0] for one in CASES])
def test_a_premigration_says_what_sign_ins_will_lack(
    capturing: Desk, emulator: Emulator, roles: list[str], held: list[str], told: tuple[str, ...]
) -> None:
    grant(emulator, capturing, roles, held)
    ended = capturing.ok("premigrate", "people.jsonl", "--execute")
    said = " ".join(ended.err.split())
    assert ("set passwords" in said) is bool(told)
    assert all(one in said for one in told), said


def test_who_sets_no_passwords_hears_nothing_of_it(b2c_desk: Desk, emulator: Emulator) -> None:
    grant(emulator, b2c_desk, SEES_ROLES, [])
    b2c_desk.people("people.jsonl", [{"key": "1", "signInName": "ana@example.com", "displayName": "Ana"}])
    assert "set passwords" not in b2c_desk.ok("premigrate", "people.jsonl", "--execute").err


def test_the_service_says_at_its_start_how_it_stands(capturing: Desk, emulator: Emulator) -> None:
    capturing.ok("premigrate", "people.jsonl", "--execute")
    for held, right, level in (([], "no_role", "warning"), (["User Administrator"], "granted", "info")):
        grant(emulator, capturing, SEES_ROLES, held)
        with running_service(capturing.folder) as service:
            until = time.monotonic() + 60
            while not (lines := [one for one in service.lines() if one["event"] == "password_right"]):
                assert time.monotonic() < until, service.lines()
                time.sleep(0.05)
        assert [(one["right"], one["level"]) for one in lines] == [(right, level)]


def test_a_reset_that_the_tenant_refuses_names_what_is_missing(capturing: Desk, emulator: Emulator) -> None:
    capturing.ok("premigrate", "people.jsonl", "--execute")
    ask = ("person", "ana@example.com", "--require-reset", "--reason", "phished", "--execute", "--json")
    grant(emulator, capturing, SEES_ROLES, [])
    refused = capturing.run(*ask)
    assert (refused.code, refused.error["code"]) == (3, "forbidden")
    assert "the directory role User Administrator is missing" in refused.error["remedy"]
    grant(emulator, capturing, SEES_ROLES, ["User Administrator"])
    assert capturing.ok(*ask).document["reset_required"] is True
