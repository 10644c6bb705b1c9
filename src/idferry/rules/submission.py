"""A submission: one pressing of the sign-in button, with its retries. What makes two requests the same one.

Pure. It must not keep a password: of one it knows a keyed digest of 32 bits, which says "the same again" and, without the
key, nothing. The key lives in memory and is handed in as a function.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from idferry.rules.names import compared_form
from idferry.rules.password import Password
from idferry.rules.verdict import Barred, Match, Mismatch, NoAnswer, NoSuchUser, Verdict

MARK_BYTES = 4
"""Enough to know the same password again within minutes, too little to search for it."""
B2C_REMEMBERED = timedelta(seconds=120)
"""B2C tries three times and waits 30 s for each: https://learn.microsoft.com/azure/active-directory-b2c/restful-technical-profile"""
TOKEN_REMEMBERED_MAX = timedelta(minutes=15)
"""Whatever a token says about its own end: Entra's live for ten minutes."""
LATE_MATCH_KEPT = timedelta(seconds=60)

KeyedDigest = Callable[[bytes], bytes]
"""A digest under a key that only this process knows, at least MARK_BYTES long."""


class Front(StrEnum):
    """Which endpoint a submission came through."""

    B2C = "b2c"
    EXTERNAL_ID = "external_id"


@dataclass(frozen=True, slots=True)
class Submission:
    """One pressing of the button. `person` is the key that the guard counts under, `mark` that of the password.

    `ident` is the correlation id, else the nonce, else empty: B2C and Entra send the same correlation id for a whole
    journey, so it makes two requests one only together with person and password. `nonce` is empty in B2C.
    """

    front: Front
    ident: str
    nonce: str
    person: str
    mark: int
    remembered_until: datetime


def b2c_submission(*, correlation_id: str, person: str, mark: int, at: datetime) -> Submission:
    """What a B2C policy sent; its retries may come for two minutes."""
    return Submission(Front.B2C, correlation_id, "", person, mark, at + B2C_REMEMBERED)


def external_submission(
    *, correlation_id: str, nonce: str, person: str, mark: int, expires_at: datetime, at: datetime
) -> Submission:
    """What Entra sent; it may come again as long as its token is valid (`expires_at`)."""
    until = min(expires_at, at + TOKEN_REMEMBERED_MAX)
    return Submission(Front.EXTERNAL_ID, correlation_id or nonce, nonce, person, mark, until)


def password_mark(password: Password, *, person: str, keyed: KeyedDigest) -> int:
    """32 bits that say "the same password of the same person again", for as long as the key lives."""
    # What JSON lets through and UTF-8 does not: half a character. It is nobody's name and a wrong password, no error.
    digest = password.reveal_to(lambda text: keyed(f"{person}\0{text}".encode("utf-8", "surrogatepass")))
    return int.from_bytes(digest[:MARK_BYTES], "big")


def key_of_person(source: str, key: str) -> str:
    """What the guard counts a known person under: the leading legacy user, whatever name was typed."""
    return f"person {len(source)} {source} {key}"


def key_of_legacy_user(source: str, key: str) -> str:
    """What the guard counts one legacy user of a merged person under: how often its own system was asked."""
    return f"legacy user {len(source)} {source} {key}"


def key_of_unknown(typed_sign_in_name: str) -> str:
    """What the guard counts a sign-in name under that nobody has.

    Legacy systems fold names in ways of their own, so a name must not be forwarded under this key: a second spelling
    would have a second budget.
    """
    return f"name {compared_form(typed_sign_in_name)}"


def is_remembered(verdict: Verdict) -> bool:
    """Whether retries get this verdict without another call. No answer is shared with those who wait, and not kept."""
    match verdict:
        case Match() | Mismatch() | NoSuchUser() | Barred():
            return True
        case NoAnswer():
            return False


def is_wrong_again(verdict: Verdict) -> bool:
    """Whether the same password of the same person needs no second look, whichever page it is typed on."""
    match verdict:
        case Mismatch() | NoSuchUser():
            return True
        case Match() | Barred() | NoAnswer():
            return False
