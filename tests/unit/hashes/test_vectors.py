"""The cheap ones of the published vectors, on every Python; the dear ones stand in tests/contract."""

import pytest
from tests.support.hash_checks import CHEAP, check, title
from tests.support.hash_vectors import VECTORS, Vector

from idferry.hashes import SCHEMES, Descriptor, Malformed, Proof, parse


@pytest.mark.parametrize("vector", CHEAP, ids=title)
def test_a_vector_opens_to_its_password_alone(vector: Vector) -> None:
    check(vector)


def test_every_scheme_that_is_called_proven_has_a_vector() -> None:
    proven = {one.name for one in SCHEMES if one.proof in (Proof.PUBLISHED, Proof.SELF_MADE)}
    assert proven - {one.scheme for one in VECTORS} == set()
    published = {one.name for one in SCHEMES if one.proof is Proof.PUBLISHED}
    assert published - {one.scheme for one in VECTORS if one.source != "self"} == set()


@pytest.mark.parametrize(
    "value",
    [
        "AAABAgMEBQYHCAkKCwwNDg+ukCEMDf0yyQ29NYubggE=",
        "AAABAgMEBQYHCAkKCwwNDg+ukCEMDf0yyQ29NYubggHIVY0sdEUfdyeM+E1LtH1uJgAAAAAAAAAAAAA=",
        "AQAAAAIAAAAyAAAAEOMwvh3+FZxqkdMBz2ekgGhwQ4A=",
    ],
)
def test_what_microsoft_calls_damaged_is_malformed(value: str) -> None:
    assert isinstance(parse(value, Descriptor(scheme="aspnet-identity")), Malformed)
