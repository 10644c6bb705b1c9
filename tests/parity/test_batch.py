"""`$batch`: size, order, dependencies, and items that fail on their own."""

from typing import Any

import pytest
from tests.support.emulator import Emulator
from tests.support.graph_http import JSON, GraphHttp, by_id, create_item, error_of, refused

BATCHING = "https://learn.microsoft.com/graph/json-batching"


@pytest.mark.documented(BATCHING)
def test_twenty_items(graph: GraphHttp) -> None:
    """Twenty items answer 200 as a whole and each on its own, with the cost of each."""
    items = [create_item(graph.tenant.local_account(f"p{number}@example.org")) for number in range(20)]
    entries = by_id(graph.batch(*items))
    assert {entry["status"] for entry in entries.values()} == {201}
    assert entries["7"]["body"]["displayName"] == "p7"
    units = "5" if graph.tenant.kind == "b2c" else "1"
    assert {entry["headers"]["x-ms-resource-unit"] for entry in entries.values()} == {units}
    refused(graph.batch(*items, *items), 400, "BadRequest", "20")


@pytest.mark.documented(BATCHING)
def test_items_fail_on_their_own(graph: GraphHttp) -> None:
    """A failing item does not touch the others; the outer status stays 200."""
    body = graph.tenant.local_account("ann@example.org")
    entries = by_id(
        graph.batch(create_item(body), create_item(body), {"method": "GET", "url": "users/nobody"})
    )
    assert [entries[key]["status"] for key in ("0", "1", "2")] == [201, 400, 404]
    assert error_of(entries["1"])["details"][0]["code"] == "ObjectConflict"


@pytest.mark.documented(BATCHING)
def test_every_method(graph: GraphHttp) -> None:
    """Items may read, change and delete; 204 items have no body; a leading slash is optional."""
    object_id = graph.create("ann@example.org")
    entries = by_id(
        graph.batch(
            {"method": "GET", "url": f"users/{object_id}?$select=id"},
            {"method": "PATCH", "url": f"/users/{object_id}", "headers": JSON, "body": {"displayName": "x"}},
            {"method": "GET", "url": "/users?$filter=displayName eq 'nobody'"},
            {"method": "DELETE", "url": f"/users/{object_id}"},
        )
    )
    assert [entries[str(number)]["status"] for number in range(4)] == [200, 204, 200, 204]
    assert "body" not in entries["3"]
    assert entries["0"]["body"].keys() == {"@odata.context", "id"}


@pytest.mark.documented(BATCHING)
def test_order_of_answers(graph: GraphHttp) -> None:
    """Answers come in any order; ids tell which is which."""
    items = [{"method": "GET", "url": "/users"}] * 20
    orders = {tuple(entry["id"] for entry in graph.batch(*items).json()["responses"]) for _ in range(3)}
    assert len(orders) > 1


@pytest.mark.documented(BATCHING)
@pytest.mark.parametrize(
    "requests",
    [
        [],
        "x",
        [{"method": "GET", "url": "/users"}],
        [{"id": 1, "method": "GET", "url": "/users"}],
        [{"id": "a", "method": "GET", "url": "/users"}, {"id": "A", "method": "GET", "url": "/users"}],
        [{"id": "a", "method": "BREW", "url": "/users"}],
        [{"id": "a", "method": "GET"}],
        [{"id": "a", "method": "POST", "url": "/users", "body": {}}],
        [{"id": "a", "method": "GET", "url": "/users", "headers": {"x": 1}}],
    ],
)
def test_malformed_batches(graph: GraphHttp, requests: Any) -> None:
    """Missing, numeric or doubled ids (in any case), no method, no url, a body without Content-Type: 400 as a whole."""
    refused(graph.post("/$batch", {"requests": requests}), 400, "BadRequest")


@pytest.mark.documented(BATCHING)
def test_sequential_batch(graph: GraphHttp) -> None:
    """With dependsOn items run in order, and after a failure the rest is 424."""
    body = graph.tenant.local_account("ann@example.org")
    items = [
        create_item(body),
        create_item(body, dependsOn=["0"]),
        create_item(graph.tenant.local_account("bob@example.org"), dependsOn=["1"]),
    ]
    entries = by_id(graph.batch(*items))
    assert [entries[str(number)]["status"] for number in range(3)] == [201, 400, 424]
    assert graph.find("displayName eq 'bob'") == []


@pytest.mark.documented(BATCHING)
def test_mixed_batch(graph: GraphHttp) -> None:
    """A batch is either entirely sequential or entirely parallel."""
    read = {"method": "GET", "url": "/users"}
    refused(graph.batch(read, {**read, "dependsOn": ["0"]}, read), 400, "BadRequest", "sequential")
    refused(graph.batch({**read, "dependsOn": ["1"]}, read), 400, "BadRequest")
    refused(graph.batch(read, {**read, "dependsOn": ["nobody"]}), 400, "BadRequest")


@pytest.mark.assumed("no page describes a batch inside a batch")
def test_nested_batch(graph: GraphHttp) -> None:
    """A batch inside a batch is not covered."""
    entries = by_id(
        graph.batch({"method": "POST", "url": "/$batch", "headers": JSON, "body": {"requests": []}})
    )
    assert entries["0"]["status"] == 501


@pytest.mark.documented(BATCHING)
def test_batch_needs_a_token(graph: GraphHttp) -> None:
    """Without a good token the whole batch is 401."""
    graph.http.headers["Authorization"] = "Bearer x"
    refused(graph.batch({"method": "GET", "url": "/users"}), 401, "InvalidAuthenticationToken")


@pytest.mark.documented(BATCHING)
def test_links_in_items(emulator: Emulator, graph: GraphHttp) -> None:
    """The next link of an item is absolute and leads on outside the batch."""
    emulator.seed(graph.tenant, [graph.tenant.local_account(f"p{number}@example.org") for number in range(3)])
    entries = by_id(graph.batch({"method": "GET", "url": "/users?$top=2&$select=id"}))
    link = entries["0"]["body"]["@odata.nextLink"]
    assert len(graph.http.get(link).json()["value"]) == 1
