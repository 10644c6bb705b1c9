"""What the process asks of the system: no core dumps, nobody may look inside, room for many connections, no long pause.

It cannot keep the system from swapping memory out; `docs/explain/journey-of-a-password.md` says so.
"""

import ctypes
import gc
import sys
from contextlib import suppress

_OPEN_FILES_MAX = 65_536
_PR_SET_DUMPABLE = 4  # https://man7.org/linux/man-pages/man2/prctl.2.html


def refuse_core_dumps() -> None:
    """Nothing of this process is written to a core file, where the system lets a process say so."""
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        # Also for crash handlers that read the memory of a process instead of waiting for a file.
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def allow_many_connections() -> None:
    """As many open files as the system grants without asking anybody: silent connections must not use them up."""
    if sys.platform != "win32":
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        with suppress(OSError, ValueError):  # some systems name a limit that they do not grant
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, _OPEN_FILES_MAX), most))


def keep_for_good() -> None:
    """What was made until now lives as long as the process: the collector need not look for cycles in it again.

    A whole collection of what a service is made of takes 30 ms, in which nobody is answered.
    """
    gc.collect()
    gc.freeze()
