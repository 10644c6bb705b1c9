"""Forks services that were imported once, so that a thousand of them can be killed: `python -m tests.support.service_driver`.

Orders come as JSON lines on standard input, one answer line to each. `{"start": Order}` answers the process id, at once;
`{"wait": pid, "seconds": n}` answers its exit code, and ends it by SIGKILL where it has not ended by then.
"""

import gc
import importlib
import json
import os
import signal
import sys

from tests.support.crash_driver import obey, order_of, wait_for

# What `idferry serve` imports when it starts.
LATE = (
    "idferry.connectors.web_service",
    "idferry.service.hardening",
    "idferry.service.serving",
    "idferry.wiring.service",
)


def main() -> None:
    """Take orders until standard input ends; whoever is left then is killed."""
    for name in LATE:
        importlib.import_module(name)
    gc.freeze()
    running: set[int] = set()
    for line in sys.stdin:
        asked = json.loads(line)
        if "start" in asked:
            answer = _start(json.dumps(asked["start"]))
            running.add(answer)
        else:
            answer = os.waitstatus_to_exitcode(wait_for(asked["wait"], asked["seconds"]))
            running.discard(asked["wait"])
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()
    for child in running:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _start(order: str) -> int:
    child = os.fork()
    if child == 0:
        # Orders are not for the children.
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        obey(order_of(order))
    return child


if __name__ == "__main__":
    main()
