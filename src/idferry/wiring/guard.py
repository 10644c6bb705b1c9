"""The guard of the settings: its file, its limits, the memory of submissions; and whether it protects the legacy systems.

The key of password marks is made here, in memory, and is gone with the process.
"""

import hmac
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

from idferry.errors import SettingsError
from idferry.rules.attempts import UNDER_WAY_MAX, AddressLimit, EveryoneLimit, GuardRules
from idferry.rules.lockout import Lane, LegacyLockout, Schedule, fits, most_forwarded, schedule_that_fits
from idferry.rules.submission import KeyedDigest
from idferry.settings import GuardSettings, Settings
from idferry.stores.guard import SqliteGuard
from idferry.stores.guard_opening import open_guard
from idferry.stores.submissions import RunningSubmissions
from idferry.wiring.protected_verifiers import ABORT_GRACE_SECONDS
from idferry.wiring.replicas import lockout_for_each
from idferry.wiring.system import random_bytes

MARK_KEY_BYTES = 32


def guard_of(settings: Settings) -> SqliteGuard:
    """The guard of `[guard] path`, made when it is not there: the ports AttemptGuard and GuardDesk. A context manager.

    Raises:
        GuardUnavailable: the file cannot be used.
    """
    return open_guard(guard_path(settings), rules=guard_rules_of(settings.guard), random_bytes=random_bytes)


def guard_if_any(settings: Settings) -> AbstractContextManager[SqliteGuard | None]:
    """The guard, if a service has ever used it here: who only looks makes no file."""
    return guard_of(settings) if guard_path(settings).is_file() else nullcontext()


def guard_path(settings: Settings) -> Path:
    """Where the guard's file lies."""
    return settings.folder / settings.guard.path


def submissions_of(settings: Settings) -> RunningSubmissions:
    """The memory of submissions: one for each process that serves. Retries that wait hold a quarter of the threads."""
    return RunningSubmissions(followers_max=max(settings.service.threads // 4, 1))


def keyed_digest() -> KeyedDigest:
    """A digest under a key that only this process knows: for `password_mark`. Ask for it once."""
    key = random_bytes(MARK_KEY_BYTES)
    return lambda text: hmac.digest(key, text, "sha256")


def guard_rules_of(guard: GuardSettings) -> GuardRules:
    """The limits of the settings."""

    def lane(attempts: int, lock_s: int, stop: int) -> Lane:
        return Lane(
            attempts=attempts,
            lock_s=lock_s,
            lock_s_max=guard.lock_seconds_max,
            silence_s=guard.silence_seconds,
            stop=stop,
            rest_s=guard.rest_seconds,
        )

    return GuardRules(
        schedule=Schedule(
            address=lane(guard.attempts, guard.lock_seconds, guard.stop_after),
            anywhere=lane(guard.attempts_anywhere, guard.lock_seconds_anywhere, guard.stop_after_anywhere),
            known=lane(guard.attempts_known, guard.lock_seconds_known, guard.stop_after_known),
            known_addresses=guard.known_addresses,
            forgiven=guard.forgiven,
        ),
        address=AddressLimit(failures_a_day=guard.address_failures, names=guard.address_names),
        everyone=EveryoneLimit(failures_per_minute=guard.failures_per_minute),
        spared=tuple(ip_network(one) for one in guard.spared_networks),
    )


def check_lockouts(settings: Settings) -> Sequence[str]:
    """One line for each verifier that can lock people: how many guesses at one name can reach it within its window.

    Raises:
        SettingsError: so many that somebody could be locked there. The remedy is a schedule that fits.
    """
    replicas = settings.service.replicas
    lockouts = {
        one.name: lockout
        for one in settings.verifiers
        if (lockout := lockout_for_each(one, replicas=replicas)) is not None
    }
    thresholds = {one.name: one.legacy_lockout.threshold for one in settings.verifiers if one.legacy_lockout}
    under_way = under_way_max(settings)
    schedule = guard_rules_of(settings.guard).schedule
    lines = []
    for name, lockout in lockouts.items():
        most = replicas * most_forwarded(schedule, lockout.window + under_way)
        threshold = thresholds[name]
        if not fits(schedule, lockout, under_way=under_way):
            error = SettingsError(
                f"verifier {name}: its legacy system locks people after {threshold} wrong passwords in "
                f"{_seconds(lockout)} s, and the guard{_of_each(replicas)} lets {most} guesses at one name through in that time: attackers "
                "could lock people there",
            )
            error.remedy, error.to_copy = _proposal(lockouts, under_way)
            raise error
        lines.append(
            f"verifier {name}: at most {most} guesses at one name in {_seconds(lockout)} s; its legacy system locks "
            f"after {threshold}"
        )
    return lines


def _of_each(replicas: int) -> str:
    return f" of {replicas} replicas together" if replicas > 1 else ""


def under_way_max(settings: Settings) -> timedelta:
    """How long after its booking a guess may be counted by a legacy system.

    It waits for its turn until its caller's deadline, and a call that begins just before takes its own time after it.
    """
    service, tenant = settings.service, settings.tenant
    is_external = tenant is not None and tenant.kind == "external"
    waits_s = service.external_deadline_seconds if is_external else service.deadline_seconds
    takes_s = max((one.deadline_seconds for one in settings.verifiers), default=0.0)
    return max(timedelta(seconds=waits_s + takes_s + ABORT_GRACE_SECONDS), UNDER_WAY_MAX)


def guard_lines(schedule: Schedule) -> str:
    """A schedule as it is written into the settings file: its lanes share what they have in common."""
    address, anywhere, known = schedule.address, schedule.anywhere, schedule.known
    values = {
        "attempts": address.attempts,
        "lock_seconds": address.lock_s,
        "stop_after": address.stop,
        "attempts_anywhere": anywhere.attempts,
        "lock_seconds_anywhere": anywhere.lock_s,
        "stop_after_anywhere": anywhere.stop,
        "known_addresses": schedule.known_addresses,
        "attempts_known": known.attempts,
        "lock_seconds_known": known.lock_s,
        "stop_after_known": known.stop,
        "silence_seconds": anywhere.silence_s,
        "rest_seconds": anywhere.rest_s,
        "forgiven": schedule.forgiven,
    }
    return "\n".join(["[guard]", *(f"{name} = {value:.0f}" for name, value in values.items())])


def _proposal(lockouts: Mapping[str, LegacyLockout], under_way: timedelta) -> tuple[str, tuple[str, ...]]:
    """What to do, and the lines to do it with."""
    strictest = LegacyLockout(
        threshold=min(one.threshold for one in lockouts.values()),
        window=max(one.window for one in lockouts.values()),
    )
    found = schedule_that_fits(strictest, under_way=under_way)
    if found is None:
        return "Raise the threshold of the legacy system: it locks after the first wrong password.", ()
    return "Write these limits, or others that fit, into the settings file:", tuple(
        guard_lines(found).splitlines()
    )


def _seconds(lockout: LegacyLockout) -> str:
    return f"{lockout.window.total_seconds():.0f}"
