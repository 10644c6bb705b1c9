"""`idferry serve` over a legacy system that says yes after so many seconds: `external_id_server.py SECONDS GRAPH`.

GRAPH is `asked`, or `stand-in`: then the account's facts are at hand, so that what the call itself costs can be told
from what reading the account costs. Everything else is the product's: listener, token, decryption, guard, ledger, log.
It runs where the settings are, prints what `serve` prints and ends when its standard input closes.
"""

import sys
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from idferry.cli.app import main as idferry
from idferry.ports import Deadline, LegacyRef
from idferry.rules.password import Password
from idferry.rules.sign_in import AccountFacts
from idferry.rules.verdict import Match, Verdict
from idferry.wiring import service, verifiers
from idferry.wiring.sign_ins import SignInFlow, SignInPlace

CREATED = datetime(2026, 1, 1, tzinfo=UTC)


class Yes:
    """A ports.PasswordVerifier that knows every password, after a while."""

    name = "legacy"

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def verify(self, who: LegacyRef, password: Password, deadline: Deadline) -> Verdict:  # noqa: ARG002  the port's
        """It is right."""
        if self._seconds:
            time.sleep(self._seconds)
        return Match()


class Facts:
    """A ports.SignInDirectory for reading only: every account awaits its password."""

    def facts(self, object_id: str, deadline: Deadline) -> "Future[AccountFacts | None]":  # noqa: ARG002  the port's
        """At once."""
        found: Future[AccountFacts | None] = Future()
        legacy_id = f"bench:bench:{object_id.rpartition('-')[2]}"
        found.set_result(
            AccountFacts(
                object_id=object_id,
                legacy_id=legacy_id,
                flag=True,
                enabled=True,
                created_at=CREATED,
                password_changed_at=CREATED,
            )
        )
        return found


def main() -> None:
    """Serve."""
    seconds, graph = float(sys.argv[1]), sys.argv[2]
    flow_of: Callable[[SignInPlace], SignInFlow] = vars(service)["sign_in_flow_of"]

    def with_stand_ins(place: SignInPlace) -> SignInFlow:
        flow = flow_of(place)
        directory: Any = Facts()
        return flow if graph == "asked" else replace(flow, parts=replace(flow.parts, directory=directory))

    def yes(*_: object) -> Yes:
        return Yes(seconds)

    # These two are what the modules call by these names; nothing else of the product is replaced.
    vars(service)["sign_in_flow_of"] = with_stand_ins
    vars(verifiers)["live_verifier"] = yes
    sys.argv[1:] = ["serve", "--port", "0", "--admin-port", "0", "--exit-with-parent", "--json"]
    idferry()


if __name__ == "__main__":
    main()
