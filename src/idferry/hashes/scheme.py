"""What a scheme is to the rest: its name, how it is recognised, how it is read, and how well that is proven."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from idferry.hashes.bounds import Bounds
from idferry.hashes.descriptor import NATIVE, Descriptor
from idferry.hashes.parsed import Checker, Lacking, unsupported


class Proof(StrEnum):
    """What shows that a scheme is read as its system writes it."""

    PUBLISHED = "published"
    """Test vectors that others published."""
    SELF_MADE = "self-made"
    """Values that we made with the system's own library, or out of its published formula."""
    UNPROVEN = "unproven"
    """General knowledge of the formula only: try it with a known password before relying on it."""
    UNSUPPORTED = "unsupported"
    """Known by its looks, and not checked."""


Reader = Callable[[str, Descriptor, Bounds], Checker]
"""Reads a value; raises Refusal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """One way to store a password.

    `marks`: a value that matches is of this scheme and of no other one. `resembles`: a value that matches may be of it.
    `defaults`: what holds where the configuration says nothing.
    """

    name: str
    family: str
    layout: str
    systems: str
    proof: Proof
    read: Reader
    marks: re.Pattern[str] | None = None
    resembles: re.Pattern[str] | None = None
    defaults: Descriptor = NATIVE
    note: str = ""


def refused(reason: str, lacking: Lacking = Lacking.NOT_BUILT) -> Reader:
    """The reader of a scheme that we only know by its looks."""

    def read(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
        del value, descriptor, bounds
        raise unsupported(reason, lacking)

    return read


def pattern(text: str) -> re.Pattern[str]:
    """A pattern for whole values, in ASCII."""
    return re.compile(text, re.ASCII | re.DOTALL)
