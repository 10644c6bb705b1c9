"""The peer: the shape of public bulk samples, which create one account after the other and keep no ledger.

For each person of the export: create the account, repeat what the official SDKs repeat (429, 503 and 504, three
times), and report every error as a failure. Killed and started again, it begins with the first person. A program of
its own: `python -m tests.simulation.sample_loop ORDER`, where ORDER is a JSON object with the fields of LoopOrder.
"""

import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx2

# What the middleware of the official SDKs does by default: https://learn.microsoft.com/graph/sdks/choose-authentication-providers
# and microsoft/kiota-http-python, retry_handler.py.
RETRIED = frozenset({429, 503, 504})
RETRIES_MAX = 3
DELAY_S = 3.0
PASSWORD = "Loop-Pass-{}!"


@dataclass(frozen=True)
class LoopOrder:
    """What the loop needs to know. `speed`: how many seconds it believes to wait in one real second."""

    graph: str
    token: str
    domain: str
    legacy_id: str
    export: str
    report: str
    speed: float

    def as_json(self) -> str:
        """The argument."""
        return json.dumps(asdict(self))


def main(order: LoopOrder) -> None:
    """Create everybody and write one line for each: key, "created" or the error."""
    with (
        httpx2.Client(base_url=order.graph, trust_env=False, timeout=20) as http,
        Path(order.report).open("w", encoding="utf-8", buffering=1) as report,
    ):
        http.headers["Authorization"] = f"Bearer {order.token}"
        for number, line in enumerate(Path(order.export).read_text(encoding="utf-8").splitlines()):
            person = json.loads(line)
            report.write(f"{person['key']} {_create(http, order, person, number)}\n")


def _create(http: httpx2.Client, order: LoopOrder, person: dict[str, Any], number: int) -> str:
    for attempt in range(RETRIES_MAX + 1):
        try:
            answer = http.post("/v1.0/users", json=_body(order, person, number))
        except httpx2.HTTPError as error:
            return type(error).__name__
        if answer.status_code == 201:
            return "created"
        if answer.status_code not in RETRIED or attempt == RETRIES_MAX:
            break
        wait_s = float(answer.headers.get("retry-after", DELAY_S * 2**attempt))
        time.sleep(wait_s / order.speed)
    return f"HTTP {answer.status_code}"


def _body(order: LoopOrder, person: dict[str, Any], number: int) -> dict[str, Any]:
    identities = [
        {"signInType": "federated", "issuer": one["issuer"], "issuerAssignedId": one["issuerUserId"]}
        for one in person.get("federated", [])
    ]
    body: dict[str, Any] = {
        "displayName": person["displayName"],
        order.legacy_id: f"demo:people:{person['key']}",
    }
    if name := person.get("signInName"):
        identities.append({"signInType": "emailAddress", "issuer": order.domain, "issuerAssignedId": name})
        password = person.get("password") or PASSWORD.format(number)
        body["passwordProfile"] = {"password": password, "forceChangePasswordNextSignIn": False}
        body["passwordPolicies"] = "DisablePasswordExpiration"
    return {**body, "identities": identities}


if __name__ == "__main__":
    main(LoopOrder(**json.loads(sys.argv[1])))
