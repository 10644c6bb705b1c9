"""Any mix of people, answers, kills and strangers ends in a tenant and a ledger that hold the invariants.

I1 nobody lost, I2 nobody twice, I3 the ledger is reality, I4 passwords are right, I5 the flag says who still waits,
I7 every call is explained by a ledger row.
"""

from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.builders import (
    Human,
    MemorySource,
    World,
    assert_true_to_life,
    federated_only,
    weak_password,
    with_password,
    without_password,
)
from tests.support.memory_directory import LostAfter, LostBefore, MemoryTenant

from idferry.errors import DirectoryError
from idferry.flows.send_people import SendLimits
from idferry.rules.account import TenantKind
from idferry.rules.answers import Fatal, Postponed, Rejected, Undelivered
from idferry.rules.entry import TakeUp
from idferry.rules.lifecycle import State
from idferry.rules.plan import PasswordMode

# Few numbers, so that equal sign-in names and equal keys are common.
NUMBERS = st.integers(0, 25)
HUMANS = st.one_of(
    NUMBERS.map(with_password),
    NUMBERS.map(without_password),
    NUMBERS.map(weak_password),
    NUMBERS.map(federated_only),
    NUMBERS.map(
        lambda number: Human(f"u{number}", user_name=f"User_{number}", password=f"Long-enough-{number}")
    ),
    NUMBERS.map(
        lambda number: Human(
            f"b{number}", f"KNOWN{number}@Example.com", federated=("google.com", f"g-{number}")
        )
    ),
    NUMBERS.map(lambda number: Human(f"n{number}")),
)
ANSWERS = st.sampled_from(
    [
        None,
        None,
        LostBefore(),
        LostAfter(),
        Postponed(),
        Undelivered("refused"),
        Rejected("invalid_value", "a value"),
        Fatal("quota_exceeded", "full"),
    ]
)
STRANGERS = st.lists(
    st.tuples(NUMBERS, st.sampled_from([None, "fabrikam:crm:1", "contoso:other:k1"])), max_size=3
)


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    humans=st.lists(HUMANS, max_size=60),
    answers=st.lists(ANSWERS, max_size=60),
    kills=st.lists(st.integers(1, 12), max_size=4),
    strangers=STRANGERS,
    lag=st.sampled_from([0, 1, 119]),
    mode=st.sampled_from(PasswordMode),
    kind=st.sampled_from(TenantKind),
    attempts=st.integers(1, 4),
    names_the_holder=st.booleans(),
)
def test_whatever_happens_nobody_is_lost_doubled_or_adopted(
    humans: list[Human],
    answers: list[object],
    kills: list[int],
    strangers: list[tuple[int, str | None]],
    lag: int,
    mode: PasswordMode,
    kind: TenantKind,
    attempts: int,
    names_the_holder: bool,
) -> None:
    tenant = MemoryTenant(lag=timedelta(seconds=lag), names_the_holder=names_the_holder)
    limits = SendLimits(chunks_under_way_max=2, attempts_max=attempts)
    world = World(MemorySource(humans), tenant, mode=mode, kind=kind, limits=limits)
    planted = [
        tenant.plant(*with_password(number).identities, legacy_id=legacy_id)
        for number, legacy_id in dict(strangers).items()
    ]
    before = {object_id: tenant.stored[object_id].account for object_id in planted}
    tenant.plan_faults(answers)  # type: ignore[arg-type]
    for write in kills:
        try:
            world.killed_at(write)
        except DirectoryError:
            continue
    _finish(world)
    assert_true_to_life(world, strangers=before)
    _finish(world, take_up=TakeUp(retry_failed=True))
    assert_true_to_life(world, strangers=before)
    world.tenant.plan_faults(())
    _finish(world, take_up=TakeUp(retry_failed=True))
    conflicts = [entry for entry in world.entries().values() if entry.state is State.FAILED]
    assert all(entry.code == "conflict" for entry in conflicts), "nobody but strangers bars anybody for good"


def _finish(world: World, *, take_up: TakeUp | None = None) -> None:
    """The same command again until it ends by itself: every error but the last run's is one that can be resumed."""
    for _ in range(100):
        try:
            world.premigrate(take_up=take_up)
        except DirectoryError:
            continue
        return
    raise AssertionError("it never ends")
