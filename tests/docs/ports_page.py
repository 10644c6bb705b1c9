"""`docs/contribute/ports.md`: what the flows ask from outside and what they tell, from the docstrings."""

import inspect
from collections.abc import Iterator
from typing import Any, get_args

from tests.docs.markdown import code, page, table

from idferry.ports import directories, hash_cases, ledgers, machine, sign_in_people, sources
from idferry.rules.happenings import Happening

INTRODUCTION = """
A flow asks for what it needs through a port and never names who answers. One class may satisfy several ports; the
in-memory ones in `tests/support` satisfy them too, and the contract suites in `tests/contract` run over all of them.
Signatures and errors stand in `src/idferry/ports`.
"""
HAPPENINGS = """
## Happenings

What a flow tells while it works. The command line draws its progress from these; tests assert them.
"""


def public_ports() -> Iterator[tuple[str, Any]]:
    """Every protocol of the ports, in the order in which they stand there."""
    for module in (machine, sources, ledgers, directories, sign_in_people, hash_cases):
        for name, value in vars(module).items():
            if getattr(value, "_is_protocol", False) and value.__module__ == module.__name__:
                yield name, value


def render() -> str:
    """The page."""
    sections = [_section(name, port) for name, port in public_ports()]
    told = table(
        ["happening", "what has happened"], [(code(one.__name__), _first(one)) for one in get_args(Happening)]
    )
    return page("Ports and happenings", INTRODUCTION, *sections, HAPPENINGS, told)


def _section(name: str, port: Any) -> str:
    rows = []
    for method, function in vars(port).items():
        asked = function.fget if isinstance(function, property) else function
        if not method.startswith("_") and inspect.isfunction(asked):
            rows.append((code(method), _first(asked)))
    return f"## {name}\n\n{_first(port)}\n\n{table(['method', 'what the flow gets'], rows)}"


def _first(documented: Any) -> str:
    return (inspect.getdoc(documented) or "").split("\n\n")[0]
