"""The hash store of the settings, what a source's hashes are read by, and since when the legacy system is frozen."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path

from idferry.connectors.memory_share import MemoryShare
from idferry.errors import SettingsError
from idferry.hashes import BOUND_NAMES, BOUNDS, LARGEST, Bounds, Descriptor, Malformed
from idferry.hashes.descriptor import SECRET_FIELDS
from idferry.ports import Clock, LegacySource
from idferry.rules.hash_trust import Freeze
from idferry.settings import HashesVerifier, Settings
from idferry.stores.hash_store import SqliteHashStore, is_plain_store, open_hash_store
from idferry.wiring.system import random_bytes

KIB_PER_MIB = 1_024
_FORM = "Write it as 2026-11-20T18:00:00Z."


def hash_store_path(settings: Settings) -> Path:
    """Where the hash store lies."""
    return settings.folder / settings.hashes.path


def hash_store_of(settings: Settings, *, plain: bool = False) -> SqliteHashStore:
    """The hash store of `[hashes]`, made when it is not there; `plain`: for tests, without a key. A context manager.

    Raises:
        SettingsError: there is no key, or it cannot be read; or the store protects nothing and the tenant is real.
        HashStoreUnavailable: the file cannot be used.
    """
    path = hash_store_path(settings)
    if plain or (not settings.hashes.key and is_plain_store(path)):
        if settings.tenant is not None and not settings.is_loopback:
            raise SettingsError(
                f"{path} is a hash store for tests, or is to become one, and the tenant is a real one",
                remedy="Name a key in [hashes] key, and load the hashes into a store that it protects.",
            )
        return open_hash_store(path, secret="", random_bytes=random_bytes, plain=True)
    if not settings.hashes.key:
        raise SettingsError(
            "hashes.key is missing: password hashes are kept encrypted only",
            remedy="Make a key, for example with `openssl rand -base64 32`, and name its place: "
            '[hashes] key = "env:IDFERRY_HASH_KEY".',
        )
    secret = settings.secret(settings.hashes.key, what="hashes.key")
    return open_hash_store(path, secret=secret, random_bytes=random_bytes)


@contextmanager
def hash_store_if_any(settings: Settings) -> Iterator[SqliteHashStore | None]:
    """The hash store, if there is one here: who only cleans up makes no file. Raises as above."""
    if not hash_store_path(settings).is_file():
        yield None
        return
    with hash_store_of(settings) as store:
        yield store


def hash_bounds_of(settings: Settings) -> Bounds:
    """How much one hash may cost, as `[hashes] bounds` changes it.

    Raises:
        SettingsError: a bound that is none, more than anybody gets, or more memory than all checks together may take.
    """
    said = settings.hashes.bounds
    for name, value in said.items():
        if name not in BOUND_NAMES:
            near = get_close_matches(name, BOUND_NAMES, n=1)
            raise SettingsError(
                f"hashes.bounds has no {name}",
                remedy=f"The nearest is {near[0]}." if near else f"One of {', '.join(BOUND_NAMES)}.",
            )
        most = getattr(LARGEST, name)
        if not 1 <= value <= most:
            raise SettingsError(f"hashes.bounds.{name} is between 1 and {most:,}")
    bounds = replace(BOUNDS, **said)
    if bounds.memory_kib_most > settings.hashes.memory_mib * KIB_PER_MIB:
        raise SettingsError(
            f"hashes.memory_mib is {settings.hashes.memory_mib:,}, and one hash within hashes.bounds takes "
            f"{bounds.memory_kib_most // KIB_PER_MIB:,}: it could never be checked",
            remedy="Raise memory_mib, or lower argon2_memory_kib, scrypt_n and scrypt_block_size in bounds.",
        )
    return bounds


def hash_memory_of(settings: Settings, clock: Clock) -> MemoryShare:
    """What all checks of hashes together may take."""
    return MemoryShare(kib=settings.hashes.memory_mib * KIB_PER_MIB, clock=clock)


def hash_descriptor_of(settings: Settings, source: str) -> Descriptor:
    """How the hashes of this source are read: `[sources.NAME] hash`, its secrets looked up.

    Raises:
        SettingsError: a field that no descriptor has, or a secret that is not there.
    """
    declared = settings.sources.get(source)
    said = dict(declared.hash) if declared else {}
    where = f"sources.{source}.hash"
    for name in SECRET_FIELDS & said.keys():
        said[name] = settings.secret(str(said[name]), what=f"{where}.{name}")
    found = Descriptor.of(said)
    if isinstance(found, Malformed):
        raise SettingsError(
            f"{where}: {found.reason}", remedy="`idferry hash prove` prints the whole table for a row."
        )
    return found


def exported_at_of(settings: Settings, source: LegacySource, *, given: str = "") -> datetime | None:
    """When the source was exported, as the command line or the settings say; None: nobody says it.

    The time of the file tells nothing: a copy is younger than what it holds, and would make old hashes trusted.

    Raises:
        SettingsError: it is no moment.
    """
    declared = settings.sources.get(source.name)
    said = given or (declared.exported_at if declared else "")
    return _moment(said, what="exported_at") if said else None


def freeze_of(one: HashesVerifier, *, accept_stale: bool) -> Freeze:
    """Since when nobody can change a password in the legacy system. Raises SettingsError: no moment."""
    said = one.legacy_frozen_at
    what = f"verifier {one.name}: legacy_frozen_at"
    return Freeze(_moment(said, what=what) if said else None, accept_stale)


def check_freeze(one: HashesVerifier, freeze: Freeze, clock: Clock) -> None:
    """Refuse hashes that may be stale, unless somebody has said that they are wanted.

    Raises:
        SettingsError: the legacy system is not frozen.
    """
    if not (freeze.accept_stale or freeze.is_over(clock.now())):
        raise SettingsError(
            f"verifier {one.name}: the legacy system is not frozen, so a password that was changed there would still "
            "open the account by its old hash",
            remedy="Set legacy_frozen_at when nobody can change a password there any more, and load an export made "
            "after it; or accept it with --accept-stale-hashes.",
        )


def _moment(said: str, *, what: str) -> datetime:
    try:
        found = datetime.fromisoformat(said)
    except ValueError as error:
        raise SettingsError(f"{what} is no moment", remedy=_FORM) from error
    if found.tzinfo is None:
        raise SettingsError(f"{what} has no time zone", remedy=_FORM)
    return found
