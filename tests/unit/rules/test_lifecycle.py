import pytest

from idferry.rules.lifecycle import MEANINGS, ONLY_REBUILDING, TRANSITIONS, State, may_follow

FIRST = {State.PLANNED, State.LEFT_OUT, State.REFUSED}


def reachable_from(start: set[State]) -> set[State]:
    reached: set[State] = set()
    frontier = start
    while frontier:
        reached |= frontier
        frontier = {after for before, after in TRANSITIONS if before in frontier} - reached
    return reached


def test_every_state_is_reachable_from_what_planning_decides() -> None:
    assert reachable_from(FIRST) == set(State)


@pytest.mark.parametrize("state", list(State))
def test_nobody_is_stuck_before_having_an_account(state: State) -> None:
    assert reachable_from({state}) & {State.COMPLETE}


@pytest.mark.parametrize("state", list(State))
def test_every_state_has_a_meaning_and_a_way_out(state: State) -> None:
    assert MEANINGS[state]
    assert any(before is state for before, _ in TRANSITIONS)


def test_every_transition_says_when() -> None:
    assert all(TRANSITIONS.values())
    assert not any(before is after for before, after in TRANSITIONS)


def test_an_account_comes_from_an_intent_only() -> None:
    """Intent before act: whoever has an account was in `creating`, or had one that was removed and comes back."""
    for before, after in set(TRANSITIONS) - ONLY_REBUILDING:
        if after.has_account and not before.has_account:
            assert before in (State.CREATING, State.REMOVED, State.FAILED)


def test_creating_is_left_by_an_observation_only() -> None:
    assert {after for before, after in TRANSITIONS if before is State.CREATING} == {
        State.COMPLETE,
        State.AWAITING_PASSWORD,
        State.FAILED,
        State.PLANNED,
    }
    assert {before for before, after in TRANSITIONS if after is State.CREATING} == {State.PLANNED}


def test_whoever_has_an_account_loses_it_by_removal_only() -> None:
    for before, after in set(TRANSITIONS) - ONLY_REBUILDING:
        if before.has_account and not after.has_account:
            assert after is State.REMOVED


def test_steps_of_a_ledger_made_anew_are_nobody_elses() -> None:
    assert set(TRANSITIONS) >= ONLY_REBUILDING
    for before, after in ONLY_REBUILDING:
        assert not may_follow(before, after)
        assert may_follow(before, after, rebuilding=True)
    assert not may_follow(State.CREATING, State.LEFT_OUT, rebuilding=True)


@pytest.mark.parametrize(
    ("before", "after", "allowed"),
    [
        (State.PLANNED, State.CREATING, True),
        (State.PLANNED, State.PLANNED, True),
        (State.PLANNED, State.COMPLETE, False),
        (State.COMPLETE, State.PLANNED, False),
        (State.COMPLETE, State.AWAITING_PASSWORD, True),
        (State.FAILED, State.CREATING, False),
        (State.REMOVED, State.CREATING, False),
        (State.CREATING, State.PLANNED, True),
        (State.CREATING, State.LEFT_OUT, False),
        (State.FAILED, State.LEFT_OUT, True),
        (State.LEFT_OUT, State.REFUSED, True),
        (State.REFUSED, State.LEFT_OUT, True),
        (State.COMPLETE, State.LEFT_OUT, False),
    ],
)
def test_what_may_follow_what(before: State, after: State, allowed: bool) -> None:
    assert may_follow(before, after) is allowed
