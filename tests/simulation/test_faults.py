"""Every way in which an answer can fail, at one in five, in an External ID tenant: all people, once, within bounds.

The product's clock runs twenty times as fast as the real one, so that its pauses cost little; the emulator's does not.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.support.desk import PREMIGRATE, Desk
from tests.support.emulator import Emulator
from tests.support.forked_product import ForkedProduct, forked_product
from tests.support.oracle import Truth, check, read_ledger
from tests.support.population import population, write_json_lines
from tests.support.strangers import Planter

pytestmark = pytest.mark.xdist_group("heavy")

PEOPLE = 300
STRANGERS = 5
RATE = 0.2
SPEED = 20.0
# A fault of one in five makes 1.25 attempts of one; the rest is luck, and calls whose answer came too late.
CREATES_MAX = 2 * PEOPLE
REQUESTS_MAX = 150  # 15 batches of creates; each doubtful name costs a share of a question

Rule = Mapping[str, Any]


def _item(**rule: Any) -> list[Rule]:
    return [{"operation": "users.create", "item": True, "rate": RATE, **rule}]


def _batch(**rule: Any) -> list[Rule]:
    """With few batches one in five may strike none by bad luck, so that the fourth is struck for certain."""
    whole = {"operation": "batch", **rule}
    return [{**whole, "skip": 3, "count": 1, "rate": 1.0}, {"rate": RATE, **whole}]


CASES: dict[str, list[Rule]] = {
    **{f"item {status} before": _item(status=status) for status in (500, 502, 503, 504)},
    **{f"item {status} after": _item(status=status, after_write=True) for status in (500, 502, 503, 504)},
    "batch 503 before": _batch(status=503),
    "batch 503 before, asking for a pause": _batch(status=503, retry_after="2"),
    "batch 504 after": _batch(status=504, after_write=True),
    "cut before": _batch(kind="cut_before"),
    "cut after": _batch(kind="cut_after"),
    "garbage with 200 after": _batch(kind="garbage", status=200, after_write=True),
    "garbage with 502 before": _batch(kind="garbage", status=502),
    "item garbage with 201 after": _item(kind="garbage", status=201, after_write=True),
    "truncated": _batch(kind="truncate"),
    "slower than the timeout": _batch(kind="slow", delay_ms=1300, rate=0.1),
    "item 429 with Retry-After": _item(status=429, retry_after="3"),
    "item 429 without Retry-After": _item(status=429),
    "batch 429 with Retry-After": _batch(status=429, retry_after="3"),
    "batch 429 without Retry-After": _batch(status=429),
    "token expires": [{"operation": "batch", "status": 401, "skip": n, "count": 1} for n in (2, 4, 6)],
    "anything 503": [{"operation": "any", "status": 503, "rate": RATE}],
}
# Faults that strike batches whose items then never arrive: what arrived cannot be told from the ledger exactly.
HIDING = ("before", "429", "anything")


@pytest.fixture(scope="module")
def product() -> Iterator[ForkedProduct]:
    with forked_product() as product:
        yield product


@pytest.mark.parametrize("name", CASES)
def test_one_in_five_fails(
    emulator: Emulator, product: ForkedProduct, tmp_path: Path, seed: int, name: str
) -> None:
    tenant = emulator.tenant("external")
    truth = Truth(population(PEOPLE, seed=seed))
    # A token that expires twice in a row is a refusal; one connection tells the two apart.
    connections = 1 if name == "token expires" else 4
    # Where batches and their items fail alike, one attempt in three is lost: eight in a row do happen to somebody.
    limits = {"timeout_seconds": 1, "connections": connections, "attempts": 20}
    desk = Desk(tmp_path / "work", tenant, limits=limits)
    write_json_lines(truth.people, desk.export)
    hit = [truth.people[place] for place in range(10, PEOPLE, PEOPLE // STRANGERS)]
    Planter(truth, emulator, tenant).plant(hit, others=truth.people[:5])
    emulator.lag(get_s=(0.0, 0.2), filter_s=(0.0, 0.4), seed=seed)
    emulator.faults(*CASES[name], seed=seed)

    finished = product.run(desk, *PREMIGRATE, speed=SPEED)

    assert finished.code == 1, finished.err
    hidden = name.startswith(("batch", "garbage", "anything")) and any(word in name for word in HIDING)
    figures = check(truth, emulator, tenant, desk, unclear_may_be_lost=hidden)
    assert figures.unheard == 0
    assert figures.conflicts == STRANGERS
    assert figures.received <= CREATES_MAX
    assert figures.requests <= REQUESTS_MAX
    assert _struck(emulator, desk, name), "no fault struck"
    print(name, figures)  # noqa: T201


def _struck(emulator: Emulator, desk: Desk, name: str) -> bool:
    """Whether a fault was met at all: a test that meets none proves nothing."""
    if name.startswith("slow"):
        # To the emulator it is an answer like any other; the ledger holds that nobody waited for it.
        return read_ledger(desk.ledger).kinds["unanswered"] > 0
    outcomes = emulator.counts()["outcomes"]
    plain = {"200", "201", "204", "400", "404"}
    return any(set(outcomes.get(one, {})) - plain for one in outcomes)
