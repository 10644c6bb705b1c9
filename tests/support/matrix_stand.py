"""A front, the real service and a legacy system as one stand, and what can be seen of a person from outside of all of them.

with external_stand(folder, emulator, {"ana@example.com": "Old-Password-1"}) as stand:
    assert stand.front.sign_in("ana@example.com", "Old-Password-1") is End.TOKEN
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.b2c_policy import CALLER, SECRET, B2cPolicy, Mode
from tests.support.b2c_stand import b2c_stand
from tests.support.desk import QUICK, Desk
from tests.support.emulator import EmulatedTenant, Emulator
from tests.support.external_front import ExternalFront
from tests.support.graph_http import GraphHttp
from tests.support.legacy_front import SERVICE
from tests.support.legacy_shop import ANSWERS, LegacyShop
from tests.support.scripted_server import ScriptedServer
from tests.support.service_process import RunningService, running_service
from tests.support.sign_in_ends import Front
from tests.support.sign_in_stand import prepared_stand
from tests.support.tls_files import Authority

from idferry.rules.lifecycle import State
from idferry.rules.names import compared_form
from idferry.settings import read_settings
from idferry.wiring import clock_of, ledger_to_read

PEOPLE = "people.jsonl"
AFTER_CREATION_S = 120
NO_ACCOUNT, NOBODY_KNOWS = "no account", "nobody knows"
_SERVICE = """tls_certificate = "{certificate}"
tls_key = "{key}"
{mode}
[[service.caller]]
name = "policy"
kind = "basic"
user = "{user}"
secrets = ["{secret}"]
{more}"""


class NextDesk(Desk):
    """An operator's desk in a folder whose settings are written already."""

    def write_settings(self, *, more: str = "", **replaced: str) -> None:
        """They stay as they are."""


@dataclass
class MatrixStand:
    """What is up. `front` is what people see; everything else looks behind it."""

    folder: Path
    emulator: Emulator
    tenant: EmulatedTenant
    legacy: ScriptedServer
    shop: LegacyShop
    service: RunningService
    front: Front

    def run(self, *arguments: str, code: int = 0) -> dict[str, Any]:
        """The document that a command prints."""
        return NextDesk(self.folder, self.tenant).json(*arguments, code=code)

    def own_account(self, name: str, password: str, **more: Any) -> str:
        """An account that has nothing to do with the legacy system; its object id."""
        profile = {"password": password, "forceChangePasswordNextSignIn": False}
        body = self.tenant.local_account(name, passwordProfile=profile, **more)
        return self.emulator.seed(self.tenant, [body])[0]

    def accounts(self, name: str) -> list[dict[str, Any]]:
        """The accounts with this sign-in name, as the tenant stores them."""
        return [
            one
            for one in self.emulator.dump(self.tenant)
            if name in [entry["issuerAssignedId"] for entry in one["identities"]]
        ]

    def account(self, name: str) -> dict[str, Any]:
        """The one account with this sign-in name."""
        [one] = self.accounts(name)
        return one

    def flag(self, name: str) -> bool | None:
        """The migration flag; None: it is not set, or there is no account."""
        found = self.accounts(name)
        return found[0].get(self.tenant.extension("requiresMigration")) if found else None

    def opens(self, name: str, passwords: Mapping[str, str]) -> str:
        """Which of these passwords (word -> password) opens; nobody is asked. Two of them, or two accounts, fail."""
        if not self.accounts(name):
            return NO_ACCOUNT
        self.account(name)
        opening = [
            word
            for word, password in passwords.items()
            if self.emulator.submit(self.tenant, name, password, extension=False)["signed_in"]
        ]
        assert len(opening) <= 1, opening
        return opening[0] if opening else NOBODY_KNOWS

    def state(self, name: str) -> State | None:
        """The person's state in the ledger; None: the ledger knows nobody of this name."""
        settings = read_settings(self.folder / "idferry.toml")
        with ledger_to_read(settings, clock_of(settings)) as ledger:
            entry = ledger.report.entry_of_sign_in_name(compared_form(name))
        return entry.state if entry else None

    @property
    def writes(self) -> int:
        """How many accounts anybody has asked Graph to create or change, one by one."""
        received = self.emulator.counts()["received"]
        return sum(received.get(operation, 0) for operation in ("users.create", "users.patch"))

    @property
    def asked(self) -> int:
        """How many calls the legacy system got."""
        return len(self.legacy.seen)


@contextmanager
def external_stand(folder: Path, emulator: Emulator, people: Mapping[str, str]) -> Iterator[MatrixStand]:
    """The hosted page of the external tenant; these people (name -> legacy password) are premigrated."""
    shop = LegacyShop(dict(people))
    with prepared_stand(folder, emulator, people, service_lines=SERVICE) as stand:
        stand.legacy.script = shop.script
        _reads_answers(folder)
        front = ExternalFront(emulator, stand.tenant, stand.ready.client_id)
        with running_service(folder, "--port", str(stand.port)) as service:
            yield MatrixStand(folder, emulator, stand.tenant, stand.legacy, shop, service, front)
        front.close()


@contextmanager
def policy_stand(
    folder: Path, emulator: Emulator, people: Mapping[str, str], *, mode: Mode
) -> Iterator[MatrixStand]:
    """A policy of the B2C tenant; these people are premigrated, or in mode C only planned."""
    authority, shop = Authority(folder), LegacyShop(dict(people))
    server = authority.server()
    service_lines = _SERVICE.format(
        certificate=server.certificate,
        key=server.key,
        mode="negative_reply_at = 0.0" + ("" if mode is Mode.RESET_REQUIRED else f'\nmode = "{mode}"'),
        user=CALLER,
        secret=SECRET,
        more='[passwords]\nweak = "allow"' if mode is Mode.A else "",
    )
    with b2c_stand(folder, emulator, people, service=service_lines) as stand:
        stand.legacy.script = shop.script
        _reads_answers(folder)
        if mode is Mode.C:
            _declare_attributes(stand.tenant)
            stand.plan()
        else:
            NextDesk(folder, stand.tenant).ok("premigrate", PEOPLE, "--execute")
        emulator.advance(AFTER_CREATION_S)
        with running_service(folder) as service:
            front = B2cPolicy(emulator, stand.tenant, service.address, authority.file, mode=mode)
            yield MatrixStand(folder, emulator, stand.tenant, stand.legacy, shop, service, front)
            front.close()


def _reads_answers(folder: Path) -> None:
    """The verifier reads what this legacy system demands; and an import waits for nobody for long."""
    file = folder / "idferry.toml"
    text = file.read_text(encoding="utf-8").replace(
        'kind = "web_service"\n', f'kind = "web_service"\n{ANSWERS}'
    )
    limits = "".join(f"{name} = {value}\n" for name, value in QUICK.items())
    file.write_text(f"{text}\n[limits]\n{limits}", encoding="utf-8")


def _declare_attributes(tenant: EmulatedTenant) -> None:
    """What an import does before it creates anybody, and a policy relies on."""
    graph = GraphHttp(tenant)
    graph.declare("requiresMigration", "Boolean")
    graph.declare("legacyId")
    graph.close()
