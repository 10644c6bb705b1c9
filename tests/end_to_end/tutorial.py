"""Plays a tutorial as its reader would: the fenced console blocks in order, in an empty folder.

What a reader does by hand stands in comments of the page, which nobody sees:

    <!-- test: save as NAME -->                        the next fenced block is saved under this name
    <!-- test: append to NAME -->                      the next fenced block is added to this file
    <!-- test: append output to NAME -->               what the last command printed is added to this file
    <!-- test: paste settings -->                      the settings that the emulator printed are saved as idferry.toml
    <!-- test: open the sign-in page -->               in a browser, at the address that was printed last
    <!-- test: type TEXT -->                           at the keyboard
    <!-- test: press KEY -->
    <!-- test: see TEXT -->                            on the browser's page
    <!-- test: picture NAME -->                        the browser's page as docs/pictures/NAME

`python -m tests.end_to_end.tutorial PAGE` plays a page, writes output that differs into it and takes its pictures anew.
"""

import os
import re
import shlex
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
from tests.end_to_end.reading_browser import ReadersBrowser

EMULATOR_ON_PAGE = 5001
SERVICE_ON_PAGE = 8443
COLUMNS = "100"
PICTURES = Path(__file__).parents[2] / "docs/pictures"
_STEP = re.compile(r"<!-- test: (.+?) -->|^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_SETTINGS = re.compile(r'^project = .*?^path = "[^"]+"$', re.MULTILINE | re.DOTALL)
# What differs from one day to the next, on the page and in what is seen alike.
_VOLATILE = (
    (re.compile(r"\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d[.\d]*( UTC|Z|\+00:00)?"), "<time>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d-[0-9a-f]{4}\b"), "<run>"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "<id>"),
    (re.compile(r"\b[\d,]+\.\d+(/s| people per second)"), "<rate>"),
    (re.compile(r'(?<="took_ms":)\d+'), "<ms>"),
)


@dataclass(frozen=True)
class Play:
    """One command of a page: what the page shows below it and what was seen."""

    command: str
    shown: str
    seen: str


@dataclass
class Stage:
    """A reader's desk: a folder, other windows once something was started in them, a browser, free ports."""

    folder: Path
    pictures: Path
    windows: ExitStack
    ports: dict[str, str] = field(default_factory=lambda: dict(_ports()))
    emulator_said: str = ""
    plays: list[Play] = field(default_factory=list)
    browser: ReadersBrowser | None = None

    def on_stage(self, text: str) -> str:
        """Text of the page with our ports for the page's."""
        for page, ours in self.ports.items():
            text = text.replace(page, ours)
        return text

    def on_page(self, text: str) -> str:
        """The other way round."""
        for page, ours in self.ports.items():
            text = text.replace(ours, page)
        return text

    @property
    def last_seen(self) -> str:
        """What the last command printed, with our ports."""
        return self.on_stage(self.plays[-1].seen)


def play(page: Path, folder: Path, *, pictures: Path) -> list[Play]:
    """Play a page in an empty folder; `pictures`: where pictures of the browser go."""
    with ExitStack() as windows:
        stage = Stage(folder, pictures, windows)
        told = ""
        for directive, language, body in _STEP.findall(page.read_text(encoding="utf-8")):
            if directive and not _follow(directive, stage):
                told = directive
            elif told and body:
                _write(told, stage.on_stage(body), folder)
                told = ""
            elif language == "console":
                _play_block(body, stage)
    return stage.plays


def _follow(directive: str, stage: Stage) -> bool:
    """Do what a comment says; False where it speaks of the next block."""
    verb, _, rest = directive.partition(" ")
    if directive == "paste settings":
        settings = _SETTINGS.search(stage.emulator_said)
        assert settings, "the emulator printed no settings"
        (stage.folder / "idferry.toml").write_text(settings.group() + "\n", encoding="utf-8")
    elif directive.startswith("append output to "):
        _write(directive.replace(" output", ""), stage.last_seen, stage.folder)
    elif verb == "open":
        stage.browser = stage.browser or stage.windows.enter_context(ReadersBrowser())
        addresses = [word for one in stage.plays for word in one.seen.split() if "/authorize?" in word]
        stage.browser.open(stage.on_stage(addresses[-1]))
    elif verb in ("type", "press", "see", "picture"):
        assert stage.browser, "the page opens no browser"
        stage.browser.follow(verb, stage.pictures / rest if verb == "picture" else rest)
    else:
        return False
    return True


def _write(directive: str, text: str, folder: Path) -> None:
    """`save as NAME` or `append to NAME`."""
    verb, _, name = directive.split(maxsplit=2)
    assert verb in ("save", "append"), directive
    with (folder / name).open("w" if verb == "save" else "a", encoding="utf-8") as file:
        file.write(text if verb == "save" else f"\n{text}")


def commands(body: str) -> Iterator[tuple[str, str]]:
    """The commands of a console block, each with the output shown below it."""
    for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        yield command, shown


def same(shown: str, seen: str) -> bool:
    """Whether the output is what the page shows. `...` matches anything, alone on a line any number of lines."""
    pattern = ""
    for line in _plain(shown).splitlines():
        if line.strip() == "...":
            pattern += r"(?:.*\n)*?"
        else:
            pattern += ".*".join(re.escape(part) for part in line.split("...")) + r"\n"
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in _plain(seen).splitlines())) is not None


def _plain(text: str) -> str:
    for volatile, name in _VOLATILE:
        text = volatile.sub(name, text)
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())


def _play_block(body: str, stage: Stage) -> None:
    for command, shown in commands(body):
        words = shlex.split(stage.on_stage(command))
        if words[:2] == ["idferry", "emulator"]:
            seen = stage.emulator_said = _start(words, stage)
        elif words[:2] == ["idferry", "serve"]:
            seen = _start(words, stage)
        elif words[0] == "curl":
            seen = _call(words)
        elif words[0] == "openssl":
            seen = _run(words, stage, shown=False)
        elif words[0] == "python":
            seen = _run([sys.executable, *words[1:]], stage)
        else:
            assert words[0] == "idferry", f"the page tells the reader to run {words[0]}"
            seen = _run([sys.executable, "-m", *words], stage)
        stage.plays.append(Play(command, shown, stage.on_page(seen)))


def _run(command: list[str], stage: Stage, *, shown: bool = True) -> str:
    """What a command prints; nothing where that differs from machine to machine."""
    environment = {**os.environ, "COLUMNS": COLUMNS, "PYTHONUTF8": "1", "NO_COLOR": "1"}
    done = subprocess.run(
        command,
        cwd=stage.folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=120,
        check=not shown,
    )
    return done.stdout if shown else ""


def _start(words: list[str], stage: Stage) -> str:
    """Start something in a window of its own; what it prints until it runs."""
    log = stage.windows.enter_context((stage.folder / f"{words[1]}.log").open("w", encoding="utf-8"))
    process = stage.windows.enter_context(
        subprocess.Popen(
            [sys.executable, "-m", *words, "--exit-with-parent"],
            cwd=stage.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            encoding="utf-8",
        )
    )
    stage.windows.callback(process.terminate)
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if line.startswith("Running until"):
            return said
    raise AssertionError(f"{words[1]} ended: {Path(log.name).read_text(encoding='utf-8')}")


def _call(words: list[str]) -> str:
    """What `curl -s URL` and `curl -s URL -d BODY` do, on machines that have no curl too."""
    address = next(word for word in words if word.startswith("http"))
    if "-d" in words:
        return httpx2.post(address, content=words[words.index("-d") + 1], trust_env=False).text
    return httpx2.get(address, trust_env=False).text


def _ports() -> Iterator[tuple[str, str]]:
    """The page's ports, each with a free one of ours."""
    first = 21_001 + 4 * (os.getpid() % 2_500)
    for on_page in (EMULATOR_ON_PAGE, SERVICE_ON_PAGE):
        ours = _free_port(first)
        first = ours + 2
        yield str(on_page), str(ours)
        yield str(on_page + 1), str(ours + 1)


def _free_port(first: int) -> int:
    """A port that is free together with the next one, and whose digits stand for nothing else.

    Each process begins its search elsewhere: between finding a port and using it another one could take it.
    """
    for port in range(first, 32_000, 2):
        try:
            for one in (port, port + 1):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", one))
        except OSError:
            continue
        return port
    raise AssertionError("no two free ports")


def record(page: Path) -> None:
    """Play a page, write what it shows otherwise into it, and take its pictures."""
    with tempfile.TemporaryDirectory() as folder:
        seen = iter(play(page, Path(folder), pictures=PICTURES))

    def filled(match: re.Match[str]) -> str:
        if match.group(2) != "console":
            return match.group()
        plays = [next(seen) for _ in commands(match.group(3))]
        return "```console\n" + "".join(f"$ {one.command}\n{_kept(one)}" for one in plays) + "```"

    page.write_text(_STEP.sub(filled, page.read_text(encoding="utf-8")), encoding="utf-8")


def _kept(one: Play) -> str:
    """What the page shows, where it is right; else what was seen."""
    if same(one.shown, one.seen):
        return one.shown
    return "".join(f"{line.rstrip()}\n" for line in one.seen.strip("\n").splitlines())


if __name__ == "__main__":
    record(Path(sys.argv[1]))
