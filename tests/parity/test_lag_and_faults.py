"""Replication lag, and everything that can go wrong on the way, on demand."""

import ssl
import time
from typing import Any

import httpx2
import pytest
from tests.support.emulator import Emulator
from tests.support.graph_http import GraphHttp, by_id, create_item, error_of, refused, targets

ERRORS = "https://learn.microsoft.com/graph/errors"
FAILURE = "a fault on demand: networks and servers fail in this way"


@pytest.mark.reported("microsoftgraph/msgraph-sdk-java-core#353, ansible-collections/azure#2258")
def test_new_account_is_not_found_yet(emulator: Emulator, graph: GraphHttp) -> None:
    """After 201 a lagging replica answers 404 to GET, PATCH and DELETE, and filters find nothing."""
    emulator.lag(get_s=[10, 10], filter_s=[60, 60])
    object_id = graph.create("ann@example.org")
    refused(graph.get(f"/users/{object_id}"), 404, "Request_ResourceNotFound")
    refused(graph.patch(f"/users/{object_id}", {"displayName": "x"}), 404, "Request_ResourceNotFound")
    refused(graph.delete(f"/users/{object_id}"), 404, "Request_ResourceNotFound")
    emulator.advance(11)
    assert graph.get(f"/users/{object_id}").status_code == 200
    assert graph.find("displayName eq 'ann'") == []
    assert graph.get("/users").json()["value"] == []
    emulator.advance(50)
    assert len(graph.find("displayName eq 'ann'")) == 1
    assert len(graph.get("/users").json()["value"]) == 1


@pytest.mark.assumed("inferred: one primary decides about uniqueness, whatever the replicas show")
def test_uniqueness_does_not_lag(emulator: Emulator, graph: GraphHttp) -> None:
    """A second create clashes at once, although nobody can find the first account yet."""
    emulator.lag(get_s=[60, 60], filter_s=[60, 60])
    graph.create("ann@example.org")
    answer = graph.post("/users", graph.tenant.local_account("ann@example.org"))
    assert targets(answer)[0] == ("ObjectConflict", "proxyAddresses")


@pytest.mark.reported("microsoftgraph/msgraph-beta-sdk-dotnet#65")
def test_sign_in_lags(emulator: Emulator, graph: GraphHttp) -> None:
    """A new account cannot sign in at once; a changed password opens late, and the old one closes late."""
    emulator.lag(sign_in_s=[30, 30])
    object_id = graph.create("ann@example.org")
    assert emulator.sign_in(graph.tenant, "ann@example.org", "Zq7#mWv2!k")["reason"] == "unknown"
    emulator.advance(31)
    assert emulator.sign_in(graph.tenant, "ann@example.org", "Zq7#mWv2!k")["signed_in"]
    graph.patch(f"/users/{object_id}", {"passwordProfile": {"password": "N3w-pass-word"}})
    assert emulator.sign_in(graph.tenant, "ann@example.org", "Zq7#mWv2!k")["signed_in"]
    emulator.advance(31)
    assert emulator.sign_in(graph.tenant, "ann@example.org", "N3w-pass-word")["signed_in"]
    assert not emulator.sign_in(graph.tenant, "ann@example.org", "Zq7#mWv2!k")["signed_in"]


@pytest.mark.reported("azure-ad-b2c/samples#140")
def test_deleted_account_lingers(emulator: Emulator, graph: GraphHttp) -> None:
    """A deleted account can still be read, found and signed in with for a while."""
    object_id = graph.create("ann@example.org")
    emulator.lag(get_s=[10, 10], filter_s=[10, 10], sign_in_s=[10, 10])
    graph.delete(f"/users/{object_id}")
    assert graph.get(f"/users/{object_id}").status_code == 200
    assert len(graph.find("displayName eq 'ann'")) == 1
    assert emulator.sign_in(graph.tenant, "ann@example.org", "Zq7#mWv2!k")["signed_in"]
    emulator.advance(11)
    assert graph.get(f"/users/{object_id}").status_code == 404
    assert graph.find("displayName eq 'ann'") == []
    assert not emulator.sign_in(graph.tenant, "ann@example.org", "Zq7#mWv2!k")["signed_in"]


@pytest.mark.reported("microsoftgraph/microsoft-graph-docs-contrib#1503")
def test_stale_reads_after_an_update(emulator: Emulator, graph: GraphHttp) -> None:
    """Reads and filters show the state before an update for a while; several updates arrive in order."""
    object_id = graph.create("ann@example.org")
    emulator.lag(get_s=[10, 10], filter_s=[10, 10])
    graph.patch(f"/users/{object_id}", {"displayName": "bea"})
    emulator.advance(5)
    graph.patch(f"/users/{object_id}", {"displayName": "cid"})
    assert graph.read(object_id)["displayName"] == "ann"
    assert len(graph.find("displayName eq 'ann'")) == 1
    assert graph.find("displayName eq 'cid'") == []
    emulator.advance(6)
    assert graph.read(object_id)["displayName"] == "bea"
    emulator.advance(5)
    assert graph.read(object_id)["displayName"] == "cid"
    assert len(graph.find("displayName eq 'cid'")) == 1


@pytest.mark.assumed("there is no published lag: it is drawn evenly from a range, from a seed")
def test_lag_is_seeded(emulator: Emulator, graph: GraphHttp) -> None:
    """The same seed delays the same accounts by the same time."""
    stories = []
    for _ in range(2):
        emulator.reset()
        emulator.lag(get_s=[0, 100], seed=7)
        graph.sign_in()
        ids = [graph.create(f"p{number}@example.org") for number in range(10)]
        emulator.advance(50)
        stories.append([graph.get(f"/users/{object_id}").status_code for object_id in ids])
    assert stories[0] == stories[1]
    assert set(stories[0]) == {200, 404}


@pytest.mark.documented(ERRORS)
@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("after_write", [False, True])
def test_server_errors(emulator: Emulator, graph: GraphHttp, status: int, after_write: bool) -> None:
    """A server error before the write creates nobody; after the write the account exists."""
    emulator.faults({"operation": "users.create", "status": status, "after_write": after_write, "count": 1})
    body = graph.tenant.local_account("ann@example.org")
    answer = graph.post("/users", body)
    assert answer.status_code == status
    assert error_of(answer)["code"]
    assert len(emulator.dump(graph.tenant)) == int(after_write)
    assert graph.post("/users", body).status_code == (400 if after_write else 201)


@pytest.mark.assumed(FAILURE)
@pytest.mark.parametrize(("kind", "created"), [("cut_before", 0), ("cut_after", 1), ("truncate", 1)])
def test_cut_connections(emulator: Emulator, graph: GraphHttp, kind: str, created: int) -> None:
    """The connection ends without (the rest of) an answer, before or after the write."""
    emulator.faults({"operation": "users.create", "kind": kind, "count": 1})
    with pytest.raises(httpx2.TransportError):
        graph.post("/users", graph.tenant.local_account("ann@example.org"))
    assert len(emulator.dump(graph.tenant)) == created
    assert graph.get("/users").status_code == 200


@pytest.mark.assumed(FAILURE)
@pytest.mark.parametrize("kind", ["cut_after", "truncate"])
def test_cut_https_connections(emulator: Emulator, graph: GraphHttp, kind: str) -> None:
    """The same happens to an HTTPS connection."""
    context = ssl.create_default_context(cafile=graph.tenant.ca_file)
    with httpx2.Client(base_url=graph.tenant.graph_https, verify=context, trust_env=False) as https:
        https.headers["Authorization"] = graph.http.headers["Authorization"]
        emulator.faults({"operation": "users.create", "kind": kind, "count": 1})
        with pytest.raises(httpx2.TransportError):
            https.post("/v1.0/users", json=graph.tenant.local_account("ann@example.org"))
        assert len(https.get("/v1.0/users").json()["value"]) == 1


@pytest.mark.assumed(FAILURE)
@pytest.mark.parametrize("kind", ["cut_before", "cut_after"])
def test_cut_batch(emulator: Emulator, graph: GraphHttp, kind: str) -> None:
    """A cut batch is lost before or after all of its writes, and the counts tell which."""
    emulator.faults({"operation": "batch", "kind": kind, "count": 1})
    items = [create_item(graph.tenant.local_account(f"p{number}@example.org")) for number in range(3)]
    with pytest.raises(httpx2.TransportError):
        graph.batch(*items)
    written = 3 if kind == "cut_after" else 0
    assert len(emulator.dump(graph.tenant)) == written
    counts = emulator.counts()
    assert counts["received"].get("users.create", 0) == written
    assert counts["outcomes"]["users.create"] == ({"201": 3} if written else {"cut_before": 3})


@pytest.mark.assumed(FAILURE)
def test_cut_in_the_middle_of_a_batch(emulator: Emulator, graph: GraphHttp) -> None:
    """An item's cut ends the whole batch: items before it are written, the rest is not."""
    emulator.faults({"operation": "users.create", "kind": "cut_after", "item": True, "skip": 1, "count": 1})
    items = [create_item(graph.tenant.local_account(f"p{number}@example.org")) for number in range(4)]
    with pytest.raises(httpx2.TransportError):
        graph.batch(*items)
    assert len(emulator.dump(graph.tenant)) == 2


@pytest.mark.documented("https://learn.microsoft.com/graph/json-batching")
def test_items_fail_inside_a_batch(emulator: Emulator, graph: GraphHttp) -> None:
    """A server error of an item stays inside the batch, before or after the item's write."""
    rule = {"operation": "users.create", "status": 504, "after_write": True, "item": True, "count": 2}
    emulator.faults(rule)
    items = [create_item(graph.tenant.local_account(f"p{number}@example.org")) for number in range(4)]
    entries = by_id(graph.batch(*items))
    assert sorted(entry["status"] for entry in entries.values()) == [201, 201, 504, 504]
    assert len(emulator.dump(graph.tenant)) == 4
    assert emulator.counts()["outcomes"]["users.create"] == {"201": 2, "status_504_after_201": 2}


@pytest.mark.reported("Azure AD Graph error table of 2016")
def test_garbage(emulator: Emulator, graph: GraphHttp) -> None:
    """A proxy in between may answer with something that is no JSON."""
    emulator.faults({"operation": "any", "kind": "garbage", "status": 502, "count": 1})
    answer = graph.get("/users")
    assert (answer.status_code, answer.headers["content-type"]) == (502, "text/html")
    with pytest.raises(ValueError, match="Expecting value"):
        answer.json()


@pytest.mark.assumed(FAILURE)
def test_slow_answers(emulator: Emulator, graph: GraphHttp) -> None:
    """A slow answer arrives in the end, and a client that does not wait may find its write done."""
    emulator.faults({"operation": "users.create", "kind": "slow", "delay_ms": 150, "count": 2})
    assert graph.post("/users", graph.tenant.local_account("ann@example.org")).elapsed.total_seconds() > 0.14
    body = graph.tenant.local_account("bob@example.org")
    with pytest.raises(httpx2.TimeoutException):
        graph.http.post("/v1.0/users", json=body, timeout=0.05)
    assert graph.http.get("/v1.0/users").status_code == 200


@pytest.mark.assumed("simulations start anew while calls of killed processes are still under way")
def test_what_is_held_back_writes_nothing_after_a_reset(emulator: Emulator, graph: GraphHttp) -> None:
    """A reset cuts off the requests that a fault still holds back."""
    emulator.faults({"operation": "users.create", "kind": "slow", "delay_ms": 150, "count": 1})
    with pytest.raises(httpx2.TimeoutException):
        graph.http.post("/v1.0/users", json=graph.tenant.local_account("ann@example.org"), timeout=0.05)
    emulator.reset()
    time.sleep(0.3)
    assert emulator.dump(graph.tenant) == []


@pytest.mark.documented(ERRORS)
def test_expired_token_in_the_middle(emulator: Emulator, graph: GraphHttp) -> None:
    """Tokens can be ended on demand; the next request is 401."""
    emulator.expire_tokens()
    refused(graph.get("/users"), 401, "InvalidAuthenticationToken", "expired")


@pytest.mark.documented("https://learn.microsoft.com/graph/throttling")
def test_retry_after_of_a_fault(emulator: Emulator, graph: GraphHttp) -> None:
    """A fault may be a 429 or 503 with any Retry-After."""
    for status in (429, 503):
        emulator.faults({"operation": "users.list", "status": status, "retry_after": "0.249", "count": 1})
        answer = graph.get("/users")
        assert (answer.status_code, answer.headers["retry-after"]) == (status, "0.249")


@pytest.mark.assumed(FAILURE)
def test_faults_are_seeded(emulator: Emulator, graph: GraphHttp) -> None:
    """The same seed and rate strike the same requests; other operations are left alone."""
    stories = []
    for _ in range(2):
        emulator.faults({"operation": "users.list", "rate": 0.3}, seed=11)
        stories.append([graph.get("/users").status_code for _ in range(40)])
        assert graph.get("/organization").status_code == 200
    assert stories[0] == stories[1]
    assert 4 <= stories[0].count(503) <= 22


@pytest.mark.assumed(FAILURE)
def test_token_endpoint_fails(emulator: Emulator, graph: GraphHttp) -> None:
    """The token endpoint fails on demand too; a rule for any operation leaves it alone."""
    emulator.faults({"operation": "any"})
    assert graph.ask_token().status_code == 200
    emulator.faults({"operation": "token", "status": 429, "retry_after": "3", "count": 1})
    answer = graph.ask_token()
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "3")
    assert graph.ask_token().status_code == 200
    for kind in ("cut_before", "cut_after"):
        emulator.faults({"operation": "token", "kind": kind, "count": 1})
        with pytest.raises(httpx2.TransportError):
            graph.ask_token()
    emulator.faults({"operation": "token", "kind": "garbage", "count": 1})
    assert graph.ask_token().headers["content-type"].startswith("text/html")


@pytest.mark.assumed(
    "the control API refuses what it does not understand, so that no test believes in a fault that is none"
)
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("faults", {"rules": [{"operation": "any", "kind": "explode"}]}),
        ("faults", {"rules": [{"operation": "users.craete"}]}),
        ("throttle", {"profil": "off"}),
        ("lag", {"get_s": 5}),
        ("tenant", {"tenant_id": "b2c", "nonsense": 1}),
        ("sign-in", {"tenant_id": "nobody", "sign_in_name": "x", "password": "y"}),
    ],
)
def test_control_refuses_nonsense(emulator: Emulator, path: str, body: dict[str, Any]) -> None:
    """Unknown names and wrong types are 400 with a sentence."""
    answer = httpx2.post(f"{emulator.control_url}/{path}", json=body, trust_env=False)
    assert answer.status_code == 400
    assert answer.json()["error"]
