"""What stands before the service when people sign in, for stories in which it is killed: a policy of B2C in two modes, a hosted page.

Each front presses the button for one person and says what the person saw. It believes nothing but the tenant.
"""

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Any

from tests.support.b2c_stand import B2cStand, ask, b2c_stand
from tests.support.emulator import EmulatedTenant, Emulator
from tests.support.population import canary
from tests.support.sign_in_stand import Stand, prepared_stand

SIGN_IN = "/api/migration/sign-in"
POLICY_ANSWERS_LOST = 0.05
TAKEN = "already exists"


class Saw(Enum):
    """What came of one press: let in, not let in, or no answer."""

    WELCOME = auto()
    REFUSAL = auto()
    NOTHING = auto()


@dataclass(frozen=True)
class Customer:
    """Somebody who signs in, always from the same address."""

    name: str
    password: str
    address: str


@dataclass(frozen=True)
class Front:
    """A front over a stand. `opens`: whether the stored password is this one; `press` takes a person and a password.

    `creates`: the account comes with the first sign-in, so that most people have none.
    """

    folder: Path
    emulator: Emulator
    tenant: EmulatedTenant
    port: int
    options: tuple[str, ...]
    press: Callable[[Customer, str, str], Saw]
    opens: Callable[[str, str], bool]
    creates: bool = False


def customers(count: int, *, seed: int) -> list[Customer]:
    """So many; every password is a canary."""
    chance = random.Random(seed)  # noqa: S311  it must be repeatable
    return [
        Customer(f"person{n}@example.com", canary(chance), f"198.18.{n >> 8}.{n & 255}") for n in range(count)
    ]


def _known(people: list[Customer]) -> dict[str, str]:
    return {one.name: one.password for one in people}


@contextmanager
def mode_b(folder: Path, emulator: Emulator, people: list[Customer], *, port: int) -> Iterator[Front]:
    """A policy asks, and the service writes password and flag."""
    with b2c_stand(folder, emulator, _known(people), service='mode = "B"', legacy_s=0.01) as stand:
        assert stand.run("premigrate", "people.jsonl", "--execute")["failed"] == 0
        # What changes from now on is later than the creation.
        emulator.advance(120)

        def press(one: Customer, password: str, journey: str) -> Saw:
            status, _ = ask(f"http://127.0.0.1:{port}", SIGN_IN, _question(one, password, journey))
            return Saw.NOTHING if not status else Saw.WELCOME if status == 200 else Saw.REFUSAL

        yield Front(folder, emulator, stand.tenant, port, ("--insecure-loopback",), press, stand.opens)


@contextmanager
def mode_c(folder: Path, emulator: Emulator, people: list[Customer], *, port: int) -> Iterator[Front]:
    """A policy asks for people without an account, and creates it; some of the service's answers get lost on their way."""
    with b2c_stand(folder, emulator, _known(people), service='mode = "C"', legacy_s=0.01) as stand:
        stand.plan()
        chance = random.Random(port)  # noqa: S311  which answers get lost cannot be repeated anyway

        def press(one: Customer, password: str, journey: str) -> Saw:
            known = emulator.sign_in(stand.tenant, one.name, password)
            if known["reason"] != "unknown":
                return Saw.WELCOME if known["signed_in"] else Saw.REFUSAL
            status, claims = ask(f"http://127.0.0.1:{port}", SIGN_IN, _question(one, password, journey))
            if not status or chance.random() < POLICY_ANSWERS_LOST:
                return Saw.NOTHING
            if status != 200:
                return Saw.REFUSAL
            assert claims["createRequired"], claims
            return Saw.WELCOME if write_as_policy(stand, claims, password) else Saw.REFUSAL

        options = ("--insecure-loopback",)
        yield Front(folder, emulator, stand.tenant, port, options, press, stand.opens, creates=True)


@contextmanager
def external_id(folder: Path, emulator: Emulator, people: list[Customer], *, port: int) -> Iterator[Front]:
    """The tenant's own page calls over TLS, once more where no answer came, and writes the password itself."""
    del port  # the extension is registered with the stand's own
    with prepared_stand(folder, emulator, _known(people)) as stand:
        stand.faults["late_s"] = 0.01

        def press(one: Customer, password: str, journey: str) -> Saw:
            end = stand.sign_in(one.name, password, correlation_id=journey, client_address=one.address)
            if end["signed_in"]:
                return Saw.WELCOME
            return Saw.NOTHING if end["reason"] == "error" else Saw.REFUSAL

        yield Front(folder, emulator, stand.tenant, stand.port, (), press, stand.opens)


def write_as_policy(stand: B2cStand | Stand, claims: Mapping[str, Any], password: str) -> bool:
    """AAD Write by sign-in name with every claim of the answer; False: the tenant refuses, as where the name is taken."""
    kept = {name: value for name, value in claims.items() if name not in _NOT_PERSISTED}
    extensions = {name for name in kept if name.startswith("extension_")}
    body = stand.tenant.local_account(
        claims["signInEmailAddress"],
        passwordProfile={"password": password, "forceChangePasswordNextSignIn": False},
        **{name: value for name, value in kept.items() if name not in extensions},
        **{stand.tenant.extension(name.removeprefix("extension_")): kept[name] for name in extensions},
    )
    try:
        stand.emulator.seed(stand.tenant, [body])
    except AssertionError as error:
        if TAKEN not in str(error):
            raise
        return False
    return True


_NOT_PERSISTED = (
    "createRequired",
    "tokenSuccess",
    "migrationRequired",
    "signInEmailAddress",
    "signInUserName",
)


def _question(one: Customer, password: str, journey: str) -> dict[str, str]:
    return {
        "signInName": one.name,
        "password": password,
        "correlationId": journey,
        "ipAddress": one.address,
    }


FRONTS: Mapping[str, Any] = {"mode B": mode_b, "mode C": mode_c, "External ID": external_id}
