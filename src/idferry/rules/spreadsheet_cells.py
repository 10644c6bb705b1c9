"""Cells of a CSV file that people open in a spreadsheet: nothing out of a record becomes a formula or another number.

A spreadsheet of another country separates cells by another character than the file does, and then finds cells within
our cells: what begins there is protected as well. Pure. The protection can be taken off again, to the letter. It is
for files that we write; a file of others is read as it stands.
"""

import re

# What begins a formula, also as a fullwidth letter: https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA = "=+@＝＋－＠-"
_BEGINS = rf"\t\r\n{_FORMULA}"
# Where another cell begins to whoever separates otherwise, be it between quotes of ours: such a quote may stand there too.
_ANOTHER_CELL = r"(?<=[,;|\t\r\n])"
# A number to a spreadsheet, which would save it without its leading zeros, or with zeros behind the digits it keeps
# (15: https://learn.microsoft.com/office/troubleshoot/excel/long-numbers-incorrectly-in-excel).
_DIGITS_KEPT_MAX = 15
_CHANGED_NUMBER = rf"(?:0[0-9]+|[0-9]{{{_DIGITS_KEPT_MAX + 1},}})\Z"
_TO_PROTECT = re.compile(f"'*[{_BEGINS}]")
_TO_KEEP = re.compile(f"'*(?:[{_BEGINS}]|{_CHANGED_NUMBER})")
_TO_PROTECT_INSIDE = re.compile(rf"{_ANOTHER_CELL}(?=['\"]*[{_FORMULA}])")
_PROTECTED_INSIDE = re.compile(rf"{_ANOTHER_CELL}'(?=['\"]*[{_FORMULA}])")
_KEPT = re.compile(f"'+(?:[{_BEGINS}]|{_CHANGED_NUMBER})")


def protected(cell: str) -> str:
    """The cell with an apostrophe in front where a spreadsheet would take it for a formula."""
    return _marked(cell) if _TO_PROTECT.match(cell) else _TO_PROTECT_INSIDE.sub("'", cell)


def kept(cell: str) -> str:
    """`protected`, and the apostrophe too where a spreadsheet would save another number: 007 as 7."""
    return _marked(cell) if _TO_KEEP.match(cell) else _TO_PROTECT_INSIDE.sub("'", cell)


def unprotected(cell: str) -> str:
    """The cell that `kept` was given."""
    return _PROTECTED_INSIDE.sub("", cell[1:] if _KEPT.match(cell) else cell)


def _marked(cell: str) -> str:
    return "'" + _TO_PROTECT_INSIDE.sub("'", cell)
