"""One word for one thing: words that the glossary rules out do not appear in pages and docstrings."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.docs.repository import ROOT, pages, prose
from tests.docs.words import AVOIDED, WORDS

# Where a word is right, and why. The text around the word, as it stands there.
ALLOWED = {
    "docs/reference/glossary.md": "it lists the words that are not used",
}
PHRASES = {
    r"customers' tenants": "Microsoft's name for tenants of this kind",
    r"customer number": "a legacy system's own name for its key",
    r"customer accounts?": "what the product is for, as outsiders search for it",
    r"Customers of the web shop": "a fictional company's comment",
    r"Customer No": "a column heading of a fictional export",
    r"login\.microsoftonline\.com": "an address",
}


def _texts() -> Iterator[tuple[str, str]]:
    for page in pages():
        yield str(page.relative_to(ROOT)), prose(page.read_text(encoding="utf-8"))
    for file in sorted((ROOT / "src").rglob("*.py")):
        yield str(file.relative_to(ROOT)), "\n".join(_docstrings(file))


def _docstrings(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield prose(ast.get_docstring(node) or "")


@pytest.mark.parametrize(("pattern", "better"), AVOIDED.items(), ids=list(AVOIDED.values()))
def test_a_word_with_a_better_one_is_not_used(pattern: str, better: str) -> None:
    word = re.compile(rf"(?<![\w./-])(?:{pattern})(?![\w/-])", re.IGNORECASE)
    found = []
    for place, text in _texts():
        if place in ALLOWED:
            continue
        for phrase in PHRASES:
            text = re.sub(phrase, "", text)
        found += [f"{place}: {_around(text, match)}" for match in word.finditer(text)]
    assert not found, f"say {better}:\n" + "\n".join(found)


def _around(text: str, match: re.Match[str]) -> str:
    return " ".join(text[max(0, match.start() - 40) : match.end() + 40].split())


def test_the_glossary_knows_every_word_once() -> None:
    words = [one.word for one in WORDS]
    assert len(words) == len(set(words))
