"""The OpenAPI document of the endpoints, made of the types that they read and answer with.

Source: https://spec.openapis.org/oas/v3.1.0
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from idferry import __version__
from idferry.service.endpoints import ERRORS, Endpoint

_REFERENCE = "#/components/schemas/{name}"
_MEANINGS = {
    200: "Answered.",
    202: "Taken; it is done later.",
    400: "Not a request.",
    401: "Nobody who may call.",
    408: "The body came too slowly.",
    409: "What the policy shows to the person.",
    413: "The body is larger than 32 KiB.",
    503: "Too many calls are under way.",
}


def openapi_document(endpoints: Sequence[Endpoint]) -> bytes:
    """The document as JSON."""
    types = _types(endpoints)
    schemas, components = msgspec.json.schema_components(types, ref_template=_REFERENCE)
    schema_of = {id(one): schema for one, schema in zip(types, schemas, strict=True)}
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        for number, path in enumerate(endpoint.paths):
            operations = paths.setdefault(path, {})
            for method in endpoint.methods:
                operations[method.lower()] = _operation(endpoint, method, number, schema_of)
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {"title": "idferry sign-in service", "version": __version__},
            "paths": paths,
            "components": {"schemas": components, "securitySchemes": _SCHEMES},
        }
    )


_SCHEMES = {
    "basic": {"type": "http", "scheme": "basic"},
    "bearer": {"type": "http", "scheme": "bearer"},
    "api_key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
}


def _types(endpoints: Sequence[Endpoint]) -> list[Any]:
    found: dict[int, Any] = {}
    for endpoint in endpoints:
        for one in (endpoint.request, *_answers(endpoint).values()):
            if one is not None:
                found[id(one)] = one
    return list(found.values())


def _answers(endpoint: Endpoint) -> Mapping[int, Any]:
    errors = {} if endpoint.is_open else ERRORS
    return {**errors, **endpoint.answers}


def _operation(endpoint: Endpoint, method: str, number: int, schema_of: Mapping[int, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": f"{endpoint.name}_{method.lower()}" + (f"_{number + 1}" if number else ""),
        "summary": endpoint.summary,
        "responses": {
            str(status): _response(status, one, schema_of)
            for status, one in sorted(_answers(endpoint).items())
        },
    }
    if not endpoint.is_open:
        schemes = ["bearer"] if endpoint.authenticate else list(_SCHEMES)
        operation["security"] = [{name: []} for name in schemes]
    if endpoint.request is not None:
        content = {"application/json": {"schema": schema_of[id(endpoint.request)]}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _response(status: int, body: Any, schema_of: Mapping[int, Any]) -> dict[str, Any]:
    response: dict[str, Any] = {"description": _MEANINGS.get(status, "See the body.")}
    if body is not None:
        response["content"] = {"application/json": {"schema": schema_of[id(body)]}}
    return response
