"""Whatever is typed stands in a filter of Graph as one literal, and means nothing else there.

What is asked is read back by a reader of its own, from the rules of OData and of addresses:
https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html
"""

import re
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.support.nasty_strings import EVERY_NASTY, EVERY_NASTY_MIN

from idferry.graph import queries
from idferry.rules.names import SignInType, local_identity

DOMAIN = "contoso.onmicrosoft.com"
LITERAL = r"'((?:[^']|'')*)'"
PLAIN = re.compile(rf"displayName eq {LITERAL}", re.DOTALL)
MAIL = re.compile(rf"otherMails/any\(m:m eq {LITERAL}\)", re.DOTALL)
IDENTITY = re.compile(
    rf"identities/any\(c:c/issuerAssignedId eq {LITERAL} and c/issuer eq '{re.escape(DOMAIN)}'\)", re.DOTALL
)
IN_ADDRESSES = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@/?%-]*")


def filter_of(address: str) -> str:
    """The one filter of an address."""
    assert IN_ADDRESSES.fullmatch(address), address
    parts = urlsplit(address)
    assert (parts.path, parts.fragment) == ("/users", "")
    [(name, where), (top, number)] = parse_qsl(
        parts.query, keep_blank_values=True, strict_parsing=True, errors="strict"
    )
    assert (name, top, number) == ("$filter", "$top", "2")
    return where


def test_s9_every_string_is_one_literal_and_comes_back_as_it_was() -> None:
    assert len(EVERY_NASTY) >= EVERY_NASTY_MIN
    for typed in EVERY_NASTY:
        identity = local_identity(typed, SignInType.USER_NAME)
        for pattern, where in (
            (PLAIN, queries.equals("displayName", typed)),
            (MAIL, queries.has_other_mail(typed)),
            (IDENTITY, queries.has_identity(identity, domain=DOMAIN)),
        ):
            found = pattern.fullmatch(filter_of(queries.listing("/users", where=where, top=2)))
            assert found, repr(typed)
            expected = identity.issuer_assigned_id if pattern is IDENTITY else typed
            assert found[1].replace("''", "'") == expected


def test_s9_every_string_is_one_segment_of_a_path() -> None:
    for typed in EVERY_NASTY:
        address = queries.one("/users", typed, select="id")
        assert IN_ADDRESSES.fullmatch(address), repr(typed)
        path, _, query = address.partition("?")
        assert (path.count("/"), query) == (2, "$select=id")
        assert unquote(path.rpartition("/")[2], errors="strict") == typed
