"""How a source differs from what an open run remembers of it: figures, and a few keys to look at.

A record is compared by its digest, which leaves the password out: a changed password shows as no change here.
"""

from dataclasses import dataclass, field

from idferry.rules.entry import KnownRecord
from idferry.rules.lifecycle import State

KEYS_NAMED_MAX = 5
_SETTLED = (State.COMPLETE, State.AWAITING_PASSWORD, State.CONFIRMING, State.FAILED, State.REMOVED)


@dataclass(slots=True)
class Group:
    """Records that differ alike: how many, and the first few keys."""

    count: int = 0
    keys: list[str] = field(default_factory=list)

    def add(self, key: str) -> None:
        """One more."""
        self.count += 1
        if len(self.keys) < KEYS_NAMED_MAX:
            self.keys.append(key)


@dataclass(slots=True)
class SourceChanges:
    """What has changed since `run` was begun.

    `new`: records that were not planned. `changed`, `gone`: of people who were planned and have no account yet;
    `settled_changed`, `settled_gone`: of people who were dealt with before, whose accounts stay as they are.
    """

    run: str
    new: Group = field(default_factory=Group)
    changed: Group = field(default_factory=Group)
    gone: Group = field(default_factory=Group)
    settled_changed: Group = field(default_factory=Group)
    settled_gone: Group = field(default_factory=Group)

    def meet(self, known: KnownRecord | None, key: str, record_digest: bytes) -> None:
        """A record of the source as it is now, and what is remembered under its key."""
        if known is None:
            self.new.add(key)
        elif known.record_digest != record_digest:
            (self.settled_changed if known.state in _SETTLED else self.changed).add(key)

    def miss(self, known: KnownRecord) -> None:
        """A record that the run remembers and the source does not hold. Who was to get no account is missed by nobody."""
        if known.state in _SETTLED:
            self.settled_gone.add(known.key)
        elif known.state in (State.PLANNED, State.CREATING):
            self.gone.add(known.key)

    @property
    def groups(self) -> dict[str, Group]:
        """Name -> group, in the order in which they are told."""
        return {
            "new": self.new,
            "changed": self.changed,
            "gone": self.gone,
            "settled_changed": self.settled_changed,
            "settled_gone": self.settled_gone,
        }
