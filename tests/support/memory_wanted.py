"""What a source wants existing accounts to be, in memory: satisfies the same port as the one over SQLite."""

from collections.abc import Collection, Mapping, Sequence

from idferry.rules.account import AccountDraft


class MemoryWantedDrafts:
    """`ports.WantedDrafts`."""

    def __init__(self) -> None:
        self._drafts: dict[int, AccountDraft] = {}

    def put(self, drafts: Mapping[int, AccountDraft]) -> None:
        self._drafts |= drafts

    def count(self) -> int:
        return len(self._drafts)

    def page(self, *, after: int, limit: int) -> Sequence[tuple[int, AccountDraft]]:
        return [(one, self._drafts[one]) for one in sorted(self._drafts) if one > after][:limit]

    def of(self, person_ids: Collection[int]) -> Mapping[int, AccountDraft]:
        return {one: self._drafts[one] for one in person_ids if one in self._drafts}
