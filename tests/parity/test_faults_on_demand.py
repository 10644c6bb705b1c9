"""Faults beyond errors and cuts: damaged answers, doubled calls, wrong batch entries, refusals; and a hurried clock.

Each test says what happens on the wire, so that a simulation that asks for such a fault gets that one.
"""

import time
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2
import pytest
from tests.support.emulator import Emulator
from tests.support.graph_http import GraphHttp, by_id, create_item, refused

FAILURE = "a fault on demand: networks, gateways and servers fail in this way"
BATCHING = "https://learn.microsoft.com/graph/json-batching"


def items_of(graph: GraphHttp, count: int) -> list[dict[str, Any]]:
    return [create_item(graph.tenant.local_account(f"p{number}@example.org")) for number in range(count)]


@pytest.mark.assumed(FAILURE)
@pytest.mark.parametrize("kind", ["cut_header", "long_length"])
def test_answers_that_end_too_early(emulator: Emulator, graph: GraphHttp, kind: str) -> None:
    """The head breaks off, or the body is shorter than its Content-Length: no answer, and the write was done."""
    emulator.faults({"operation": "users.create", "kind": kind, "count": 1})
    with pytest.raises(httpx2.TransportError):
        graph.post("/users", graph.tenant.local_account("ann@example.org"))
    assert len(emulator.dump(graph.tenant)) == 1
    assert graph.get("/users").status_code == 200


@pytest.mark.assumed(FAILURE)
@pytest.mark.parametrize("kind", ["cut_json", "short_length"])
def test_answers_that_are_half_a_document(emulator: Emulator, graph: GraphHttp, kind: str) -> None:
    """201 with a body that is no JSON, because half of it is missing; the connection is not used again."""
    emulator.faults({"operation": "users.create", "kind": kind, "count": 1})
    answer = graph.post("/users", graph.tenant.local_account("ann@example.org"))
    assert answer.status_code == 201
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        answer.json()
    assert len(graph.get("/users").json()["value"]) == 1


@pytest.mark.assumed(FAILURE)
def test_an_answer_byte_by_byte(emulator: Emulator, graph: GraphHttp) -> None:
    """A slow loris sends one byte at a time; who waits gets everything."""
    emulator.faults({"operation": "users.create", "kind": "trickle", "delay_ms": 1, "count": 1})
    answer = graph.post("/users", graph.tenant.local_account("ann@example.org"))
    assert answer.json()["id"] == emulator.dump(graph.tenant)[0]["id"]
    assert answer.elapsed.total_seconds() > len(answer.content) / 1000


@pytest.mark.assumed(FAILURE)
@pytest.mark.parametrize(("first_counts", "status"), [(True, 201), (False, 400)])
def test_one_request_delivered_twice(
    emulator: Emulator, graph: GraphHttp, first_counts: bool, status: int
) -> None:
    """A gateway delivers a create two times: one account, and the answer to the first or to the second."""
    rule = {"operation": "users.create", "kind": "twice", "after_write": first_counts, "count": 1}
    emulator.faults(rule)
    answer = graph.post("/users", graph.tenant.local_account("ann@example.org"))
    assert answer.status_code == status
    assert len(emulator.dump(graph.tenant)) == 1
    counts = emulator.counts()
    assert counts["received"]["users.create"] == 2
    assert counts["outcomes"]["users.create"] == {"twice_after_201": 1, "400": 1}


@pytest.mark.assumed(
    "the page promises an answer to each id, and no order; an entry may still get lost on the way"
)
def test_a_batch_answer_without_one_entry(emulator: Emulator, graph: GraphHttp) -> None:
    """All of a batch is carried out, and one of the answers is missing."""
    emulator.faults({"operation": "batch", "kind": "drop_item", "count": 1})
    assert len(by_id(graph.batch(*items_of(graph, 4)))) == 3
    assert len(emulator.dump(graph.tenant)) == 4


@pytest.mark.assumed("no page says that an id occurs once in an answer; a broken gateway may mix ids up")
def test_a_batch_answer_with_a_misplaced_entry(emulator: Emulator, graph: GraphHttp) -> None:
    """One entry has the id of another, and its own id is missing."""
    emulator.faults({"operation": "batch", "kind": "misplace_item", "count": 1}, seed=5)
    entries = graph.batch(*items_of(graph, 4)).json()["responses"]
    assert len(entries) == 4
    assert len({entry["id"] for entry in entries}) == 3


@pytest.mark.assumed("no page says that an id occurs once in an answer; a broken gateway may double one")
def test_a_batch_answer_with_a_doubled_id(emulator: Emulator, graph: GraphHttp) -> None:
    """One entry comes twice, the second time with an id drawn from all of them."""
    emulator.faults({"operation": "batch", "kind": "double_item"}, seed=5)
    entries = graph.batch(*items_of(graph, 4)).json()["responses"]
    assert len(entries) == 5
    assert {entry["id"] for entry in entries} == {"0", "1", "2", "3"}


@pytest.mark.documented("https://learn.microsoft.com/graph/errors")
@pytest.mark.parametrize(
    ("refusal", "status", "words"),
    [
        ("conflict", 400, "same value for property"),
        ("weak_password", 400, "password complexity"),
        ("invalid_values", 400, "invalid value"),
        ("invalid_property", 400, "Property city is invalid"),
        ("quota", 403, "quota limit"),
        ("denied", 403, "Insufficient privileges"),
    ],
)
def test_refusals_on_demand(
    emulator: Emulator, graph: GraphHttp, refusal: str, status: int, words: str
) -> None:
    """A create is refused in Graph's words, and nothing was written."""
    emulator.faults({"operation": "users.create", "kind": "refusal", "refusal": refusal, "count": 1})
    answer = graph.post("/users", graph.tenant.local_account("ann@example.org"))
    assert answer.status_code == status
    assert words in answer.json()["error"]["message"]
    assert emulator.dump(graph.tenant) == []
    assert emulator.counts()["outcomes"]["users.create"] == {f"refusal_{refusal}": 1}


@pytest.mark.documented("https://learn.microsoft.com/entra/identity-platform/claims-challenge")
def test_a_claims_challenge(emulator: Emulator, graph: GraphHttp) -> None:
    """401 asks for another token with `insufficient_claims`."""
    emulator.faults({"operation": "users.list", "status": 401, "challenge": True, "count": 1})
    answer = graph.get("/users")
    refused(answer, 401, "InvalidAuthenticationToken", "expired")
    assert 'error="insufficient_claims"' in answer.headers["www-authenticate"]


@pytest.mark.documented("https://learn.microsoft.com/graph/throttling")
def test_a_pause_that_ends_at_a_date(emulator: Emulator, graph: GraphHttp) -> None:
    """Retry-After may be an HTTP date, counted from the emulated now."""
    emulator.advance(1000)
    emulator.faults({"operation": "users.list", "status": 429, "retry_after_date_s": 60, "count": 1})
    answer = graph.get("/users")
    until, now = (parsedate_to_datetime(answer.headers[name]) for name in ("retry-after", "date"))
    assert 58 <= (until - now).total_seconds() <= 61


@pytest.mark.documented("https://learn.microsoft.com/graph/throttling")
@pytest.mark.parametrize("form", [{"retry_after": "30"}, {"retry_after_date_s": 30}])
def test_who_does_not_wait_is_counted(emulator: Emulator, graph: GraphHttp, form: dict[str, Any]) -> None:
    """A request that comes before the time that was told is counted; later ones are not."""
    emulator.faults({"operation": "users.list", "status": 429, "count": 1, **form})
    assert graph.get("/users").status_code == 429
    assert emulator.counts()["early"] == 0
    emulator.advance(1)
    graph.get("/users")
    assert emulator.counts()["early"] == 1
    emulator.advance(31)
    graph.get("/users")
    assert emulator.counts()["early"] == 1


@pytest.mark.assumed("simulations cannot wait for the real time that a pause or a lag takes")
def test_time_can_be_hurried(emulator: Emulator, graph: GraphHttp) -> None:
    """Emulated time runs so many times as fast from now on, for the clock, lags and delays; reset ends that."""
    emulator.hurry(200)
    before_s = emulator.get("clock")["epoch_s"]
    time.sleep(0.1)
    passed_s = emulator.get("clock")["epoch_s"] - before_s
    assert passed_s > 19
    emulator.faults({"operation": "users.list", "kind": "slow", "delay_ms": 4000, "count": 1})
    assert graph.get("/users").elapsed.total_seconds() < 2
    emulator.reset()
    before_s = emulator.get("clock")["epoch_s"]
    assert emulator.get("clock")["epoch_s"] - before_s < 5
