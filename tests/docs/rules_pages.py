"""`states.md` and `outcomes.md`: what the ledger says about a person, and what planning decides, from the rules."""

from enum import StrEnum

from tests.docs.markdown import code, page, table

from idferry.rules import lifecycle, outcomes, removal
from idferry.rules.lifecycle import State
from idferry.rules.removal import Kept

RECORDS = """
## Bad records

A record that cannot be read is no person and has no code. It is listed with file, line, field and reason
(`bad_records`), and the records behind it are read. The reason never quotes the value.
"""


def states() -> str:
    """`states.md`: states, their picture, and every transition with its occasion."""
    kinds = table(
        ["state", "meaning", "has an account"],
        [(code(s), lifecycle.MEANINGS[s], "yes" if s.has_account else "") for s in State],
    )
    moves = table(
        ["from", "to", "when"],
        [(code(a), code(b), when) for (a, b), when in lifecycle.TRANSITIONS.items()],
    )
    return page(
        "States of a person",
        "The ledger holds one state per person. `idferry status` counts them; `idferry person` shows one person's.",
        kinds,
        "`left_out` and `refused` carry an [outcome code](outcomes.md), `failed` an [error code](errors.md).",
        "## Picture",
        _picture(),
        "## Transitions",
        "Any other transition is refused by the ledger.",
        moves,
    )


def outcomes_page() -> str:
    """`outcomes.md`: every code of planning, and why removal keeps an account."""
    groups = [
        ("Left out", "The person stays behind by rule.", outcomes.LeftOut),
        (
            "Refused",
            "Storing the person would be wrong, or the directory would certainly refuse it.",
            outcomes.Refused,
        ),
        (
            "Attributes that are not sent",
            "The person is created, without this attribute (`refused_attributes`).",
            outcomes.RefusedAttribute,
        ),
        ("Notes", "The person is created. The operator should know how.", outcomes.Note),
    ]
    sections = [f"## {title}\n\n{said}\n\n{_codes(codes)}" for title, said, codes in groups]
    kept = table(["code", "meaning"], [(code(one), removal.MEANINGS[one]) for one in Kept])
    return page(
        "Outcomes of planning",
        "What planning decides about a record. `idferry survey` and `idferry premigrate` count people by these codes. "
        "Codes are added and never renamed: scripts may rely on them.",
        *sections,
        RECORDS,
        f"## Kept\n\nWhy `idferry remove` does not delete an account.\n\n{kept}",
    )


def _codes(codes: type[StrEnum]) -> str:
    return table(["code", "meaning"], [(code(one), outcomes.MEANINGS[one]) for one in codes])


def _picture() -> str:
    started = [State.PLANNED, State.LEFT_OUT, State.REFUSED]
    lines = ["```mermaid", "stateDiagram-v2", *(f"    [*] --> {one}" for one in started)]
    lines += [f"    {a} --> {b}" for a, b in lifecycle.TRANSITIONS]
    return "\n".join([*lines, "```"])
