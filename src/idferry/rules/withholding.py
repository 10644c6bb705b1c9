"""What of a record may stand in a file that people mend by hand: nothing that the directory would not be sent either.

Pure. A password is never asked about here: it has no business in any file, and its field is left out by its name.
"""

from collections.abc import Callable, Mapping

from idferry.rules.attributes import AttributeValue, is_sensitive, is_sensitive_name

Withholds = Callable[[str, AttributeValue], bool]
"""Whether the value of a field or attribute of this name stays out of a file."""


def withholding(attribute_names: Mapping[str, str]) -> Withholds:
    """The rule of planning: a secret by its name, in the source or in the directory, or by what the value looks like."""

    def withholds(name: str, value: AttributeValue) -> bool:
        by_name = is_sensitive_name(name) or is_sensitive_name(attribute_names.get(name, name))
        return by_name or is_sensitive(value)

    return withholds
