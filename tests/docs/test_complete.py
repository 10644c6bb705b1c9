"""Everything a person or a script can meet is documented, and nothing is documented that does not exist."""

import re
import tomllib
from pathlib import Path
from typing import Any, get_args

import pytest
from tests.docs import cli_page, endpoints_page, json_page, ledger_page, ports_page, settings_page
from tests.docs.errors_pages import ENDS, exit_codes
from tests.docs.repository import (
    ROOT,
    Named,
    blocks,
    commands_of_pages,
    commands_of_source,
    pages,
)

from idferry import settings
from idferry.errors import EXIT_MEANINGS, every_error
from idferry.rules import outcomes, removal
from idferry.rules.entry import EventKind
from idferry.rules.happenings import Happening
from idferry.rules.lifecycle import State
from idferry.rules.removal import Kept
from idferry.service.alerts import ALERTS

REFERENCE = ROOT / "docs/reference"
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def _read(name: str) -> str:
    return (REFERENCE / name).read_text(encoding="utf-8")


def _relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_every_command_and_option_is_documented_with_an_example() -> None:
    text = _read("cli.md")
    for name, command in cli_page.command_tree().items():
        assert f"## idferry {name}\n" in text
        section = text.partition(f"## idferry {name}\n")[2].partition("\n## ")[0]
        assert "Example: `idferry" in section, f"{name} has no example"
        for option in cli_page.options_of(command):
            assert option.help, f"{name} {option.opts} has no help"
            assert all(f"`{one}`" in section for one in option.opts)


def test_every_setting_is_documented() -> None:
    declared = {name for name, _ in settings_page.every_setting()}
    assert set(settings_page.MEANINGS) == declared
    known = {field for field in settings.Settings.__dataclass_fields__ if field not in ("folder", "file")}
    lists = {"application": "applications", "service.caller": "service_callers"}
    tables = ["verifiers" if name.startswith("verifier") else name for name in settings_page.TABLES]
    assert known == {"project", *(lists.get(name, name) for name in tables)}


def test_the_settings_template_names_every_setting_of_a_real_tenant() -> None:
    template = (ROOT / "src/idferry/cli/settings_template.toml").read_text(encoding="utf-8")
    # Left out on purpose: what has one sensible value, or is for the emulator only.
    unusual = {"clock.url", "sources.delimiter"}
    missing = {
        name
        for name, _ in settings_page.every_setting()
        if name not in unusual
        and not name.startswith("verifier.")  # their how-to pages show each kind whole
        and not re.search(rf"^(# )?{name.rpartition('.')[2]} = ", template, re.MULTILINE)
    }
    assert missing == set()


def test_every_state_is_documented() -> None:
    text = _read("states.md")
    assert all(f"| `{state}` |" in text for state in State)


def test_every_outcome_is_documented() -> None:
    text = _read("outcomes.md")
    codes = [*outcomes.LeftOut, *outcomes.Refused, *outcomes.RefusedAttribute, *outcomes.Note, *Kept]
    assert all(f"| `{code}` |" in text for code in codes)
    assert set(removal.MEANINGS) == set(Kept)


def test_every_error_is_documented_and_its_code_is_its_own() -> None:
    text = _read("errors.md")
    classes = [cls for cls in every_error() if cls.__module__ == "idferry.errors"]
    assert all(f"| `{cls.code}` |" in text for cls in classes)
    assert len({cls.code for cls in classes}) == len(classes)


def test_every_exit_code_is_documented() -> None:
    text = _read("exit-codes.md")
    assert set(ENDS) == set(EXIT_MEANINGS) == set(exit_codes().values())
    assert all(f"| `{value}` |" in text for value in exit_codes().values())
    assert {cls.exit_code for cls in every_error()} <= set(exit_codes().values())


def test_every_column_and_event_of_the_ledger_is_documented() -> None:
    for name, columns in ledger_page.tables():
        assert columns
        for column in columns:
            assert ledger_page.meaning(name, column) != ".", f"{name}.{column.name} says nothing"
    assert set(ledger_page.KINDS) == set(EventKind)
    assert {name for name, _ in ledger_page.tables()} == set(ledger_page.TABLES)
    migrations = (ROOT / "src/idferry/ledger/migrations").glob("*.sql")
    declared = {f"{name}.{one.name}" for name, columns in ledger_page.tables() for one in columns}
    written = "".join(file.read_text(encoding="utf-8") for file in migrations)
    column = r"^(?:    |ALTER TABLE \w+ ADD COLUMN )[a-z_]+ (?:INTEGER|TEXT|BLOB)"
    assert len(declared) == len(re.findall(column, written, re.MULTILINE))
    assert set(ledger_page.COLUMNS) <= declared


def test_every_endpoint_and_metric_is_documented() -> None:
    text = _read("endpoints.md")
    for endpoint in endpoints_page.every_endpoint():
        assert endpoint.summary
        for path in endpoint.paths:
            assert all(f"`{method} {path}`" in text for method in endpoint.methods)
    assert all(f"| `{name}` |" in text for name, _ in endpoints_page.every_metric())


def test_every_alert_is_documented() -> None:
    raised = re.compile(r"(?:\.alert|_unsaid)\(\s*\"(\w+)\"")
    files = [*(ROOT / "src/idferry/service").glob("*.py"), *(ROOT / "src/idferry/wiring").glob("*.py")]
    found = {kind for file in files for kind in raised.findall(file.read_text(encoding="utf-8"))}
    assert found - set(ALERTS) == set()


def test_every_happening_and_port_is_documented() -> None:
    text = (ROOT / "docs/contribute/ports.md").read_text(encoding="utf-8")
    assert all(f"| `{one.__name__}` |" in text for one in get_args(Happening))
    assert all(f"\n## {name}\n" in text for name, _ in ports_page.public_ports())


def test_every_command_with_json_has_its_keys_documented() -> None:
    with_json = {
        name
        for name, command in cli_page.command_tree().items()
        if any("--json" in option.opts for option in cli_page.options_of(command))
    }
    assert with_json == set(json_page.DOCUMENTS)


@pytest.mark.parametrize("page", pages(), ids=_relative)
def test_every_relative_link_resolves(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for link in LINK.findall(text):
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path) if path else page
        assert target.exists(), f"{_relative(page)} links to {link}"
        if anchor:
            assert anchor in _anchors(target), f"{_relative(page)} links to {link}"


def _anchors(page: Path) -> set[str]:
    headings = HEADING.findall(page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_page_is_reached_from_the_index() -> None:
    index = ROOT / "docs/README.md"
    linked = {
        (index.parent / link.partition("#")[0]).resolve() for link in LINK.findall(index.read_text("utf-8"))
    }
    pages_of_docs = {page.resolve() for page in (ROOT / "docs").rglob("*.md")} - {index.resolve()}
    assert {_relative(page) for page in pages_of_docs - linked} == set()


def test_how_to_pages_name_what_undoes_them() -> None:
    for page in sorted((ROOT / "docs/how-to").glob("*.md")):
        text = page.read_text(encoding="utf-8")
        assert re.search(r"^\*\*Undone by\*\*", text, re.MULTILINE), (
            f"{page.name} does not say what undoes it"
        )


def _problem(named: Named, tree: dict[str, Any]) -> str:
    words = named.words
    if not words or words[0] in ("--help", "-h", "--version", "..."):
        return ""
    if " ".join(words[:2]) in tree:
        words = [" ".join(words[:2]), *words[2:]]
    if words[0] not in tree:
        return f"there is no command {words[0]}"
    command = tree[words[0]]
    options = {name: option for option in cli_page.options_of(command) for name in option.opts}
    for place, word in enumerate(words[1:], start=1):
        name, equals, value = word.partition("=")
        if not name.startswith("--") or name == "--help":
            continue
        if name not in options:
            return f"{words[0]} has no option {name}"
        choices = cli_page.choices_of(options[name])
        given = value if equals else " ".join(words[place + 1 : place + 2])
        if choices and given not in choices:
            return f"{name} takes one of {choices}, not {given!r}"
    return ""


@pytest.mark.parametrize("named", [*commands_of_pages(), *commands_of_source()], ids=lambda one: one.place)
def test_no_text_names_a_command_or_option_that_does_not_exist(named: Named) -> None:
    problem = _problem(named, cli_page.command_tree())
    assert not problem, f"{named.place}: `{named.text}`: {problem}"


def test_settings_shown_in_pages_are_taken() -> None:
    for page in pages():
        for body in blocks(page.read_text(encoding="utf-8"), "toml"):
            settings.parse_settings(tomllib.loads(body), file=None, folder=ROOT)
