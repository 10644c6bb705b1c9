"""UsersData.json written out again without secrets, for people to mend, and read back as corrections.

The format has no key of its own, so each record that is written carries its original key: a mended sign-in name still
finds its person. The page docs/reference/users-data.md describes the format.
"""

import json
from collections.abc import Iterator
from types import MappingProxyType

from idferry.connectors.copying import taken
from idferry.connectors.users_data import KEY_FIELD, UsersDataSource
from idferry.ports import Take
from idferry.rules.correction import DISPLAY_NAME, EMAIL, FEDERATED, SIGN_IN_NAME, Correction
from idferry.rules.legacy_user import BadRecord
from idferry.rules.withholding import CONTACT, Withholds

_JUDGED = MappingProxyType(
    {"displayName": "displayName", "firstName": "givenName", "lastName": "surname", "email": "email"}
)
_MEANT = MappingProxyType({**_JUDGED, "email": CONTACT})
_SAYS = MappingProxyType(
    {
        "signInName": SIGN_IN_NAME,
        "issuer": FEDERATED,
        "issuerUserId": FEDERATED,
        "displayName": DISPLAY_NAME,
        "firstName": "givenName",
        "lastName": "surname",
        "email": EMAIL,
    }
)


def plain_copy(source: UsersDataSource, take: Take, withholds: Withholds) -> Iterator[bytes]:
    """The wanted records without passwords and without what is withheld, each with its key; comments are not copied.

    Raises:
        SourceError: the file cannot be read.
    """
    sign_in_type = source.sign_in_type()
    yield b"{\n"
    if sign_in_type:
        yield f'  "userType": {json.dumps(sign_in_type.value)},\n'.encode()
    yield b'  "Users": ['
    before = "\n    "
    records = ((one, fields) for one, fields in source.parsed() if not isinstance(one, BadRecord))
    keyed = ((record.user.key, (fields, record.user.withheld)) for record, fields in records)
    for key, (fields, copies) in taken(keyed, take):
        plain = {
            name: text
            for name, text in fields.items()
            if not _is_withheld(name, text, withholds) and _MEANT.get(name, name) not in copies
        }
        yield f"{before}{json.dumps({KEY_FIELD: key, **plain}, ensure_ascii=False)}".encode()
        before = ",\n    "
    yield b"\n  ]\n}\n"


def corrections(source: UsersDataSource) -> Iterator[Correction | BadRecord]:
    """The records of a mended file, each with what it speaks of. Raises SourceError (unreadable)."""
    for record, fields in source.parsed():
        if isinstance(record, BadRecord):
            yield record
        else:
            says = frozenset(_SAYS[name] for name in fields if name in _SAYS)
            yield Correction(record.user, says)


def _is_withheld(name: str, text: str | None, withholds: Withholds) -> bool:
    return name == KEY_FIELD or (name in _JUDGED and withholds(_JUDGED[name], text or ""))
