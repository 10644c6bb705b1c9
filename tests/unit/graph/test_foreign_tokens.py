"""Tokens that an object of azure-identity gives: kept here too, so that nobody asks it while a call is under way."""

from typing import Any

import pytest
from tests.support.hand_clock import HandClock
from tests.support.mock_graph import SECRET, jwt_with

from idferry.errors import TokenRefused
from idferry.graph.machine import Machine
from idferry.graph.tokens import ForeignTokens


class AzureLike:
    """An object like those of azure-identity."""

    def __init__(self, failure: Exception | None = None, *, expires_on: object = 0) -> None:
        self.failure = failure
        self.expires_on = expires_on
        self.given = ""
        self.asked = 0

    def get_token(self, scope: str) -> Any:
        self.asked += 1
        if self.failure:
            raise self.failure
        token = self.given or jwt_with(scope=scope, roles=["R"])
        return type("AccessToken", (), {"token": token, "expires_on": self.expires_on})()


def foreign_tokens(source: AzureLike, clock: HandClock | None = None) -> ForeignTokens:
    machine = Machine(clock or HandClock(), lambda: 1.0, lambda: "id")
    return ForeignTokens(source=source, graph_url="https://graph.microsoft.com", machine=machine)


def test_a_foreign_object_gives_tokens() -> None:
    tokens = foreign_tokens(AzureLike())
    assert tokens.token() == tokens.renew("old")
    assert tokens.permissions() == {"R"}


@pytest.mark.parametrize(
    ("stated_s", "kept_s"),
    [(3_600, 3_300), (86_400, 86_100), (400, 200), (0, 30), (-9, 30), (None, 30), (float("nan"), 30)],
)
def test_a_foreign_token_is_at_hand_as_long_as_it_is_good(stated_s: float | None, kept_s: float) -> None:
    """Whoever holds a ticket takes what is at hand: the object itself might fetch one, for a minute."""
    clock = HandClock()
    expires = None if stated_s is None else clock.now().timestamp() + stated_s
    source = AzureLike(expires_on=expires)
    tokens = foreign_tokens(source, clock)
    assert (tokens.at_hand(), source.asked) == (None, 0)
    token = tokens.token()
    clock.advance(kept_s - 1)
    assert (tokens.at_hand(), tokens.token(), source.asked) == (token, token, 1)
    clock.advance(2)
    assert (tokens.at_hand(), source.asked) == (None, 1)
    assert (tokens.token(), source.asked) == (token, 2)


def test_a_foreign_token_that_was_refused_is_asked_for_again() -> None:
    source = AzureLike(expires_on=HandClock().now().timestamp() + 3_600)
    tokens = foreign_tokens(source)
    refused = tokens.token()
    source.given = "another"
    assert tokens.renew(refused) == tokens.renew(refused) == "another"
    assert source.asked == 2


def test_a_foreign_failure_is_told_without_its_text() -> None:
    tokens = foreign_tokens(AzureLike(ValueError(f"AADSTS700016: {SECRET}")))
    with pytest.raises(TokenRefused) as caught:
        tokens.token()
    assert str(caught.value) == "no token from AzureLike: AADSTS700016"


@pytest.mark.parametrize("token", [f"{SECRET}\nx", f"{SECRET} ", f"{SECRET}\u00e9", f"{SECRET}\0"])
def test_a_foreign_token_that_cannot_stand_in_a_header_is_refused(token: str) -> None:
    source = AzureLike()
    source.given = token
    with pytest.raises(TokenRefused) as caught:
        foreign_tokens(source).token()
    assert SECRET not in f"{caught.value!r} {caught.value.remedy}"
