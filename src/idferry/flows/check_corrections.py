"""Check corrections: whether the people whom they give other sign-in names are those who were to be mended.

A key that was mistyped, or that a spreadsheet saved as another number, would give one person's sign-in name to an
account with another's password. It changes nothing.
"""

from collections.abc import Collection, Mapping
from itertools import islice

from idferry.errors import SourceError
from idferry.ports import RecordReport
from idferry.rules.key_list import few
from idferry.rules.lifecycle import State

LOOKUP_RECORDS = 500


def check_listed(*, corrected: Collection[str], listed: Collection[str]) -> None:
    """Refuse corrections of people whom the lists of keys do not name.

    Raises:
        SourceError: it names the first few keys.
    """
    unlisted = set(corrected).difference(listed)
    if unlisted:
        raise SourceError(
            f"corrections for keys that --only does not list: {few(unlisted)}",
            remedy="Check these keys: a spreadsheet saves 007 as 7. Take the corrections out, or list their keys.",
        )


def check_renamed(
    *, renamed: Mapping[str, bytes], source: str, records: RecordReport, updates: bool = False
) -> None:
    """Refuse other sign-in names for people who have not failed; the same correction once more is none.

    `renamed`: key -> the digest of the mended record. `updates`: an update follows, which judges by itself whom it
    renames, so people with an account are left to it.

    Raises:
        SourceError: it names the first few keys.
        LedgerError.
    """
    rest = iter(renamed)
    strangers: list[str] = []
    while keys := list(islice(rest, LOOKUP_RECORDS)):
        known = records.known_records(source, keys)
        for key in keys:
            one = known.get(key)
            if one and updates and one.state.has_account:
                continue
            if one is None or (one.state is not State.FAILED and one.record_digest != renamed[key]):
                strangers.append(key)
    if strangers:
        raise SourceError(
            f"corrections change the sign-in names of people who have not failed: {few(strangers)}",
            remedy="Check these keys: a spreadsheet saves 007 as 7. If these people are meant, list their keys in "
            "FILE.keys and say --only FILE.keys too.",
        )
