"""The acceptance list of a migration at sign-in as one table: what somebody does and sees, and what is so afterwards.

Its 14 rows are those that Microsoft's own just-in-time sample wants checked by hand:
https://github.com/azure-ad-b2c/user-migration (jit-migration-v2). A row with `after` is the same person once more, behind
that row: the second sign-in. Every front has these rows; what one of them answers differently stands in DIFFERENT.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any, assert_never

from tests.support.b2c_policy import Mode
from tests.support.matrix_stand import NO_ACCOUNT, NOBODY_KNOWS, MatrixStand
from tests.support.scripted_server import wait_until
from tests.support.sign_in_ends import End

from idferry.rules.lifecycle import State

WITHIN_S = 30.0
EXTERNAL = "external"
OWN, OLD, NEW, WRONG = "own", "old", "new", "wrong"
PASSWORDS = MappingProxyType(
    {
        OWN: "Blue-Heron-Lake-5",
        OLD: "Quiet-Meadow-17",
        NEW: "Tall-Cedar-Roof-23",
        WRONG: "Loud-Traffic-Jam-9",
    }
)


class Flow(StrEnum):
    """What somebody does."""

    SIGN_IN = "sign-in"
    SIGN_UP = "sign-up"
    RESET = "reset"


class Who(StrEnum):
    """Whom the tenant and the legacy system know.

    LOCAL has an account of the tenant's own. MIGRATED comes from the legacy system: the account awaits the password, or
    in mode C is planned. UNKNOWN stands in no export and has no account, although the legacy system knows the password.
    """

    LOCAL = "local"
    MIGRATED = "migrated"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Row:
    """One thing that somebody does, what the page shows, and what is so afterwards.

    `opens`: which password opens the account then. `asked`: calls that the legacy system got. `entry`: the person's
    state in the ledger; None: it knows nobody of the name.
    """

    number: int
    flow: Flow
    who: Who
    types: str
    shows: End
    opens: str
    flag: bool | None
    asked: int
    entry: State | None
    after: int = 0

    def __str__(self) -> str:
        return f"{self.number}-{self.flow}-{self.who}-{self.types}{'-again' if self.after else ''}"


_IN, _UP, _RESET = Flow.SIGN_IN, Flow.SIGN_UP, Flow.RESET
_PLANNED, _CREATING, _AWAITING = State.PLANNED, State.CREATING, State.AWAITING_PASSWORD
_CONFIRMING, _COMPLETE = State.CONFIRMING, State.COMPLETE
# fmt: off
ROWS = (
    #        does    who           types  the page shows  then opens     flag   asked  the ledger
    Row( 1, _IN,    Who.LOCAL,    WRONG, End.WRONG,      OWN,           None,  0, None),
    Row( 2, _IN,    Who.LOCAL,    OWN,   End.TOKEN,      OWN,           None,  0, None),
    Row( 3, _IN,    Who.UNKNOWN,  OLD,   End.WRONG,      NO_ACCOUNT,    None,  0, None),
    Row( 4, _IN,    Who.MIGRATED, WRONG, End.WRONG,      NOBODY_KNOWS,  True,  1, _AWAITING),
    Row( 5, _IN,    Who.MIGRATED, OLD,   End.TOKEN,      OLD,           False, 1, _CONFIRMING),
    Row( 6, _IN,    Who.MIGRATED, OLD,   End.TOKEN,      OLD,           False, 0, _CONFIRMING, after=5),
    Row( 7, _UP,    Who.LOCAL,    NEW,   End.TAKEN,      OWN,           None,  0, None),
    Row( 8, _UP,    Who.MIGRATED, NEW,   End.TAKEN,      NOBODY_KNOWS,  True,  0, _AWAITING),
    Row( 9, _UP,    Who.UNKNOWN,  NEW,   End.TOKEN,      NEW,           None,  0, None),
    Row(10, _RESET, Who.UNKNOWN,  NEW,   End.UNKNOWN,    NO_ACCOUNT,    None,  0, None),
    Row(11, _RESET, Who.LOCAL,    NEW,   End.RESET,      NEW,           False, 0, None),
    Row(12, _IN,    Who.LOCAL,    NEW,   End.TOKEN,      NEW,           False, 0, None,        after=11),
    Row(13, _RESET, Who.MIGRATED, NEW,   End.RESET,      NEW,           False, 0, _COMPLETE),
    Row(14, _IN,    Who.MIGRATED, NEW,   End.TOKEN,      NEW,           False, 0, _COMPLETE,   after=13),
)
# fmt: on
_SENT_TO_RESET = {
    "shows": End.MUST_RESET,
    "opens": NOBODY_KNOWS,
    "flag": True,
    "asked": 0,
    "entry": _AWAITING,
}
_NOT_THERE_YET = {"opens": NO_ACCOUNT, "flag": None, "entry": _PLANNED}
DIFFERENT: Mapping[str, Mapping[int, Mapping[str, Any]]] = MappingProxyType(
    {
        # The page has words of its own for names that nobody has. Its reset tells us nothing and leaves the flag up,
        # and who has no flag gets none.
        EXTERNAL: {
            3: {"shows": End.UNKNOWN},
            11: {"flag": None},
            12: {"flag": None},
            13: {"flag": True, "entry": _AWAITING},
            14: {"entry": _AWAITING},
        },
        # The policy writes, and `verify` confirms.
        Mode.A: {},
        # We write, and know.
        Mode.B: {5: {"entry": _COMPLETE}, 6: {"entry": _COMPLETE}},
        # The account comes with the sign-in or the reset, and the claim is settled afterwards.
        Mode.C: {
            4: _NOT_THERE_YET,
            5: {"entry": _CREATING},
            6: {"entry": _CREATING},
            8: _NOT_THERE_YET,
            13: {"entry": _CREATING},
            14: {"entry": _CREATING},
        },
        # Nobody asks for the legacy password: whoever comes from there is sent to the reset, right or wrong.
        Mode.RESET_REQUIRED: {4: _SENT_TO_RESET, 5: _SENT_TO_RESET, 6: _SENT_TO_RESET},
    }
)


def rows_of(front: str) -> list[Row]:
    """The 14 rows as they are at this front."""
    changes = DIFFERENT[front]
    return [replace(row, **changes.get(row.number, {})) for row in ROWS]


def name_of(row: Row) -> str:
    """Whose row it is: everybody has one of his own."""
    return f"row{row.number}@example.com"


def migrated_people() -> dict[str, str]:
    """Sign-in name -> legacy password of those who stand in the export."""
    return {name_of(row): PASSWORDS[OLD] for row in ROWS if row.who is Who.MIGRATED}


def play(row: Row, stand: MatrixStand, *, front: str) -> None:
    """Do what the row says, and see whether all of it is so."""
    name = name_of(row)
    stand.shop.passwords[name] = PASSWORDS[OLD]
    if row.who is Who.LOCAL:
        stand.own_account(name, PASSWORDS[OWN])
    if row.after:
        first = rows_of(front)[row.after - 1]
        assert act(first.flow, stand, name, PASSWORDS[first.types]) is first.shows
    asked = stand.asked
    assert act(row.flow, stand, name, PASSWORDS[row.types]) is row.shows
    assert stand.asked - asked == row.asked
    assert stand.opens(name, PASSWORDS) == row.opens
    assert stand.flag(name) is row.flag
    # What is recorded waits for one thread.
    wait_until(lambda: stand.state(name) is row.entry, seconds=WITHIN_S)


def act(flow: Flow, stand: MatrixStand, name: str, password: str) -> End:
    """What the person sees in the end."""
    match flow:
        case Flow.SIGN_IN:
            return stand.front.sign_in(name, password)
        case Flow.SIGN_UP:
            return stand.front.sign_up(name, password)
        case Flow.RESET:
            return stand.front.reset(name, password)
        case _:
            assert_never(flow)
