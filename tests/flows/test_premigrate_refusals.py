"""Premigration that the directory refuses, postpones or never answers: who fails, what stops the run, what it costs."""

from concurrent.futures import Future
from dataclasses import replace
from itertools import chain, cycle, islice, repeat

import pytest
from tests.support.builders import (
    Human,
    MemorySource,
    World,
    assert_true_to_life,
    crowd,
    federated_only,
)
from tests.support.memory_directory import Fault, LostAfter, LostBefore, MemoryTenant

from idferry.errors import (
    EXIT_STOPPED,
    Forbidden,
    IdferryError,
    QuotaExceeded,
    Throttled,
    TokenRefused,
    Unreachable,
)
from idferry.flows.send_people import POSTPONEMENTS_MAX, SendLimits
from idferry.rules.answers import (
    Fatal,
    Postponed,
    Rejected,
    Undelivered,
)
from idferry.rules.password import Password
from idferry.rules.quota import UNPACED, Pace

# --- refusals that concern everybody -----------------------------------------------------------------------------


@pytest.mark.parametrize("people", [1, 19, 20, 45])
@pytest.mark.parametrize(
    ("code", "error"),
    [(QuotaExceeded.code, QuotaExceeded), (Forbidden.code, Forbidden), (TokenRefused.code, TokenRefused)],
)
def test_a_refusal_of_everybody_stops_the_run_which_can_be_resumed(
    people: int, code: str, error: type[IdferryError]
) -> None:
    world = World(MemorySource(crowd(people)))
    refused = people // 2
    world.tenant.plan_faults(chain(repeat(None, refused), repeat(Fatal(code, "no more"))))
    with pytest.raises(error, match="no more") as ended:
        world.premigrate()
    assert ended.value.exit_code == EXIT_STOPPED, "the same command continues"
    assert not world.failures(), "nobody is marked as failed for what concerns everybody"
    assert len(world.tenant.accounts()) == refused
    world.tenant.plan_faults(())
    report = world.premigrate()
    assert report.resumed
    assert_true_to_life(world)


def test_the_remedy_of_a_refusal_of_everybody_reaches_whoever_started_the_run() -> None:
    world = World(MemorySource(crowd(3)))
    world.tenant.plan_faults(repeat(Fatal(TokenRefused.code, "expired", "Make a new client secret.")))
    with pytest.raises(TokenRefused) as ended:
        world.premigrate()
    assert ended.value.remedy == "Make a new client secret."


def _token_refused() -> None:
    raise TokenRefused("the directory refuses the token")


def test_a_token_that_is_refused_to_a_question_is_a_stop_and_no_wrong_setting() -> None:
    """The run has begun, so the same command continues: the exit code says so, whichever call was refused."""
    world = World(MemorySource(crowd(5)))
    world.tenant.plan_faults(repeat(LostBefore("HTTP 503"), 500))
    world.tenant.check_reachable = _token_refused  # type: ignore[method-assign]
    world.tenant.inspector.inspect = lambda: FACTS  # type: ignore[method-assign]
    with pytest.raises(TokenRefused) as ended:
        world.premigrate()
    assert ended.value.exit_code == EXIT_STOPPED
    assert not world.failures()
    del world.tenant.check_reachable
    world.tenant.plan_faults(())
    world.premigrate()
    assert_true_to_life(world)


def test_a_directory_that_is_full_in_the_middle_stops_the_run() -> None:
    world = World(MemorySource(crowd(45)), MemoryTenant(quota=45))
    real = world.tenant.inspector.inspect
    world.tenant.inspector.inspect = lambda: replace(real(), objects_max=None)  # type: ignore[method-assign]
    world.tenant.quota = 44
    with pytest.raises(QuotaExceeded):
        world.premigrate()
    world.tenant.quota = 50
    world.premigrate()
    assert_true_to_life(world)


@pytest.mark.parametrize("people", [5, 20, 400])
@pytest.mark.parametrize("fault", [Undelivered("connection refused"), LostBefore("HTTP 503")])
def test_a_directory_that_never_answers_is_unreachable_after_a_bounded_number_of_calls(
    people: int, fault: Fault
) -> None:
    world = World(MemorySource(crowd(people)))
    world.tenant.plan_faults(repeat(fault))
    # Nor does it answer questions.
    world.tenant.check_reachable = _unreachable if isinstance(fault, LostBefore) else lambda: None  # type: ignore[method-assign]
    world.tenant.inspector.inspect = lambda: FACTS  # type: ignore[method-assign]
    with pytest.raises(Unreachable):
        world.premigrate()
    assert world.creates() <= 16 * 20
    assert not world.failures()
    assert Unreachable.exit_code == EXIT_STOPPED
    del world.tenant.check_reachable
    world.tenant.plan_faults(())
    world.premigrate()
    assert_true_to_life(world)


def _unreachable() -> None:
    raise Unreachable("no connection")


FACTS = MemoryTenant().inspector.inspect()


def test_writes_that_stay_unclear_while_reads_work_fail_these_people_only() -> None:
    world = World(MemorySource(crowd(3)), limits=SendLimits(attempts_max=3))
    world.tenant.plan_faults(chain(*repeat([None, LostBefore(), None], 1), repeat(LostBefore(), 9)))
    report = world.premigrate()
    assert (report.send.created, report.send.failed) == (2, {"unreachable": 1})
    assert world.creates() == 3 + 2
    assert world.entries()["r1"].reason == "no clear answer in 3 attempts: HTTP 503"


def test_a_tenant_that_postpones_for_ever_stops_the_run() -> None:
    world = World(MemorySource(crowd(2)))
    world.tenant.plan_faults(repeat(Postponed()))
    with pytest.raises(Throttled):
        world.premigrate()
    assert world.creates() <= 2 * (POSTPONEMENTS_MAX + 1)
    world.tenant.plan_faults(())
    world.premigrate()
    assert_true_to_life(world)


def test_postponed_calls_cost_no_attempt() -> None:
    world = World(MemorySource(crowd(2)), limits=SendLimits(attempts_max=1))
    world.tenant.plan_faults(chain(repeat(Postponed(), 20), repeat(None)))
    world.premigrate()
    assert_true_to_life(world)


@pytest.mark.parametrize("costless", [Postponed(), Undelivered("connection refused")])
def test_only_unclear_answers_use_attempts_up(costless: Fault) -> None:
    world = World(MemorySource(crowd(1)), limits=SendLimits(attempts_max=2))
    world.tenant.plan_faults([costless] * 5 + [LostBefore(), None])
    assert world.premigrate().send.created == 1


def test_rejections_fail_one_person_each_with_their_code() -> None:
    world = World(MemorySource(crowd(4)))
    world.tenant.plan_faults(
        [Rejected("invalid_value", "displayName"), None, Rejected("unexpected_answer", "HTTP 418")]
    )
    assert world.premigrate().send.failed == {"invalid_value": 1, "unexpected_answer": 1}
    assert world.failures() == {"invalid_value": 1, "unexpected_answer": 1}
    assert_true_to_life(world)


def test_a_refusal_says_nothing_about_the_attempt_before_it() -> None:
    world = World(MemorySource(crowd(4)))
    world.tenant.plan_faults(
        [LostAfter(), LostBefore(), None, None, *repeat(Rejected("invalid_value", "x"), 2)]
    )
    report = world.premigrate()
    assert (report.send.adopted, report.send.created, report.send.failed) == (1, 2, {"invalid_value": 1})
    assert_true_to_life(world)


# --- cost --------------------------------------------------------------------------------------------------------


def test_questions_do_not_pile_up_without_bound() -> None:
    """Everybody's name is taken and the directory is slow to say by whom."""
    world = World(MemorySource([federated_only(number) for number in range(900)]))
    for human in world.source.humans:
        world.tenant.plant(*human.identities, legacy_id=human.legacy_id)
    real, waiting, most = world.tenant.writer.holders, [], [0]

    def holders(drafts: object) -> "Future[object]":
        future: Future[object] = Future()
        waiting.append((future, real(drafts).result()))  # type: ignore[arg-type]
        most[0] = max(most[0], len(waiting))
        return future

    last = [0]

    def pace() -> Pace:
        """An answer comes only while nobody else is sent."""
        if world.creates() == last[0]:
            for future, answer in islice(waiting, 1):
                future.set_result(answer)
                del waiting[0]
        last[0] = world.creates()
        return UNPACED

    world.tenant.writer.holders = holders  # type: ignore[method-assign, assignment]
    world.tenant.writer.pace = pace  # type: ignore[method-assign]
    assert world.premigrate().send.adopted == 900
    assert most[0] <= 40


def test_creates_are_as_many_as_people_when_nothing_fails() -> None:
    world = World(MemorySource(crowd(500)))
    world.premigrate()
    assert world.creates() == 500
    assert not [call for call in world.tenant.calls if call[0] in ("holders", "ours")]


def test_random_passwords_of_two_runs_differ() -> None:
    world = World(MemorySource([Human(str(n), f"p{n}@example.com") for n in range(30)]))
    world.tenant.plan_faults(cycle([LostBefore(), None]))
    world.killed_at(5)
    world.premigrate()
    typed = [kept.password.reveal_to(lambda text: text) for kept in world.tenant.live() if kept.password]
    assert len(set(typed)) == 30
    assert all(Password(text).weakness() is None for text in typed)
