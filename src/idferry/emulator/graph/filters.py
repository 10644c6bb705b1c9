"""`$filter`: a small OData parser, and the check of what the directory supports.

Covers what https://learn.microsoft.com/graph/api/user-list and
https://learn.microsoft.com/graph/api/resources/objectidentity describe for users; the rest is refused. `matching` evaluates the
tree, `finding` decides which accounts are looked at.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from idferry.emulator.clock import stamp
from idferry.emulator.graph.errors import (
    GraphError,
    bad_request,
    not_covered,
    unsupported_combination,
    unsupported_query,
)

Value = str | int | bool | None
OR_CLAUSES_MAX = 15
TEXT_LENGTH_MAX = 15_000


@dataclass(frozen=True, slots=True)
class Compare:
    """`name operator value`."""

    name: str
    operator: str
    value: Value


@dataclass(frozen=True, slots=True)
class IsIn:
    """`name in (values)`."""

    name: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class TextTest:
    """`startswith(name, 'text')` or `endswith(...)`."""

    function: str
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class AnyOf:
    """`collection/any(x: ...)` over plain texts."""

    collection: str
    inner: "Node"


@dataclass(frozen=True, slots=True)
class AnyIdentity:
    """`identities/any(c: ...)`: the issuer, and the assigned id unless the issuer alone was given."""

    issuer: str
    assigned: str | None


@dataclass(frozen=True, slots=True)
class Both:
    """All of these hold."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Either:
    """One of these holds."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Negated:
    """This does not hold."""

    inner: "Node"


Node = Compare | IsIn | TextTest | AnyOf | AnyIdentity | Both | Either | Negated

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<string>'(?:[^']|'')*')
      | (?P<moment>\d{4}-\d\d-\d\d(?:T[0-9:.]+(?:Z|[+-]\d\d:\d\d))?)
      | (?P<number>-?\d+(?![\w-]))
      | (?P<word>[A-Za-z_][\w./-]*)
      | (?P<mark>[(),:])
    )""",
    re.VERBOSE,
)
_OPERATORS = frozenset({"eq", "ne", "gt", "ge", "lt", "le"})
_FUNCTIONS = frozenset({"startswith", "endswith"})
# https://learn.microsoft.com/graph/api/resources/objectidentity: these may be asked for without an assigned id.
_ISSUERS_ALONE = frozenset({"google.com", "facebook.com", "mail", "phone"})
_PREFIXED = frozenset({"displayName", "mail", "givenName", "surname", "userPrincipalName"})
_ORDERED = frozenset({"createdDateTime", "lastPasswordChangeDateTime"})
_COMPARED = frozenset(
    [
        "id",
        "appId",
        "userPrincipalName",
        "mail",
        "displayName",
        "givenName",
        "surname",
        "accountEnabled",
        "creationType",
        "userType",
        "department",
        "jobTitle",
        "city",
        "state",
        "country",
        "companyName",
        "employeeId",
        "mailNickname",
        "usageLocation",
        "mobilePhone",
        "postalCode",
    ]
)
_COLLECTIONS = frozenset({"otherMails", "proxyAddresses", "businessPhones"})


def parse(text: str) -> Node:
    """The filter as a tree; GraphError when it is malformed or names what cannot be filtered."""
    if len(text) > TEXT_LENGTH_MAX:
        raise _invalid("is too long")
    reader = _Reader(text)
    node = reader.either()
    reader.expect_end()
    return node


def is_advanced(node: Node) -> bool:
    """Whether this filter needs the advanced query capabilities of the directory."""
    match node:
        case Compare(name=name, operator=operator, value=value):
            return operator == "ne" or (value is None and not name.startswith("extension_"))
        case TextTest(function=function):
            return function == "endswith"
        case Negated():
            return True
        case Both(parts=parts) | Either(parts=parts):
            return any(map(is_advanced, parts))
        case AnyOf(inner=inner):
            return is_advanced(inner)
        case IsIn() | AnyIdentity():
            return False


def _invalid(why: str) -> GraphError:
    return bad_request(f"Invalid filter clause: the text {why}.", code="BadRequest")


class _Reader:
    """Recursive descent over the tokens of one filter."""

    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._next = 0

    def expect_end(self) -> None:
        """GraphError when something follows the filter."""
        if self._next < len(self._tokens):
            raise _invalid("goes on behind its end")

    def either(self, variable: str | None = None) -> Node:
        """`a or b or c`."""
        parts = [self._both(variable)]
        while self._takes("word", "or"):
            parts.append(self._both(variable))
        if len(parts) > OR_CLAUSES_MAX:
            raise bad_request(
                "Too many child clauses specified in search filter expression containing 'OR' operators: "
                f"{len(parts)}. Max allowed: {OR_CLAUSES_MAX}."
            )
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _both(self, variable: str | None) -> Node:
        parts = [self._one(variable)]
        while self._takes("word", "and"):
            parts.append(self._one(variable))
        return parts[0] if len(parts) == 1 else Both(tuple(parts))

    def _one(self, variable: str | None) -> Node:
        if self._takes("mark", "("):
            node = self.either(variable)
            self._expect("mark", ")")
            return node
        if self._takes("word", "not"):
            return Negated(self._one(variable))
        name = self._expect("word")
        if name.lower() in _FUNCTIONS:
            return self._function(name.lower(), variable)
        if name.endswith("/any"):
            return self._any(name.removesuffix("/any"))
        return self._comparison(name, variable)

    def _function(self, function: str, variable: str | None) -> Node:
        self._expect("mark", "(")
        name = _inner_name(self._expect("word"), variable)
        self._expect("mark", ",")
        text = self._value()
        self._expect("mark", ")")
        if not isinstance(text, str):
            raise _invalid(f"gives {function} something other than text")
        if variable is None and name not in _PREFIXED:
            raise unsupported_query(
                f"Unsupported or invalid query filter clause specified for property '{name}'."
            )
        return TextTest(function, name, text)

    def _any(self, collection: str) -> Node:
        self._expect("mark", "(")
        variable = self._expect("word")
        self._expect("mark", ":")
        inner = self.either(variable)
        self._expect("mark", ")")
        if collection == "identities":
            return _any_identity(inner)
        if collection not in _COLLECTIONS:
            raise not_covered(f"$filter on the collection {collection}")
        return AnyOf(collection, inner)

    def _comparison(self, name: str, variable: str | None) -> Node:
        operator = self._expect("word").lower()
        name = _inner_name(name, variable)
        if variable is None:
            _check_name(name, operator)
        if operator == "in":
            return self._in(name)
        if operator not in _OPERATORS:
            raise _invalid(f"has no operator '{operator}'")
        return Compare(name, operator, self._value())

    def _in(self, name: str) -> Node:
        self._expect("mark", "(")
        values = [self._value()]
        while self._takes("mark", ","):
            values.append(self._value())
        self._expect("mark", ")")
        if len(values) > OR_CLAUSES_MAX:
            raise bad_request(
                f"Too many values in the in clause: {len(values)}. Max allowed: {OR_CLAUSES_MAX}."
            )
        return IsIn(name, tuple(values))

    def _value(self) -> Value:
        kind, text = self._take()
        if kind == "string":
            return text[1:-1].replace("''", "'")
        if kind == "number":
            return int(text)
        if kind == "moment":
            return _moment(text)
        if kind == "word" and text in _WORDS:
            return _WORDS[text]
        raise _invalid(f"has no value '{text}'")

    def _take(self) -> tuple[str, str]:
        if self._next >= len(self._tokens):
            raise _invalid("ends too early")
        self._next += 1
        return self._tokens[self._next - 1]

    def _takes(self, kind: str, text: str) -> bool:
        if self._next < len(self._tokens):
            found_kind, found = self._tokens[self._next]
            if found_kind == kind and found.lower() == text:
                self._next += 1
                return True
        return False

    def _expect(self, kind: str, text: str | None = None) -> str:
        found_kind, found = self._take()
        if found_kind != kind or (text is not None and found != text):
            raise _invalid(f"has '{found}' in a place where it means nothing")
        return found


def _moment(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _invalid(f"has no moment '{text}'") from None
    return stamp(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp())


_WORDS: Mapping[str, Value] = {"true": True, "false": False, "null": None}


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens, place, text = [], 0, text.rstrip()
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None or match.lastgroup is None:
            raise _invalid(f"has something unreadable at position {place}")
        tokens.append((match.lastgroup, match.group(match.lastgroup)))
        place = match.end()
    return tokens


def _inner_name(name: str, variable: str | None) -> str:
    if variable is None:
        return name
    if name == variable:
        return ""
    if name.startswith(f"{variable}/"):
        return name[len(variable) + 1 :]
    raise _invalid(f"has '{name}' where the range variable is '{variable}'")


def _check_name(name: str, operator: str) -> None:
    if name in _ORDERED:
        if operator not in ("eq", "ne", "ge", "le", "gt", "lt"):
            raise unsupported_combination()
        return
    if name not in _COMPARED and not name.startswith("extension_"):
        raise not_covered(f"$filter on {name}")
    if operator in ("ge", "le", "gt", "lt"):
        raise unsupported_query(
            f"Unsupported or invalid query filter clause specified for property '{name}'."
        )


def _any_identity(inner: Node) -> AnyIdentity:
    parts = inner.parts if isinstance(inner, Both) else (inner,)
    given: dict[str, str] = {}
    for part in parts:
        if not isinstance(part, Compare) or part.operator != "eq" or not isinstance(part.value, str):
            raise unsupported_combination()
        if part.name not in ("issuer", "issuerAssignedId") or part.name in given:
            raise unsupported_combination()
        given[part.name] = part.value
    issuer, assigned = given.get("issuer"), given.get("issuerAssignedId")
    if issuer is None or (assigned is None and issuer.lower() not in _ISSUERS_ALONE):
        raise unsupported_query(
            "Unsupported or invalid query filter clause specified for property 'identities': issuer and "
            "issuerAssignedId are required."
        )
    return AnyIdentity(issuer, assigned)
