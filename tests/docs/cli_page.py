"""`docs/reference/cli.md`: every command with its options, read from the command tree that people type into."""

import enum
import types
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

from tests.docs.markdown import code, page, table
from typer.main import get_command

from idferry.cli.app import app

INTRODUCTION = """
Nothing changes a directory without `--execute`. Results go to standard output; progress, messages and errors go to
standard error. Every command that reports takes `--json`; the keys are listed in [json-output.md](json-output.md).
What the exit codes mean stands in [exit-codes.md](exit-codes.md).
"""
ENVIRONMENT = """
## Environment

| variable | meaning |
| --- | --- |
| `IDFERRY_SETTINGS` | the settings file, where `--settings` is not given |
| `IDFERRY_DEBUG` | any value: an error that nobody foresaw also prints where it came from |
| what `env:NAME` in the settings names | a secret, see [settings.md](settings.md) |
"""


def command_tree() -> dict[str, Any]:
    """Every command by its name, as typer built it; a command of a group by both its words."""
    tree: dict[str, Any] = {}
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        members = getattr(command, "commands", None)
        tree |= {f"{name} {word}": one for word, one in members.items()} if members else {name: command}
    return tree


def options_of(command: Any) -> Iterator[Any]:
    """The options of a command, without its arguments."""
    return (one for one in command.params if one.param_type_name == "option")


def choices_of(parameter: Any) -> list[str]:
    """The words that a parameter takes, or nothing where it takes any."""
    kind = _bare(parameter.type_descriptor.annotation)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return [str(one.value) for one in kind]
    return [str(one) for one in get_args(kind)] if get_origin(kind) is Literal else []


def render() -> str:
    """The page."""
    commands = command_tree()
    summary = table(
        ["command", "what it does"],
        [
            (f"[`idferry {name}`](#idferry-{name.replace(' ', '-')})", _summary(one))
            for name, one in commands.items()
        ],
    )
    sections = [_section(name, one) for name, one in commands.items()]
    return page("Commands", INTRODUCTION, summary, *sections, ENVIRONMENT)


def _section(name: str, command: Any) -> str:
    text, _, example = command.help.partition("Example:")
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    usage = " ".join([f"idferry {name}", *(one.metavar for one in arguments), "[OPTIONS]"])
    parts = [f"## idferry {name}", _plain(text), f"```\n{usage}\n```"]
    if example:
        parts.append(f"Example: `{example.strip()}`")
    rows = [_argument_row(one) for one in arguments] + [_option_row(one) for one in options_of(command)]
    parts.append(table(["option", "value", "default", "meaning"], rows))
    return "\n\n".join(parts)


def _argument_row(parameter: Any) -> tuple[str, str, str, str]:
    return (code(parameter.metavar), "text", "required", _plain(parameter.help))


def _option_row(parameter: Any) -> tuple[str, str, str, str]:
    names = ", ".join(code(one) for one in parameter.opts)
    return (names, _value(parameter), _default(parameter), _plain(parameter.help or ""))


def _value(parameter: Any) -> str:
    choices = choices_of(parameter)
    if choices:
        return " or ".join(code(one) for one in choices)
    if parameter.is_flag:
        return ""
    limits = [f"from {parameter.min}"] if parameter.min is not None else []
    limits += [f"to {parameter.max}"] if parameter.max is not None else []
    named = code(parameter.metavar or parameter.name.upper())
    return ", ".join([f"{named} {' '.join(limits)}".strip(), *(["repeatable"] if parameter.multiple else [])])


def _default(parameter: Any) -> str:
    if parameter.is_flag or parameter.default in (None, ""):
        return ""
    return code(parameter.default.value if isinstance(parameter.default, enum.Enum) else parameter.default)


def _bare(annotation: Any) -> Any:
    """The type behind `X | None` and `list[X]`."""
    if isinstance(annotation, types.UnionType):
        return _bare(next(one for one in get_args(annotation) if one is not type(None)))
    return _bare(get_args(annotation)[0]) if get_origin(annotation) is list else annotation


def _summary(command: Any) -> str:
    return _plain(command.help).split("\n\n")[0]


def _plain(text: str) -> str:
    return "\n".join(line.strip() for line in text.replace("\\[", "[").strip().splitlines())
