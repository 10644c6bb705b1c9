"""Plays a tutorial as its reader would: the fenced console blocks in order, in an empty folder.

What a reader does by hand stands in comments of the page, which nobody sees:

    <!-- test: save as NAME -->       the next fenced block is saved under this name
    <!-- test: paste settings -->     the settings that the emulator printed are saved as idferry.toml

`python -m tests.end_to_end.tutorial PAGE` plays a page and writes the output that was seen into it.
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

PORT_ON_PAGE = 5001
COLUMNS = "100"
_STEP = re.compile(r"<!-- test: (.+?) -->|^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_SETTINGS = re.compile(r'^project = .*?^path = "[^"]+"$', re.MULTILINE | re.DOTALL)
# What differs from one day to the next, on the page and in what is seen alike.
_VOLATILE = (
    (re.compile(r"\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d[.\d]*( UTC|Z|\+00:00)?"), "<time>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d-[0-9a-f]{4}\b"), "<run>"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "<id>"),
    (re.compile(r"\b[\d,]+\.\d+(/s| people per second)"), "<rate>"),
)


@dataclass(frozen=True)
class Play:
    """One command of a page: what the page shows below it and what was seen."""

    command: str
    shown: str
    seen: str


@dataclass
class Stage:
    """A reader's desk: a folder, an emulator in another window once it was started, two free ports."""

    folder: Path
    port: int
    windows: ExitStack
    emulator_said: str = ""
    plays: list[Play] = field(default_factory=list)

    def on_stage(self, text: str) -> str:
        """Text of the page with our ports for the page's."""
        return text.replace(str(PORT_ON_PAGE + 1), str(self.port + 1)).replace(
            str(PORT_ON_PAGE), str(self.port)
        )

    def on_page(self, text: str) -> str:
        """The other way round."""
        return text.replace(str(self.port + 1), str(PORT_ON_PAGE + 1)).replace(
            str(self.port), str(PORT_ON_PAGE)
        )


def play(page: Path, folder: Path) -> list[Play]:
    """Play a page in an empty folder."""
    with ExitStack() as windows:
        stage = Stage(folder, _free_port(), windows)
        save_as = ""
        for told, language, body in _STEP.findall(page.read_text(encoding="utf-8")):
            if told == "paste settings":
                settings = _SETTINGS.search(stage.emulator_said)
                assert settings, "the emulator printed no settings"
                (folder / "idferry.toml").write_text(settings.group() + "\n", encoding="utf-8")
            elif told:
                save_as = told.removeprefix("save as ")
            elif save_as:
                (folder / save_as).write_text(body, encoding="utf-8")
                save_as = ""
            elif language == "console":
                _play_block(body, stage)
    return stage.plays


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
    return re.fullmatch(pattern, _plain(seen) + "\n") is not None


def _plain(text: str) -> str:
    for volatile, name in _VOLATILE:
        text = volatile.sub(name, text)
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())


def _play_block(body: str, stage: Stage) -> None:
    for command, shown in commands(body):
        words = shlex.split(stage.on_stage(command))
        if words[:2] == ["idferry", "emulator"]:
            seen = stage.emulator_said = _start_emulator(words, stage)
        elif words[0] == "curl":
            seen = _post(words)
        else:
            assert words[0] == "idferry", f"the page tells the reader to run {words[0]}"
            seen = _run(words, stage)
        stage.plays.append(Play(command, shown, stage.on_page(seen)))


def _run(words: list[str], stage: Stage) -> str:
    environment = {**os.environ, "COLUMNS": COLUMNS, "PYTHONUTF8": "1", "NO_COLOR": "1"}
    done = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=stage.folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    return done.stdout


def _start_emulator(words: list[str], stage: Stage) -> str:
    process = stage.windows.enter_context(
        subprocess.Popen(
            [sys.executable, "-m", *words, "--exit-with-parent"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
    )
    stage.windows.callback(process.terminate)
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if line.startswith("Running until"):
            break
    return said


def _post(words: list[str]) -> str:
    """What `curl -s URL -d BODY` does, on machines that have no curl too."""
    address = next(word for word in words if word.startswith("http"))
    return httpx2.post(address, content=words[words.index("-d") + 1], trust_env=False).text


def _free_port() -> int:
    """A port that is free together with the next one, and whose digits stand for nothing else.

    Each process begins its search elsewhere: between finding a port and using it another one could take it.
    """
    for port in range(21_001 + 2 * (os.getpid() % 5_000), 32_000, 2):
        try:
            for one in (port, port + 1):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", one))
        except OSError:
            continue
        return port
    raise AssertionError("no two free ports")


def record(page: Path) -> None:
    """Play a page and write what was seen into it."""
    with tempfile.TemporaryDirectory() as folder:
        seen = iter(play(page, Path(folder)))

    def filled(match: re.Match[str]) -> str:
        if match.group(2) != "console":
            return match.group()
        parts = [f"$ {command}\n{_trimmed(next(seen).seen)}" for command, _ in commands(match.group(3))]
        return "```console\n" + "".join(parts) + "```"

    page.write_text(_STEP.sub(filled, page.read_text(encoding="utf-8")), encoding="utf-8")


def _trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines()) + "\n"


if __name__ == "__main__":
    record(Path(sys.argv[1]))
