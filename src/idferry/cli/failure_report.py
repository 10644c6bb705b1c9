"""Who failed and what helps, as JSON (a contract) and as text: shared by `premigrate` and `status`."""

from collections.abc import Iterable
from typing import Any

from idferry.errors import remedy_for_people
from idferry.rules.entry import FailureGroup


def failure_documents(groups: Iterable[FailureGroup]) -> list[dict[str, Any]]:
    """The key `failures` of `premigrate --json` and `status --json`, largest group first."""
    return [
        {"code": group.code, "count": group.count, "remedy": remedy_for_people(group.code)}
        for group in groups
    ]


def failure_rows(groups: Iterable[FailureGroup]) -> list[tuple[str, str, str]]:
    """The same for people: code, how many, what helps."""
    return [(group.code, f"{group.count:,}", remedy_for_people(group.code)) for group in groups]
