"""One entry of one legacy source, as it was read: nothing is judged here and nothing is corrected.

The password is not a field. It travels beside the legacy user, so that no draft, entry or report can hold it.
A million of these are made in a row: msgspec's structs are as frozen as dataclasses and made in a third of the time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import msgspec

from idferry.rules.attributes import AttributeValue
from idferry.rules.names import Identity


class Place(msgspec.Struct, frozen=True, gc=False):
    """Where a record stands: file name without its folder, 1-based line, 0-based position among the records."""

    file: str
    line: int
    ordinal: int


class LegacyUser(msgspec.Struct, frozen=True, gc=False):
    """One record of a source.

    `key` is the source's own id of the person, or computed by `fallback_key` where the format has none.
    `attributes` are named as Microsoft Graph names them, or by the short name of an extension attribute.
    `last_sign_in` is None when the source does not say: an unknown last sign-in is never stale.
    `record_digest` covers everything in the record but its password. `withheld` names the values of the record that
    are not here, because they repeat its password; a display name and a contact e-mail by the names of Graph.
    """

    source: str
    key: str
    place: Place
    identities: tuple[Identity, ...] = ()
    display_name: str = ""
    attributes: Mapping[str, AttributeValue] = {}
    contact_email: str = ""
    last_sign_in: datetime | None = None
    enabled: bool = True
    record_digest: bytes = b""
    withheld: tuple[str, ...] = ()


class LegacyUserKey(NamedTuple):
    """Which record of which source a legacy user is; `sign_in_names` are its own where they differ from the account's.

    That is so for people who were merged: each system is asked by the names that it knows.
    """

    source: str
    key: str
    sign_in_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record that cannot be read: it is reported with its place and never becomes a person.

    `reason` never quotes the value: it could be a password in the wrong column.
    """

    file: str
    line: int
    field: str
    reason: str


def fallback_key(identities: tuple[Identity, ...]) -> str:
    """The key where the format has none: the compared sign-in name, else `<issuer>|<issuerUserId>`; else empty."""
    local = next((identity for identity in identities if identity.is_local), None)
    chosen = local or next(iter(identities), None)
    return chosen.compared if chosen else ""
