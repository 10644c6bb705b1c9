"""What an operator should know before people sign in, though nothing is wrong in the settings: told at the start and by checks."""

from collections.abc import Sequence
from typing import NamedTuple

from idferry.ports import Clock
from idferry.settings import HashesVerifier, Settings
from idferry.wiring.hash_store import freeze_of
from idferry.wiring.live_verifiers import advice_of


class Advice(NamedTuple):
    """One piece of it: the name of the line in the log, and a sentence that begins with the verifier's name."""

    event: str
    told: str


def advice_at_start(settings: Settings, clock: Clock) -> Sequence[Advice]:
    """Allow lists to be arranged (decision 16), and stored hashes that may be stale (decision 15).

    Raises:
        SettingsError: legacy_frozen_at is no moment.
    """
    stale = [
        f"verifier {one.name}: the legacy system is not frozen, so a password that was changed there still opens the "
        "account by its old hash. Set legacy_frozen_at as soon as nobody can change a password there"
        for one in settings.verifiers
        if isinstance(one, HashesVerifier) and not freeze_of(one, accept_stale=False).is_over(clock.now())
    ]
    return [
        *(Advice("one_address", one) for one in advice_of(settings)),
        *(Advice("stale_hashes", one) for one in stale),
    ]
