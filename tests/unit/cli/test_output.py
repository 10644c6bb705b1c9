"""How results reach people and scripts: nothing of a person's name may steer a terminal or break a document."""

import io
import json
import sys
from pathlib import Path

import pytest
from rich.console import Console

from idferry.cli.output import (
    counts,
    facts,
    figures,
    json_text,
    listing,
    messages,
    print_error,
    print_json,
    printable,
    say,
    screen,
    write_file,
)
from idferry.errors import SettingsError, UsageError


def shown(what: object, *, width: int = 200) -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False)
    console.print(what)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


# --- one document ------------------------------------------------------------------------------------------------


def test_a_document_is_one_line_and_keeps_its_order(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"b": "Žofie\n", "a": [1, None], "path": Path("x")})
    out = capsys.readouterr().out
    assert out == '{"b": "Žofie\\n", "a": [1, null], "path": "x"}\n'


@pytest.mark.parametrize(("encoding", "name"), [("utf-8", "half \ud800"), ("cp1252", "Žofie 李")])
def test_what_the_stream_cannot_hold_is_escaped(
    encoding: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
    print_json({"name": name})
    sys.stdout.flush()
    assert json.loads(raw.getvalue().decode("ascii")) == {"name": name}


def test_an_error_is_a_sentence_and_a_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    error = SettingsError("unknown [setting] 'x[/red]'", remedy="Try [this].")
    print_error(error, as_json=False)
    seen = capsys.readouterr()
    assert seen.out == ""
    assert seen.err == "error (settings): unknown [setting] 'x[/red]'\nwhat to do: Try [this].\n"


def test_an_error_is_a_document_as_well_where_one_was_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    print_error(SettingsError("no", remedy="yes"), as_json=True)
    assert json.loads(capsys.readouterr().out) == {
        "error": {"code": "settings", "message": "no", "remedy": "yes"}
    }


def test_lines_to_copy_stand_each_on_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    error = SettingsError("no", remedy="Write this:")
    error.to_copy = ("[guard]", "attempts = 3")
    print_error(error, as_json=True)
    seen = capsys.readouterr()
    assert seen.err == "error (settings): no\nwhat to do: Write this:\n  [guard]\n  attempts = 3\n"
    assert json.loads(seen.out)["error"]["remedy"] == "Write this:\n[guard]\nattempts = 3"


def test_a_file_is_never_overwritten(tmp_path: Path) -> None:
    write_file(tmp_path / "a.json", "Žofie\n")
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == "Žofie\n"
    with pytest.raises(UsageError, match="exists already"):
        write_file(tmp_path / "a.json", "other")
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == "Žofie\n"
    with pytest.raises(UsageError, match="cannot be written"):
        write_file(tmp_path / "nowhere" / "a.json", "x")


# --- pages -------------------------------------------------------------------------------------------------------


def test_counts_name_the_largest_first() -> None:
    assert counts({"b": 1, "a": 1, "c": 1200, "none": 0}) == "c 1,200 · a 1 · b 1"
    assert counts({}) == ""


@pytest.mark.parametrize("name", ["[bold]x", "[/]", "a[/red]b", "[link=http://x]y[/link]", "Anna [admin]"])
def test_a_name_is_not_markup(name: str) -> None:
    assert name in shown(facts([("name", name)]))
    assert name in shown(figures([("name", "1", name)]))
    assert name in shown(listing(("a", "b"), [(name, name)]))


def test_figures_are_aligned_to_the_right() -> None:
    text = shown(figures([("people", "1,200", "all"), ("left out", "7", "")]))
    first, second = text.splitlines()
    assert first.index("1,200") + 5 == second.index("7") + 1
    assert all(line == line.rstrip() for line in text.splitlines())


def test_the_last_column_wraps_below_itself() -> None:
    text = shown(listing(("code", "remedy"), [("conflict", "look at the other account " * 5)]), width=60)
    lines = text.splitlines()
    assert len(lines) > 3
    assert max(map(len, lines)) <= 60
    start = lines[0].index("remedy")
    assert all(line[:start].strip() == "" for line in lines[2:])


def test_an_empty_table_is_nothing() -> None:
    assert shown(facts([])).strip() == ""


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("Žofie 李 ñ", "Žofie 李 ñ"),
        ("a\x1b[31mred", "a\\x1b[31mred"),
        ("a\r\nb\tc", "a\\x0d\\x0ab\\x09c"),
        ("\x9b31m", "\\x9b31m"),
        ("gpj.\u202etxt", "gpj.\\u202etxt"),
        ("\u2066x\u2069", "\\u2066x\\u2069"),
        ("half \udc80", "half \\udc80"),
    ],
)
def test_nothing_steers_the_terminal(text: str, safe: str) -> None:
    assert printable(text) == safe
    assert safe.encode()


@pytest.mark.parametrize("code", [0x7F, 0x85, 0x9B, 0x061C, 0x200F, 0x202E, 0x2028, 0x2067], ids=hex)
def test_a_document_steers_no_terminal_either(code: int, capsys: pytest.CaptureFixture[str]) -> None:
    document = {f"a{chr(code)}b": f"Žofie {chr(code)}"}
    print_json(document)
    out = capsys.readouterr().out
    assert chr(code) not in out
    assert "Žofie" in out
    assert json.loads(out) == document
    assert json.loads(json_text(document, indent=2)) == document


def test_a_line_break_in_data_makes_no_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    say(screen(), "1001\n  failed  0", indent=4)
    assert capsys.readouterr().out == "    1001\\x0a  failed  0\n"


def test_sentences_are_indented_alike() -> None:
    console = Console(file=io.StringIO(), width=30, highlight=False)
    say(console, "[bold]one two three four five six seven eight", indent=4)
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    assert len(lines) == 2
    assert all(line.startswith("    ") and len(line) <= 30 for line in lines)
    assert lines[0].startswith("    [bold]one")


def test_a_pipe_wraps_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    long = "x " * 500
    screen().print(long)
    messages().print(long)
    seen = capsys.readouterr()
    assert len(seen.out.splitlines()) == len(seen.err.splitlines()) == 1
