"""Peak memory of the product's processes for a million people, and how long each command takes.

The directory is the emulator, with its quotas off: it is another process and no part of the figure.
"""

from collections.abc import Iterator, Mapping

from benchmarks.export import write_export
from benchmarks.measuring import Taken, product, taken_by
from benchmarks.rows import Bench, Row, at_most
from benchmarks.tenants import large_emulated_tenant

MANY, FEW = 1_000_000, 100_000
PEAK_MIB_MAX = 300
GROWTH_MAX = 1.1


def rows(bench: Bench) -> Iterator[Row]:
    """Survey, premigrate and verify of many people and of few; each command is one process."""
    few, many = bench.people(FEW), bench.people(MANY)
    of_few, of_many = _migrate(bench, few), _migrate(bench, many)
    what = f"peak memory of survey, premigrate and verify of {many:,} people"
    highest = max(taken.peak_mib for taken in of_many.values())
    yield Row(
        what=what,
        compared_with="-",
        target=f"< {PEAK_MIB_MAX} MiB",
        measured=f"{highest:.0f} MiB",
        holds=highest < PEAK_MIB_MAX,
        figures=tuple(f"{name} {taken.peak_mib:.0f} MiB" for name, taken in of_many.items()),
    )
    growth = {name: taken.peak_mib / of_few[name].peak_mib for name, taken in of_many.items()}
    yield at_most(
        max(growth.values()),
        target=GROWTH_MAX,
        what=what,
        compared_with=f"the same for {few:,} people; the command that grows most",
        figures=tuple(f"{name} {taken.peak_mib:.0f} MiB" for name, taken in of_few.items()),
    )
    for name, taken in of_many.items():
        yield Row(
            what=f"{name} of {many:,} people",
            compared_with="-",
            target="-",
            measured=f"{taken.seconds:,.0f} s",
            holds=None,
            figures=(
                f"CPU {taken.cpu_s:,.0f} s",
                f"{many / taken.seconds:,.0f} people/s",
                *(["beside the emulator on the same cores"] if name != "survey" else []),
            ),
        )


def _migrate(bench: Bench, people: int) -> Mapping[str, Taken]:
    home = bench.folder / f"home-{people}"
    home.mkdir()
    export = str(write_export(home / "people.jsonl", people))
    commands = {
        "survey": ("survey", export),
        "premigrate": ("premigrate", export, "--execute"),
        "verify": ("verify", "--source", export),
    }
    taken = {}
    with large_emulated_tenant(home, people=people):
        for name, command in commands.items():
            taken[name] = taken_by(product(*command, "--json"), folder=home)
            bench.say(f"{name} of {people:,}: {taken[name].seconds:,.1f} s, {taken[name].peak_mib:.0f} MiB")
    return taken
