"""Somebody signs up at the legacy front: a planned person gets the account, and whatever is unclear is settled later."""

from datetime import timedelta

import pytest
from tests.support.any_ledger import TAKE_NOBODY_UP
from tests.support.builders import PROJECT, SOURCE, Human
from tests.support.hand_clock import HandClock
from tests.support.ledger_records import AT
from tests.support.memory_directory import Fault, LostAfter, LostBefore, MemoryTenant
from tests.support.memory_ledger import MemoryLedger

from idferry.flows.capture import Captured
from idferry.flows.create_at_sign_up import SignUpParts, create_at_sign_up, is_being_created
from idferry.flows.settle_claims import settle_claims
from idferry.ports import Deadline
from idferry.rules.account import TenantKind
from idferry.rules.answers import Fatal, Postponed, Rejected, Undelivered
from idferry.rules.capture import CaptureEnd, CaptureEvent, CaptureRules, Proven
from idferry.rules.entry import CLAIM_KEPT, Entry, PlanItem, Selection
from idferry.rules.lifecycle import State
from idferry.rules.password import Password
from idferry.rules.plan import PasswordFacts, PlanRules, plan_person

NAME, PASSWORD = "ana@example.com", "Sunny-Meadow-1"


class Stage:
    """One person who is planned, and a tenant."""

    def __init__(self) -> None:
        self.clock = HandClock(AT)
        self.tenant = MemoryTenant(clock=self.clock)
        self.ledger = MemoryLedger()
        user = Human("1", NAME).record(0, source=SOURCE).user
        rules = PlanRules(project=PROJECT, tenant_kind=TenantKind.B2C)
        item = PlanItem(user, plan_person(user, PasswordFacts(present=False), rules))
        self.ledger.plan.begin_planning()
        self.ledger.plan.plan([item], run="run-1", take_up=TAKE_NOBODY_UP, at=AT)

    def sign_up(self, password: str = PASSWORD, **who: str) -> CaptureEnd:
        captured = Captured(
            proven=Proven(CaptureEvent.SIGN_UP, self.clock.now()),
            password=Password(password),
            **(who or {"sign_in_name": NAME}),  # type: ignore[arg-type]
        )
        parts = SignUpParts(
            claims=self.ledger.claims, writer=self.tenant.writer, clock=self.clock, rules=CaptureRules()
        )
        deadline = Deadline.after(timedelta(seconds=5), self.clock)
        return create_at_sign_up(captured=captured, deadline=deadline, parts=parts)

    def settle(self) -> None:
        settle_claims(claims=self.ledger.claims, writer=self.tenant.writer, clock=self.clock)

    @property
    def is_being_created(self) -> bool:
        proven = Proven(CaptureEvent.PASSWORD_CHANGE, self.clock.now())
        captured = Captured(proven=proven, password=Password(PASSWORD), sign_in_name=NAME)
        return is_being_created(captured, claims=self.ledger.claims)

    @property
    def entry(self) -> Entry:
        return next(iter(self.ledger.report.entries(Selection())))


@pytest.mark.parametrize(
    "who", [{"sign_in_name": " ANA@example.com"}, {"legacy_id": f"{PROJECT}:{SOURCE}:1"}]
)
def test_a_planned_person_gets_the_account_with_the_password(who: dict[str, str]) -> None:
    stage = Stage()
    assert stage.sign_up(**who) is CaptureEnd.CREATED
    assert stage.tenant.opens(NAME, PASSWORD)
    (account,) = stage.tenant.accounts()
    assert (account.legacy_id, account.flag) == (f"{PROJECT}:{SOURCE}:1", None)
    assert (stage.entry.state, stage.entry.object_id) == (State.COMPLETE, account.object_id)


def test_nobody_else_gets_one() -> None:
    stage = Stage()
    assert stage.sign_up(sign_in_name="new@example.com") is CaptureEnd.UNKNOWN_HERE
    for state in (State.LEFT_OUT, State.REFUSED, State.FAILED, State.REMOVED):
        stage.ledger.claims._shelves.people[1].state = state
        assert stage.sign_up() is CaptureEnd.UNKNOWN_HERE
    stage.ledger.claims._shelves.people[1].state = State.CREATING
    assert stage.sign_up() is CaptureEnd.NOT_NOW
    assert stage.tenant.calls == []


def test_a_weak_password_creates_nothing_and_is_counted() -> None:
    stage = Stage()
    assert stage.sign_up("sunny") is CaptureEnd.REFUSED
    stage.tenant.refuses_password = lambda _: True
    assert stage.sign_up() is CaptureEnd.REFUSED
    assert (stage.entry.state, stage.tenant.accounts()) == (State.PLANNED, [])
    assert stage.ledger.captures.captures_refused(Selection()) == 1


@pytest.mark.parametrize(
    "answer",
    [Postponed(), Undelivered("x"), Fatal("quota_exceeded", "full"), Rejected("invalid_value", "x")],
    ids=lambda one: type(one).__name__,
)
def test_what_was_certainly_not_done_is_planned_again(answer: Fault) -> None:
    stage = Stage()
    stage.tenant.plan_faults([answer])
    assert stage.sign_up() is CaptureEnd.NOT_NOW
    assert stage.entry.state is State.PLANNED
    assert stage.sign_up() is CaptureEnd.CREATED


@pytest.mark.parametrize("lost", [LostBefore(), LostAfter()], ids=["before", "after"])
def test_a_lost_answer_is_settled_by_the_legacy_id(lost: LostBefore | LostAfter) -> None:
    stage = Stage()
    stage.tenant.plan_faults([lost])
    assert stage.sign_up() is CaptureEnd.NOT_NOW
    assert stage.entry.state is State.CREATING
    assert stage.sign_up() is CaptureEnd.NOT_NOW, "nobody sends while it is unclear"
    assert stage.is_being_created
    stage.clock.advance(CLAIM_KEPT.total_seconds() + 1)
    stage.settle()
    assert not stage.is_being_created
    is_there = isinstance(lost, LostAfter)
    assert stage.entry.state is (State.COMPLETE if is_there else State.PLANNED)
    assert len(stage.tenant.accounts()) == is_there
