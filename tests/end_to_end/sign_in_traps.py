"""The traps of a migration at sign-in, told as stories that every front plays: the same steps, other words where they differ.

Each story takes the stand and the front's name, has people of its own, and leaves no fault behind.
"""

import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from types import MappingProxyType

from tests.end_to_end.sign_in_matrix import EXTERNAL, NEW, OLD, OWN, PASSWORDS, WITHIN_S, WRONG
from tests.support.b2c_policy import Mode
from tests.support.legacy_shop import CLOSED, MUST_CHANGE, SECOND_FACTOR
from tests.support.matrix_stand import NO_ACCOUNT, NOBODY_KNOWS, PEOPLE, MatrixStand
from tests.support.scripted_server import wait_until
from tests.support.sign_in_ends import End

from idferry.rules.lifecycle import State

Story = Callable[[MatrixStand, str], None]
WEAK = "weak"
PASSWORDS_AND_WEAK = MappingProxyType({**PASSWORDS, WEAK: "summertime"})
EARLY, FAINT, PATIENT, TWICE = (
    "early@example.com",
    "faint@example.com",
    "patient@example.com",
    "twice@example.com",
)
FOREIGN, HASTY, LATE = "foreign@example.com", "hasty@example.com", "late@example.com"
DEMANDED = MappingProxyType({MUST_CHANGE: "changer", SECOND_FACTOR: "careful", CLOSED: "gone"})


def people_of_traps() -> dict[str, str]:
    """Sign-in name -> legacy password of those who stand in the export from the beginning."""
    old = PASSWORDS[OLD]
    people = dict.fromkeys([EARLY, PATIENT, *map(_of_demand, DEMANDED)], old)
    return {**people, FAINT: PASSWORDS_AND_WEAK[WEAK]}


def reset_before_the_first_sign_in(stand: MatrixStand, front: str) -> None:
    """The legacy password is worth nothing any more, and never replaces the new one."""
    writes = stand.writes
    assert stand.front.reset(EARLY, PASSWORDS[NEW]) is End.RESET
    assert stand.writes - writes == (0 if front == EXTERNAL else 1), "the policy's own, and none of ours"
    for _ in range(2):
        assert stand.front.sign_in(EARLY, PASSWORDS[OLD]) is End.WRONG
        wait_until(lambda: stand.flag(EARLY) is False, seconds=WITHIN_S)
        assert stand.opens(EARLY, PASSWORDS) == NEW
    assert stand.front.sign_in(EARLY, PASSWORDS[NEW]) is End.TOKEN
    ends = State.CREATING if front == Mode.C else State.COMPLETE
    wait_until(lambda: stand.state(EARLY) is ends, seconds=WITHIN_S)


def weak_legacy_password(stand: MatrixStand, front: str) -> None:
    """Stored where the policy says so; else the person chooses a better one, after proof, and only that one opens."""
    weak = PASSWORDS_AND_WEAK[WEAK]
    if front == Mode.A:
        assert stand.front.sign_in(FAINT, weak) is End.TOKEN
        assert stand.opens(FAINT, PASSWORDS_AND_WEAK) == WEAK
        assert stand.flag(FAINT) is False
        return
    for _ in range(2):
        assert stand.front.sign_in(FAINT, weak) is End.MUST_RESET
    waits_for = NO_ACCOUNT if front == Mode.C else NOBODY_KNOWS
    assert stand.opens(FAINT, PASSWORDS_AND_WEAK) == waits_for
    assert stand.flag(FAINT) is (None if front == Mode.C else True)
    assert stand.front.reset(FAINT, PASSWORDS[NEW]) is End.RESET
    assert stand.front.sign_in(FAINT, weak) is End.WRONG
    wait_until(lambda: stand.flag(FAINT) is False, seconds=WITHIN_S)
    assert stand.opens(FAINT, PASSWORDS_AND_WEAK) == NEW
    assert stand.front.sign_in(FAINT, PASSWORDS[NEW]) is End.TOKEN


def legacy_outage(stand: MatrixStand, front: str) -> None:
    """Right and wrong read the same, nothing about the password; nothing is lost, and the next try gets in."""
    told = End.MUST_RESET if front == Mode.RESET_REQUIRED else End.LATER
    before = (*_seen(stand, PATIENT), stand.state(PATIENT))
    stand.shop.down = True
    try:
        for word in (OLD, WRONG):
            assert stand.front.sign_in(PATIENT, PASSWORDS[word]) is told
        assert (*_seen(stand, PATIENT), stand.state(PATIENT)) == before
    finally:
        stand.shop.down = False
    if front != Mode.RESET_REQUIRED:
        assert stand.front.sign_in(PATIENT, PASSWORDS[OLD]) is End.TOKEN
        assert stand.opens(PATIENT, PASSWORDS) == OLD


def person_in_both_directories(stand: MatrixStand, front: str) -> None:
    """An account that is not ours stays its owner's: never adopted, never written, and its own password opens it."""
    stand.shop.passwords.update({TWICE: PASSWORDS[OLD], FOREIGN: PASSWORDS[OLD]})
    stand.own_account(TWICE, PASSWORDS[OWN])
    of_others = {
        stand.tenant.extension("requiresMigration"): True,
        stand.tenant.extension("legacyId"): "elsewhere:shop:1",
    }
    stand.own_account(FOREIGN, PASSWORDS[OWN], **of_others)
    _import_later(stand, TWICE, FOREIGN)
    asked = stand.asked
    for name in (TWICE, FOREIGN):
        before = stand.account(name)
        assert stand.state(name) is State.FAILED
        assert stand.front.sign_in(name, PASSWORDS[OLD]) is End.WRONG
        assert stand.account(name) == before
        assert stand.front.sign_up(name, PASSWORDS[NEW]) is End.TAKEN
    assert stand.front.sign_in(TWICE, PASSWORDS[OWN]) is End.TOKEN
    assert stand.opens(FOREIGN, PASSWORDS) == OWN
    assert stand.flag(FOREIGN) is True, "that is for the other tool to say"
    assert stand.asked == asked, "no legacy password of theirs is worth asking for"


def sign_up_of_a_person_not_yet_migrated(stand: MatrixStand, front: str) -> None:
    """Whoever is in the export makes no second account; whoever the export brings later keeps the one that he made."""
    stand.shop.passwords[HASTY] = PASSWORDS[OLD]
    assert stand.front.sign_up(HASTY, PASSWORDS[NEW]) is End.TOKEN
    before = stand.account(HASTY)
    _import_later(stand, HASTY)
    assert stand.state(HASTY) is State.FAILED
    assert {**stand.account(HASTY), "signInActivity": None} == {**before, "signInActivity": None}
    assert stand.front.sign_in(HASTY, PASSWORDS[OLD]) is End.WRONG
    assert stand.opens(HASTY, PASSWORDS) == NEW
    stand.shop.passwords[LATE] = PASSWORDS[OLD]
    _import_later(stand, LATE, failed=0)
    assert stand.front.sign_up(LATE, PASSWORDS[NEW]) is End.TAKEN
    signs_in = End.MUST_RESET if front == Mode.RESET_REQUIRED else End.TOKEN
    assert stand.front.sign_in(LATE, PASSWORDS[OLD]) is signs_in
    assert len(stand.accounts(LATE)) == 1


def what_the_legacy_system_demands(stand: MatrixStand, front: str) -> None:
    """Told to whoever has typed the right password, and to nobody else; nobody is migrated on it."""
    told = {MUST_CHANGE: End.MUST_RESET, SECOND_FACTOR: End.BARRED, CLOSED: End.BARRED}
    stand.shop.demands.update({_of_demand(demand): demand for demand in told})
    before = [_seen(stand, _of_demand(demand)) for demand in told]
    for word, ends in ((WRONG, [End.WRONG] * len(told)), (OLD, list(told.values()))):
        # Each in another browser, because such answers take their time.
        with ThreadPoolExecutor(len(told)) as browsers:
            shown = browsers.map(stand.front.sign_in, map(_of_demand, told), [PASSWORDS[word]] * len(told))
            expected = [End.MUST_RESET] * len(told) if front == Mode.RESET_REQUIRED else ends
            assert list(shown) == expected
    assert [_seen(stand, _of_demand(demand)) for demand in told] == before
    # Whoever has to choose another password does so, and is through.
    name = _of_demand(MUST_CHANGE)
    assert stand.front.reset(name, PASSWORDS[NEW]) is End.RESET
    assert stand.front.sign_in(name, PASSWORDS[NEW]) is End.TOKEN


TRAPS: Mapping[str, Story] = MappingProxyType(
    {
        "reset before the first sign-in": reset_before_the_first_sign_in,
        "weak legacy password": weak_legacy_password,
        "legacy outage": legacy_outage,
        "person in both directories": person_in_both_directories,
        "sign-up of a person not yet migrated": sign_up_of_a_person_not_yet_migrated,
        "what the legacy system demands": what_the_legacy_system_demands,
    }
)


def _seen(stand: MatrixStand, name: str) -> tuple[str, bool | None]:
    """What opens the account, and its flag."""
    return stand.opens(name, PASSWORDS), stand.flag(name)


def _of_demand(demand: str) -> str:
    return f"{DEMANDED[demand]}@example.com"


def _import_later(stand: MatrixStand, *names: str, failed: int | None = None) -> None:
    """These people stand in a later export, which is imported; all of them fail unless told otherwise."""
    expected = len(names) if failed is None else failed
    file = stand.folder / f"later-{names[0].partition('@')[0]}.jsonl"
    rows = [{"key": name, "signInName": name, "displayName": "Somebody"} for name in names]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    done = stand.run("premigrate", file.name, "--execute", code=1 if expected else 0)
    assert done["failed"] == expected, done
    assert file.name != PEOPLE
