"""A bare Graph client for the tests: one token, one connection, no retries, nothing of the product."""

from collections.abc import Mapping, Sequence
from typing import Any

import httpx2
from tests.support.emulator import EmulatedTenant

SCOPE = "https://graph.microsoft.com/.default"
PASSWORD = "Zq7#mWv2!k"
JSON = {"Content-Type": "application/json"}


class GraphHttp:
    """Speaks to one emulated tenant as one application."""

    def __init__(self, tenant: EmulatedTenant) -> None:
        self.tenant = tenant
        self.http = httpx2.Client(base_url=tenant.graph_http, trust_env=False, timeout=30)
        self.sign_in()

    def token_form(self, **changes: str) -> dict[str, str]:
        """A good token request, with these changes; an empty value leaves the parameter out."""
        form = {
            "client_id": self.tenant.client_id,
            "client_secret": self.tenant.client_secret,
            "grant_type": "client_credentials",
            "scope": SCOPE,
            **changes,
        }
        return {name: value for name, value in form.items() if value}

    def ask_token(self, *, headers: Mapping[str, str] | None = None, **changes: str) -> httpx2.Response:
        """The answer of the token endpoint."""
        plain = {"Authorization": "", **(headers or {})}
        return self.http.post(self.tenant.token_path, data=self.token_form(**changes), headers=plain)

    def sign_in(self, **application: str) -> None:
        """Takes a token, of another application where one is named."""
        answer = self.ask_token(**application)
        assert answer.status_code == 200, answer.text
        self.http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def get(self, path: str, *, headers: Mapping[str, str] | None = None, **query: str) -> httpx2.Response:
        """GET; `select="a,b"` becomes `$select`."""
        options = {f"${name}": value for name, value in query.items()}
        return self.http.get(_versioned(path), params=options or None, headers=headers)

    def post(self, path: str, body: Any, **headers: str) -> httpx2.Response:
        """POST of JSON."""
        return self.http.post(_versioned(path), json=body, headers=headers)

    def patch(self, path: str, body: Any) -> httpx2.Response:
        """PATCH of JSON."""
        return self.http.patch(_versioned(path), json=body)

    def delete(self, path: str) -> httpx2.Response:
        """DELETE."""
        return self.http.delete(_versioned(path))

    def create(self, sign_in_name: str, **more: Any) -> str:
        """Creates a local account; gives its object id."""
        answer = self.post("/users", self.tenant.local_account(sign_in_name, **more))
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def read(self, object_id: str, *names: str) -> dict[str, Any]:
        """The selected properties of one account."""
        answer = self.get(f"/users/{object_id}", **({"select": ",".join(names)} if names else {}))
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def find(self, where: str, **query: str) -> list[dict[str, Any]]:
        """The accounts on the first page for this filter."""
        answer = self.get("/users", filter=where, **query)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["value"])

    def batch(self, *items: Mapping[str, Any]) -> httpx2.Response:
        """A batch of these items; ids are given where missing."""
        numbered = [{"id": str(number), **item} for number, item in enumerate(items)]
        return self.post("/$batch", {"requests": numbered})

    def declare(self, name: str, data_type: str = "String", **more: Any) -> str:
        """Declares an extension attribute on the tenant's extensions application; gives its full name."""
        body = {"name": name, "dataType": data_type, "targetObjects": ["User"], **more}
        answer = self.post(f"/applications(appId='{self.tenant.extension_app_id}')/extensionProperties", body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["name"])

    def local(self, name: str, kind: str = "emailAddress") -> dict[str, str]:
        """A local identity of this tenant."""
        return {"signInType": kind, "issuer": self.tenant.domain, "issuerAssignedId": name}

    def close(self) -> None:
        """Closes the connection."""
        self.http.close()


def federated(issuer: str, user_id: str) -> dict[str, str]:
    """An identity that another provider vouches for."""
    return {"signInType": "federated", "issuer": issuer, "issuerAssignedId": user_id}


def create_item(body: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A batch item that creates an account."""
    return {"method": "POST", "url": "/users", "headers": JSON, "body": body, **more}


def by_id(answer: httpx2.Response) -> dict[str, dict[str, Any]]:
    """The entries of a batch answer by their id."""
    assert answer.status_code == 200, answer.text
    return {entry["id"]: entry for entry in answer.json()["responses"]}


def error_of(answer: httpx2.Response | Mapping[str, Any]) -> dict[str, Any]:
    """The error object of an answer or of a batch entry."""
    body = answer["body"] if isinstance(answer, Mapping) else answer.json()
    return dict(body["error"])


def targets(answer: httpx2.Response) -> list[tuple[str, str]]:
    """Code and target of each detail of a refusal."""
    return [(detail["code"], detail["target"]) for detail in error_of(answer).get("details", [])]


def refused(answer: httpx2.Response, status: int, code: str, message: str = "") -> None:
    """Asserts status, code and a part of the message."""
    assert answer.status_code == status, answer.text
    assert error_of(answer)["code"] == code, answer.text
    assert message in error_of(answer)["message"], answer.text


def all_pages(client: GraphHttp, path: str, **query: str) -> list[Sequence[Any]]:
    """The pages of a list, next links followed verbatim."""
    answer = client.get(path, **query)
    pages = []
    while True:
        assert answer.status_code == 200, answer.text
        pages.append(answer.json()["value"])
        link = answer.json().get("@odata.nextLink")
        if link is None:
            return pages
        answer = client.http.get(link)


def _versioned(path: str) -> str:
    return path if path.startswith(("/v1.0/", "/beta/")) else f"/v1.0{path}"
