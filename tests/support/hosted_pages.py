"""Fills the emulated tenant's hosted pages in without a browser: links and forms, read from the HTML.

page = HostedPages(tenant).open(client_id=..., redirect_uri=...)
page = page.submit(sign_in_name="ann@example.org")
page.submit(password="...").redirected["code"]
"""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
from tests.support.emulator import EmulatedTenant


@dataclass
class _Found:
    forms: list[dict[str, Any]] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)
    alert: str = ""
    heading: str = ""
    text: str = ""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found = _Found()
        self._inside: list[str] = []
        self._link = ""
        self._alert = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.forms.append({"action": given["action"], "fields": {}, "inputs": []})
        if tag == "input":
            self.found.forms[-1]["inputs"].append(given)
            self.found.forms[-1]["fields"][given["name"]] = given.get("value", "")
        self._link = given.get("href", "") if tag == "a" else self._link
        self._alert = given.get("role") == "alert" if tag == "p" else self._alert
        if tag not in ("input", "meta"):
            self._inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self._inside.pop()

    def handle_data(self, data: str) -> None:
        where = self._inside[-1] if self._inside else ""
        if where == "a":
            self.found.links[data] = self._link
        if where == "h1":
            self.found.heading = data
        if where == "p" and self._alert:
            self.found.alert = data
        if where not in ("style", "title"):
            self.found.text += f"{data}\n"


class HostedPage:
    """One page as it was answered, and where it leads."""

    def __init__(self, http: httpx2.Client, answer: httpx2.Response) -> None:
        self._http = http
        self.answer = answer
        reader = _Reader()
        reader.feed(answer.text)
        self.heading, self.alert, self.text = reader.found.heading, reader.found.alert, reader.found.text
        self.links, self.forms = reader.found.links, reader.found.forms

    @property
    def redirected(self) -> dict[str, str]:
        """What the browser takes back to the application, from query or fragment."""
        assert self.answer.status_code == 303, self.answer.text
        parts = urlsplit(self.answer.headers["location"])
        return dict(parse_qsl(parts.query or parts.fragment))

    def submit(self, **fields: str) -> "HostedPage":
        """Fills the page's form in and submits it."""
        [form] = self.forms
        assert fields.keys() <= form["fields"].keys(), (fields.keys(), form["fields"])
        return HostedPage(self._http, self._http.post(form["action"], data={**form["fields"], **fields}))

    def follow(self, text: str) -> "HostedPage":
        """Follows the link with this text."""
        return HostedPage(self._http, self._http.get(self.links[text]))


class HostedPages:
    """The hosted pages of one tenant, as one browser without scripts sees them."""

    def __init__(self, tenant: EmulatedTenant) -> None:
        self.tenant = tenant
        self.http = httpx2.Client(base_url=tenant.graph_http, trust_env=False, timeout=30)

    def open(self, client_id: str, redirect_uri: str, **query: str) -> HostedPage:
        """The page that an application sends people to; `query` overrides what it asks."""
        asked = {
            "client_id": client_id,
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "scope": "openid profile email",
            "state": "a state",
            **query,
        }
        given = {name: value for name, value in asked.items() if value}
        return HostedPage(
            self.http, self.http.get(f"/{self.tenant.tenant_id}/oauth2/v2.0/authorize", params=given)
        )

    def at(self, address: str) -> HostedPage:
        """The page at an address that somebody else has built."""
        return HostedPage(self.http, self.http.get(address))

    def redeem(self, **form: str) -> httpx2.Response:
        """The token endpoint's answer to a code."""
        whole = {"grant_type": "authorization_code", **form}
        return self.http.post(self.tenant.token_path, data=whole)

    def close(self) -> None:
        """Closes the connection."""
        self.http.close()
