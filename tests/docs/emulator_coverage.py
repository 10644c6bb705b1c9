"""Writes docs/reference/emulator-coverage.md from the parity tests: what the emulator claims, and on whose word.

Reads the test files as syntax trees; runs nothing.
"""

import ast
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from idferry.emulator.graph.operations import NAMES

ROOT = Path(__file__).parents[2]
PARITY = ROOT / "tests" / "parity"
PROVENANCE = ("documented", "reported", "recorded", "assumed")

HEAD = """# What the emulator covers

*Generated from the marks and sentences of `tests/parity` by `make docs`; do not edit.*

`idferry emulator` imitates an Azure AD B2C and a Microsoft Entra External ID tenant. Each line below is one behaviour
with a test behind it, and says on whose word it stands:

- **documented**: a public page says so; the page is linked.
- **reported**: somebody met it and said so in a public thread.
- **recorded**: seen on a real tenant on that date.
- **assumed**: nobody says so; the reason for the choice is given. Try these on a test tenant before you rely on them.

Whatever is not covered answers 501 and names the gap. The entity model section proves the *shape* of answers and
nothing else.
"""


@dataclass(frozen=True)
class Behaviour:
    """One test: its sentence, and on whose word it stands."""

    sentence: str
    provenance: str
    source: str


def render() -> str:
    """The page's text."""
    sections = [(_title(path), _behaviours(path)) for path in sorted(PARITY.glob("test_*.py"))]
    counted = Counter(row.provenance for _, rows in sections for row in rows)
    parts = [HEAD]
    parts.append("Behaviours: " + ", ".join(f"{counted[name]} {name}" for name in PROVENANCE) + ".\n")
    names = ", ".join(f"`{name}`" for name in sorted(NAMES | {"batch", "token"}))
    parts.append(f"Operations (the names that counts and fault rules use): {names}.\n")
    for title, rows in sections:
        parts.append(f"## {title}\n\n| behaviour | on whose word |\n|---|---|")
        parts.extend(f"| {row.sentence} | {_word(row)} |" for row in rows)
        parts.append("")
    return "\n".join(parts)


def _title(path: Path) -> str:
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or path.stem
    return text.splitlines()[0].rstrip(".")


def _behaviours(path: Path) -> list[Behaviour]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    constants = _constants(tree)
    found = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            sentence = (ast.get_docstring(node) or "").replace("|", "\\|").replace("<", "&lt;")
            found += [Behaviour(sentence, name, source) for name, source in _marks(node, constants)]
    return found


def _constants(tree: ast.Module) -> dict[str, str]:
    found = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            found |= {
                target.id: str(node.value.value) for target in node.targets if isinstance(target, ast.Name)
            }
    return found


def _marks(node: ast.FunctionDef, constants: dict[str, str]) -> list[tuple[str, str]]:
    calls = [call for call in node.decorator_list if isinstance(call, ast.Call)]
    named = [(call.func.attr, call.args) for call in calls if isinstance(call.func, ast.Attribute)]
    return [(name, _text(arguments[0], constants)) for name, arguments in named if name in PROVENANCE]


def _text(node: ast.expr, constants: dict[str, str]) -> str:
    return constants[node.id] if isinstance(node, ast.Name) else str(ast.literal_eval(node))


def _word(row: Behaviour) -> str:
    if row.provenance == "documented":
        return f"documented: <{row.source}>"
    return f"{row.provenance}: {row.source.replace('|', chr(92) + '|').replace('<', '&lt;')}"
