"""The published vectors that take their time: what tests/unit does with the cheap ones."""

import pytest
from tests.support.hash_checks import DEAR, check, title
from tests.support.hash_vectors import Vector


@pytest.mark.parametrize("vector", DEAR, ids=title)
def test_a_vector_opens_to_its_password_alone(vector: Vector) -> None:
    check(vector)
