"""No cell of ours becomes a formula, and every cell comes back to the letter."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idferry.rules.spreadsheet_cells import kept, protected, unprotected

BEGINNINGS = "=+-@\t\r＝＋－＠"


@pytest.mark.parametrize("begins", BEGINNINGS)
@pytest.mark.parametrize("rest", ["", "cmd|' /C calc'!A0", "1"])
def test_what_would_be_a_formula_is_a_text(begins: str, rest: str) -> None:
    assert protected(begins + rest) == f"'{begins}{rest}"


@pytest.mark.parametrize("cell", ["", "ana@example.com", "O'Neill", "'quoted'", "a=b", "12-3", " =1"])
def test_other_cells_stay(cell: str) -> None:
    assert protected(cell) == cell
    assert unprotected(cell) == cell


@pytest.mark.parametrize("number", ["007", "00", "01234", "1234567890123456", "0" * 20])
def test_a_number_that_a_spreadsheet_would_change_is_a_text(number: str) -> None:
    assert kept(number) == f"'{number}"
    assert unprotected(f"'{number}") == number
    assert protected(number) == number, "in a file for applications it stays as it is"


@pytest.mark.parametrize("cell", ["0", "7", "123456789012345", "007a", "0.5", "0 7", "'7"])
def test_a_number_that_it_keeps_stays(cell: str) -> None:
    assert kept(cell) == cell == unprotected(cell)


@pytest.mark.parametrize("separator", [",", ";", "|", "\t", "\n"])
@pytest.mark.parametrize("begins", "=+-@＝＋－＠")
def test_what_would_be_a_formula_to_whoever_separates_otherwise_is_a_text(
    separator: str, begins: str
) -> None:
    for before in ("", "'", '"', "''"):
        cell = f"a{separator}{before}{begins}cmd|' /C calc'!A0"
        assert protected(cell) == kept(cell) == f"a{separator}'{before}{begins}cmd|' /C calc'!A0"
        assert unprotected(kept(cell)) == cell


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("opened_with", [",", ";", "\t"])
@given(cells=st.lists(st.text(alphabet=st.sampled_from("'\"=+-@;,\t\n a1")), min_size=1, max_size=3))
def test_no_cell_of_a_table_is_a_formula_however_it_is_separated(
    delimiter: str, opened_with: str, cells: list[str]
) -> None:
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter, lineterminator="\r\n").writerow(map(kept, cells))
    file.seek(0)
    for row in csv.reader(file, delimiter=opened_with):
        for cell in row:
            assert not cell.startswith(("=", "+", "-", "@")), (file.getvalue(), row)


@given(
    st.text(alphabet=st.sampled_from("'=+-@\t\r\nab ＝10;,|\"")) | st.from_regex(r"'{0,2}0?[0-9]{14,18}\n?")
)
def test_every_cell_comes_back(cell: str) -> None:
    written = kept(cell)
    assert unprotected(written) == cell
    assert not written or written[0] not in BEGINNINGS
