"""Starts the emulator as its users do, and steers it: one process for each test process.

    with running_emulator() as emulator:
        tenant = emulator.tenant("b2c")
        emulator.seed(tenant, [body])
        emulator.sign_in(tenant, "ann@example.org", "password")

The shapes of the control API stand in `idferry.emulator.control`.
"""

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import msgspec

STOP_TIMEOUT_S = 10


@dataclass(frozen=True)
class EmulatedTenant:
    """One tenant as `idferry emulator --json` describes it."""

    kind: str
    tenant_id: str
    domain: str
    authority: str
    graph_https: str
    graph_http: str
    ca_file: str
    client_id: str
    client_secret: str
    extension_app_id: str
    settings: str

    @property
    def token_path(self) -> str:
        """The token endpoint, relative to the authority or to `graph_http`."""
        return f"/{self.tenant_id}/oauth2/v2.0/token"

    def extension(self, short_name: str) -> str:
        """The full name of an extension attribute."""
        return f"extension_{self.extension_app_id.replace('-', '')}_{short_name}"

    def local_account(self, sign_in_name: str, **more: Any) -> dict[str, Any]:
        """A body that creates a local account with an e-mail address or a user name; `more` overrides."""
        kind = "emailAddress" if "@" in sign_in_name else "userName"
        identity = {"signInType": kind, "issuer": self.domain, "issuerAssignedId": sign_in_name}
        # External ID wants the address as `mail` too, which takes ASCII only.
        mail = {"mail": sign_in_name} if self.kind == "external" and kind == "emailAddress" else {}
        mail = mail if sign_in_name.isascii() else {}
        return {
            "displayName": sign_in_name.partition("@")[0],
            "identities": [identity],
            "passwordProfile": {"password": "Zq7#mWv2!k", "forceChangePasswordNextSignIn": False},
            "passwordPolicies": "DisablePasswordExpiration",
            **mail,
            **more,
        }


class Emulator:
    """A running emulator and its control API."""

    def __init__(self, process: subprocess.Popen[bytes], ready: Mapping[str, Any]) -> None:
        self.process = process
        self.tenants = [EmulatedTenant(**row) for row in ready["tenants"]]
        self.control_url: str = ready["control"]
        self._http = httpx2.Client(base_url=self.control_url, trust_env=False, timeout=60)

    def tenant(self, kind: str) -> EmulatedTenant:
        """The tenant of this kind."""
        return next(tenant for tenant in self.tenants if tenant.kind == kind)

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """A control request; AssertionError with the emulator's own words when it is refused."""
        response = self._http.post(f"/{path}", content=msgspec.json.encode(body or {}))
        assert response.status_code == 200, response.text
        return response.json()

    def get(self, path: str, **query: Any) -> Any:
        """A control question."""
        response = self._http.get(f"/{path}", params=query)
        assert response.status_code == 200, response.text
        return response.json()

    def reset(self) -> None:
        """As new: same tenants and first applications, nothing else."""
        self.post("reset")

    def seed(self, tenant: EmulatedTenant, accounts: Sequence[Mapping[str, Any]]) -> list[str]:
        """Creates accounts behind Graph's back; gives their object ids."""
        return list(self.post("seed", {"tenant_id": tenant.tenant_id, "accounts": accounts})["ids"])

    def advance(self, seconds: float) -> None:
        """Moves the emulated time ahead."""
        self.post("clock", {"advance_s": seconds})

    def hurry(self, speed: float) -> None:
        """Lets the emulated time run so many times as fast from now on, until it is reset."""
        self.post("clock", {"speed": speed})

    def faults(self, *rules: Mapping[str, Any], seed: int = 0) -> None:
        """Replaces all fault rules; none: nothing fails."""
        self.post("faults", {"rules": rules, "seed": seed})

    def throttle(self, **profile: Any) -> None:
        """Sets the throttle profile, with full allowances."""
        self.post("throttle", profile)

    def lag(self, **lag: Any) -> None:
        """Sets the replication lag for changes from now on."""
        self.post("lag", lag)

    def options(self, tenant: EmulatedTenant, **options: Any) -> Any:
        """Changes a tenant's options."""
        return self.post("tenant", {"tenant_id": tenant.tenant_id, **options})

    def application(self, tenant: EmulatedTenant, **change: Any) -> dict[str, str]:
        """Changes or makes an application; gives client_id, client_secret, object_id."""
        return dict(self.post("applications", {"tenant_id": tenant.tenant_id, **change}))

    def expire_tokens(self) -> None:
        """Ends every token that is out."""
        self.post("expire-tokens")

    def sign_in(self, tenant: EmulatedTenant, sign_in_name: str, password: str) -> dict[str, Any]:
        """Does this password open this account?"""
        body = {"tenant_id": tenant.tenant_id, "sign_in_name": sign_in_name, "password": password}
        return dict(self.post("sign-in", body))

    def submit(self, tenant: EmulatedTenant, sign_in_name: str, password: str, **more: Any) -> dict[str, Any]:
        """A sign-in as the hosted page carries it out, extension and all; `more` as in the control API."""
        body = {"tenant_id": tenant.tenant_id, "sign_in_name": sign_in_name, "password": password, **more}
        return dict(self.post("sign-in", body))

    def password_submit(
        self, tenant: EmulatedTenant, target_url: str, certificate: str, **more: Any
    ) -> dict[str, str]:
        """Everything that a call to this extension needs, in one request; shapes as in the control API."""
        body = {"tenant_id": tenant.tenant_id, "target_url": target_url, "certificate": certificate, **more}
        return dict(self.post("password-submit", body))

    def sign_ins(self, tenant: EmulatedTenant) -> list[dict[str, Any]]:
        """The tenant's sign-in log, oldest first."""
        return list(self.get("sign-ins", tenant_id=tenant.tenant_id)["sign_ins"])

    def letters(self, tenant: EmulatedTenant) -> list[dict[str, str]]:
        """Codes of self-service reset, newest first."""
        return list(self.get("mail", tenant_id=tenant.tenant_id)["letters"])

    def sign_in_federated(self, tenant: EmulatedTenant, issuer: str, issuer_user_id: str) -> dict[str, Any]:
        """Another identity provider vouches for a person."""
        body = {"tenant_id": tenant.tenant_id, "issuer": issuer, "issuer_user_id": issuer_user_id}
        return dict(self.post("sign-in", body))

    def self_service_reset(self, tenant: EmulatedTenant, object_id: str, password: str) -> None:
        """The person chooses a new password without us."""
        body = {"tenant_id": tenant.tenant_id, "object_id": object_id, "password": password}
        self.post("self-service-reset", body)

    def dump(self, tenant: EmulatedTenant, *, deleted: bool = False) -> list[dict[str, Any]]:
        """Every live (or deleted) account as stored, without lag."""
        query = {"tenant_id": tenant.tenant_id, "deleted": str(deleted).lower()}
        with self._http.stream("GET", "/dump", params=query) as response:
            assert response.status_code == 200, response.read()
            return [msgspec.json.decode(line) for line in response.iter_lines()]

    def counts(self) -> dict[str, Any]:
        """Requests received and outcomes, per operation; `early`: requests while a Retry-After ran."""
        return dict(self.get("counts"))

    def issued_tokens(self) -> list[str]:
        """Every access token that is remembered."""
        return list(self.get("issued-tokens")["tokens"])

    def close(self) -> None:
        """Lets go of the control API."""
        self._http.close()


@contextmanager
def running_emulator(
    *, tenant_kind: str = "both", seed: int | None = None, time_from: str = "from-system"
) -> Iterator[Emulator]:
    """A started emulator; it ends with the block, and with this process in any case."""
    command = [sys.executable, "-m", "idferry", "emulator"]
    command += ["--tenant-kind", tenant_kind, "--json", "--exit-with-parent", "--time", time_from]
    if seed is not None:
        command += ["--seed", str(seed)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, "the emulator did not start; its error is above"
        emulator = Emulator(process, msgspec.json.decode(line))
        try:
            yield emulator
        finally:
            emulator.close()
            process.terminate()
            process.wait(STOP_TIMEOUT_S)
