"""The sign-in check and the control API that tests and the demo stand on."""

import ssl
import subprocess
import sys
import tomllib

import httpx2
import pytest
from tests.support.emulator import Emulator, running_emulator
from tests.support.graph_http import PASSWORD, GraphHttp, create_item, federated

TOOL = "part of the test tool, not of the imitation"


@pytest.mark.documented("https://learn.microsoft.com/azure/active-directory-b2c/user-profile-attributes")
def test_all_local_names_share_one_password(emulator: Emulator, graph: GraphHttp) -> None:
    """Every local identity opens the account with the same password, in any case of the name."""
    names = [graph.local("ann@example.org"), graph.local("ann", "userName")]
    graph.create("x@example.org", identities=names)
    for name in ("ANN@example.org", "Ann"):
        assert emulator.sign_in(graph.tenant, name, PASSWORD)["signed_in"]
    assert emulator.sign_in(graph.tenant, "ann", PASSWORD.upper())["reason"] == "wrong_password"
    assert emulator.sign_in(graph.tenant, "nobody", PASSWORD)["reason"] == "unknown"


@pytest.mark.documented("https://learn.microsoft.com/graph/api/resources/user")
def test_disabled_account(emulator: Emulator, graph: GraphHttp) -> None:
    """A disabled account opens with no password, local or federated."""
    both = [graph.local("ann@example.org"), federated("google.com", "1")]
    object_id = graph.create("ann@example.org", identities=both)
    assert emulator.sign_in_federated(graph.tenant, "google.com", "1")["signed_in"]
    graph.patch(f"/users/{object_id}", {"accountEnabled": False})
    assert emulator.sign_in(graph.tenant, "ann@example.org", PASSWORD)["reason"] == "disabled"
    assert emulator.sign_in_federated(graph.tenant, "google.com", "1")["reason"] == "disabled"
    assert emulator.sign_in_federated(graph.tenant, "google.com", "2")["reason"] == "unknown"


@pytest.mark.documented("https://learn.microsoft.com/graph/api/resources/signinactivity")
def test_sign_in_is_recorded(emulator: Emulator, graph: GraphHttp) -> None:
    """signInActivity is null until the first sign-in, and then holds its time."""
    object_id = graph.create("ann@example.org")
    assert graph.read(object_id, "signInActivity")["signInActivity"] is None
    emulator.sign_in(graph.tenant, "ann@example.org", "wrong")
    assert graph.read(object_id, "signInActivity")["signInActivity"] is None
    emulator.sign_in(graph.tenant, "ann@example.org", PASSWORD)
    activity = graph.read(object_id, "signInActivity")["signInActivity"]
    assert activity["lastSignInDateTime"] == activity["lastSuccessfulSignInDateTime"]


@pytest.mark.reported("microsoftgraph/microsoft-graph-docs#12772")
def test_sign_in_needs_a_licence_to_be_seen(emulator: Emulator, graph: GraphHttp) -> None:
    """A tenant without a premium licence refuses to show signInActivity."""
    object_id = graph.create("ann@example.org")
    emulator.options(graph.tenant, sign_in_activity=False)
    refused = graph.get(f"/users/{object_id}", select="id,signInActivity")
    assert refused.status_code == 403
    assert refused.json()["error"]["code"] == "Authentication_RequestFromNonPremiumTenantOrB2CTenant"


@pytest.mark.assumed("the page describes the feature; what it leaves behind is inferred")
def test_self_service_reset(emulator: Emulator, graph: GraphHttp) -> None:
    """A person's own reset changes the password and its time, and touches no extension attribute."""
    flag = graph.declare("requiresMigration", "Boolean")
    object_id = graph.create("ann@example.org", **{flag: True})
    before = graph.read(object_id, "lastPasswordChangeDateTime")["lastPasswordChangeDateTime"]
    emulator.advance(60)
    graph.sign_in()
    emulator.self_service_reset(graph.tenant, object_id, "N3w-pass-word")
    shown = graph.read(object_id, "lastPasswordChangeDateTime", flag)
    assert shown["lastPasswordChangeDateTime"] > before
    assert shown[flag] is True
    assert emulator.sign_in(graph.tenant, "ann@example.org", "N3w-pass-word")["signed_in"]


@pytest.mark.assumed(TOOL)
def test_seed_and_dump(emulator: Emulator, graph: GraphHttp) -> None:
    """Seeding declares what it uses and needs no policy; the dump shows everything but passwords."""
    legacy = graph.tenant.extension("legacyId")
    body = graph.tenant.local_account(
        "ann@example.org", **{legacy: "x:y:1", graph.tenant.extension("flag"): True}
    )
    del body["passwordPolicies"]
    ids = emulator.seed(graph.tenant, [body, graph.tenant.local_account("bob@example.org")])
    rows = emulator.dump(graph.tenant)
    assert [row["id"] for row in rows] == ids
    assert rows[0][legacy] == "x:y:1"
    assert rows[0]["hasPassword"] is True
    assert PASSWORD not in str(rows)
    assert [row["id"] for row in graph.find(f"{legacy} eq 'x:y:1'")] == ids[:1]
    graph.delete(f"/users/{ids[0]}")
    assert [row["id"] for row in emulator.dump(graph.tenant, deleted=True)] == ids[:1]
    assert [row["id"] for row in emulator.dump(graph.tenant)] == ids[1:]


@pytest.mark.assumed(TOOL)
def test_counts(emulator: Emulator, graph: GraphHttp) -> None:
    """Requests are counted per operation and outcome, items inside batches included."""
    emulator.reset()
    body = graph.tenant.local_account("ann@example.org")
    graph.batch(create_item(body), create_item(body))
    graph.get("/users")
    counts = emulator.counts()
    assert counts["received"] == {"batch": 1, "users.create": 2, "users.list": 1}
    assert counts["outcomes"]["users.create"] == {"201": 1, "400": 1}


@pytest.mark.assumed(TOOL)
def test_clock(emulator: Emulator, graph: GraphHttp) -> None:
    """The emulated time moves tokens, time stamps and the Date header together."""
    before = emulator.get("clock")["epoch_s"]
    emulator.advance(86_400)
    assert emulator.get("clock")["epoch_s"] - before >= 86_400
    graph.sign_in()
    answer = graph.post("/users", graph.tenant.local_account("ann@example.org"))
    day = emulator.get("clock")["now"][:10]
    assert graph.read(answer.json()["id"], "createdDateTime")["createdDateTime"][:10] == day
    emulator.post("clock", {"offset_s": 0})
    assert emulator.get("clock")["offset_s"] == 0


@pytest.mark.assumed(TOOL)
def test_reset(emulator: Emulator, graph: GraphHttp) -> None:
    """After a reset the tenant is as new, and the first application's token and secret still hold."""
    graph.declare("legacyId")
    graph.create("ann@example.org")
    emulator.faults({"operation": "any"})
    emulator.throttle(profile="published", limits={"app_writes": [1, 1000]})
    emulator.options(graph.tenant, object_quota=1)
    emulator.application(graph.tenant, client_id=graph.tenant.client_id, roles=[], secret_expired=True)
    emulator.reset()
    assert emulator.dump(graph.tenant) == []
    for number in range(3):
        graph.create(f"p{number}@example.org")
    path = f"/applications(appId='{graph.tenant.extension_app_id}')/extensionProperties"
    assert graph.get(path).json()["value"] == []
    graph.sign_in()


@pytest.mark.assumed(TOOL)
def test_control_is_on_plain_http_only(emulator: Emulator, graph: GraphHttp) -> None:
    """Where clients of the emulated cloud are, there is no control API."""
    context = ssl.create_default_context(cafile=graph.tenant.ca_file)
    answer = httpx2.get(f"{graph.tenant.graph_https}/control/counts", verify=context, trust_env=False)
    assert answer.status_code == 404


@pytest.mark.assumed(TOOL)
def test_seeded_process() -> None:
    """The same seed gives the same ids and secrets; the process ends when its standard input closes."""
    described = []
    for _ in range(2):
        with running_emulator(tenant_kind="b2c", seed=42) as running:
            described.append((running.tenants[0].client_id, running.tenants[0].client_secret))
            assert running.process.stdin is not None
            running.process.stdin.close()
            assert running.process.wait(10) == 0
    assert described[0] == described[1]


@pytest.mark.assumed(TOOL)
def test_settings_to_paste(emulator: Emulator, graph: GraphHttp) -> None:
    """The description holds a complete settings file."""
    settings = tomllib.loads(graph.tenant.settings)
    assert settings["tenant"]["authority"] == graph.tenant.authority == graph.tenant.graph_https
    assert settings["tenant"]["ca_file"] == graph.tenant.ca_file
    assert settings["application"][0]["secret"] == graph.tenant.client_secret
    assert emulator.control_url == f"{graph.tenant.graph_http}/control"


@pytest.mark.assumed(TOOL)
def test_port_in_use(graph: GraphHttp) -> None:
    """A port that is taken is one sentence and exit code 2."""
    port = graph.tenant.graph_http.rpartition(":")[2]
    command = [sys.executable, "-m", "idferry", "emulator", "--port", port]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 2
    assert "cannot be used" in ended.stderr
    assert "Traceback" not in ended.stderr
