"""What keeps passwords in this process from reaching a disk by accident: no core dumps, and nobody may look inside.

It cannot keep the system from swapping memory out; `docs/explain/journey-of-a-password.md` says so.
"""

import ctypes
import sys
from contextlib import suppress

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
