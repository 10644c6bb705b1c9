"""Wall time over a directory that takes its time for every answer and never throttles."""

from collections.abc import Iterator

from benchmarks.export import write_export
from benchmarks.measuring import part_of_ours, product, taken_by
from benchmarks.rows import Bench, Row, at_least
from benchmarks.tenants import constant_tenant

LATENCY_MS = 300
PEOPLE = 3_000  # what one application may create before the published quota is felt
PEOPLE_OF_SAMPLE = 60
RATIO_MIN = 30.0


def rows(bench: Bench) -> Iterator[Row]:
    """The whole `idferry premigrate --execute`, start, pre-flight and planning included, against the loop alone."""
    people, others = bench.people(PEOPLE), min(PEOPLE_OF_SAMPLE, bench.people(PEOPLE))
    export = write_export(bench.folder / "people.jsonl", people)
    others = max(1, round(others * min(1.0, bench.part * 10)))
    with constant_tenant(latency_ms=LATENCY_MS) as tenant:
        home = bench.folder / "ours"
        tenant.write_settings(home)
        ours = taken_by(product("premigrate", str(export), "--execute", "--json"), folder=home)
        loop = part_of_ours("send_like_sample", str(export), tenant.address, str(others))
        sample_s = float(taken_by(loop, folder=bench.folder).output)
    each_s, sample_each_s = ours.seconds / people, sample_s / others
    yield at_least(
        sample_each_s / each_s,
        target=RATIO_MIN,
        what=f"wall time for {people:,} people where every answer takes {LATENCY_MS} ms",
        compared_with=f"the shape of Microsoft's sample: one at a time, look-up before create ({others} people)",
        figures=(
            f"premigrate {ours.seconds:.1f} s in all, {1 / each_s:,.0f} people/s",
            f"sample {1 / sample_each_s:.2f} people/s",
        ),
    )
