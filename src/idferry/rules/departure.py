"""People and values that left the source, and people barred there: what is asked to become of them, when to refuse.

An export that was cut short must not disable a company, and one that lacks a column must not empty it. Nothing here,
and nothing anywhere, enables an account.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from idferry.rules.entry import Entry

PEOPLE_UNASKED_MAX = 20
SHARE_UNASKED_MAX = 0.05
"""So many people, or this share of the source's, may lose their account, or one attribute's value, unasked.

Never more than half of a source's people their accounts, however few they are."""


class WhenVanished(StrEnum):
    """What becomes of people who are no longer in the source."""

    LIST = "list"
    DISABLE = "disable"
    REMOVE = "remove"


class WhenBarred(StrEnum):
    """What becomes of people whom the source disabled since their account was created."""

    LIST = "list"
    DISABLE = "disable"


@dataclass(frozen=True, slots=True)
class Departures:
    """What somebody asked for. Numbers that they named, or None: `agreed` people, `agreed_cleared` values."""

    vanished: WhenVanished = WhenVanished.LIST
    barred: WhenBarred = WhenBarred.LIST
    agreed: int | None = None
    agreed_cleared: int | None = None

    def threatens_vanished(self, entry: Entry) -> bool:
        """Whether a person who vanished would lose the account: one that is disabled is not disabled again."""
        match self.vanished:
            case WhenVanished.LIST:
                return False
            case WhenVanished.DISABLE:
                return entry.draft is None or entry.draft.enabled
            case WhenVanished.REMOVE:
                return True

    def agrees_to(self, threatened: int, *, people: int) -> bool:
        """Whether so many of so many people may lose their account: a few may, more only by their exact number.

        Most of a source are never a few: with 12 of 15 gone, the file is another source's, or it was cut short.
        """
        if self.agreed is not None:
            return self.agreed == threatened
        return are_few(threatened, of=people) and 2 * threatened <= people

    def agrees_to_clear(self, cleared: Mapping[str, int], *, people: int) -> bool:
        """Whether so many of so many people (by attribute) may lose a value: a few may, more only by the exact sum."""
        if self.agreed_cleared is not None:
            return self.agreed_cleared == sum(cleared.values())
        return all(are_few(count, of=people) for count in cleared.values())


def name_the_same_people(strangers: int, *, keys: int) -> bool:
    """Whether the keys of an export still name whom they named, where so many name somebody with no name of before.

    A few people get new sign-in names in everyday life; but never most of a source, however small it is: that is
    another source's file, or rows that were numbered anew.
    """
    return are_few(strangers, of=keys) and 2 * strangers <= keys


def are_few(count: int, *, of: int) -> bool:
    """Whether so many of so many people may well be what everyday life brings."""
    return count <= PEOPLE_UNASKED_MAX or count <= SHARE_UNASKED_MAX * of
