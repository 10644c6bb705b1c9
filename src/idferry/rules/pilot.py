"""Which records of a source a pilot takes: small expressions over a legacy user, `NAME=PATTERN`.

`NAME` is `key`, `signInName`, `displayName`, `email`, or the name of any attribute; `PATTERN` may hold `*` and `?`
and is compared without regard to case. `NAME!=PATTERN` takes everybody else.
"""

import fnmatch
from collections.abc import Callable
from dataclasses import dataclass

from idferry.errors import UsageError
from idferry.rules.legacy_user import LegacyUser

InPilot = Callable[[LegacyUser], bool]


@dataclass(frozen=True, slots=True)
class Term:
    """One comparison of an expression."""

    name: str
    pattern: str
    negated: bool

    def takes(self, user: LegacyUser) -> bool:
        """Whether this legacy user satisfies the comparison; a missing value is an empty one."""
        matched = any(fnmatch.fnmatchcase(value.lower(), self.pattern) for value in _values(user, self.name))
        return matched is not self.negated


def parse_pilot(expressions: tuple[str, ...]) -> InPilot:
    """A test that is true for legacy users whom every expression takes; without expressions, for everybody.

    Raises:
        UsageError: an expression is not `NAME=PATTERN`.
    """
    terms = tuple(_parse(expression) for expression in expressions)
    return lambda user: all(term.takes(user) for term in terms)


def _parse(expression: str) -> Term:
    name, equals, pattern = expression.partition("=")
    negated = name.endswith("!")
    name = name.removesuffix("!").strip()
    if not equals or not name:
        raise UsageError(
            f"--only {expression!r} is not NAME=PATTERN",
            remedy="For example: --only 'signInName=*@example.com'.",
        )
    # fnmatch knows character classes as well; a bracket in a name is a bracket.
    return Term(name, pattern.strip().lower().replace("[", "[[]"), negated)


def _values(user: LegacyUser, name: str) -> tuple[str, ...]:
    match name:
        case "key":
            return (user.key,)
        case "signInName":
            return tuple(one.issuer_assigned_id for one in user.identities if one.is_local) or ("",)
        case "displayName":
            return (user.display_name,)
        case "email":
            return (user.contact_email,)
        case _:
            value = user.attributes.get(name, "")
            return (tuple(map(str, value)) or ("",)) if isinstance(value, tuple) else (str(value),)
