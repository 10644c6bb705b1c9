"""What a person at a sign-in page sees in the end, whichever front it is; and what a front is to a test: three verbs.

The sentences are compared whole: a page that says something else than expected is an end that no test knows.
"""

from enum import StrEnum
from typing import Protocol


class End(StrEnum):
    """How pressing the last button ended."""

    TOKEN = "is signed in"
    WRONG = "reads that name or password are wrong"
    UNKNOWN = "reads that there is nobody of this name, or hears nothing"
    TAKEN = "reads that there is an account already"
    RESET = "has a new password"
    MUST_RESET = "is told to choose another password first"
    BARRED = "reads that the account is closed"
    LATER = "reads that nobody can tell now"
    DISABLED = "reads that the account is disabled here"
    FAILED = "has no token, and reads that something went wrong"


class Front(Protocol):
    """A tenant's pages, filled in by somebody."""

    def sign_in(self, name: str, password: str) -> End:
        """Name and password are typed."""
        ...

    def sign_in_after(self, wrong: str, name: str, password: str) -> tuple[End, End]:
        """A wrong password, then on the same page this one."""
        ...

    def sign_up(self, name: str, password: str) -> End:
        """A new account is asked for, and the address proven."""
        ...

    def reset(self, name: str, password: str) -> End:
        """Another password is chosen, after the address was proven."""
        ...
