"""What the layout promises: names that exist, sizes that hold, doors that stay shut. Read from the syntax tree."""

import ast
import re
import statistics
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

import idferry

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src" / "idferry"

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 400
PUBLIC_METHODS_MAX = 10
PORT_METHODS_MAX = 7


FORBIDDEN_MODULES = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"}
FORBIDDEN_SUFFIXES = ("Manager", "Service", "Helper", "Factory")
PURE_RINGS = ("rules", "hashes", "ports", "flows")
# Who sees a password in clear. Whoever is to check or send one later is added here, and opens the door nowhere else.
REVEALERS = {
    "connectors.cognito",  # sends it to the legacy system, as a value of a document
    "connectors.ldap_directory",  # sends it to the legacy system, in a bind
    "connectors.password_grant",  # sends it to the legacy system, as a value of a form
    "connectors.web_service",  # as a value of a document
    "graph.wire",
    "hashes.parsed",  # a hash is checked against it
    "rules.submission",  # 32 bits of a keyed digest, to know a retry again
}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def modules() -> Iterator[tuple[str, Path, ast.Module]]:
    """Dotted name below idferry, path and syntax tree of every module."""
    for path in sorted(SRC.rglob("*.py")):
        parts = path.relative_to(SRC).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__") or "__init__"
        yield name, path, ast.parse(path.read_text(encoding="utf-8"))


MODULES = list(modules())


def in_ring(name: str, ring: str) -> bool:
    return name == ring or name.startswith(f"{ring}.")


Node = TypeVar("Node", bound=ast.AST)


def of_kind(tree: ast.Module, *kinds: type[Node]) -> Iterator[Node]:
    return (node for node in ast.walk(tree) if isinstance(node, kinds))


def lines_of(node: Function) -> int:
    assert node.end_lineno is not None
    return node.end_lineno - node.lineno + 1


# --- names -------------------------------------------------------------------------------------------------------


def test_the_exported_names_are_these_and_no_others() -> None:
    """A name added here is a promise to other programs; a name taken away breaks them."""
    assert idferry.__all__ == ["__version__"]
    assert re.fullmatch(r"\d+\.\d+\.\d+(\.dev\d+)?", idferry.__version__)


def test_no_module_is_a_drawer_for_everything() -> None:
    assert not [name for name, _, _ in MODULES if FORBIDDEN_MODULES & set(name.split("."))]


def test_no_class_is_named_after_doing_something_somehow() -> None:
    found = [
        f"{name}.{node.name}"
        for name, _, tree in MODULES
        for node in of_kind(tree, ast.ClassDef)
        if node.name.endswith(FORBIDDEN_SUFFIXES)
    ]
    assert not found


def test_there_is_one_level_of_packages_and_two_in_the_emulator() -> None:
    deep = [
        name
        for name, path, _ in MODULES
        if len(path.relative_to(SRC).parts) > (3 if name.startswith("emulator") else 2)
    ]
    assert not deep


def test_every_module_says_why_it_exists() -> None:
    assert not [name for name, _, tree in MODULES if not ast.get_docstring(tree)]


# --- sizes -------------------------------------------------------------------------------------------------------


def test_functions_files_and_classes_keep_their_size(record_property: Any) -> None:
    sizes = sorted(
        (lines_of(node), f"{name}.{node.name}")
        for name, _, tree in MODULES
        for node in of_kind(tree, ast.FunctionDef, ast.AsyncFunctionDef)
    )
    lines = [size for size, _ in sizes]
    median, p90 = statistics.median(lines), statistics.quantiles(lines, n=10)[-1]
    sys.stdout.write(f"{len(lines)} functions: median {median:g}, p90 {p90:g}, longest {sizes[-1]}\n")
    record_property("function_lines_median", median)
    record_property("function_lines_p90", p90)
    assert [one for one in sizes if one[0] > FUNCTION_LINES_MAX] == []
    assert median <= 10
    assert p90 <= 35
    files = [(len(path.read_text(encoding="utf-8").splitlines()), name) for name, path, _ in MODULES]
    assert [one for one in files if one[0] > FILE_LINES_MAX] == []


def public_methods(node: ast.ClassDef) -> list[str]:
    return [
        one.name
        for one in node.body
        if isinstance(one, Function)
        and not one.name.startswith("_")
        and not any(isinstance(mark, ast.Name) and mark.id == "property" for mark in one.decorator_list)
    ]


def test_no_class_has_too_many_public_methods() -> None:
    counted = {
        f"{name}.{node.name}": len(public_methods(node))
        for name, _, tree in MODULES
        for node in of_kind(tree, ast.ClassDef)
    }
    larger = {
        name: count
        for name, count in counted.items()
        if count > (PORT_METHODS_MAX if name.startswith("ports.") else PUBLIC_METHODS_MAX)
    }
    assert not larger


# --- doors -------------------------------------------------------------------------------------------------------


def test_few_may_see_a_password_in_clear() -> None:
    """`reveal_to` is the only door of a Password; whoever so much as names it stands in this list."""
    callers = {
        name for name, _, tree in MODULES for node in of_kind(tree, ast.Attribute) if node.attr == "reveal_to"
    }
    callers |= {
        name
        for name, _, tree in MODULES
        for node in of_kind(tree, ast.Constant)
        if node.value in ("reveal_to", "_Password__text")
    }
    assert callers == REVEALERS


def test_nobody_reaches_around_the_door() -> None:
    found = [
        name
        for name, _, tree in MODULES
        for node in of_kind(tree, ast.Attribute)
        if node.attr == "_Password__text" or (node.attr == "__text" and name != "rules.password")
    ]
    assert not found


@pytest.mark.parametrize("ring", PURE_RINGS)
def test_the_inner_rings_open_no_file(ring: str) -> None:
    """The import contracts forbid the modules; built-in functions need no import."""
    refused = {"open", "print", "input", "exec", "eval", "__import__", "breakpoint"}
    methods = {"open", "read_text", "read_bytes", "write_text", "write_bytes"}
    found = [
        f"{name}:{node.lineno}"
        for name, _, tree in MODULES
        if in_ring(name, ring)
        for node in of_kind(tree, ast.Call)
        if (isinstance(node.func, ast.Name) and node.func.id in refused)
        or (isinstance(node.func, ast.Attribute) and node.func.attr in methods)
    ]
    assert not found


def test_nobody_reads_the_clock_of_the_machine_but_one_module() -> None:
    """ruff bans `datetime.now` and `time.time`; this finds the other ways, and the one exception."""
    found = {
        name
        for name, _, tree in MODULES
        for node in of_kind(tree, ast.Attribute)
        if isinstance(node.value, ast.Name)
        and (node.value.id, node.attr)
        in {
            ("time", "time"),
            ("time", "monotonic"),
            ("time", "perf_counter"),
            ("time", "sleep"),
            ("datetime", "now"),
            ("datetime", "utcnow"),
            ("datetime", "today"),
        }
    }
    assert {name for name in found if not name.startswith("emulator")} <= {"wiring.system"}


# --- contracts, locks, settings of the tools ---------------------------------------------------------------------


def test_the_import_contracts_hold() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    if not program.exists():
        pytest.fail("lint-imports is not installed beside this Python: make test installs it")
    done = subprocess.run(
        [program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]


def test_the_contracts_name_every_ring() -> None:
    """`exhaustive` makes a new package a broken contract; this holds the switch."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    rings = contracts["contracts"][0]
    assert rings["exhaustive"] is True
    assert rings["exhaustive_ignores"] == ["__main__", "emulator"]


def test_every_ignored_rule_says_why() -> None:
    """One rule per line needs its own reason; a line of several rules stands below a reason."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    silent = []
    inside = False
    for number, line in enumerate(text, start=1):
        if line.startswith(("ignore = [", '"', "[tool.ruff.lint.per-file-ignores]")):
            inside = line.rstrip().endswith("[")
            if inside or not re.match(r'"[^"]+" = \[', line):
                continue
            silent += [number] if "#" not in line and not text[number - 2].lstrip().startswith("#") else []
        elif line.startswith("]"):
            inside = False
        elif inside and line.strip() and not line.lstrip().startswith("#") and "#" not in line:
            silent.append(number)
    assert not [f"pyproject.toml:{number}: {text[number - 1].strip()}" for number in silent]


def test_every_exception_in_the_code_says_why() -> None:
    """`# noqa: CODE  reason` and `# type: ignore[code]  # reason`, with something behind the code."""
    pattern = re.compile(r"# noqa(?!: [A-Z]+\d+(, ?[A-Z]+\d+)*\s+\S)|# type: ignore(?!\[)")
    found = [
        f"{name}:{number}"
        for name, path, _ in MODULES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if pattern.search(line)
    ]
    assert not found


def test_locks_hold_no_address_and_pin_everything() -> None:
    locks = sorted((ROOT / "requirements").glob("*.lock"))
    assert {"base.lock", "test.lock"} <= {lock.name for lock in locks}
    for lock in locks:
        text = lock.read_text(encoding="utf-8")
        assert not re.search(r"https?://|--(extra-)?index-url|--find-links|file:", text), lock.name
        named = [line for line in text.splitlines() if re.match(r"[a-zA-Z]", line)]
        assert named
        assert not [line for line in named if "==" not in line], "a lock pins exact versions"
        assert text.count("--hash=sha256:") >= len(named)


def test_the_source_holds_no_path_of_a_machine() -> None:
    pattern = re.compile(r"(?<![\w.>}])/(home|root|work|tmp|Users|mnt|opt)/[a-z]|[A-Z]:\\\\?Users")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in sorted(SRC.rglob("*"))
        if path.is_file() and path.suffix in {".py", ".sql", ".toml", ".json", ".md", ".html"}
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if pattern.search(line)
    ]
    assert not found
