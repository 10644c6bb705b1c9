"""A password, kept so that it cannot leak, and the rules that the directory applies to one.

A `Password` refuses to print, format, pickle, compare or serialise. It has one door, `reveal_to(function)`, and a
test lists who may call it. Nothing here may write a password anywhere.
"""

from collections.abc import Callable, Iterable, Mapping
from math import prod
from typing import NoReturn, Self, TypeVar

from idferry.rules.attributes import is_password_hash

PASSWORD_CHARACTERS_MIN = 8
PASSWORD_CHARACTERS_MAX = 256
WEAK_PASSWORD_CHARACTERS_MIN = 4
RANDOM_PASSWORD_PAIRS = 8
CLASSES_NEEDED = 3
FRAGMENT_CHARACTERS_MIN = 3

_LOWER = "abcdefghijklmnopqrstuvwxyz"
_UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_DIGITS = "0123456789"
# None of them may stand in a user name or before the @ of an address.
_RANDOM_SEPARATORS = "@,:"
_DIGITS_SET = frozenset(_DIGITS)

_ANY = _LOWER + _UPPER + _DIGITS
# One of each is certain, and stands anywhere among the others.
_CERTAIN = (_LOWER, _UPPER, _DIGITS)
_FREE_CHARACTERS = 2 * RANDOM_PASSWORD_PAIRS - len(_CERTAIN)
_CHANCES = (
    len(_ANY) ** _FREE_CHARACTERS
    * prod(len(alphabet) * (_FREE_CHARACTERS + nth) for nth, alphabet in enumerate(_CERTAIN, start=1))
    * len(_RANDOM_SEPARATORS) ** RANDOM_PASSWORD_PAIRS
)

Revealed = TypeVar("Revealed")


class Password:
    """A password that travels beside the account it belongs to and cannot be printed, compared or stored."""

    __slots__ = ("__text",)

    def __init__(self, text: str) -> None:
        self.__text = text

    def reveal_to(self, function: Callable[[str], Revealed]) -> Revealed:
        """Call `function` with the password in clear and return what it returns: the only way out."""
        return function(self.__text)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing in it. An empty password never reaches a verifier or the directory."""
        return not self.__text

    @property
    def holds_nul(self) -> bool:
        """Whether there is a character in it that nobody can type, and that many systems stop or fail at."""
        return "\0" in self.__text

    def weakness(self, sign_in_names: Iterable[str] = ()) -> str | None:
        """Why the directory's strong rule refuses this password, or None. The reason quotes nothing of it."""
        return _weakness(self.__text, sign_in_names)

    def storable_when_weak(self) -> bool:
        """Whether the directory takes it with DisableStrongPassword: length and alphabet still count."""
        enough = WEAK_PASSWORD_CHARACTERS_MIN <= len(self.__text) <= PASSWORD_CHARACTERS_MAX
        return enough and _is_in_alphabet(self.__text) and not is_password_hash(self.__text)

    def may_be_among(self, values: Iterable[object], *texts: str) -> bool:
        """Whether it is worth while to ask for `names_of_copies`: it is not for nearly everybody, 0.4 us a person."""
        text = self.__text
        for value in values:
            if isinstance(value, str):
                if text in value:
                    return True
            elif isinstance(value, tuple):
                return True
        # Behind that, it may be met as a number, or without its own blanks.
        return text in "\n".join(texts) or text.isdecimal() or text.strip() != text

    def names_of_copies(self, values: Mapping[str, object]) -> tuple[str, ...]:
        """Names of the values that are this password over again: as a text, as a number, or in a list.

        Blanks around either count for nothing: legacy systems fill columns up with them.
        """
        text = self.__text
        return tuple(name for name, value in values.items() if _repeats(value, text))

    def __repr__(self) -> str:
        return "Password(...)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __eq__(self, other: object) -> bool:
        raise TypeError("passwords are not compared")

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> NoReturn:
        raise TypeError("passwords are not pickled")

    def __getstate__(self) -> NoReturn:
        raise TypeError("passwords are not serialised")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self


def random_password(below: Callable[[int], int]) -> Password:
    """A fresh password that always satisfies the strong rule, whatever the person's sign-in names are.

    `below(n)` draws evenly from 0..n-1 out of a secure source (`secrets.randbelow`). Lower case, upper case and a
    digit are certain, because drawing from one mixed alphabet fails the rule now and then. A separator behind every
    second character keeps names out: no sign-in name of three characters fits between two separators. That leaves
    107 bits of chance.
    """
    # One number decides everything: a draw from the system costs as much as all the rest.
    chance = below(_CHANCES)
    letters = []
    for _ in range(_FREE_CHARACTERS):
        chance, one = divmod(chance, len(_ANY))
        letters.append(_ANY[one])
    for alphabet in _CERTAIN:
        chance, place = divmod(chance, len(letters) + 1)
        chance, one = divmod(chance, len(alphabet))
        letters.insert(place, alphabet[one])
    for place in range(2, 3 * RANDOM_PASSWORD_PAIRS, 3):
        chance, one = divmod(chance, len(_RANDOM_SEPARATORS))
        letters.insert(place, _RANDOM_SEPARATORS[one])
    return Password("".join(letters))


def _repeats(value: object, text: str) -> bool:
    if isinstance(value, tuple):
        return any(_repeats(one, text) for one in value)
    if isinstance(value, bool) or not isinstance(value, str | int):
        return False
    told = str(value)
    return told != "" and (told == text or told.strip() == text.strip() != "")


def _is_in_alphabet(text: str) -> bool:
    """Whether the directory takes every character: letters, digits, symbols of ASCII, and blanks.

    https://learn.microsoft.com/entra/identity/authentication/concept-sspr-policy
    """
    return text.isascii() and text.isprintable()


def _weakness(text: str, sign_in_names: Iterable[str]) -> str | None:
    if is_password_hash(text):
        return "a password hash, which nobody types"
    if len(text) < PASSWORD_CHARACTERS_MIN:
        return f"shorter than {PASSWORD_CHARACTERS_MIN} characters"
    if len(text) > PASSWORD_CHARACTERS_MAX:
        return f"longer than {PASSWORD_CHARACTERS_MAX} characters"
    if not _is_in_alphabet(text):
        return "holds characters outside the directory's alphabet"
    lowered = text.lower()
    # Each class by what the alphabet leaves over: these four looks cost a quarter of comparing sets of characters.
    present = (
        (text != text.upper()) + (text != lowered) + (not _DIGITS_SET.isdisjoint(text)) + (not text.isalnum())
    )
    if present < CLASSES_NEEDED:
        return f"needs {CLASSES_NEEDED} of lower case, upper case, digits and symbols"
    for name in sign_in_names:
        local_part = name.split("@", 1)[0].lower()
        if len(local_part) >= FRAGMENT_CHARACTERS_MIN and local_part in lowered:
            return "contains the sign-in name"
    return None
