"""Evaluates a parsed `$filter` on one account.

Texts compare without regard to case, as the directory compares them; ids that another identity provider assigned do
not. Knows no query options and reads no accounts.
"""

from collections.abc import Callable, Mapping
from typing import Any

from idferry.emulator.graph.filters import (
    AnyIdentity,
    AnyOf,
    Both,
    Compare,
    Either,
    IsIn,
    Negated,
    Node,
    TextTest,
    Value,
)


def holds(node: Node, body: Mapping[str, Any], *, domain: str) -> bool:
    """Whether an account of the tenant with this domain satisfies the filter."""
    match node:
        case Compare(name=name, operator=operator, value=value):
            return _compare(body.get(name), operator, value)
        case IsIn(name=name, values=values):
            return any(_compare(body.get(name), "eq", value) for value in values)
        case TextTest(function=function, name=name, text=wanted):
            return _text_test(function, body.get(name), wanted)
        case AnyOf(collection=collection, inner=inner):
            return any(holds(inner, {"": item}, domain=domain) for item in body.get(collection) or ())
        case AnyIdentity(issuer=issuer, assigned=assigned):
            return any(_identity(entry, issuer, assigned, domain=domain) for entry in body["identities"])
        case Both(parts=parts):
            return all(holds(part, body, domain=domain) for part in parts)
        case Either(parts=parts):
            return any(holds(part, body, domain=domain) for part in parts)
        case Negated(inner=inner):
            return not holds(inner, body, domain=domain)


def _compare(found: Any, operator: str, wanted: Value) -> bool:
    if isinstance(found, str) and isinstance(wanted, str):
        found, wanted = found.lower(), wanted.lower()
    if operator == "eq":
        return found == wanted and isinstance(found, bool) == isinstance(wanted, bool)
    if operator == "ne":
        return bool(found != wanted)
    if found is None or wanted is None or isinstance(found, str) != isinstance(wanted, str):
        return False
    return _ORDER[operator](found, wanted)


_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    "gt": lambda found, wanted: bool(found > wanted),
    "ge": lambda found, wanted: bool(found >= wanted),
    "lt": lambda found, wanted: bool(found < wanted),
    "le": lambda found, wanted: bool(found <= wanted),
}


def _text_test(function: str, found: Any, wanted: str) -> bool:
    if not isinstance(found, str):
        return False
    return getattr(found.lower(), function)(wanted.lower()) is True


def _identity(entry: Mapping[str, str], issuer: str, assigned: str | None, *, domain: str) -> bool:
    kind = entry["signInType"].lower()
    if kind == "userprincipalname":
        return False  # has a property of its own to be found by
    if kind == "federated":
        same_issuer = entry["issuer"].lower() == issuer.lower()
        return same_issuer and (assigned is None or entry["issuerAssignedId"] == assigned)
    if assigned is None or assigned.lower().endswith(f"@{domain}"):
        return False  # reported: an address in the tenant's own domain is not found through identities
    return entry["issuerAssignedId"].lower() == assigned.lower()  # the issuer of a local identity is ignored
