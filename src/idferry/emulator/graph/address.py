"""Reads the address of a request: path segments and query options, decoded once, as the real service decodes them.

A `+` in the query is a blank, so a client that forgets to encode the plus of an e-mail address finds nobody.
"""

import re
from functools import lru_cache
from urllib.parse import parse_qsl, unquote

_KEYED = re.compile(r"(?P<set>[A-Za-z.]+)\((?P<key>.*)\)", re.DOTALL)
_KEY = re.compile(r"(?:(?P<name>\w+)=)?'(?P<value>.*)'", re.DOTALL)

Segments = tuple[str, ...]


@lru_cache(maxsize=64)  # a batch is twenty times the same one
def read_path(path: str) -> Segments:
    """Decoded segments; `users('x')` becomes `users`, `x`, and `applications(appId='x')` `applications`, `appId=x`."""
    segments: list[str] = []
    for raw in path.split("/"):
        if raw:
            segments.extend(_read_segment(unquote(raw)))
    return tuple(segments)


def _read_segment(segment: str) -> list[str]:
    if not segment.endswith(")"):
        return [segment.removeprefix("microsoft.graph.") if segment == "microsoft.graph.delta" else segment]
    keyed = _KEYED.fullmatch(segment)
    if keyed is None:
        return [segment]
    if not keyed["key"]:
        return [keyed["set"].removeprefix("microsoft.graph.")]
    key = _KEY.fullmatch(keyed["key"])
    if key is None:
        return [segment]
    value = key["value"].replace("''", "'")
    return [keyed["set"], f"{key['name']}={value}" if key["name"] else value]


def read_query(text: str) -> dict[str, str]:
    """Decoded options by name as sent."""
    return dict(parse_qsl(text, keep_blank_values=True)) if text else {}
