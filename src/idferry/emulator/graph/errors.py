"""Graph's refusals as exceptions: status, code, message and details in the shapes that were read or reported.

The catalogue with its sources: `docs/reference/emulator-coverage.md`. Nothing here decides when to refuse.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from idferry.emulator.clock import zoneless

Detail = dict[str, str]


class GraphError(Exception):
    """A refusal on its way to the caller."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        details: Sequence[Detail] = (),
        headers: Mapping[str, str] | None = None,
        inner: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = list(details)
        self.headers = dict(headers or {})
        self.inner = dict(inner or {})

    def body(self, *, request_id: str, client_request_id: str, now_s: float) -> dict[str, Any]:
        """The error document; `date` has no zone."""
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.details:
            error["details"] = self.details
        error["innerError"] = {
            **self.inner,
            "date": zoneless(now_s),
            "request-id": request_id,
            "client-request-id": client_request_id or request_id,
        }
        return {"error": error}


def bad_request(
    message: str, *, code: str = "Request_BadRequest", details: Sequence[Detail] = ()
) -> GraphError:
    """400 with this message."""
    return GraphError(400, code, message, details=details)


def invalid_values() -> GraphError:
    """400 that names no property, as Graph does for a bad userPrincipalName or a missing part of an identity."""
    return bad_request("One or more properties contains invalid values.")


def invalid_property(name: str) -> GraphError:
    """400 for a value that breaks the property's own rule."""
    message = f"Property {name} is invalid."
    return bad_request(message, details=[{"code": "InvalidValue", "message": message, "target": name}])


def required(name: str) -> GraphError:
    """400 for a property that must be there."""
    message = f"A value is required for property '{name}' of resource 'User'."
    return bad_request(message, details=[{"code": "PropertyRequired", "message": message, "target": name}])


def schema_mismatch(name: str) -> GraphError:
    """400 for JSON of the wrong shape."""
    return bad_request(
        f"Property {name} in payload has a value that does not match schema.", code="BadRequest"
    )


def weak_password() -> GraphError:
    """400 for a password that breaks the strength rule or holds a banned word."""
    return bad_request(
        "The specified password does not comply with password complexity requirements. "
        "Please provide a different password."
    )


def conflict(target: str, *, other_id: str | None) -> GraphError:
    """400 for a value that another object holds; `other_id` None keeps its name to ourselves."""
    message = f"Another object with the same value for property {target} already exists."
    details = [{"code": "ObjectConflict", "message": message, "target": target}]
    if other_id is not None:
        details.append(
            {
                "code": "ConflictingObjects",
                "message": "The object with the same value is named in target.",
                "target": f"User_{other_id}",
            }
        )
    return bad_request(message, details=details)


def unsupported_query(message: str = "Unsupported Query.") -> GraphError:
    """400 for a query that the directory does not answer."""
    return bad_request(message, code="Request_UnsupportedQuery")


def unsupported_combination() -> GraphError:
    """400 for an operation that a property does not support."""
    return bad_request(
        "Unsupported property or property value or combination of property and operation occured"
    )


def not_found(name: str) -> GraphError:
    """404 for an object that is not there, or not there yet."""
    return GraphError(
        404,
        "Request_ResourceNotFound",
        f"Resource '{name}' does not exist or one of its queried reference-property objects are not present.",
    )


def no_sign_in_activity() -> GraphError:
    """The tenant has no licence that shows sign-ins: microsoftgraph/microsoft-graph-docs#12772."""
    code = "Authentication_RequestFromNonPremiumTenantOrB2CTenant"
    return GraphError(403, code, "Neither tenant is B2C or tenant doesn't have premium license")


def denied() -> GraphError:
    """403 for a missing permission or directory role."""
    return GraphError(
        403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation."
    )


def directory_full() -> GraphError:
    """403 when the tenant holds as many objects as it may."""
    return GraphError(
        403,
        "Directory_QuotaExceeded",
        "The directory object quota limit for the Tenant has been exceeded. Please ask your administrator to "
        "increase the quota limit or delete objects to reduce the used quota.",
    )


def method_not_allowed() -> GraphError:
    """405 for a method that this address does not have."""
    return GraphError(
        405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target."
    )


def not_covered(what: str) -> GraphError:
    """501: the real service may answer this, the emulator does not, and says so."""
    return GraphError(501, "NotImplemented", f"The emulator does not cover {what}.")


def bad_token(message: str) -> GraphError:
    """401 for a token that is missing, unreadable or expired."""
    return GraphError(401, "InvalidAuthenticationToken", message)
