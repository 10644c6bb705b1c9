"""Somebody has reset the password: the person is complete, wherever that is kept.

The tenant says it after its own write, with ContinueOnError, and may say it twice: nothing here is done by counting.
"""

from collections.abc import Sequence

from idferry.errors import StatusUnavailable
from idferry.ports import ResetStatus


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
