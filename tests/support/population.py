"""A made-up population in our JSON Lines format: known, missing and federated sign-ins, every password a canary."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

CANARY = "Cnry-"
ISSUERS = ("google.com", "facebook.com")


@dataclass(frozen=True)
class Person:
    """One line of the export. `password` is empty where the export has none, `federated` is issuer and id."""

    key: str
    sign_in_name: str = ""
    password: str = ""
    federated: tuple[str, str] | None = None

    @property
    def gets_random_password(self) -> bool:
        """A local account of `--password auto` whose password the export does not know."""
        return bool(self.sign_in_name) and not self.password

    @property
    def record(self) -> dict[str, Any]:
        """The line as an object."""
        record: dict[str, Any] = {
            "key": self.key,
            "displayName": f"Person {self.key}",
            "givenName": "Zoë",
            "surname": f"O'Neill {self.key}",
            "attributes": {"city": "Porto", "loyaltyNumber": f"P-{self.key}"},
        }
        if self.sign_in_name:
            record["signInName"] = self.sign_in_name
        if self.password:
            record["password"] = self.password
        if self.federated:
            record["federated"] = [{"issuer": self.federated[0], "issuerUserId": self.federated[1]}]
        return record


def canary(chance: random.Random) -> str:
    """A strong password that occurs nowhere else."""
    return f"{CANARY}{chance.getrandbits(128):032x}!9a"


def population(count: int, *, seed: int) -> list[Person]:
    """People of every kind: of ten, six with a known password, three without one, one federated only."""
    chance = random.Random(seed)  # noqa: S311  it must be repeatable
    return [_person(number, chance) for number in range(count)]


def _person(number: int, chance: random.Random) -> Person:
    kind = number % 10
    name = _address(number)
    password = canary(chance)
    federated = (ISSUERS[number % 2], f"Id-{chance.getrandbits(64):x}")
    match kind:
        case 7:
            return Person(f"c-{number}", federated=federated)
        case 8:
            return Person(f"c-{number}", name, password, federated)
        case 9:
            return Person(f"c-{number}", name, "", federated)
        case 5 | 6:
            return Person(f"c-{number}", name)
        case _:
            return Person(f"c-{number}", name, password)


def _address(number: int) -> str:
    """Mostly plain, some with what filters and addresses get wrong."""
    if number % 50 == 3:
        return f"Ann.O'Hara+{number}@Example.com"
    if number % 50 == 4:
        return f"jörg.{number}@example.com"
    return f"person.{number}@example.com"


def write_json_lines(people: Sequence[Person], path: Path) -> None:
    """The export."""
    path.write_bytes(b"".join(msgspec.json.encode(person.record) + b"\n" for person in people))
