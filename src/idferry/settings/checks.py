"""Whether the values of a settings file make sense together. What is wrong is told with its key and a remedy."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from urllib.parse import urlsplit

from idferry.errors import SettingsError
from idferry.rules.attributes import MIGRATION_FLAG, migration_flag_problem
from idferry.settings.tables import (
    Application,
    ClockSettings,
    Hashes,
    Limits,
    Passwords,
    Shape,
    Source,
    Tenant,
)

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
STALE_AFTER_DAYS_MAX = 36_500
CREATION_SECONDS_MAX = 300
RESERVE_WRITES_MAX = 0.9
MEMORY_MIB_MIN = 16
MEMORY_MIB_MAX = 1_048_576
_MAY_BE_ZERO = frozenset({"settle_seconds", "reserve_writes"})


def is_local(tenant: Tenant | None) -> bool:
    """Whether every address of the tenant is on this machine."""
    return tenant is not None and _is_loopback(tenant.authority) and _is_loopback(tenant.graph)


def check_addresses(tenant: Tenant | None, clock: ClockSettings) -> None:
    """Root addresses, https beyond this machine, and no emulated time for a tenant that is not emulated."""
    if tenant:
        for name, address in (("authority", tenant.authority), ("graph", tenant.graph)):
            if not _is_root_address(address):
                raise SettingsError(f"tenant.{name} is a root address such as https://graph.microsoft.com")
            if urlsplit(address).scheme == "http" and not _is_loopback(address):
                raise SettingsError(f"tenant.{name} uses http: only https leaves this machine")
    if clock.url and not (is_local(tenant) and _is_loopback(clock.url)):
        raise SettingsError(
            "clock.url follows an emulator's time, and not every address in the settings is on this machine",
            remedy="Remove [clock]: a real tenant has real time.",
        )


def check_flag(tenant: Tenant | None) -> None:
    """A name that the directory takes for an extension attribute."""
    problem = migration_flag_problem(tenant.migration_flag) if tenant else None
    if problem:
        raise SettingsError(
            f"tenant.migration_flag: {problem}", remedy=f"Leave it out: it is then {MIGRATION_FLAG}."
        )


def check_limits(limits: Limits) -> None:
    """Nothing that would never send, or never end."""
    for one in fields(limits):
        if getattr(limits, one.name) < (0 if one.name in _MAY_BE_ZERO else 1):
            raise SettingsError(f"limits.{one.name} is too small")
    if not limits.reserve_writes <= RESERVE_WRITES_MAX:
        raise SettingsError(f"limits.reserve_writes is a share between 0 and {RESERVE_WRITES_MAX}")


def check_passwords(passwords: Passwords) -> None:
    """A tolerance that covers a creation and no more."""
    if not 0 <= passwords.creation_seconds <= CREATION_SECONDS_MAX:
        raise SettingsError(f"passwords.creation_seconds is between 0 and {CREATION_SECONDS_MAX}")


def check_hashes(hashes: Hashes) -> None:
    """Room for at least a small costly hash, and not for more than a machine has."""
    if not MEMORY_MIB_MIN <= hashes.memory_mib <= MEMORY_MIB_MAX:
        raise SettingsError(f"hashes.memory_mib is between {MEMORY_MIB_MIN} and {MEMORY_MIB_MAX}")


def check_applications(applications: Sequence[Application]) -> None:
    """Names that tell those apart which send, and no app registration twice: it has its allowance once."""
    sending = [one for one in applications if one.use == "import"]
    for what, values in (
        ("name", [one.name for one in sending]),
        ("client_id", [one.client_id.lower() for one in sending]),
    ):
        if len(set(values)) < len(values):
            raise SettingsError(
                f'two of the [[application]] with use = "import" have the same {what}',
                remedy="Each is an app registration of its own, with a name of its own.",
            )


def check_shape(shape: Shape) -> None:
    """A number of days that a calendar knows."""
    if not 0 <= shape.stale_after_days <= STALE_AFTER_DAYS_MAX:
        raise SettingsError(f"shape.stale_after_days is between 0 (off) and {STALE_AFTER_DAYS_MAX}")


def check_sources(sources: Mapping[str, Source]) -> None:
    """A delimiter that can separate."""
    for name, source in sources.items():
        if len(source.delimiter) > 1 or source.delimiter in ('"', "\n", "\r"):
            raise SettingsError(
                f"sources.{name}.delimiter is one character, and no quote or line end",
                remedy='For example: delimiter = ";" or, for tabs, delimiter = "\\t".',
            )


def _is_root_address(address: str) -> bool:
    """Scheme, host and perhaps a port; a name and password in it would reach logs."""
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return False
    more = parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc
    return parts.scheme in ("https", "http") and bool(parts.hostname) and not more


def _is_loopback(address: str) -> bool:
    try:
        return urlsplit(address).hostname in LOOPBACK_HOSTS
    except ValueError:
        return False
