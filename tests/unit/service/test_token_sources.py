"""One bearer token from two networks: an alert, once for each further network, and never a refusal."""

import asyncio
import io
import json
from typing import Any

import pytest
from tests.support.hand_clock import HandClock

from idferry.service import token_sources
from idferry.service.external_id import bearer_of
from idferry.service.logs import open_log
from idferry.service.metrics import Metrics
from idferry.service.peers import Peers
from idferry.service.token_sources import NETWORKS_OF_A_TOKEN_MAX, TokenSources, network_of

TOKEN = b"header.claims.signature"


class Watched:
    """Token sources with what they told."""

    def __init__(self, *trusted: str) -> None:
        self.log = io.BytesIO()
        clock = HandClock()
        self.metrics = Metrics(clock)
        self.sources = TokenSources(
            key=b"k" * 32,
            peers=Peers(trusted),
            log=open_log(self.log, clock=clock),
            metrics=self.metrics,
        )

    def from_(self, peer: str, token: bytes = TOKEN, *, forwarded: str = "") -> None:
        headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
        self.sources.heard("entra", token, {"client": (peer, 1), "headers": headers})

    @property
    def alerts(self) -> int:
        return self.metrics.text().count(b'idferry_alerts_total{alert="token_elsewhere"}')

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.getvalue().splitlines()]


def test_one_token_from_two_networks_is_an_alert_and_names_both() -> None:
    watched = Watched()
    for peer in ("20.190.1.1", "20.190.200.9", "::ffff:20.190.3.3"):
        watched.from_(peer)
    assert watched.lines == []
    watched.from_("203.0.113.5")
    watched.from_("203.0.113.6")
    assert [(one["event"], one["caller"], one["networks"]) for one in watched.lines] == [
        ("token_elsewhere", "entra", ["20.190.0.0/16", "203.0.0.0/16"])
    ]
    assert watched.alerts == 1
    assert b"signature" not in watched.log.getvalue()


def test_another_token_may_come_from_anywhere() -> None:
    watched = Watched()
    watched.from_("20.190.1.1")
    watched.from_("203.0.113.5", b"another.token.here")
    assert watched.lines == []


def test_behind_a_trusted_front_the_address_is_the_forwarded_one() -> None:
    watched = Watched("10.0.0.0/8")
    watched.from_("10.0.0.1", forwarded="20.190.1.1")
    watched.from_("10.9.0.1", forwarded="20.190.1.2")
    assert watched.lines == []
    watched.from_("10.0.0.1", forwarded="198.51.100.7")
    assert len(watched.lines) == 1


def test_it_remembers_so_many_tokens_and_networks_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_sources, "TOKENS_MAX", 2)
    watched = Watched()
    for number in range(20):
        watched.from_(f"{number + 1}.0.0.1")
    assert len(watched.lines) == NETWORKS_OF_A_TOKEN_MAX - 1
    for token in (b"b", b"c"):
        watched.from_("1.0.0.1", token)
    watched.from_("99.0.0.1")
    assert len(watched.sources._networks) == 2
    assert len(watched.lines) == NETWORKS_OF_A_TOKEN_MAX - 1


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("20.190.1.1", "20.190.0.0/16"),
        ("2603:1000:1:2::3", "2603:1000::/32"),
        ("fe80::1%eth0", "fe80::/32"),
        ("", ""),
        ("a front", ""),
    ],
)
def test_an_address_is_given_to_its_network(address: str, network: str) -> None:
    assert network_of(address) == network


@pytest.mark.parametrize("accepted", [True, False])
def test_entras_token_is_heard_of_when_it_lets_in_and_not_otherwise(accepted: bool) -> None:
    class Check:
        async def accepts(self, token: bytes) -> bool:
            return accepted and token == TOKEN

    heard: list[tuple[str, bytes]] = []
    authenticate = bearer_of(
        Check(),  # type: ignore[arg-type]  # as much of a check as is asked
        lambda caller, token, _scope: heard.append((caller, token)),
    )
    scope = {"client": ("20.190.1.1", 1), "headers": [(b"authorization", b"Bearer " + TOKEN)]}
    caller = asyncio.run(authenticate(scope))  # type: ignore[arg-type]  # a coroutine it is
    assert (caller is not None) is accepted
    assert heard == ([("entra", TOKEN)] if accepted else [])
