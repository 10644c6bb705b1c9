"""A power cut on the ledger's files: what was not synced is cut off, zeroed or torn; the index file is gone.

SIGKILL alone is no power cut, because the system still writes what the process wrote. So the test's process notes
after each commit how much of the log is on disk (`interference.Temper.commits`), and what lies behind that is damaged.
File formats: https://sqlite.org/fileformat2.html#the_write_ahead_log and https://sqlite.org/walformat.html
"""

import random
import struct
from dataclasses import dataclass
from pathlib import Path

from tests.support.interference import SHM_BACKFILL, SHM_HEADER

SECTOR_BYTES = 512
WAL_HEADER_BYTES = 32
FRAME_HEADER_BYTES = 24
SHM_BYTES = 136
_NOTE = struct.Struct("=I8sB")


@dataclass(frozen=True)
class Commit:
    """The last commit that the process knew to be on disk: frames in the log of this generation."""

    frames: int
    salts: bytes


@dataclass(frozen=True)
class Cut:
    """What a cut did: how many bytes of the log were on disk, how many behind them, and how many were taken away."""

    synced_bytes: int
    unsynced_bytes: int
    lost_bytes: int
    torn_pages: int


def read_commits(notes: Path) -> tuple[Commit | None, bool]:
    """The last commit noted, and whether every one of them was synchronous."""
    rows = list(_NOTE.iter_unpack(notes.read_bytes())) if notes.exists() else []
    last = Commit(rows[-1][0], rows[-1][1]) if rows else None
    return last, all(full for _, _, full in rows)


class LedgerFiles:
    """The files of a ledger whose process was killed."""

    def __init__(self, ledger: Path, last: Commit | None) -> None:
        self.ledger = ledger
        self.log = ledger.with_name(ledger.name + "-wal")
        self.index = ledger.with_name(ledger.name + "-shm")
        self._content = self.log.read_bytes() if self.log.exists() else b""
        self._page_bytes = (
            int.from_bytes(self._content[8:12], "big") if len(self._content) >= WAL_HEADER_BYTES else 0
        )
        self._frame_bytes = self._page_bytes + FRAME_HEADER_BYTES
        index = self.index.read_bytes()[:SHM_BYTES] if self.index.exists() else b""
        self.written_back_bytes = self._written_back(index)
        """How much of the log may stand in the main file already, so that it cannot be the log alone that is lost."""
        noted = last.frames if last and self._content[16:24] == last.salts else 0
        self.synced_bytes = max(self._offset(noted), self.written_back_bytes)
        """How much of the log was on disk for certain; of a log begun anew, nothing."""

    def _written_back(self, index: bytes) -> int:
        """The log is synced before it is written back, and only a log that was written back is begun anew."""
        if len(index) < SHM_BYTES:
            return len(
                self._content
            )  # nobody has opened it since the last cut: what is there has survived one
        _, salts = SHM_HEADER.unpack_from(index)
        if salts != self._content[16:24]:
            return len(
                self._content
            )  # begun anew in memory only: all that the file holds is in the main file
        return min(self._offset(max(SHM_BACKFILL.unpack_from(index))), len(self._content))

    def cut_behind(self, floor: int, chance: random.Random) -> Cut:
        """Lose at random what lies behind this byte of the log; tear pages of the main file that are being written."""
        behind = len(self._content) - floor
        torn = self._tear_main_file(chance, up_to=self._whole_commits(min(floor, self.synced_bytes)))
        lost = 0
        if behind > 0:
            content = bytearray(self._content)
            if chance.random() < 0.6:
                del content[chance.randint(floor, len(content)) :]
            if chance.random() < 0.6:
                _zero_sectors(content, floor, chance)
            lost = sum(a != b for a, b in zip(content, self._content, strict=False))
            lost += len(self._content) - len(content)
            self.log.write_bytes(content)
        self.index.unlink(missing_ok=True)
        return Cut(self.synced_bytes, max(len(self._content) - self.synced_bytes, 0), lost, torn)

    def _whole_commits(self, up_to: int) -> int:
        """Where the last transaction ends that lies wholly before this byte: only these are read back.

        Behind the frames of this generation stand those of the one before, which nobody reads.
        """
        end = 0
        for place in range(WAL_HEADER_BYTES, up_to - self._frame_bytes + 1, self._frame_bytes or 1):
            if self._content[place + 8 : place + 16] != self._content[16:24]:
                break
            if any(self._content[place + 4 : place + 8]):
                end = place + self._frame_bytes
        return end

    def _tear_main_file(self, chance: random.Random, *, up_to: int) -> int:
        """Pages that stand in the log may be half written in the main file: a write-back was under way."""
        if up_to <= WAL_HEADER_BYTES or chance.random() < 0.5:
            return 0
        content = bytearray(self.ledger.read_bytes())
        torn = 0
        for place in range(WAL_HEADER_BYTES, up_to, self._frame_bytes):
            number = int.from_bytes(self._content[place : place + 4], "big")
            page = (number - 1) * self._page_bytes
            if page + self._page_bytes <= len(content) and chance.random() < 0.3:
                half = chance.randrange(0, self._page_bytes, SECTOR_BYTES)
                content[page + half : page + self._page_bytes] = bytes(self._page_bytes - half)
                torn += 1
        self.ledger.write_bytes(content)
        return torn

    def _offset(self, frames: int) -> int:
        return WAL_HEADER_BYTES + frames * self._frame_bytes if frames else 0


def _zero_sectors(content: bytearray, floor: int, chance: random.Random) -> None:
    for start in range(floor - floor % SECTOR_BYTES, len(content), SECTOR_BYTES):
        if chance.random() < 0.5:
            place, end = max(start, floor), min(start + SECTOR_BYTES, len(content))
            content[place:end] = bytes(end - place)
