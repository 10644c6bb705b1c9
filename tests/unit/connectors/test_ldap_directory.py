import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idferry.connectors.ldap_directory import CODES, address_problem, code_of, escaped, filled
from idferry.ports import LegacyRef
from idferry.rules.verdict import Barred, Match, Mismatch, NoAnswer, verdict_name

ACTIVE_DIRECTORY = "80090308: LdapErr: DSID-0C09044E, comment: AcceptSecurityContext error, data {}, v2580"


@pytest.mark.parametrize("code", CODES)
def test_every_code_of_the_table_is_known_by_what_a_directory_says(code: str) -> None:
    kind, _, name = code.partition(" ")
    if kind == "data":
        found = code_of(49, ACTIVE_DIRECTORY.format(name), "")
    elif kind == "policy":
        found = code_of(0 if "change" in name or "grace" in name else 49, "", name)
    else:
        found = code_of(int(kind), "", "")
    assert found == code
    assert CODES[code].meaning


def test_the_most_exact_code_counts() -> None:
    assert code_of(49, ACTIVE_DIRECTORY.format("533"), "accountLocked") == "data 533"
    assert code_of(49, "Invalid credentials", "accountLocked") == "policy accountLocked"
    assert code_of(49, ACTIVE_DIRECTORY.format("999"), "") == "data 999"
    assert "data 999" not in CODES
    assert code_of(0, ACTIVE_DIRECTORY.format("773"), "") == "0 success"
    assert code_of(77, "", "") == "77"


def test_what_does_not_prove_the_password_is_never_a_match() -> None:
    proving = {"data 530", "data 531", "data 532", "data 533", "data 701", "data 773"}
    proving |= {
        "policy passwordExpired",
        "policy changeAfterReset",
        "policy graceAuthNsRemaining",
        "0 success",
    }
    for code, row in CODES.items():
        proven = isinstance(row.verdict, Match) or row.verdict == Barred(proven=True)
        assert proven is (code in proving), code
    assert CODES["data 52e"].verdict == CODES["49 invalidCredentials"].verdict == Mismatch()
    assert verdict_name(CODES["data 775"].verdict) == "barred"
    assert isinstance(CODES["52 unavailable"].verdict, NoAnswer)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_an_escaped_value_is_the_value_and_nothing_of_a_filter(value: str) -> None:
    text = escaped(value)
    assert re.fullmatch(r"(?:[A-Za-z0-9@._+\- ]|\\[0-9a-f]{2})*", text)
    back = re.sub(r"\\([0-9a-f]{2})", lambda found: chr(int(found[1], 16)), text)
    assert back.encode("latin-1").decode() == value


def test_a_filter_is_filled_once() -> None:
    who = LegacyRef("shop", "17", "{key}*")
    assert filled("(|(mail={sign_in_name})(uid={key}))", who) == r"(|(mail=\7bkey\7d\2a)(uid=17))"


@pytest.mark.parametrize(
    ("url", "start_tls", "template", "problem"),
    [
        ("ldaps://dc1.example.com", False, "(mail={sign_in_name})", None),
        ("ldap://dc1.example.com:3268", True, "(uid={key})", None),
        ("ldap://localhost", False, "(uid={key})", None),
        ("ldap://dc1.example.com", False, "(uid={key})", "encryption: only this machine is asked without"),
        (
            "ldaps://dc1.example.com",
            True,
            "(uid={key})",
            "encryption: ldaps:// is encrypted from the beginning",
        ),
        ("ldapi:///", False, "(uid={key})", "url: it begins with ldaps:// or ldap:// and a host"),
        (
            "https://dc1.example.com",
            False,
            "(uid={key})",
            "url: it begins with ldaps:// or ldap:// and a host",
        ),
        ("ldaps://a:b@dc1.example.com", False, "(uid={key})", "url: it ends with the host and its port"),
        (
            "ldaps://dc1.example.com/dc=com??sub",
            False,
            "(uid={key})",
            "url: it ends with the host and its port",
        ),
        ("ldaps://dc1:port", False, "(uid={key})", "url: not a URL"),
    ],
)
def test_what_can_be_an_address(url: str, start_tls: bool, template: str, problem: str | None) -> None:
    assert address_problem(url=url, start_tls=start_tls, template=template) == problem


def test_a_filter_that_finds_the_same_for_everybody_is_refused() -> None:
    assert "filter" in (
        address_problem(url="ldaps://dc1", start_tls=False, template="(objectClass=person)") or ""
    )
