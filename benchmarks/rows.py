"""One row of RESULTS.md, and how large the data of a run are.

A ratio that misses its target stays in the results as it was measured.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

PEOPLE_MIN = 40  # two chunks: with fewer, nothing of the loop that is measured would run


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What was measured. `figures` are the absolute figures behind the ratio, each one a few words.

    `holds` is None where a figure has no target.
    """

    what: str
    compared_with: str
    target: str
    measured: str
    holds: bool | None
    figures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What a benchmark may use: an empty folder of its own, and how much of the full size is measured (1.0: all)."""

    folder: Path
    part: float = 1.0
    say: Callable[[str], None] = print

    def people(self, at_full_size: int) -> int:
        """So many people at the size of this run."""
        return max(PEOPLE_MIN, round(at_full_size * self.part))


Benchmark = Callable[[Bench], Iterable[Row]]


def at_most(
    factor: float, *, target: float, what: str, compared_with: str, figures: tuple[str, ...] = ()
) -> Row:
    """A row whose ratio must not exceed its target."""
    return Row(
        what=what,
        compared_with=compared_with,
        target=f"<= {target:g} x",
        measured=f"{factor:.2f} x",
        holds=factor <= target,
        figures=figures,
    )


def at_least(
    factor: float, *, target: float, what: str, compared_with: str, figures: tuple[str, ...] = ()
) -> Row:
    """A row whose ratio must reach its target."""
    return Row(
        what=what,
        compared_with=compared_with,
        target=f">= {target:g} x",
        measured=f"{factor:.1f} x",
        holds=factor >= target,
        figures=figures,
    )
