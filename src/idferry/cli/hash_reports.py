"""How the `hash` commands word what they found, for people and for scripts. No value and no password comes here."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from idferry.cli.output import SHOWN_MAX, counts, facts, figures, listing, say, say_command
from idferry.flows.check_hashes import CheckedRow, HashCheck
from idferry.flows.forecast_hashes import HashForecast
from idferry.flows.load_hashes import LoadReport
from idferry.flows.prove_hash import HashProof
from idferry.hashes import Descriptor, Scheme
from idferry.hashes.descriptor import SECRET_FIELDS

ROW_FIELDS = frozenset({"salt"})
"""What differs from row to row and so is no part of a source's settings."""


def schemes_document(schemes: Sequence[Scheme]) -> dict[str, Any]:
    """What `hash list --json` prints."""
    return {
        "schemes": [
            {
                "name": one.name,
                "family": one.family,
                "layout": one.layout,
                "systems": one.systems,
                "proof": one.proof.value,
                "marked": one.marks is not None,
                "note": one.note,
            }
            for one in schemes
        ]
    }


def print_schemes(console: Console, schemes: Sequence[Scheme]) -> None:
    """One line a scheme, then what the words mean."""
    rows = [
        (one.name, one.proof.value, "yes" if one.marks else "no", f"{one.layout} ({one.systems})")
        for one in schemes
    ]
    console.print(listing(["scheme", "proof", "known by its looks", "looks like"], rows))
    console.print()
    say(console, "A scheme that is not known by its looks must be configured: it is never guessed.")


def check_document(report: HashCheck) -> dict[str, Any]:
    """What `hash check --json` prints."""
    return {
        "rows": [
            {
                "line": row.line,
                "verdict": row.verdict.value,
                "scheme": row.scheme,
                "reason": row.reason,
                "expect": row.expected or None,
            }
            for row in report.rows
        ],
        "counts": {verdict.value: count for verdict, count in report.counts.items()},
        "differing": report.differing,
    }


def print_check(console: Console, report: HashCheck) -> None:
    """Rows that differ from what they expect, else the first ones; then the counts."""
    shown = [row for row in report.rows if row.differs] or report.rows
    if shown:
        rows = [(str(row.line), row.verdict.value, row.scheme, _remark(row)) for row in shown[:SHOWN_MAX]]
        console.print(listing(["line", "verdict", "scheme", ""], rows))
        console.print()
    if len(shown) > SHOWN_MAX:
        say(console, f"... and {len(shown) - SHOWN_MAX:,} more; --json has all of them.")
    say(
        console,
        f"{len(report.rows):,} rows: {counts({str(k): n for k, n in report.counts.items()}) or 'none'}",
    )
    if report.differing:
        say(console, f"{report.differing:,} differ from what they expect.", style="bold")


def _remark(row: CheckedRow) -> str:
    expected = f"expected {row.expected}" if row.differs else ""
    return "; ".join(part for part in (expected, row.reason) if part)


def proof_document(proof: HashProof, *, given: Descriptor) -> dict[str, Any]:
    """What `hash prove --json` prints. `given`: what the row itself said."""
    found = proof.descriptor
    return {
        "found": found is not None,
        "scheme": proof.scheme,
        "descriptor": _settings_table(found, proof.scheme) if found else None,
        "tried": proof.tried,
        "reason": proof.reason,
        "from_row": sorted(ROW_FIELDS & given.table().keys()),
    }


def print_proof(console: Console, proof: HashProof, *, given: Descriptor) -> None:
    """The descriptor as it goes into the settings, or what to try next."""
    if proof.descriptor is None:
        say(console, f"Not found after {proof.tried:,} ways. {_sentence(proof.reason)}".rstrip())
        say(
            console,
            "Give the row what you know: salt, key, algorithm, iterations, hashed_name. Check the password.",
        )
        return
    say(console, f"Found: {proof.scheme}, after {proof.tried:,} ways. For the source in idferry.toml:")
    say_command(console, f"hash = {_toml(_settings_table(proof.descriptor, proof.scheme))}")
    if ROW_FIELDS & given.table().keys():
        say(console, "The salt stands in each row of its own.")


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _settings_table(descriptor: Descriptor, scheme: str) -> dict[str, Any]:
    """Without what a row says itself, and without secrets: those are named in the settings, not written there."""
    table = {name: value for name, value in descriptor.table().items() if name not in ROW_FIELDS}
    secrets = {name: f"env:HASH_{name.upper()}" for name in SECRET_FIELDS & table.keys()}
    return {"scheme": scheme} | table | secrets


def _toml(table: Mapping[str, Any]) -> str:
    """An inline table; texts are literal where they can be."""
    parts = [f"{name} = {_toml_value(value)}" for name, value in table.items()]
    return "{ " + ", ".join(parts) + " }"


def _toml_value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    text = str(value)
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def forecast_document(found: HashForecast, *, threads: int, deadline_ms: int) -> dict[str, Any]:
    """What `hash forecast --json` prints; milliseconds throughout."""
    forecast = found.forecast
    return {
        "hashes": forecast.people if forecast else 0,
        "malformed": found.malformed,
        "unsupported": found.unsupported,
        "threads": threads,
        "deadline_ms": deadline_ms,
        "sign_ins_per_second": round(forecast.per_second, 1) if forecast else None,
        "mean_ms": _ms(forecast.mean_s) if forecast else None,
        "p95_ms": _ms(forecast.p95_s) if forecast else None,
        "p99_ms": _ms(forecast.p99_s) if forecast else None,
        "slowest_ms": _ms(forecast.slowest_s) if forecast else None,
        "fits": bool(forecast and forecast.fits),
        "negative_reply_at_ms": _ms(forecast.negative_reply_at_s) if forecast and forecast.fits else None,
        "kinds": [
            {"scheme": one.scheme, "cost": one.cost, "count": one.count, "milliseconds": _ms(one.seconds)}
            for one in (forecast.kinds if forecast else ())
        ],
        "over_bounds": dict(found.over_bounds),
        "memory_mib": _mib(found.memory_kib),
        "at_once": found.at_once,
        "bounds": [
            {
                "scheme": one.scheme,
                "bound": one.bound,
                "milliseconds": _ms(one.seconds),
                "memory_mib": _mib(one.memory_kib),
                "fits": one.seconds * 1000 < deadline_ms,
            }
            for one in found.bounded
        ],
    }


def print_forecast(console: Console, found: HashForecast, *, deadline_ms: int) -> None:
    """The kinds, then what they come to."""
    forecast = found.forecast
    refused = counts({"malformed": found.malformed, "unsupported": found.unsupported})
    _print_bounds(console, found, deadline_ms=deadline_ms)
    if forecast is None:
        say(console, f"No row can be checked ({refused or 'the file is empty'}).")
        return
    rows = [(one.scheme, one.cost, f"{one.count:,}", f"{_ms(one.seconds):,} ms") for one in forecast.kinds]
    console.print(listing(["scheme", "cost", "hashes", "one takes"], rows[-SHOWN_MAX:]))
    console.print()
    console.print(
        figures(
            [
                ("hashes", f"{forecast.people:,}", f"not counted: {refused}" if refused else ""),
                ("sign-ins/s", f"{forecast.per_second:,.1f}", f"{found.at_once} at once, four fifths busy"),
                ("p95", f"{_ms(forecast.p95_s):,}", f"ms of {deadline_ms:,} ms"),
                ("slowest", f"{_ms(forecast.slowest_s):,}", "ms"),
            ]
        )
    )
    console.print()
    if forecast.fits:
        console.print(
            facts(
                [
                    (
                        "negative_reply_at",
                        f"{_ms(forecast.negative_reply_at_s):,} ms: answers that are no match leave then",
                    )
                ]
            )
        )
    else:
        say(
            console,
            f"The slowest kind takes longer than the caller waits ({deadline_ms:,} ms).",
            style="bold",
        )


def _print_bounds(console: Console, found: HashForecast, *, deadline_ms: int) -> None:
    """What one check may cost on this machine, whatever the file holds."""
    rows = [
        (
            one.scheme,
            one.bound,
            f"{_ms(one.seconds):,} ms",
            f"{_mib(one.memory_kib):,} MiB" if one.memory_kib else "",
        )
        for one in found.bounded
    ]
    console.print(listing(["scheme", "the bounds allow up to", "which takes", "memory"], rows))
    console.print()
    slow = [one.bound.partition(" ")[0] for one in found.bounded if one.seconds * 1000 >= deadline_ms]
    if slow:
        say(
            console,
            f"Hashes at {', '.join(slow)} would end after the {deadline_ms:,} ms: lower [hashes] bounds.",
        )
    for name, count in sorted(found.over_bounds.items()):
        say(console, f"{count:,} hashes are over {name}: nobody could sign in with them.")


def load_document(report: LoadReport, *, source: str, executed: bool, forgotten: int) -> dict[str, Any]:
    """What `hash load --json` prints."""
    return {
        "source": source,
        "executed": executed,
        "records": report.records,
        "taken": report.taken,
        "without_hash": report.without_hash,
        "barred": report.barred,
        "malformed": report.malformed,
        "lacking": {str(why): count for why, count in report.lacking.items()},
        "schemes": dict(report.schemes),
        "forgotten": forgotten,
        "refused": [{"key": one.key, "line": one.line, "reason": one.reason} for one in report.refused],
        "refused_count": report.refused_count,
    }


def print_load(console: Console, report: LoadReport, *, source: str, executed: bool, forgotten: int) -> None:
    """What was taken, or would be, and what not."""
    head = (
        f"Hashes of the source {source} are in the store."
        if executed
        else (f"Hashes of the source {source}. Nothing was changed; --execute takes them.")
    )
    say(console, head)
    console.print()
    lacking = counts({str(why): count for why, count in report.lacking.items()})
    rows = [
        ("records", f"{report.records:,}", ""),
        ("hashes", f"{report.taken:,}", counts(report.schemes)),
        ("without a hash", f"{report.without_hash:,}", ""),
        ("barred", f"{report.barred:,}", "disabled in the source"),
        ("malformed", f"{report.malformed:,}", ""),
        ("not checked here", f"{report.lacking.total():,}", lacking),
    ]
    rows += [("deleted again", f"{forgotten:,}", "of people who are settled")] if forgotten else []
    console.print(figures(rows))
    if report.refused:
        console.print()
        shown = [(one.key, str(one.line), one.reason) for one in report.refused[:SHOWN_MAX]]
        console.print(listing(["key", "line", "why it is not taken"], shown))


def _mib(kib: int) -> float:
    return round(kib / 1024, 1)


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)
