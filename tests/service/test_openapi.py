"""The OpenAPI document says what the endpoints do: generated requests of a signed-in caller find no gap between the two."""

import json
from collections.abc import Iterator
from itertools import cycle

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.types import ASGIApp
from tests.support.service_stage import BASIC, ServiceStage

EXAMPLES_MAX = 60
STAGE = ServiceStage()
STAGE.status.add([("id", ["ana@example.com"])])
DOCUMENT = json.loads(STAGE.call("GET", "/openapi.json", app=STAGE.admin).body)
APP: ASGIApp = STAGE.tenant
schema = schemathesis.openapi.from_dict(DOCUMENT)
schema.app = APP
REACHED_MIN = 0.8
EVERY_OTHER = cycle((True, False))
MENDED: list[str] = []


@pytest.fixture
def enough_reach_the_store() -> Iterator[None]:
    """What is generated for one endpoint must not all end at its door."""
    MENDED.clear()
    told_before = len(_told())
    yield
    told = _told()[told_before:]
    assert MENDED or not told, "no body was mended"
    assert len(told) - told.count("malformed") >= REACHED_MIN * len(MENDED)


def _told() -> list[str]:
    lines = (line for line in STAGE.lines() if line.get("endpoint") in ("reset_status", "password_updated"))
    return [line["outcome"] for line in lines]


@pytest.mark.usefixtures("enough_reach_the_store")
@schema.parametrize()
@settings(max_examples=EXAMPLES_MAX, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_is_generated_is_answered_as_the_document_says(case: schemathesis.Case) -> None:
    if isinstance(case.body, dict) and next(EVERY_OTHER):
        # A body without any name ends before the store is asked: more than the door is to be tried.
        texts = {name: one for name, one in case.body.items() if isinstance(one, str)}
        case.body = {**texts, "email": texts.get("email", "").strip() or "ana@example.com"}
        MENDED.append(case.path)
    response = case.call(headers={BASIC[0]: BASIC[1]})
    assert response.status_code != 401, "the caller was signed in"
    case.validate_response(
        response,
        checks=[
            not_a_server_error,
            status_code_conformance,
            content_type_conformance,
            response_schema_conformance,
        ],
    )


@pytest.mark.parametrize("path", [path for path in DOCUMENT["paths"] if path != "/healthz"])
def test_every_path_of_the_document_asks_who_calls(path: str) -> None:
    for method, operation in DOCUMENT["paths"][path].items():
        assert operation["security"]
        assert STAGE.call(method.upper(), path, b"{}", headers=()).status == 401
