"""What a call of Entra External ID needs: settings, a ledger of people who await their password, and the calls as bytes.

Each call is of another person, with a password, a nonce, a journey and an address of its own: none is anybody's retry,
and the guard has no reason to refuse one.
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from joserfc import jwe, jws
from joserfc.jwk import RSAKey

from benchmarks.account_server import APP_ID
from benchmarks.status_service import item_of
from idferry.ledger.opening import open_ledger
from idferry.rules.entry import EventKind, Observation, TakeUp
from idferry.rules.lifecycle import State
from idferry.service.external_id import CALLER_APPLICATION_ID, EVENT_TYPE, PATH
from idferry.wiring.system import SystemClock, random_bytes

TENANT = "11111111-2222-3333-4444-555555555555"
EXTENSION = "eeeeeeee-0000-0000-0000-000000000001"
OUR_APP = "aaaaaaaa-0000-0000-0000-000000000001"
ISSUER = f"https://login.example.com/{TENANT}/v2.0"
LIFETIME_S = 3_000
CALLS_AT_ONCE = 32  # the default of the settings, written there so that it stays what is measured
_SETTINGS = """project = "bench"
[tenant]
kind = "external"
id = "{tenant}"
domain = "contoso.onmicrosoft.com"
authority = "{graph}"
graph = "{graph}"
extension_app_id = "{extension_app}"
[[application]]
client_id = "99999999-8888-4777-8666-555555555555"
secret = "a-secret"
[limits]
app_units = 1_000_000_000
[ledger]
path = "bench.ledger"
[service]
trusted_proxies = ["127.0.0.1"]
[external_id]
app_id = "{our_app}"
app_uri = "api://localhost/{our_app}"
extension_ids = ["{extension}"]
keys = ["file:entra.pem"]
issuers = ["{issuer}"]
keys_url = "{graph}/keys"
"""
_LIVE = """[[verifier]]
name = "legacy"
kind = "web_service"
url = "{graph}/nobody-asks-here"
concurrent_calls = {calls_at_once}
legacy_lockout = {{ threshold = 1000, window_seconds = 60 }}
"""


class Requests:
    """Calls of so many people, in one file; each is to be made once. `key_set` is what Entra publishes."""

    def __init__(self, folder: Path, people: int, *, password: str = "") -> None:
        """`password`: everybody's; by default each has one of his own."""
        self.file = folder / "calls"
        self.key_set = folder / "keys.json"
        self._folder = folder
        self._entra = RSAKey.generate_key(2048, {"use": "sig", "kid": "key-1"})
        self._ours = RSAKey.generate_key(2048)
        self._people = people
        self._password = password
        self._taken = 0
        self.key_set.write_text(json.dumps({"keys": [self._entra.as_dict(private=False)]}), encoding="ascii")
        (folder / "entra.pem").write_bytes(self._ours.as_pem(private=True))
        _make_ledger(folder / "bench.ledger", people)
        now = SystemClock().now()
        token = self._token(now)
        self.file.write_bytes(b"\0".join(self._request(one, token, now) for one in range(1, people + 1)))

    def write_settings(self, graph: str, *, verifier: str = _LIVE) -> None:
        """The settings of a service whose Graph, token endpoint and key set are at this address."""
        filled = (_SETTINGS + verifier).format(
            tenant=TENANT,
            graph=graph,
            extension_app=APP_ID,
            our_app=OUR_APP,
            extension=EXTENSION,
            issuer=ISSUER,
            calls_at_once=CALLS_AT_ONCE,
        )
        (self._folder / "idferry.toml").write_text(filled, encoding="utf-8")

    def take(self, count: int) -> int:
        """The place of the first of so many calls that nobody has made yet."""
        first, self._taken = self._taken, self._taken + count
        if self._taken > self._people:
            raise RuntimeError("there is nobody left to call for")
        return first

    def _token(self, now: datetime) -> str:
        at = int(now.timestamp())
        claims = {
            "iss": ISSUER,
            "aud": OUR_APP,
            "azp": CALLER_APPLICATION_ID,
            "tid": TENANT,
            "ver": "2.0",
            "iat": at,
            "nbf": at,
            "exp": at + LIFETIME_S,
        }
        header = {"alg": "RS256", "typ": "JWT", "kid": "key-1"}
        return jws.serialize_compact(header, json.dumps(claims), self._entra)

    def _request(self, number: int, token: str, now: datetime) -> bytes:
        ident = f"{number:012d}"
        about = {
            "correlationId": f"cccccccc-0000-4000-8000-{ident}",
            "client": {"ip": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"},
            "protocol": "OAUTH2.0",
            "user": {"id": f"object-{number}", "mail": f"person{number}@example.com", "userType": "Member"},
        }
        data = {
            "tenantId": TENANT,
            "customAuthenticationExtensionId": EXTENSION,
            "encryptedPasswordContext": self._encrypted(number, f"aaaaaaaa-0000-4000-8000-{ident}", now),
            "authenticationContext": about,
        }
        body = json.dumps({"type": EVENT_TYPE, "source": f"/tenants/{TENANT}", "data": data})
        head = f"POST {PATH} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        return f"{head}authorization: Bearer {token}\r\ncontent-length: {len(body)}\r\n\r\n{body}".encode()

    def _encrypted(self, number: int, nonce: str, now: datetime) -> str:
        """As Entra does it: deflated, a token without a signature inside."""
        at = int(now.timestamp())
        claims = {
            "aud": OUR_APP,
            "iss": f"api://localhost/{OUR_APP}",
            "iat": at,
            "nbf": at,
            "exp": at + LIFETIME_S,
            "user-password": self._password or f"Legacy-Password-{number}",
            "username": f"person{number}@example.com",
            "nonce": nonce,
        }
        inner = f"{_encoded({'alg': 'none', 'typ': 'JWT'})}.{_encoded(claims)}."
        header = {"alg": "RSA-OAEP", "enc": "A128CBC-HS256", "zip": "DEF"}
        return jwe.encrypt_compact(header, inner, self._ours, algorithms=["RSA-OAEP", "A128CBC-HS256", "DEF"])


def _encoded(document: Mapping[str, object]) -> str:
    return urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


def _make_ledger(file: Path, people: int) -> None:
    at = SystemClock().now()
    with open_ledger(file, tenant_id=TENANT, project="bench", random_bytes=random_bytes, at=at) as ledger:
        ledger.plan.begin_planning()
        for start in range(1, people + 1, 500):
            some = range(start, min(start + 500, people + 1))
            list(ledger.plan.plan([item_of(one) for one in some], run="run-1", take_up=TakeUp(), at=at))
        for start in range(1, people + 1, 500):
            some = range(start, min(start + 500, people + 1))
            ledger.send.turn(run="run-1", observed=(), sending=list(some), at=at)
            seen = [
                Observation(one, EventKind.CREATED, State.AWAITING_PASSWORD, object_id=f"object-{one}")
                for one in some
            ]
            ledger.send.turn(run="run-1", observed=seen, sending=(), at=at)
