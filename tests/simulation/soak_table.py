"""The figures of a soak as a table, for the terminal and for the documentation. It only adds up."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from tests.simulation.service_programme import service_table

Note = Mapping[str, Any]


def table(notes: Sequence[Note], *, seed: int) -> str:
    """Markdown: one row for each fault and rate, one for kills and for each kind of power cut, and the peer."""
    groups: dict[str, list[Note]] = defaultdict(list)
    for note in notes:
        groups[note["group"]].append(note)
    faults = sorted((name for name in groups if name.startswith("F") and "@" in name), key=_order)
    parts = [
        f"Seed {seed}, {len(notes)} stories, {sum('violation' in one for one in notes)} violations.",
        _fault_table(faults, groups),
        _ordeal_table(groups),
        service_table(groups),
        _peer_table(groups["peer"]),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _order(name: str) -> tuple[int, int]:
    family, _, percent = name.removeprefix("F").partition("@")
    return int(family), int(percent)


def _fault_table(names: Sequence[str], groups: Mapping[str, Sequence[Note]]) -> str:
    if not names:
        return ""
    rows = [
        "| fault | rate | runs | people | violations | amplification: mean | most | beyond the faults: most | early calls |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name in names:
        notes = groups[name]
        family, _, percent = name.partition("@")
        figures = [note["figures"] for note in notes if "figures" in note]
        sent = [one["amplification"] for one in figures] or [0.0]
        beyond = max((one["beyond_faults"] for one in figures), default=0.0)
        people, early = (sum(one[field] for one in figures) for field in ("people", "early"))
        rows.append(
            f"| {family} | {percent} % | {len(notes)} | {people} | {_violations(notes)} | {sum(sent) / len(sent):.2f} "
            f"| {max(sent):.2f} | {beyond:.2f} | {early} |"
        )
    return "\n".join(rows)


def _ordeal_table(groups: Mapping[str, Sequence[Note]]) -> str:
    named = {"kills": "random SIGKILL", "power": "power cut", "liar": "power cut, a disk that lies"}
    rows = [
        "| ordeal | stories | people | kills or cuts | calls forgotten | unreadable ledgers | strangers planted and told | violations |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for group, title in named.items():
        notes = groups.get(group, [])
        if not notes:
            continue
        figures = [note["figures"] for note in notes if "figures" in note]
        people, conflicts = (sum(one[field] for one in figures) for field in ("people", "conflicts"))
        ends = sum(one.get("kills", 0) + one.get("cuts", 0) for one in figures)
        forgotten, unreadable = (
            sum(one.get(name, 0) for one in figures) for name in ("forgotten", "unreadable")
        )
        rows.append(
            f"| {title} | {len(notes)} | {people} | {ends} | {forgotten} | {unreadable} | {conflicts} "
            f"| {_violations(notes)} |"
        )
    return "\n".join(rows) if len(rows) > 2 else ""


def _peer_table(notes: Sequence[Note]) -> str:
    figures = [note["figures"] for note in notes if "figures" in note]
    if not figures:
        return ""
    people, loop, ours = (
        sum(one[name] for one in figures) for name in ("people", "loop_wrong", "ours_wrong")
    )
    rows = [
        "| tool | people | kills | wrong verdicts |",
        "| --- | --- | --- | --- |",
        f"| sample loop | {people} | {sum(one['kills'] for one in figures)} | {loop} ({loop / people:.0%}) |",
        f"| idferry | {people} | {sum(one['kills'] for one in figures)} | {ours} |",
    ]
    return "\n".join(rows)


def _violations(notes: Sequence[Note]) -> int:
    return sum("violation" in note for note in notes)
