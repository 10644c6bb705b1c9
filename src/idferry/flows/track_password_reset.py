"""Somebody has reset the password: the person is complete, wherever that is kept.

The tenant says it after its own write, with ContinueOnError, and may say it twice: nothing here is done by counting.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from idferry.errors import StatusUnavailable
from idferry.ports import AttemptGuard, ResetStatus
from idferry.rules.submission import key_of_person, key_of_unknown


def end_locks_of_reset(
    *,
    guard: AttemptGuard,
    legacy_user_of: Callable[[str, str], tuple[str, str] | None],
    sign_in_name: str,
    object_id: str,
    at: datetime,
) -> None:
    """Whoever has reset the password has proven more than a guess: what was failed under this name is forgotten.

    `legacy_user_of` knows source and key of a person by name and account.

    Raises:
        GuardUnavailable, StatusUnavailable: nobody could be asked; a lock ends by itself.
    """
    person = legacy_user_of(sign_in_name, object_id)
    if person:
        guard.unlock(key_of_person(*person), at=at)
    elif sign_in_name:
        guard.unlock(key_of_unknown(sign_in_name), at=at)


def track_password_reset(*, stores: Sequence[ResetStatus], sign_in_name: str, object_id: str) -> None:
    """Settle this person in every store: the ledger, and the one that the status endpoint asks.

    One that gives no answer does not keep the others from being told.

    Raises:
        StatusUnavailable: one of them gave no answer; the same call again completes it.
    """
    lost: StatusUnavailable | None = None
    for store in stores:
        try:
            store.settle(sign_in_name=sign_in_name, object_id=object_id)
        except StatusUnavailable as error:
            lost = lost or error
    if lost:
        raise lost
