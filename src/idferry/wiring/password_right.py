"""Whether the application that will set passwords at sign-ins may do so: asked before people depend on it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from idferry.flows.check_password_right import check_password_right
from idferry.ports import Clock
from idferry.rules.readiness import PASSWORD_RIGHT_MEANINGS, PasswordRight
from idferry.settings import Settings
from idferry.wiring.directories import directory_of

if TYPE_CHECKING:  # the service is imported when it is started, so that other commands start fast
    from idferry.service.doors import Books
    from idferry.wiring.timers import Timer

LOOKED_AT_EVERY = timedelta(days=1)
ASKED_WITHIN = timedelta(seconds=20)
"""For one call: a tenant that is silent must not hold a command or a thread for minutes."""


def sets_passwords(settings: Settings) -> bool:
    """Whether these settings let us write passwords of people who sign in: mode B, and capture."""
    service, is_b2c = settings.service, settings.need_tenant().kind == "b2c"
    return bool(service.capture_callers) or (is_b2c and bool(settings.verifiers) and service.mode == "B")


def password_rights_of(settings: Settings, clock: Clock) -> Mapping[str, PasswordRight]:
    """How the applications stand that set passwords at sign-ins, by name; none where nobody does.

    Raises:
        DirectoryError, SettingsError.
    """
    if not sets_passwords(settings):
        return {}
    with directory_of(settings, clock, timeout=ASKED_WITHIN, for_sign_ins=True) as directory:
        return check_password_right(inspector=directory.inspector)


def looking_at_password_rights(settings: Settings, clock: Clock, *, books: "Books") -> "Timer":
    """A look at the start and every day, told in the log: else the people who sign in would be the first to hear of it."""
    from idferry.wiring.timers import Timer

    def do() -> None:
        for application, right in password_rights_of(settings, clock).items():
            told = f"{application} {PASSWORD_RIGHT_MEANINGS[right]}"
            if right is PasswordRight.GRANTED:
                books.log.info("password_right", right=right.value, told=told)
            else:
                books.log.warning("password_right", right=right.value, told=told)
            if right in (PasswordRight.NO_PERMISSION, PasswordRight.NO_ROLE):
                books.metrics.alert("password_right_missing")

    return Timer("password_right", LOOKED_AT_EVERY, do, at_once=True)
