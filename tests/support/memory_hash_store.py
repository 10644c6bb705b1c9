"""A hash store in memory, for the contract and for flows."""

from collections.abc import Collection, Iterator, Sequence

from idferry.ports import HashRow


class MemoryHashStore:
    """Satisfies `ports.HashStore`."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], HashRow] = {}

    def put(self, rows: Sequence[HashRow]) -> None:
        self.kept |= {(row.source, row.key): row for row in rows}

    def of(self, source: str, key: str) -> HashRow | None:
        return self.kept.get((source, key))

    def rows(self) -> Iterator[HashRow]:
        yield from list(self.kept.values())

    def delete(self, people: Collection[tuple[str, str]]) -> int:
        return sum(self.kept.pop(one, None) is not None for one in set(people))

    def destroy(self) -> int:
        count = len(self.kept)
        self.kept.clear()
        return count
