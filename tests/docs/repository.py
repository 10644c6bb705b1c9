"""What the documentation tests look at: the pages, the commands that they name, and the command tree."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOP_PAGES = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`(idferry [^`\n]+)`")
_QUOTED = re.compile(r"`(idferry [^`\n{]+)`|Example: (idferry [^\n\"{]+)")


@dataclass(frozen=True)
class Named:
    """A command line that some text names, and where."""

    place: str
    text: str

    @property
    def words(self) -> list[str]:
        """What stands behind `idferry`, up to a pipe, a redirection or a comment."""
        try:
            words = shlex.split(self.text, comments=True)[1:]
        except ValueError:
            words = self.text.split()[1:]
        ends = [place for place, word in enumerate(words) if word in ("|", ">", "<", "&&", "&", ";")]
        return words[: ends[0]] if ends else words


def pages() -> list[Path]:
    """Every page of documentation."""
    return [*(ROOT / name for name in TOP_PAGES), *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of this language."""
    return [body for kind, body in _FENCE.findall(text) if kind == language]


def prose(text: str) -> str:
    """The text without fenced blocks and code."""
    return re.sub(r"`[^`\n]*`", "", _FENCE.sub("", text))


def commands_of_pages() -> Iterator[Named]:
    """Every `idferry ...` of the pages, in fenced blocks and in running text."""
    for page in pages():
        text = page.read_text(encoding="utf-8")
        place = str(page.relative_to(ROOT))
        for _, body in _FENCE.findall(text):
            joined = body.replace("\\\n", " ")
            for line in joined.splitlines():
                stripped = line.strip().removeprefix("$ ")
                if stripped.startswith("idferry "):
                    yield Named(place, stripped)
        for named in _INLINE.findall(_FENCE.sub("", text)):
            yield Named(place, named)


def commands_of_source() -> Iterator[Named]:
    """Every `idferry ...` that messages, remedies and docstrings of the product name."""
    for file in sorted((ROOT / "src").rglob("*.py")):
        for quoted, example in _QUOTED.findall(file.read_text(encoding="utf-8")):
            yield Named(str(file.relative_to(ROOT)), (quoted or example).strip())
