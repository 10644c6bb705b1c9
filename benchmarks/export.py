"""A made-up export in our JSON Lines format: always the same for the same size and seed.

Of ten people nine have a known password; one in a hundred has the sign-in name of another, one in fifty an accent in it.
"""

import random
from pathlib import Path

SEED = 20260301
_FIRST_NAMES = ("Zoë", "Ann", "Jörg", "Maria", "Li", "Olu", "Sven", "Chiara")
_LAST_NAMES = ("O'Neill", "Smith", "Müller", "Garcia", "Wang", "Adeyemi", "Berg", "Rossi")
_CITIES = ("Porto", "Köln", "Cork", "Lagos", "Milano", "Göteborg")


def write_export(path: Path, people: int) -> Path:
    """Write an export of so many people, if it is not there yet."""
    if not path.exists():
        chance = random.Random(SEED)  # noqa: S311  it must be the same every time
        with path.open("w", encoding="utf-8") as file:
            file.writelines(_line(number, chance) for number in range(people))
    return path


def _line(number: int, chance: random.Random) -> str:
    first, last, city = chance.choice(_FIRST_NAMES), chance.choice(_LAST_NAMES), chance.choice(_CITIES)
    whose = number - 1 if number % 100 == 99 else number
    name = f"jos{'é' if number % 50 == 7 else 'e'}.{whose}@example.com"
    password = f'"password":"Ferry-{chance.getrandbits(40):010x}-Boat!9a",' if number % 10 else ""
    return (
        f'{{"key":"c-{number}","signInName":"{name}","displayName":"{first} {last}","givenName":"{first}",{password}'
        f'"surname":"{last}","email":"contact.{number}@example.org","lastSignIn":"2026-05-31T09:30:00Z",'
        f'"attributes":{{"city":"{city}","loyaltyNumber":"P-{number}","newsletter":true}}}}\n'
    )
