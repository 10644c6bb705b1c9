"""How long a rehearsal really takes: the hours that a tenant's allowances would take pass in stepped time."""

import json
from collections.abc import Iterator

from benchmarks.export import write_export
from benchmarks.measuring import product, taken_by
from benchmarks.rows import Bench, Row

PEOPLE = 1_000_000
REAL_SECONDS_MAX = 600
APPLICATIONS = 3  # more are no faster: the tenant's allowance is used up by them


def rows(bench: Bench) -> Iterator[Row]:
    """`idferry rehearse`: planning, creating and reading everybody back, the emulated tenant on the same cores."""
    people = bench.people(PEOPLE)
    export = write_export(bench.folder / "people.jsonl", people)
    command = product("rehearse", str(export), "--apps", str(APPLICATIONS), "--json")
    taken = taken_by(command, folder=bench.folder)
    done = json.loads(taken.output)
    yield Row(
        what=f"rehearsal of {people:,} people with {APPLICATIONS} applications, real time",
        compared_with="-",
        target=f"< {REAL_SECONDS_MAX} s",
        measured=f"{taken.seconds:,.0f} s",
        holds=taken.seconds < REAL_SECONDS_MAX,
        figures=(
            f"{done['created']:,} created and read back, {done['differences']} differences",
            f"{done['duration_s'] / 3600:.1f} h of stepped time to create them",
            f"CPU {taken.cpu_s:,.0f} s, the emulated tenant's included",
            f"peak {taken.peak_mib:.0f} MiB",
        ),
    )
