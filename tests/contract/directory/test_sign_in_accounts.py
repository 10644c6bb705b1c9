"""One account while somebody waits: read within a deadline, written in one call, and never waited for."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from tests.support.any_directory import EmulatedDirectory
from tests.support.emulator import Emulator

from idferry.errors import DirectoryError, Stopped
from idferry.ports import Deadline
from idferry.rules.account import PasswordPlan, TenantKind
from idferry.rules.password import Password
from idferry.rules.sign_in import Written, password_is_newer

NEW = Password("Own-Password-1")


@pytest.fixture(params=list(TenantKind))
def emulated(request: pytest.FixtureRequest, emulator: Emulator) -> Iterator[EmulatedDirectory]:
    emulator.reset()
    directory = EmulatedDirectory(emulator, request.param)
    yield directory
    directory.close()


def soon(emulated: EmulatedDirectory, seconds: float = 5.0) -> Deadline:
    return Deadline.after(timedelta(seconds=seconds), emulated.clock)


def awaiting(emulated: EmulatedDirectory) -> str:
    return emulated.hand_over([emulated.draft("1", "ana@example.com", plan=PasswordPlan.RANDOM)])[0]


def test_facts_of_an_account_and_of_none(emulated: EmulatedDirectory) -> None:
    account = awaiting(emulated)
    sign_ins = emulated.directory.sign_ins
    facts = sign_ins.facts(account, soon(emulated)).result(10)
    assert facts is not None
    assert (facts.object_id, facts.legacy_id, facts.flag, facts.enabled) == (account, "p:s:1", True, True)
    assert not password_is_newer(facts, written_at=None)
    nobody = "00000000-0000-4000-8000-000000000000"
    assert sign_ins.facts(nobody, soon(emulated)).result(10) is None


def test_password_and_flag_are_written_in_one_call(emulated: EmulatedDirectory) -> None:
    account = awaiting(emulated)
    sign_ins = emulated.directory.sign_ins
    written = sign_ins.write_password(account, NEW, weak=False, deadline=soon(emulated)).result(10)
    assert written is Written.DONE
    facts = sign_ins.facts(account, soon(emulated)).result(10)
    assert facts is not None
    assert facts.flag is False
    assert emulated.opens("ana@example.com", "Own-Password-1")


def test_a_reset_shows_as_a_newer_password_and_clearing_leaves_it(emulated: EmulatedDirectory) -> None:
    account = awaiting(emulated)
    sign_ins = emulated.directory.sign_ins
    emulated.emulator.advance(60)
    sign_ins.write_password(account, NEW, weak=False, deadline=soon(emulated)).result(10)
    facts = sign_ins.facts(account, soon(emulated)).result(10)
    assert facts is not None
    assert password_is_newer(facts, written_at=None)
    assert sign_ins.clear_flag(account, soon(emulated)).result(10) is True
    assert emulated.opens("ana@example.com", "Own-Password-1")
    assert sign_ins.raise_flag(account, soon(emulated)).result(10) is True
    facts = sign_ins.facts(account, soon(emulated)).result(10)
    assert facts is not None
    assert facts.flag is True
    assert emulated.opens("ana@example.com", "Own-Password-1"), "only the flag has changed"


def test_what_the_directory_will_not_store_is_refused_and_changes_nothing(
    emulated: EmulatedDirectory,
) -> None:
    account = awaiting(emulated)
    emulated.emulator.options(emulated.tenant, banned_words=["puffin"])
    sign_ins = emulated.directory.sign_ins
    for text in ("Puffin-Puffin-1", "short", "\ud800-Not-Utf8-1"):
        write = sign_ins.write_password(account, Password(text), weak=False, deadline=soon(emulated))
        assert write.result(10) is Written.REFUSED, text
    facts = sign_ins.facts(account, soon(emulated)).result(10)
    assert facts is not None
    assert facts.flag is True


@pytest.mark.parametrize(("kind", "is_written"), [("cut_after", True), ("cut_before", False)])
def test_a_lost_answer_is_unclear_and_is_sent_once(
    emulated: EmulatedDirectory, kind: str, is_written: bool
) -> None:
    account = awaiting(emulated)
    emulated.emulator.faults({"operation": "users.patch", "kind": kind, "count": 1})
    sign_ins = emulated.directory.sign_ins
    written = sign_ins.write_password(account, NEW, weak=False, deadline=soon(emulated)).result(10)
    assert written is Written.UNCLEAR
    facts = sign_ins.facts(account, soon(emulated)).result(10)
    assert facts is not None
    assert facts.flag is not is_written


def test_reading_is_tried_again_while_there_is_time(emulated: EmulatedDirectory) -> None:
    account = awaiting(emulated)
    emulated.emulator.faults({"operation": "users.get", "kind": "status", "status": 503, "count": 2})
    facts = emulated.directory.sign_ins.facts(account, soon(emulated)).result(10)
    assert facts is not None
    emulated.emulator.faults({"operation": "users.get", "kind": "status", "status": 503, "count": 500})
    with pytest.raises((DirectoryError, Stopped)):
        emulated.directory.sign_ins.facts(account, soon(emulated, 1.0)).result(10)


def test_nothing_is_begun_after_the_deadline(emulated: EmulatedDirectory) -> None:
    account = awaiting(emulated)
    late, sign_ins = soon(emulated, 0.0), emulated.directory.sign_ins
    assert sign_ins.write_password(account, NEW, weak=False, deadline=late).result(10) is Written.FAILED
    assert sign_ins.clear_flag(account, late).result(10) is False
    assert sign_ins.raise_flag(account, late).result(10) is False
    with pytest.raises(Stopped):
        sign_ins.facts(account, late).result(10)
    assert not emulated.opens("ana@example.com", "Own-Password-1")


def test_a_weak_password_needs_the_strong_rule_lifted_where_it_can_be(emulated: EmulatedDirectory) -> None:
    account = awaiting(emulated)
    write = emulated.directory.sign_ins.write_password
    weak = Password("sunny-meadow")
    assert write(account, weak, weak=False, deadline=soon(emulated)).result(10) is Written.REFUSED
    lifted = Written.DONE if emulated.kind is TenantKind.B2C else Written.REFUSED
    assert write(account, weak, weak=True, deadline=soon(emulated)).result(10) is lifted
