"""Mode C: the account is made at the sign-in, by the policy; bulk and sign-ins never make two."""

import random
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier, Event, Lock
from typing import Any

import pytest
from msgspec import structs
from tests.support.any_ledger import TAKE_NOBODY_UP, counting_bytes
from tests.support.builders import PROJECT, SOURCE, Human, MemorySource
from tests.support.hand_clock import HandClock
from tests.support.ledger_records import AT, TENANT
from tests.support.memory_directory import LostAfter, LostBefore, MemoryTenant, MemoryWriter
from tests.support.memory_ledger import MemoryLedger
from tests.support.memory_sign_ins import UNREACHABLE, SignInWorld

from idferry.flows.claim_newcomer import draft_for_reset, has_account_or_will
from idferry.flows.send_people import SendLimits, send_people
from idferry.flows.settle_claims import settle_claims
from idferry.ledger import open_ledger
from idferry.ledger.claims import LedgerClaims
from idferry.ledger.reset_status import LedgerPlace
from idferry.ports import CreateOrder
from idferry.rules.account import AccountDraft, PasswordPlan, TenantKind
from idferry.rules.answers import Created
from idferry.rules.comparison import compare
from idferry.rules.entry import CLAIM_KEPT, PlanItem, Selection
from idferry.rules.lifecycle import State
from idferry.rules.password import Password
from idferry.rules.plan import PasswordFacts, PlanRules, plan_person
from idferry.rules.sign_in import Cause, Decision, Outcome
from idferry.rules.verdict import Barred, Condition, Match

OLD = "Old-Password-1"
SIGNED_IN_FIRST = (
    8  # all but one of the threads: they sign in, then the bulk run begins, then everybody meets
)


def human(number: int) -> Human:
    return Human(str(number), f"p{number}@example.com", f"user{number}", display_name=f"Person {number}")


def items(people: Sequence[Human]) -> list[PlanItem]:
    rules = PlanRules(project=PROJECT, tenant_kind=TenantKind.B2C)
    users = [one.record(ordinal, source=SOURCE).user for ordinal, one in enumerate(people)]
    return [PlanItem(user, plan_person(user, PasswordFacts(present=False), rules)) for user in users]


class ModeC:
    """One tenant without accounts, people who are planned, and sign-ins that ask for claims."""

    def __init__(self, people: int = 3) -> None:
        self.world = SignInWorld()
        self.ledger = MemoryLedger()
        self.ledger.plan.begin_planning()
        self.ledger.plan.plan(
            items([human(one) for one in range(people)]), run="run-1", take_up=TAKE_NOBODY_UP, at=AT
        )
        self.world.parts = replace(self.world.parts, claims=self.ledger.claims)
        self.world.legacy.passwords = {str(one): OLD for one in range(people)}

    def sign_in(self, number: int, password: str = OLD, **how: Any) -> Decision:
        return self.world.sign_in(f"p{number}@example.com", password, **how)

    def state(self, number: int) -> State:
        return next(one.state for one in self.ledger.report.entries(Selection()) if one.key == str(number))


def test_a_planned_person_gets_the_draft_after_proof_alone() -> None:
    stage = ModeC()
    wrong = stage.sign_in(0, "wrong")
    assert (wrong.outcome, wrong.cause, wrong.create) == (Outcome.NEGATIVE, Cause.MISMATCH, None)
    assert stage.state(0) is State.PLANNED
    right = stage.sign_in(0)
    assert right.outcome is Outcome.WELCOME
    assert right.create is not None
    assert (right.create.display_name, right.create.legacy_id) == ("Person 0", f"{PROJECT}:{SOURCE}:0")
    assert stage.state(0) is State.CREATING
    assert stage.world.directory.writes == 0


def test_a_retry_hears_the_same_and_costs_no_call() -> None:
    stage = ModeC()
    first = stage.sign_in(0, correlation_id="c")
    again = stage.sign_in(0, correlation_id="c")
    assert again == first
    assert len(stage.world.legacy.asked) == 1


def test_whoever_is_not_planned_hears_what_nobody_hears() -> None:
    stage = ModeC()
    entry = stage.ledger.report.entry_of_sign_in_name("p0@example.com")
    assert entry is not None
    shelf = stage.ledger.claims._shelves.people
    for state in (State.LEFT_OUT, State.REFUSED, State.FAILED, State.REMOVED):
        shelf[entry.person_id].state = state
        decision = stage.sign_in(0)
        assert (decision.outcome, decision.cause) == (Outcome.NEGATIVE, Cause.UNKNOWN_HERE), state
    assert stage.world.legacy.asked == []


def test_without_mode_c_nobody_is_claimed() -> None:
    stage = ModeC()
    stage.world.parts = replace(stage.world.parts, claims=None)
    assert stage.sign_in(0).cause is Cause.UNKNOWN_HERE
    assert stage.state(0) is State.PLANNED


def test_what_the_legacy_system_says_beside_the_password_counts_here_too() -> None:
    stage = ModeC()
    says = (
        (Match(Condition.MUST_CHANGE), Outcome.MUST_CHANGE),
        (Match(Condition.SECOND_FACTOR), Outcome.BARRED),
        (Barred(proven=True), Outcome.BARRED),
        (UNREACHABLE, Outcome.UNAVAILABLE),
    )
    for number, (verdict, outcome) in enumerate(says):
        stage.world.legacy.says = lambda _, verdict=verdict: verdict
        assert stage.sign_in(0, f"{OLD}{number}").outcome is outcome
    assert stage.state(0) is State.PLANNED


def test_whom_an_import_is_creating_is_asked_to_try_again() -> None:
    stage = ModeC()
    entry = stage.ledger.report.entry_of_sign_in_name("p0@example.com")
    assert entry is not None
    stage.ledger.send.turn(run="run-1", observed=(), sending=[entry.person_id], at=AT)
    decision = stage.sign_in(0)
    assert (decision.outcome, decision.cause) == (Outcome.UNAVAILABLE, Cause.BEING_CREATED)


def test_sign_up_and_reset_know_whom_to_expect() -> None:
    stage = ModeC()
    claims, clock = stage.ledger.claims, stage.world.clock
    assert has_account_or_will(sign_in_name="P0@Example.com ", claims=claims)
    assert not has_account_or_will(sign_in_name="new@example.com", claims=claims)
    assert not has_account_or_will(sign_in_name=" ", claims=claims)
    by_user_name = draft_for_reset(sign_in_name="user0", claims=claims, clock=clock)
    assert by_user_name is None, "no address of the person was proven"
    assert stage.state(0) is State.PLANNED
    draft = draft_for_reset(sign_in_name="P0@example.com", claims=claims, clock=clock)
    assert draft is not None
    assert draft.display_name == "Person 0"
    assert stage.state(0) is State.CREATING
    assert has_account_or_will(sign_in_name="p0@example.com", claims=claims)
    assert draft_for_reset(sign_in_name="new@example.com", claims=claims, clock=clock) is None


class Policy:
    """The tenant's side: AAD Write by sign-in name, which refuses a name that is taken. Its lock is the tenant's."""

    def __init__(self, tenant: MemoryTenant) -> None:
        self.tenant = tenant
        self.lock = Lock()
        self.bulk_sends = Event()

    def write(self, draft: AccountDraft, password: str) -> bool:
        known = structs.replace(draft, password_plan=PasswordPlan.KNOWN)
        with self.lock:
            return isinstance(self.tenant.create(CreateOrder(known, Password(password))), Created)


def lost_now_and_then(chance: random.Random) -> Iterator[LostBefore | LostAfter | None]:
    """Of the tenant's answers 5 % get lost: half of them before it did what was asked."""
    while True:
        drawn = chance.random()
        yield LostBefore() if drawn < 0.025 else LostAfter() if drawn < 0.05 else None


class LockedWriter(MemoryWriter):
    """The bulk run's side of the same tenant, and its answers get lost now and then."""

    def __init__(self, policy: Policy) -> None:
        super().__init__(policy.tenant)
        self.policy = policy
        self.sent: set[str] = set()

    def create(self, chunk: Any) -> Any:
        self.policy.bulk_sends.set()
        time.sleep(0.02)  # so that the others are there too
        self.sent |= {order.draft.legacy_id for order in chunk}
        with self.policy.lock:
            return super().create(chunk)


def test_a_claim_becomes_an_account_or_ends() -> None:
    stage, clock = ModeC(), HandClock()
    tenant = MemoryTenant(clock=clock)
    writer, policy, claims = MemoryWriter(tenant), Policy(tenant), stage.ledger.claims
    for number in (0, 1):
        decision = stage.sign_in(number)
        assert decision.create is not None
        if number == 0:
            policy.write(decision.create, OLD)
    told = settle_claims(claims=claims, writer=writer, clock=clock)
    assert (told.adopted, told.ended, told.kept) == (1, 0, 1)
    assert [stage.state(one) for one in (0, 1)] == [State.COMPLETE, State.CREATING]
    clock.advance(CLAIM_KEPT.total_seconds() + 1)
    told = settle_claims(claims=claims, writer=writer, clock=clock)
    assert (told.adopted, told.ended, told.kept) == (0, 1, 0)
    assert stage.state(1) is State.PLANNED


def test_what_other_providers_call_the_person_is_in_the_draft_and_an_account_without_it_is_ours_all_the_same() -> (
    None
):
    stage, clock = ModeC(0), HandClock()
    linked = Human("f", "fay@example.com", federated=("facebook.com", "5eecb0cd"))
    stage.ledger.plan.plan(items([linked]), run="run-1", take_up=TAKE_NOBODY_UP, at=AT)
    stage.world.legacy.passwords["f"] = OLD
    draft = stage.world.sign_in("fay@example.com", OLD).create
    assert draft is not None
    assert [one.issuer for one in draft.identities if not one.is_local] == ["facebook.com"]
    tenant = MemoryTenant(clock=clock)
    local_alone = structs.replace(draft, identities=tuple(one for one in draft.identities if one.is_local))
    assert Policy(tenant).write(local_alone, OLD)
    told = settle_claims(claims=stage.ledger.claims, writer=MemoryWriter(tenant), clock=clock)
    entry = stage.ledger.report.entry_of_sign_in_name("fay@example.com")
    assert entry is not None
    assert (told.adopted, entry.state) == (1, State.COMPLETE)
    [account] = tenant.accounts()
    told_apart = compare(entry, account, flag_name="requiresMigration").differences
    assert [one.attribute for one in told_apart] == ["identities"], "verify names what is missing"


@pytest.mark.parametrize("seed", [1, 2])
def test_bulk_and_200_sign_ins_on_the_same_200_people_at_once_make_200_accounts(
    seed: int, tmp_path: Path
) -> None:
    """5 % of the answers are lost on either side; what the tenant holds is the oracle."""
    people, chance = [human(one) for one in range(200)], random.Random(seed)  # noqa: S311  no secret
    clock, world = HandClock(), SignInWorld()
    path = tmp_path / "contoso.ledger"
    open_here = {"tenant_id": TENANT, "project": PROJECT, "random_bytes": counting_bytes(), "at": AT}
    with open_ledger(path, **open_here) as ledger:  # type: ignore[arg-type]
        run, _ = ledger.runs.open_run(
            command="premigrate", source=SOURCE, source_digest="d", cohort="", at=AT
        )
        ledger.plan.begin_planning()
        ledger.plan.plan(items(people), run=run.run, take_up=TAKE_NOBODY_UP, at=AT)
    place = LedgerPlace(
        path=path,
        tenant_id=TENANT,
        project=PROJECT,
        random_bytes=counting_bytes(),
        now=clock.now,
        elapsed=clock.elapsed,
    )
    claims = LedgerClaims(place)
    world.parts = replace(world.parts, claims=claims)
    world.legacy.passwords = {one.key: OLD for one in people}
    tenant = MemoryTenant(clock=clock)
    policy = Policy(tenant)
    tenant.plan_faults(lost_now_and_then(random.Random(seed)))  # noqa: S311  no secret
    begin, some_are_in = Event(), Barrier(SIGNED_IN_FIRST + 1)
    written: set[str] = set()

    def bulk() -> set[str]:
        writer = LockedWriter(policy)
        with open_ledger(path, **open_here) as ledger:  # type: ignore[arg-type]
            begin.wait()
            if not policy.bulk_sends.is_set():
                some_are_in.wait(timeout=60)
            send_people(
                run=run.run,
                source=MemorySource(people),
                ledger=ledger.send,
                writer=writer,
                clock=clock,
                random_below=lambda most: most // 2,
                tell=lambda _: None,
                limits=SendLimits(chunks_under_way_max=1),
            )
        return writer.sent

    def person(number: int, *, is_first: bool) -> None:
        begin.wait()
        if not is_first:
            policy.bulk_sends.wait(timeout=60)
        decision = world.sign_in(f"p{number}@example.com", OLD)
        is_heard = number % 20 != seed  # our own answer may get lost as well
        if decision.create is not None and is_heard and policy.write(decision.create, OLD):
            written.add(decision.create.legacy_id)
        if is_first:
            some_are_in.wait(timeout=60)

    with ThreadPoolExecutor(9) as pool:
        first = pool.submit(bulk)
        order = list(range(200))
        chance.shuffle(order)
        others = [
            pool.submit(person, number, is_first=nth < SIGNED_IN_FIRST) for nth, number in enumerate(order)
        ]
        begin.set()
        for one in others:
            one.result(timeout=60)
        sent_by_bulk = first.result(timeout=60)
    assert written, "the two did meet"
    assert sent_by_bulk
    assert not written & sent_by_bulk, "nobody was sent by both"
    clock.advance(CLAIM_KEPT.total_seconds() + 1)
    settle_claims(claims=claims, writer=MemoryWriter(tenant), clock=clock)
    bulk()
    accounts = tenant.accounts()
    assert len(accounts) == 200
    assert {one.legacy_id for one in accounts} == {one.legacy_id for one in people}
    with open_ledger(path, **open_here) as ledger:  # type: ignore[arg-type]
        counted = ledger.report.states(Selection())
        entries = {one.legacy_id: one for one in ledger.report.entries(Selection())}
    assert set(counted) <= {State.COMPLETE, State.AWAITING_PASSWORD}, counted
    for account in accounts:
        entry = entries[account.legacy_id or ""]
        assert entry.object_id == account.object_id
        assert entry.state is (State.AWAITING_PASSWORD if account.flag else State.COMPLETE)
