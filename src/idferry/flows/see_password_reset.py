"""A person who seems to have to reset may have done so: the tenant's message about it can get lost.

The account itself tells, before anybody is sent to reset a second time.
"""

from collections.abc import Callable

from idferry.ports import AccountReader
from idferry.rules.removal import password_was_chosen


def see_password_reset(
    *, reader: AccountReader, sign_in_name: str, settle: Callable[[str, str], None]
) -> bool:
    """Whether every account of this name has a newer password than its first; `settle` is then told name and account.

    Raises:
        DirectoryError: the directory gives no answer.
        StatusUnavailable: a store gives none; the answer is known all the same the next time.
    """
    accounts = reader.by_sign_in_name(sign_in_name)
    if not accounts or not all(map(password_was_chosen, accounts)):
        return False
    for account in accounts:
        settle(sign_in_name, account.object_id)
    return True
