"""Finds the outside test data, which other people wrote and this repository does not hold.

It lies in the folder IDFERRY_TEST_DATA, else in `../shared/data` beside the repository.
"""

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]


def outside_data(relative: str, *, criterion: str) -> Path:
    """A file of the outside test data; without it the test is skipped and names what was not checked."""
    folder = Path(os.environ.get("IDFERRY_TEST_DATA", REPOSITORY.parent / "shared" / "data"))
    path = folder / relative
    if not path.exists():
        pytest.skip(f"NOT CHECKED: {criterion} ({relative} is not in the test data folder)")
    return path
