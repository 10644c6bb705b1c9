"""Cells of a CSV file that people open in a spreadsheet: nothing out of a record may become a formula there.

Pure. The protection can be taken off again, to the letter. It is for files that we write; a file of others is read as
it stands.
"""

import re

# What begins a formula, also as a fullwidth letter: https://owasp.org/www-community/attacks/CSV_Injection
_BEGINS = "=+@\t\r\n＝＋－＠-"
_TO_PROTECT = re.compile(f"'*[{_BEGINS}]")
_PROTECTED = re.compile(f"'+[{_BEGINS}]")


def protected(cell: str) -> str:
    """The cell with an apostrophe in front where a spreadsheet would take it for a formula."""
    return f"'{cell}" if _TO_PROTECT.match(cell) else cell


def unprotected(cell: str) -> str:
    """The cell that `protected` was given."""
    return cell[1:] if _PROTECTED.match(cell) else cell
