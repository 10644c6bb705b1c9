"""Replication lag: until when which kind of reader is shown the state before a change.

https://learn.microsoft.com/graph/api/user-list warns of a delay after creates, updates and deletes and names no bound.
Nothing here knows the present state.
"""

from dataclasses import dataclass
from random import Random
from typing import Literal

import msgspec

from idferry.emulator.store import Body, Database, decode_body, encode_body

Channel = Literal["get", "filter", "sign_in"]


class Lag(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """How long (least, most seconds, drawn evenly) each kind of reader is shown the state before a change."""

    get_s: tuple[float, float] = (0.0, 0.0)
    filter_s: tuple[float, float] = (0.0, 0.0)
    sign_in_s: tuple[float, float] = (0.0, 0.0)
    seed: int = 0

    @property
    def none(self) -> bool:
        """Whether every reader sees every change at once."""
        return not (self.get_s[1] or self.filter_s[1] or self.sign_in_s[1])

    def draw(self, chance: Random, *, now_s: float) -> "SeenUntil":
        """The lag of one change."""
        return SeenUntil(
            get=now_s + chance.uniform(*self.get_s),
            filter=now_s + chance.uniform(*self.filter_s),
            sign_in=now_s + chance.uniform(*self.sign_in_s),
        )


@dataclass(frozen=True, slots=True)
class SeenUntil:
    """Until when (seconds since 1970) each kind of reader is shown the state before a change."""

    get: float
    filter: float
    sign_in: float


@dataclass(frozen=True, slots=True)
class OlderState:
    """An account before a change; `body` None: there was no account."""

    body: Body | None
    password: bytes | None


class OlderStates:
    """What lagging readers are still shown."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self.any = False  # saves every reader a look where nothing lags

    def keep(self, place: int, state: OlderState, *, until: SeenUntil) -> None:
        """Remembers the state before a change."""
        text = None if state.body is None else encode_body(state.body)
        self._db.run("older_insert", (place, text, state.password, until.get, until.filter, until.sign_in))
        self.any = True

    def shown(self, place: int, *, channel: Channel, now_s: float) -> OlderState | None:
        """The state that this kind of reader is still shown, or None when it sees the present one."""
        row = self._db.run(f"older_first_{channel}", (place, now_s)).fetchone()
        if row is None:
            return None
        return OlderState(body=None if row[0] is None else decode_body(row[0]), password=row[1])

    def places(self, *, now_s: float) -> list[int]:
        """Places of the accounts of which an older state may still be shown."""
        return [row[0] for row in self._db.run("older_present", {"now": now_s}).fetchall()]

    def prune(self, *, now_s: float) -> None:
        """Forgets the states that nobody is shown any more."""
        self._db.run("older_prune", {"now": now_s})
        self.any = bool(self._db.run("older_any").fetchone()[0])

    def forget(self, place: int) -> None:
        """Forgets the states of one account."""
        self._db.run("older_forget", (place,))
