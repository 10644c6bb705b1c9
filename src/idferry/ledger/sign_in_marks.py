"""How the ledger knows a sign-in name again without storing it in a form that can be looked up elsewhere.

A mark is HMAC-SHA-256 under the ledger's own key. This module must not read the key file: the key is handed in.
"""

import hmac
from collections.abc import Iterable

from idferry.rules.names import Identity, look_alike_form

KEY_BYTES = 32


class SignInMarks:
    """Marks under one ledger's key. It prints nothing of the key."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        assert len(key) == KEY_BYTES  # noqa: S101  key files are checked where they are read
        self._key = key

    def of_identities(self, identities: Iterable[Identity]) -> dict[bytes, str]:
        """Mark -> kind (`local` or `federated`) of these identities, each one once, in order."""
        key = self._key
        marks = {}
        for identity in identities:
            kind = "local" if identity.is_local else "federated"
            marks[hmac.digest(key, f"{kind}|{identity.compared}".encode(), "sha256")] = kind
        return marks

    def of_look_alike_forms(self, identities: Iterable[Identity]) -> dict[bytes, bytes]:
        """Mark -> mark of the look-alike form, for the local identities whose form is not the compared form itself.

        The two are marks of the same kind: the mark of a form is that of the sign-in name that is written like it.
        """
        forms = {}
        for identity in identities:
            if identity.issuer_assigned_id.isascii() or not identity.is_local:
                continue
            compared = identity.compared
            form = look_alike_form(compared)
            if form != compared:
                forms[self.of_local(compared)] = self.of_local(form)
        return forms

    def of_local(self, compared: str) -> bytes:
        """The mark of a local sign-in name in its compared form."""
        return hmac.digest(self._key, f"local|{compared}".encode(), "sha256")

    @property
    def key_check(self) -> bytes:
        """What the ledger stores to recognise its key file."""
        return hmac.digest(self._key, b"idferry ledger", "sha256")
