"""What a flow tells while it works: frozen values. The command line draws progress from them, tests assert them."""

from dataclasses import dataclass

from idferry.rules.quota import UNPACED, Pace
from idferry.rules.sign_in import Cause, Outcome
from idferry.rules.verdict import Verdict


@dataclass(frozen=True, slots=True)
class RecordsRead:
    """Planning has read so many records of the source."""

    count: int


@dataclass(frozen=True, slots=True)
class AttributeCreated:
    """Pre-flight created an extension attribute that was missing."""

    name: str


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A run begins, or continues when `resumed`; `total` people are to be created."""

    run: str
    total: int
    resumed: bool


@dataclass(frozen=True, slots=True)
class PeopleSettled:
    """So many people of this run have a final answer, `failed` of them a bad one.

    `pace`: how fast it may go on from here, as far as the quota goes.
    """

    done: int
    failed: int
    pace: Pace = UNPACED


@dataclass(frozen=True, slots=True)
class AccountsRead:
    """An enumeration has read so many accounts. `expected`: how many of them are ours, 0 where nobody counted them."""

    count: int
    expected: int = 0


@dataclass(frozen=True, slots=True)
class AccountsSought:
    """Of the accounts that an enumeration did not show, so many of about `total` were asked for by their ids."""

    count: int
    total: int


@dataclass(frozen=True, slots=True)
class RecordsCompared:
    """So many records of a source were compared with the ledger."""

    count: int


@dataclass(frozen=True, slots=True)
class AccountsUpdated:
    """So many accounts were brought up to date, or disabled.

    `settled`: of the `total` people to look at so many need nothing more, be it that they are changed, that there is
    nothing to change, or that they `failed`. `pace`: how fast accounts may be changed from now on, and who holds us
    back.
    """

    count: int
    settled: int
    total: int
    failed: int = 0
    pace: Pace = UNPACED


@dataclass(frozen=True, slots=True)
class AccountsRemoved:
    """So many accounts were removed."""

    count: int


@dataclass(frozen=True, slots=True)
class LegacyAnswered:
    """A legacy system answered with this code of its verifier's table, or with none that stands there."""

    verifier: str
    code: str


@dataclass(frozen=True, slots=True)
class PasswordChecked:
    """A verifier gave its verdict after so many seconds; the caller may have left before."""

    verifier: str
    verdict: Verdict
    seconds: float


@dataclass(frozen=True, slots=True)
class SignInDecided:
    """A sign-in of somebody whose password was still with the legacy system was decided."""

    outcome: Outcome
    cause: Cause


Happening = (
    RecordsRead
    | AttributeCreated
    | RunStarted
    | PeopleSettled
    | AccountsRead
    | AccountsSought
    | RecordsCompared
    | AccountsUpdated
    | AccountsRemoved
    | LegacyAnswered
    | PasswordChecked
    | SignInDecided
)
