"""Any Unicode survives a filter: what the server reads is what was meant."""

from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idferry.graph import queries
from idferry.rules.names import Identity, SignInType, local_identity

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
DOMAIN = "contoso.onmicrosoft.com"


def filter_seen_by_server(path: str) -> str:
    """The filter after a trip through the HTTP client's own address handling, as a server decodes it."""
    raw = httpx2.URL(f"https://graph.test/v1.0{path}").raw_path.decode("ascii")
    options = parse_qs(urlsplit(raw).query, keep_blank_values=True, strict_parsing=True)
    assert set(options) <= {"$filter", "$select", "$top"}, "nothing of the value became an option of its own"
    (where,) = options["$filter"]
    return where


@given(TEXT)
def test_a_display_name_survives(name: str) -> None:
    where = filter_seen_by_server(queries.listing("/users", where=queries.equals("displayName", name)))
    assert where.startswith("displayName eq '")
    assert where.endswith("'")
    assert where[len("displayName eq '") : -1].replace("''", "'") == name


@given(TEXT)
def test_a_sign_in_name_survives(name: str) -> None:
    identity = Identity(SignInType.EMAIL_ADDRESS, name)
    path = queries.listing("/users", where=queries.has_identity(identity, domain=DOMAIN), select="id", top=5)
    begin, end = "identities/any(c:c/issuerAssignedId eq '", f"' and c/issuer eq '{DOMAIN}')"
    where = filter_seen_by_server(path)
    assert where.startswith(begin)
    assert where.endswith(end)
    assert where[len(begin) : -len(end)].replace("''", "'") == name


@given(TEXT.filter(lambda text: text not in ("", ".", "..")))
def test_an_object_id_stays_one_segment_of_the_path(object_id: str) -> None:
    raw = httpx2.URL(f"https://graph.test/v1.0{queries.one('/users', object_id)}").raw_path.decode("ascii")
    assert raw.count("/") == 3
    assert "?" not in raw


@pytest.mark.parametrize(
    ("typed", "encoded"),
    [
        ("a+b@example.com", "a%2Bb%40example.com"),
        ("o'brien@example.com", "o%27%27brien%40example.com"),
        ("müller@example.com", "m%C3%BCller%40example.com"),
        ("#&?=/%@example.com", "%23%26%3F%3D%2F%25%40example.com"),
    ],
)
def test_what_breaks_filters_is_encoded(typed: str, encoded: str) -> None:
    path = queries.listing("/users", where=queries.has_identity(local_identity(typed), domain=DOMAIN))
    assert encoded in path


def test_a_federated_identity_is_asked_for_with_its_own_issuer() -> None:
    identity = Identity(SignInType.FEDERATED, "1'2", "google.com")
    assert queries.has_identity(identity, domain=DOMAIN) == (
        "identities/any(c:c/issuerAssignedId eq '1''2' and c/issuer eq 'google.com')"
    )


def test_half_a_character_finds_nobody_instead_of_failing() -> None:
    assert "%3F" in queries.listing("/users", where=queries.equals("displayName", "\udcff"))
