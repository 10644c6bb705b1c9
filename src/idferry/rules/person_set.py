"""A set of people by their ids, small enough for millions of them. It knows nothing about anybody."""

_GROWTH_BYTES = 4096


class PersonSet:
    """Person ids in one bit each: a million people cost 125 kB. Ids are counted from 1 without large gaps."""

    def __init__(self) -> None:
        self._bits = bytearray()
        self._count = 0

    def add(self, person_id: int) -> None:
        """Take a person in; twice is once."""
        if person_id in self:
            return
        place, bit = divmod(person_id, 8)
        if place >= len(self._bits):
            self._bits.extend(bytes(place + 1 - len(self._bits) + _GROWTH_BYTES))
        self._bits[place] |= 1 << bit
        self._count += 1

    def __contains__(self, person_id: int) -> bool:
        place, bit = divmod(person_id, 8)
        return place < len(self._bits) and bool(self._bits[place] & (1 << bit))

    def __len__(self) -> int:
        return self._count
