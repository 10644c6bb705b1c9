"""Strangers: accounts of others that hold a sign-in name of the export, with no legacyId or with a foreign one.

A tool that takes every conflict for its own lost answer would adopt them. The directory's uniqueness cannot catch
such a tool, so they are planted behind its back.
"""

from collections.abc import Sequence
from itertools import count
from typing import Any

from tests.support.desk import Desk
from tests.support.emulator import EmulatedTenant, Emulator
from tests.support.oracle import PROJECT, SOURCE, Stranger, Truth, legacy_id, read_ledger
from tests.support.population import Person

_PASSWORD = "Strange-{number}-Pass!word"


class Planter:
    """Plants strangers of every kind, one after the other."""

    def __init__(self, truth: Truth, emulator: Emulator, tenant: EmulatedTenant) -> None:
        self._truth = truth
        self._emulator = emulator
        self._tenant = tenant
        self._numbers = count()

    def plant(self, hit: Sequence[Person], *, others: Sequence[Person]) -> None:
        """One stranger for each person in `hit`; some carry the legacyId of one of `others`."""
        for person in hit:
            number = next(self._numbers)
            self._plant_one(person, number, _foreign_legacy_id(number, person, others[number % len(others)]))

    def _plant_one(self, person: Person, number: int, foreign: str | None) -> None:
        password = _PASSWORD.format(number=number)
        more: dict[str, Any] = {"displayName": "A stranger"}
        more |= {self._tenant.extension("legacyId"): foreign} if foreign else {}
        if person.sign_in_name:
            # Names compare without regard to case, so a stranger's may be written otherwise.
            name = person.sign_in_name.upper() if number % 2 else person.sign_in_name
            profile = {"password": password, "forceChangePasswordNextSignIn": False}
            body = self._tenant.local_account(name, passwordProfile=profile, **more)
        else:
            assert person.federated is not None
            issuer, assigned = person.federated
            identity = {"signInType": "federated", "issuer": issuer, "issuerAssignedId": assigned}
            body = {"identities": [identity], **more}
        (object_id,) = self._emulator.seed(self._tenant, [body])
        self._truth.strangers.append(
            Stranger(object_id, person.sign_in_name, password, foreign, hit_key=person.key)
        )


def free_people(truth: Truth, emulator: Emulator, tenant: EmulatedTenant, desk: Desk) -> list[Person]:
    """People whose sign-in names nobody holds yet; first those for whom a create was announced that never arrived."""
    there = {
        one["issuerAssignedId"].lower() for account in emulator.dump(tenant) for one in account["identities"]
    }
    free = [
        one
        for one in truth.people
        if one.sign_in_name and not {one.sign_in_name.lower(), *_federated_id(one)} & there
    ]
    entries = read_ledger(desk.ledger).entries if desk.ledger.exists() else {}
    announced = {key for key, entry in entries.items() if entry.state == "creating"}
    return sorted(free, key=lambda one: one.key not in announced)


def _federated_id(person: Person) -> set[str]:
    return {person.federated[1].lower()} if person.federated else set()


def _foreign_legacy_id(number: int, hit: Person, other: Person) -> str | None:
    """None, or somebody else's: another project's, another source's, another person's, or one in another case."""
    choices = (
        None,
        f"elsewhere:{SOURCE}:{hit.key}",
        legacy_id(other.key),
        f"{PROJECT}:crm:{hit.key}",
        legacy_id(hit.key).upper(),
    )
    return choices[number % len(choices)]
