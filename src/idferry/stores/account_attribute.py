"""Who must still reset the password, as the accounts themselves say it: the migration flag, read from the directory.

The directory's own answer needs no second store that could disagree. It costs a call to the directory for each
question, and the directory shows changes late.
"""

from collections import OrderedDict
from collections.abc import Sequence
from datetime import timedelta

from idferry.errors import DirectoryError, StatusUnavailable, Stopped
from idferry.ports import AccountReader, AccountUpdater, Clock
from idferry.rules.account import Account, AccountChange
from idferry.rules.names import compared_form
from idferry.rules.removal import password_was_chosen

SHOWS_WITHIN = timedelta(minutes=5)
"""For so long after a reset the directory may still show the flag up: the tenant's own word counts meanwhile."""
REMEMBERED_MAX = 10_000


class AccountAttributeStatus:
    """ResetStatus over the migration flag of the accounts. Safe to use from several threads."""

    def __init__(self, *, reader: AccountReader, updater: AccountUpdater, clock: Clock) -> None:
        self._reader = reader
        self._updater = updater
        self._clock = clock
        self._settled: OrderedDict[str, float] = OrderedDict()

    def must_reset(self, sign_in_name: str) -> bool:
        """Whether an account of this name has the flag up and still its first password. Raises StatusUnavailable."""
        return any(
            must_reset_by(account) and not self._was_settled(account) for account in self._find(sign_in_name)
        )

    def settle(self, *, sign_in_name: str, object_id: str) -> None:
        """Take the flag down. Raises StatusUnavailable."""
        found = [object_id] if object_id else [one.object_id for one in self._find(sign_in_name)]
        if not found:
            return
        changes = [AccountChange(one, flag=False) for one in found]
        try:
            answers = self._updater.update(changes).result()
        except (DirectoryError, Stopped) as error:
            raise StatusUnavailable(f"the directory gives no answer: {error.code}") from error
        for one in found:
            if answers.get(one) != "":
                raise StatusUnavailable("the directory did not take the flag down")
            self._remember(one)

    def add(self, people: Sequence[tuple[str, Sequence[str]]]) -> None:
        """Nothing: accounts are created with the flag."""

    def _find(self, sign_in_name: str) -> Sequence[Account]:
        compared = compared_form(sign_in_name)
        if not compared:
            return ()
        try:
            return self._reader.by_sign_in_name(sign_in_name)
        except (DirectoryError, Stopped) as error:
            raise StatusUnavailable(f"the directory gives no answer: {error.code}") from error

    def _was_settled(self, account: Account) -> bool:
        at_s = self._settled.get(account.object_id)
        return at_s is not None and self._clock.elapsed() - at_s < SHOWS_WITHIN.total_seconds()

    def _remember(self, object_id: str) -> None:
        self._settled[object_id] = self._clock.elapsed()
        while len(self._settled) > REMEMBERED_MAX:
            self._settled.popitem(last=False)


def must_reset_by(account: Account) -> bool:
    """Whether an account says so. A password that is newer than the account was chosen by somebody: nothing to reset.

    So a message that somebody has reset may be lost, and nobody is asked twice for it.
    """
    return account.flag is True and not password_was_chosen(account)
