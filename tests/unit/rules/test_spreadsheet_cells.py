"""No cell of ours becomes a formula, and every cell comes back to the letter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idferry.rules.spreadsheet_cells import protected, unprotected

BEGINNINGS = "=+-@\t\r＝＋－＠"


@pytest.mark.parametrize("begins", BEGINNINGS)
@pytest.mark.parametrize("rest", ["", "cmd|' /C calc'!A0", "1"])
def test_what_would_be_a_formula_is_a_text(begins: str, rest: str) -> None:
    assert protected(begins + rest) == f"'{begins}{rest}"


@pytest.mark.parametrize("cell", ["", "ana@example.com", "O'Neill", "'quoted'", "a=b", "12-3", " =1"])
def test_other_cells_stay(cell: str) -> None:
    assert protected(cell) == cell
    assert unprotected(cell) == cell


@given(st.text(alphabet=st.sampled_from("'=+-@\t\r\nab ＝1")))
def test_every_cell_comes_back(cell: str) -> None:
    written = protected(cell)
    assert unprotected(written) == cell
    assert not written or written[0] not in BEGINNINGS
