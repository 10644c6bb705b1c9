"""A legacy front that stays in front for a while, and hands on each password that it has just proven."""

import ssl
from pathlib import Path

import httpx2

CALLER, SECRET = "front", "a-secret-of-the-front-0123456789abcdef"
SERVICE = f"""capture_callers = ["{CALLER}"]
[[service.caller]]
name = "{CALLER}"
kind = "basic"
user = "{CALLER}"
secrets = ["{SECRET}"]
"""
"""Lines of a `[service]` table, its last ones."""


def hand_on(address: str, authority: Path, what: tuple[str, str, str]) -> int:
    """Calls a service over TLS with the front's credential: name, password, event; the answer's status."""
    name, password, event = what
    context = ssl.create_default_context(cafile=authority)
    with httpx2.Client(verify=context, auth=(CALLER, SECRET), trust_env=False, timeout=30) as http:
        body = {"signInName": name, "password": password, "event": event}
        return http.post(f"{address}/api/migration/capture", json=body).status_code
