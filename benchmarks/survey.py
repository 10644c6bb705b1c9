"""Surveying an export, against the untyped decode of the same file."""

from collections.abc import Iterator
from dataclasses import replace

from benchmarks.export import write_export
from benchmarks.measuring import Taken, interleaved, part_of_ours, product, taken_by
from benchmarks.rows import Bench, Row, at_most

PEOPLE = 1_000_000
RATIO_MAX = 25.0


def rows(bench: Bench) -> Iterator[Row]:
    """CPU time of `idferry survey`, start and report included, against that of the loop that only decodes."""
    people = bench.people(PEOPLE)
    export = write_export(bench.folder / "people.jsonl", people)

    def decode() -> Taken:
        taken = taken_by(part_of_ours("decode_untyped", str(export)), folder=bench.folder)
        return replace(taken, cpu_s=float(taken.output))  # without the start of the interpreter

    def survey() -> Taken:
        return taken_by(product("survey", str(export), "--json"), folder=bench.folder)

    ours, plain = interleaved(survey, decode)
    yield at_most(
        ours.cpu_s / plain.cpu_s,
        target=RATIO_MAX,
        what=f"survey of {people:,} people, CPU",
        compared_with="msgspec's untyped decode of the same file, line by line",
        figures=(
            f"survey {ours.cpu_s / people * 1e6:.1f} us a person, {ours.seconds:.1f} s in all",
            f"decode {plain.cpu_s / people * 1e6:.2f} us",
            f"peak {ours.peak_mib:.0f} MiB",
        ),
    )
