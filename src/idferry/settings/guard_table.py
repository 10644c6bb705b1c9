"""The `[guard]` table of `idferry.toml`: how often passwords may be tried. Types, defaults, and whether they can work."""

import ipaddress
from dataclasses import dataclass, field

from idferry.errors import SettingsError
from idferry.settings.conversion import table

SILENCE_SECONDS_MIN = 60  # longer than any attempt is on its way
ATTEMPTS_MAX = 1_000
SECONDS_MAX = 31_536_000


@dataclass(frozen=True, slots=True)
class GuardSettings:
    """`[guard]`: how often a password may be tried, for one name, one address and everybody."""

    path: str = "idferry.guard"
    attempts: int = 5
    lock_seconds: int = 1
    stop_after: int = 50
    attempts_anywhere: int = 30
    lock_seconds_anywhere: int = 60
    stop_after_anywhere: int = 100
    known_addresses: int = 3
    attempts_known: int = 5
    lock_seconds_known: int = 1
    stop_after_known: int = 50
    lock_seconds_max: int = 900
    silence_seconds: int = 900
    rest_seconds: int = 86_400
    forgiven: int = 3
    address_failures: int = 100
    address_names: int = 10
    failures_per_minute: int = 120
    spared_networks: list[str] = field(default_factory=list)


def guard_of_table(raw: object) -> GuardSettings:
    """The table `[guard]`. Raises SettingsError: an unknown key, a wrong value, or what could never work."""
    guard = table(GuardSettings, raw, where="guard")
    for name in (
        "attempts",
        "attempts_anywhere",
        "attempts_known",
        "stop_after",
        "stop_after_anywhere",
        "stop_after_known",
        "address_failures",
        "address_names",
        "failures_per_minute",
    ):
        _between(guard, name, 1, ATTEMPTS_MAX)
    for name in ("known_addresses", "forgiven"):
        _between(guard, name, 0, ATTEMPTS_MAX)
    for name in ("lock_seconds", "lock_seconds_anywhere", "lock_seconds_known"):
        _between(guard, name, 1, guard.lock_seconds_max)
    _between(guard, "lock_seconds_max", 1, SECONDS_MAX)
    _between(guard, "silence_seconds", SILENCE_SECONDS_MIN, SECONDS_MAX)
    _between(guard, "rest_seconds", guard.lock_seconds_max + guard.silence_seconds, SECONDS_MAX)
    if not guard.path:
        raise SettingsError("guard.path is the name of a file")
    for network in guard.spared_networks:
        _check_network(network)
    return guard


def _between(guard: GuardSettings, name: str, least: int, most: int) -> None:
    if not least <= getattr(guard, name) <= most:
        raise SettingsError(f"guard.{name} is between {least} and {most}")


def _check_network(network: str) -> None:
    try:
        wide = ipaddress.ip_network(network, strict=True).prefixlen == 0
    except ValueError:
        raise SettingsError(
            "guard.spared_networks lists addresses and networks such as 203.0.113.0/24"
        ) from None
    if wide:
        raise SettingsError("guard.spared_networks names every address there is")
