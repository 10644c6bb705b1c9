"""Which application a token speaks of: a hint that may be missing, and never more than an id."""

import base64
import json
from typing import Any

import pytest

from idferry.graph.applications import client_id_of

CLIENT = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"


def token(claims: Any) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"e30.{payload}.x"


@pytest.mark.parametrize("claims", [{"appid": CLIENT}, {"azp": CLIENT}, {"appid": CLIENT, "azp": "x"}])
def test_both_versions_of_tokens_name_the_application(claims: dict[str, str]) -> None:
    assert client_id_of(token(claims)) == CLIENT


@pytest.mark.parametrize(
    "text",
    [
        "",
        "opaque",
        "a.b",
        "e30.%%%.x",
        token([]),
        token({}),
        token({"appid": 5}),
        token({"appid": "')/users"}),
    ],
)
def test_what_names_none_names_none(text: str) -> None:
    assert client_id_of(text) == ""
