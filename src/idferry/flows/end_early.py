"""End a command before its end: whatever ends one that has begun says what was done, and that it can be continued.

It must not judge what ended it, and must not touch one that had not begun: wrong settings are then wrong settings.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from idferry.errors import EXIT_STOPPED, IdferryError, LedgerError

RECORDED = ", and are in the ledger"
NOT_ALL_RECORDED = "; the ledger did not take the last of them, whom the same command finds"


@contextmanager
def telling_what_was_done(done: Callable[[], str]) -> Iterator[None]:
    """Add to whatever ends the block what was done before it.

    `done`: what was done to how many accounts, or "" as long as the command has not begun. Once it has, the exit code
    is "stopped, the same command continues", also where a secret or a permission is lost that was good before.
    """
    try:
        yield
    except IdferryError as error:
        told = done()
        if told:
            told += NOT_ALL_RECORDED if isinstance(error, LedgerError) else RECORDED
        error.done = "; ".join(filter(None, (told, error.done)))
        if error.done:
            error.exit_code = EXIT_STOPPED
        raise
