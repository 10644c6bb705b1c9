"""End a command before its end: whatever ends one that has begun says what was done, and that it can be continued.

It must not judge what ended it, and must not touch one that had not begun: wrong settings are then wrong settings.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from idferry.errors import EXIT_STOPPED, IdferryError


@contextmanager
def telling_what_was_done(done: Callable[[], str]) -> Iterator[None]:
    """Add to whatever ends the block what was done before it.

    `done`: a sentence on that, or "" as long as the command has not begun. Once it has, the exit code is "stopped, the
    same command continues", also where a secret or a permission is lost that was good before.
    """
    try:
        yield
    except IdferryError as error:
        error.done = "; ".join(filter(None, (done(), error.done)))
        if error.done:
            error.exit_code = EXIT_STOPPED
        raise
