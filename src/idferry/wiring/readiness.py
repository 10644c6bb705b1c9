"""Whether the service could give an answer now, and why not: the answer says yes or no, the log says the cause.

A cause is a code of ours or the kind of an exception, never its text: that may quote an address or a secret.
"""

from collections.abc import Callable, Mapping, Sequence

from idferry.service.bearer_tokens import SigningKeys
from idferry.service.logs import Log
from idferry.service.workers import Overloaded, Workers

CHECK_SECONDS_MAX = 2.0
NO = "no"
_CAUSES: Mapping[type[Exception], str] = {Overloaded: "overloaded", TimeoutError: "timed_out"}

Check = Callable[[], bool]
"""Whether something works that an answer needs; it may raise instead of saying no."""


class Readiness:
    """Asks the checks, in a worker's thread: some of them call over the network. A cause is logged when it changes."""

    def __init__(self, *, workers: Workers, log: Log) -> None:
        self._workers = workers
        self._log = log
        self._causes: dict[str, str] = {}

    async def ask(self, checks: Mapping[str, Check], *, keys: Sequence[SigningKeys]) -> dict[str, bool]:
        """Each check by its name, after one more try to read the keys that are not known."""
        for one in keys:
            if not one.are_known:
                await one.refresh()
        return {name: await self._is_ready(name, check) for name, check in checks.items()}

    async def _is_ready(self, name: str, check: Check) -> bool:
        cause = ""
        try:
            cause = "" if await self._workers.run(check, within_s=CHECK_SECONDS_MAX) else NO
        except Exception as error:  # noqa: BLE001  whatever goes wrong: it is not ready, and the log says why
            cause = code_of(error)
        if cause and self._causes.get(name) != cause:
            self._log.warning("not_ready", check=name, cause=cause)
        if not cause and name in self._causes:
            self._log.info("ready_again", check=name)
        self._causes.pop(name, None)
        if cause:
            self._causes[name] = cause
        return not cause


def code_of(error: Exception) -> str:
    """What an exception is called in the log."""
    known = next((code for kind, code in _CAUSES.items() if isinstance(error, kind)), "")
    return known or getattr(error, "code", "") or type(error).__name__
