"""CPU for each person while sending, against the loop that only sends, and against Microsoft's SDK.

Everybody talks to the same server with constant answers, and nobody is throttled: what is left is the client's work.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

from benchmarks.export import write_export
from benchmarks.measuring import Taken, interleaved, part_of_ours, taken_by
from benchmarks.rows import Bench, Row, at_least, at_most
from benchmarks.tenants import ConstantTenant, constant_tenant

PEOPLE = 50_000
PEOPLE_OF_SDK_SINGLE = 1_000
PEOPLE_OF_SDK_BATCHES = 3_000
BARE_MAX, SINGLE_MIN, BATCHES_MIN = 3.0, 40.0, 4.0
REPETITIONS = 4


def rows(bench: Bench) -> Iterator[Row]:
    """Sending by the product, by the bare loop, and by the SDK in both of its ways."""
    people = bench.people(PEOPLE)
    export = write_export(bench.folder / "people.jsonl", people)
    with constant_tenant() as tenant:
        race = _Race(bench.folder, export, people, tenant)
        single = min(people, bench.people(PEOPLE_OF_SDK_SINGLE))
        batches = min(people, bench.people(PEOPLE_OF_SDK_BATCHES))
        runs = interleaved(
            race.product,
            race.bare,
            lambda: race.sdk(single, "single"),
            lambda: race.sdk(batches, "batch"),
            repetitions=REPETITIONS,
        )
    ours, bare, one_by_one, in_batches = (
        taken.cpu_s / each
        for taken, each in zip(runs, (_created(runs[0]), people, single, batches), strict=True)
    )
    planning_s = float(runs[0].output.split()[0])
    figures = (
        f"sending {ours * 1e6:.0f} us a person",
        f"planning before it {planning_s / people * 1e6:.0f} us",
        f"bare loop {bare * 1e6:.0f} us",
    )
    what = f"CPU of our process for each of {people:,} people while sending"
    yield at_most(
        ours / bare,
        target=BARE_MAX,
        what=what,
        compared_with="the smallest loop that posts the same batches with httpx2 and keeps no ledger",
        figures=figures,
    )
    yield at_least(
        one_by_one / ours,
        target=SINGLE_MIN,
        what=what,
        compared_with="msgraph-sdk, one by one",
        figures=(f"msgraph-sdk {one_by_one * 1e6:,.0f} us a person",),
    )
    yield at_least(
        in_batches / ours,
        target=BATCHES_MIN,
        what=what,
        compared_with="msgraph-sdk, in its batches",
        figures=(f"msgraph-sdk {in_batches * 1e6:,.0f} us a person",),
    )


def _created(ours: Taken) -> int:
    return int(ours.output.split()[-1])


class _Race:
    """One export and one server for everybody who takes part."""

    def __init__(self, folder: Path, export: Path, people: int, tenant: ConstantTenant) -> None:
        self._folder = folder
        self._export = str(export)
        self._people = people
        self._tenant = tenant
        self._runs = count()

    def product(self) -> Taken:
        """The product with a new ledger; its CPU seconds are those of sending alone."""
        fresh = self._folder / f"run-{next(self._runs)}"
        self._tenant.write_settings(fresh)
        taken = taken_by(part_of_ours("send_product", self._export), folder=fresh)
        return replace(taken, cpu_s=float(taken.output.split()[1]))

    def bare(self) -> Taken:
        """The loop that only sends."""
        taken = taken_by(part_of_ours("send_bare", self._export, self._tenant.address), folder=self._folder)
        return replace(taken, cpu_s=float(taken.output.split()[0]))

    def sdk(self, people: int, how: str) -> Taken:
        """msgraph-sdk, for so many of the people."""
        command = part_of_ours("send_sdk", self._export, self._tenant.address, str(people), how)
        taken = taken_by(command, folder=self._folder)
        return replace(taken, cpu_s=float(taken.output))
