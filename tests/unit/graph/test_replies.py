"""Real error bodies and what we make of them."""

import pytest
from tests.support.mock_graph import REQUEST_ID, graph_error

from idferry import errors
from idferry.graph.replies import NoReply, Reply, error_of, printable, refusal_of

BAD = "Request_BadRequest"
SAME_VALUE = "Another object with the same value for property {} already exists."
HOLDER = "4562bcc8-c436-4f95-b7c0-4f8ce89dca5e"

TABLE = [
    # bodies that name no holder: microsoft-graph-docs#1508
    (
        400,
        graph_error(
            BAD,
            SAME_VALUE.format("userPrincipalName"),
            {"code": "ObjectConflict", "target": "userPrincipalName"},
        ),
        errors.Conflict,
    ),
    (400, graph_error(BAD, SAME_VALUE.format("proxyAddresses")), errors.Conflict),
    # https://learn.microsoft.com/answers/questions/2104165
    (
        400,
        graph_error(
            BAD,
            "The specified password does not comply with password complexity requirements. "
            "Please provide a different password.",
        ),
        errors.WeakPassword,
    ),
    (400, graph_error(BAD, "One or more properties contains invalid values."), errors.InvalidValue),
    (400, graph_error(BAD, "One or more property values specified are invalid."), errors.InvalidValue),
    (
        400,
        graph_error(
            BAD,
            "Property userPrincipalName is invalid.",
            {"code": "InvalidValue", "target": "userPrincipalName"},
        ),
        errors.InvalidValue,
    ),
    (
        400,
        graph_error(BAD, "Invalid value specified for property 'mailNickname' of resource 'User'."),
        errors.InvalidValue,
    ),
    (
        400,
        graph_error(BAD, "A value is required for property 'displayName' of resource 'User'."),
        errors.InvalidValue,
    ),
    (
        400,
        graph_error("BadRequest", "Property identities in payload has a value that does not match schema."),
        errors.InvalidValue,
    ),
    (
        400,
        graph_error(BAD, "The following extension properties are not available: extension_0_legacyId."),
        errors.TenantNotReady,
    ),
    (
        400,
        graph_error(
            BAD, "Unsupported property or property value or combination of property and operation occured"
        ),
        errors.UnexpectedAnswer,
    ),
    (400, graph_error("Request_UnsupportedQuery", "Unsupported Query."), errors.UnexpectedAnswer),
    (401, graph_error("InvalidAuthenticationToken", "Access token has expired."), errors.TokenRefused),
    (401, graph_error("Authorization_IdentityNotFound", "The identity..."), errors.TokenRefused),
    (
        403,
        graph_error("Authorization_RequestDenied", "Insufficient privileges to complete the operation."),
        errors.Forbidden,
    ),
    (
        403,
        graph_error(
            "Directory_QuotaExceeded", "The directory object quota limit for the Tenant has been exceeded."
        ),
        errors.QuotaExceeded,
    ),
    (403, None, errors.Forbidden),
    (404, graph_error("Request_ResourceNotFound", "Resource 'x' does not exist."), errors.NotFound),
    (405, graph_error(BAD, "Specified HTTP method is not allowed."), errors.UnexpectedAnswer),
    (429, graph_error("TooManyRequests", "Please retry again later."), errors.Throttled),
    (429, graph_error("UnknownError", ""), errors.Throttled),
    (
        500,
        graph_error("Service_InternalServerError", "Encountered an internal server error."),
        errors.Unreachable,
    ),
    (502, None, errors.Unreachable),
    (503, None, errors.Unreachable),
    (504, None, errors.Unreachable),
    (408, None, errors.Unreachable),
    (501, graph_error("NotImplemented", "not supported"), errors.UnexpectedAnswer),
    (302, None, errors.UnexpectedAnswer),
]


@pytest.mark.parametrize(("status", "body", "expected"), TABLE)
def test_an_error_body_becomes_the_right_error(
    status: int, body: dict[str, object] | None, expected: type[errors.DirectoryError]
) -> None:
    assert refusal_of(Reply(status, body)).error is expected


def test_a_conflict_names_what_is_taken_and_by_whom() -> None:
    body = graph_error(
        BAD,
        SAME_VALUE.format("proxyAddresses"),
        {"code": "ObjectConflict", "target": "proxyAddresses", "message": "..."},
        {"code": "ConflictingObjects", "target": f"User_{HOLDER.upper()}", "message": "..."},
    )
    refusal = refusal_of(Reply(400, body))
    assert (refusal.attribute, refusal.holder_id) == ("proxyAddresses", HOLDER)


@pytest.mark.parametrize("target", [f"Group_{HOLDER}", "User_nonsense", f"User_{HOLDER}/../x", "", None])
def test_a_holder_that_is_no_user_id_is_not_believed(target: str | None) -> None:
    body = graph_error(BAD, SAME_VALUE.format("identities"))
    body["error"]["details"] = [{"code": "ConflictingObjects", "target": target}]
    refusal = refusal_of(Reply(400, body))
    assert (refusal.error, refusal.attribute, refusal.holder_id) == (errors.Conflict, "identities", None)


@pytest.mark.parametrize(
    "message",
    [
        SAME_VALUE.format("mail"),
        "... password complexity requirements ...",
        "extension properties are not available",
    ],
)
def test_a_message_alone_decides_nothing(message: str) -> None:
    assert refusal_of(Reply(400, graph_error("SomethingElse", message))).error is errors.UnexpectedAnswer


def test_an_unexpected_answer_keeps_its_request_id() -> None:
    refusal = refusal_of(Reply(400, graph_error("Odd", "Never heard of.")))
    unexplained = "an answer that no documentation explains"
    assert str(refusal.as_error()) == f"{unexplained} (HTTP 400 Odd request-id {REQUEST_ID})"
    told = refusal_of(Reply(418, None, {"request-id": REQUEST_ID})).reason
    assert told == f"{unexplained} (HTTP 418 request-id {REQUEST_ID})"


@pytest.mark.parametrize(
    "body",
    [
        {"error": "a text"},
        {"error": {"code": None, "message": None, "details": "x", "innerError": []}},
        {"error": {"code": {}, "message": [], "details": [1, None, {"code": 7, "target": {}}]}},
        {"nothing": 1},
    ],
)
def test_an_odd_error_document_is_not_our_downfall(body: dict[str, object]) -> None:
    assert refusal_of(Reply(400, body)).error is errors.UnexpectedAnswer


EXTENSION = "extension_0f1e2d3c4b5a69788796a5b4c3d2e1f0_vip"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (graph_error(BAD, "Property surname is invalid."), "the directory refuses a value: surname"),
        (
            graph_error(BAD, "Invalid value specified for property 'mailNickname' of resource 'User'."),
            "the directory refuses a value: mailNickname",
        ),
        (
            graph_error(
                BAD,
                "x",
                {"code": "InvalidValue", "target": "city"},
                {"code": "InvalidLength", "target": "state"},
            ),
            "the directory refuses a value: city, state",
        ),
        (
            graph_error(BAD, f"The following extension properties are not available: {EXTENSION}."),
            f"the tenant lacks an extension attribute: {EXTENSION}",
        ),
        (
            graph_error(
                "BadRequest", "Property identities in payload has a value that does not match schema."
            ),
            "the directory refuses a value: identities",
        ),
    ],
)
def test_what_a_refusal_is_about_is_told(body: dict[str, object], told: str) -> None:
    code = body["error"]["code"]  # type: ignore[index]
    assert refusal_of(Reply(400, body)).reason == f"{told} (HTTP 400 {code} request-id {REQUEST_ID})"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 429, 500, 503])
@pytest.mark.parametrize(
    "message",
    [
        "The specified password does not comply with password complexity requirements: {}",
        "Invalid value specified for property '{}' of resource 'User'.",
        "Property {} is invalid.",
        SAME_VALUE,
        "{}",
    ],
)
def test_what_a_refusal_quotes_is_not_told(status: int, message: str) -> None:
    quoted = "Correct-Horse-1"
    document: dict[str, object] = {
        "code": BAD,
        "message": message.format(quoted),
        "details": [{"code": "ObjectConflict" if status == 409 else quoted, "target": quoted}],
        "innerError": {"request-id": quoted},
    }
    for code in (BAD, quoted):
        reply = Reply(status, {"error": {**document, "code": code}}, {"request-id": quoted})
        assert "Horse" not in repr(refusal_of(reply))
        assert "Horse" not in repr(error_of(reply))


def test_texts_of_others_cannot_steer_a_terminal() -> None:
    assert printable("a\x1b[31m\nb\u202ec" + "x" * 999) == ("a [31m b c" + "x" * 999)[:300]


def test_silence_is_unreachable() -> None:
    assert isinstance(error_of(NoReply("gone", maybe_done=True)), errors.Unreachable)
