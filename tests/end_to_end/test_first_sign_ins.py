"""What the table of first sign-ins does not hold: the tenant's second call, the fixed time of a no, and who sweeps.

Through the real service over TLS, to a legacy system over HTTP. The table stands in `sign_in_matrix`.
"""

import time
from collections.abc import Iterator

import pytest
from tests.support.emulator import Emulator, running_emulator
from tests.support.sign_in_stand import Stand, running_stand

from idferry.emulator.tenants import DEFAULT_ROLES

OLD, NEW = "Old-Password-1", "New-Password-2"
NAMES = [f"person{number}@example.com" for number in range(1, 13)]


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    folder = tmp_path_factory.mktemp("stand")
    emulator: Emulator
    with (
        running_emulator(tenant_kind="external") as emulator,
        running_stand(folder, emulator, dict.fromkeys(NAMES, OLD)) as running,
    ):
        yield running


def wait_until(condition: object) -> None:
    until = time.monotonic() + 30
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < until
        time.sleep(0.05)


def state_of(stand: Stand, name: str) -> str:
    return str(stand.run("person", name)["entry"]["state"])


def test_a_wrong_password_is_retry_and_costs_one_call(stand: Stand) -> None:
    asked = stand.asked
    end = stand.sign_in(NAMES[1], "wrong")
    assert (end["reason"], [one["outcome"] for one in end["calls"]]) == ("wrong_password", ["Retry"])
    assert 1_400 <= end["calls"][0]["took_ms"] < 1_900, "at one fixed time"
    assert (stand.asked, stand.flag(NAMES[1])) == (asked + 1, True)


@pytest.mark.parametrize("form", ["same_bytes", "encrypted_again", "new_nonce"])
def test_a_retry_in_each_form_makes_one_legacy_call(stand: Stand, form: str) -> None:
    """The first answer comes too late for the tenant, the second one is the verdict that came meanwhile."""
    name = NAMES[4 + ["same_bytes", "encrypted_again", "new_nonce"].index(form)]
    stand.emulator.options(stand.tenant, retry_form=form)
    extension = f"/beta/identity/customAuthenticationExtensions/{stand.ready.extension_id}"
    kind = "#microsoft.graph.onPasswordSubmitCustomExtension"

    def patience(milliseconds: int) -> None:
        limits = {"timeoutInMilliseconds": milliseconds, "maximumRetries": 1}
        answer = stand.ready.graph.patch(extension, {"@odata.type": kind, "clientConfiguration": limits})
        assert answer.status_code == 204, answer.text

    # So that no idle connection, which was closed meanwhile, costs the retry.
    stand.sign_in(NAMES[10], "wrong")
    stand.faults["late_s"] = 0.9
    patience(700)
    try:
        asked = stand.asked
        end = stand.sign_in(name, OLD)
    finally:
        stand.faults.clear()
        patience(2_000)
    assert len(end["calls"]) == 2, end
    assert (end["signed_in"], end["migrated"]) == (True, True), end
    assert stand.asked == asked + 1


def test_sweep_takes_the_flag_down_where_somebody_has_reset(stand: Stand) -> None:
    name = NAMES[8]
    stand.reset(name, NEW)
    planned = stand.run("sweep")
    assert (planned["executed"], planned["cleared"]) == (False, 1)
    assert stand.flag(name) is True
    done = stand.run("sweep", "--execute")
    assert [one["id"] for one in done["changed"]] == [stand.ids[name]]
    assert stand.flag(name) is False
    assert stand.opens(name, NEW)
    assert state_of(stand, name) == "complete"
    assert stand.run("sweep")["cleared"] == 0


def test_verify_sweeps_and_with_a_credential_that_only_reads_it_tells_what_it_would_sweep(
    stand: Stand,
) -> None:
    name, tenant = NAMES[9], stand.tenant
    stand.reset(name, NEW)
    may_read = ["User.Read.All", "Application.Read.All"]
    stand.emulator.application(tenant, client_id=tenant.client_id, roles=may_read)
    try:
        told = stand.run("verify")
    finally:
        stand.emulator.application(tenant, client_id=tenant.client_id, roles=sorted(DEFAULT_ROLES))
    assert (told["sweep"]["executed"], told["sweep"]["cleared"], told["differences"]) == (False, 1, 0)
    asked_not_to = stand.run("verify", "--no-sweep")["sweep"]
    assert (asked_not_to["executed"], asked_not_to["cleared"]) == (False, 1)
    assert stand.flag(name) is True
    done = stand.run("verify")["sweep"]
    assert (done["executed"], [one["id"] for one in done["changed"]]) == (True, [stand.ids[name]])
    assert (stand.flag(name), state_of(stand, name)) == (False, "complete")
    assert stand.opens(name, NEW)


def test_no_password_is_in_any_file_of_the_stand(stand: Stand) -> None:
    found = [
        path.name for path in stand.folder.rglob("*") if path.is_file() and OLD.encode() in path.read_bytes()
    ]
    assert found == []
