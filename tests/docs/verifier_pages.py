"""The code tables in the how-to pages of verifiers: what each code of a legacy system means, from the connectors.

The pages are written by hand; what stands between two marks in them comes from here.
"""

import json
import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from tests.docs.markdown import code, table

from idferry.connectors import cognito, ldap_directory, password_grant, web_service
from idferry.rules.verdict import CodeMeaning, verdict_name

ROOT = Path(__file__).parents[2]
MARKED = re.compile(r"<!-- codes: (\w+) -->\n.*?<!-- end of codes -->", re.DOTALL)
PAGES = (
    "docs/how-to/check-passwords-with-a-web-service.md",
    "docs/how-to/check-passwords-with-a-password-grant.md",
    "docs/how-to/check-passwords-with-ldap.md",
    "docs/how-to/check-passwords-with-cognito.md",
)


def render(path: str) -> str:
    """The page with its tables as the code has them now."""
    text = (ROOT / path).read_text(encoding="utf-8")
    return MARKED.sub(lambda mark: _marked(mark[1]), text)


def renderers() -> dict[str, Callable[[], str]]:
    """Page -> what it should say."""
    return {path: partial(render, path) for path in PAGES}


def _marked(name: str) -> str:
    return f"<!-- codes: {name} -->\n\n{TABLES[name]()}\n\n<!-- end of codes -->"


def _web_service() -> str:
    parts = []
    for name, contract in web_service.CONTRACTS.items():
        asked = "Basic authentication with the person's name and password"
        if contract.body:
            asked = f"`{json.dumps(contract.body)}`"
        rows = [(code(row.code), code(verdict_name(row.verdict)), row.meaning) for row in contract.answers]
        parts.append(
            f"### {name}\n\n{contract.method}: {asked}\n\n{table(['answer', 'verdict', 'meaning'], rows)}"
        )
    return "\n\n".join(parts)


def _password_grant() -> str:
    return "\n\n".join(
        f"### {name}\n\n{_codes(server.codes)}" for name, server in password_grant.SERVERS.items()
    )


def _codes(codes: Mapping[str, CodeMeaning]) -> str:
    rows = [(code(one), code(verdict_name(row.verdict)), row.meaning) for one, row in codes.items()]
    return table(["code", "verdict", "meaning"], rows)


TABLES: dict[str, Callable[[], str]] = {
    "web_service": _web_service,
    "password_grant": _password_grant,
    "ldap": lambda: _codes(ldap_directory.CODES),
    "cognito": lambda: _codes(cognito.CODES),
}
"""Mark -> what stands there."""
