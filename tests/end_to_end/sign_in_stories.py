"""What else can happen around a first sign-in: closed accounts, writes that fail, resets that nobody tells, user names.

Stories like those of `sign_in_traps`: each takes the stand and the front's name, has people of its own, and leaves no fault
behind.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from types import MappingProxyType
from typing import Any

from tests.end_to_end.sign_in_matrix import EXTERNAL, NEW, OLD, OWN, PASSWORDS, WITHIN_S, WRONG
from tests.end_to_end.sign_in_traps import Story
from tests.support.b2c_policy import B2cPolicy, Mode
from tests.support.graph_http import GraphHttp
from tests.support.legacy_front import hand_on
from tests.support.legacy_shop import MUST_CHANGE
from tests.support.matrix_stand import NO_ACCOUNT, NOBODY_KNOWS, PEOPLE, MatrixStand
from tests.support.scripted_server import wait_until
from tests.support.sign_in_ends import End

from idferry.rules.lifecycle import State

BARRED_HERE, SEEN, STUBBORN, UNHEARD = (
    "shut@example.com",
    "seen@example.com",
    "stub@example.com",
    "lost@example.com",
)
CAPTURED, CHOSEN_HERE = "loyal@example.com", "fickle@example.com"
RESET_ELSEWHERE, RESET_LATE = "moved@example.com", "tardy@example.com"
USER_NAME, USER_NAME_TO_CHANGE = "gardener_7", "carpenter_9"
MISTYPES = "hurry@example.com"
GUESSED_AT, FORGETFUL = "prey@example.com", "vague@example.com"
LOUD, IN_TWO_WINDOWS = "loud@example.com", "busy@example.com"
THINKS_S = 0.3
GUESSES = 8
LAG_S = 60.0
OLD_PASSWORD, NEW_PASSWORD = PASSWORDS[OLD], PASSWORDS[NEW]


def people_of_stories() -> dict[str, str]:
    """Sign-in name -> legacy password of those who stand in the export."""
    names = [
        BARRED_HERE,
        SEEN,
        STUBBORN,
        UNHEARD,
        RESET_ELSEWHERE,
        RESET_LATE,
        USER_NAME,
        USER_NAME_TO_CHANGE,
        CAPTURED,
        CHOSEN_HERE,
        LOUD,
        MISTYPES,
        GUESSED_AT,
        FORGETFUL,
        IN_TWO_WINDOWS,
    ]
    return dict.fromkeys(names, OLD_PASSWORD)


def disabled_account(stand: MatrixStand, front: str) -> None:
    """The tenant's own words, nobody asked; and a policy that forgot to look would not be told yes either."""
    if front == Mode.C:
        assert stand.front.sign_in(BARRED_HERE, OLD_PASSWORD) is End.TOKEN
    before = stand.opens(BARRED_HERE, PASSWORDS), stand.flag(BARRED_HERE)
    _change(stand, BARRED_HERE, {"accountEnabled": False})
    policy = stand.front if isinstance(stand.front, B2cPolicy) else None
    asked, calls = stand.asked, policy.asked if policy else 0
    shown = stand.front.sign_in(BARRED_HERE, OLD_PASSWORD)
    assert shown is (End.MUST_RESET if front == Mode.RESET_REQUIRED else End.DISABLED)
    assert stand.asked == asked
    if policy and front != Mode.RESET_REQUIRED:
        assert policy.asked == calls, "the policy's own read says it"
    if policy and front in (Mode.A, Mode.B):
        assert policy.ask_without_reading(BARRED_HERE, OLD_PASSWORD) is End.WRONG
    _change(stand, BARRED_HERE, {"accountEnabled": True})
    assert (stand.opens(BARRED_HERE, PASSWORDS), stand.flag(BARRED_HERE)) == before


def what_is_written_is_confirmed(stand: MatrixStand, front: str) -> None:
    """After `verify`, or in mode C after the next import, the ledger says what the tenant did."""
    writes = stand.writes
    word = _gets_in(stand, front, SEEN)
    assert stand.writes - writes == (0 if front == EXTERNAL else 1), "one write, by one writer"
    if front == Mode.C:
        told = stand.run("premigrate", PEOPLE, "--only", f"signInName={SEEN}", "--execute")
        assert told["created"] == 0
    else:
        stand.run("verify")
    assert stand.state(SEEN) is State.COMPLETE
    assert stand.opens(SEEN, PASSWORDS) == word
    assert len(stand.accounts(SEEN)) == 1


def write_that_fails(stand: MatrixStand, front: str) -> None:
    """No token, nothing half done, and the same again works at the next try."""
    before = stand.opens(STUBBORN, PASSWORDS), stand.flag(STUBBORN)
    stand.emulator.faults({"operation": _operation(front), "status": 503, "count": 1})
    try:
        shown = _tries(stand, front, STUBBORN)
    finally:
        stand.emulator.faults()
    assert shown is (End.LATER if front == Mode.B else End.FAILED)
    assert (stand.opens(STUBBORN, PASSWORDS), stand.flag(STUBBORN)) == before
    if front == Mode.RESET_REQUIRED:
        assert stand.front.sign_in(STUBBORN, OLD_PASSWORD) is End.MUST_RESET, "nobody was told of a reset"
    word = _gets_in(stand, front, STUBBORN)
    assert stand.opens(STUBBORN, PASSWORDS) == word
    assert stand.flag(STUBBORN) is False


def write_whose_answer_is_lost(stand: MatrixStand, front: str) -> None:
    """Written and flag down, whoever heard of it: our own write is looked up, and the next sign-in asks nobody."""
    stand.emulator.faults({"operation": _operation(front), "status": 504, "after_write": True, "count": 1})
    try:
        shown = _tries(stand, front, UNHEARD)
    finally:
        stand.emulator.faults()
    assert shown is (End.TOKEN if front == Mode.B else End.FAILED)
    word = NEW if front == Mode.RESET_REQUIRED else OLD
    assert stand.opens(UNHEARD, PASSWORDS) == word
    assert stand.flag(UNHEARD) is False
    asked = stand.asked
    assert stand.front.sign_in(UNHEARD, PASSWORDS[word]) is End.TOKEN
    assert stand.asked == asked


def reset_that_nobody_tells(stand: MatrixStand, front: str) -> None:
    """Chosen behind the policy's back, the flag left as it was: within the same minute the legacy password is refused."""
    if front == Mode.C:
        assert stand.front.sign_in(RESET_ELSEWHERE, OLD_PASSWORD) is End.TOKEN
    flag = stand.flag(RESET_ELSEWHERE)
    _reset_behind_our_back(stand, RESET_ELSEWHERE)
    assert stand.flag(RESET_ELSEWHERE) is flag
    assert stand.front.sign_in(RESET_ELSEWHERE, OLD_PASSWORD) is End.WRONG
    _loses_nothing(stand, front, RESET_ELSEWHERE)


def reset_that_shows_late(stand: MatrixStand, front: str) -> None:
    """The tenant's sign-ins and lists believe the old state for 60 s; the account itself, read by its id, does not."""
    if front == Mode.C:
        # Its own password by now; that it opens for a while longer is the tenant's business.
        assert stand.front.sign_in(RESET_LATE, OLD_PASSWORD) is End.TOKEN
    lag = (LAG_S, LAG_S)
    stand.emulator.lag(sign_in_s=lag, filter_s=lag)
    try:
        _reset_behind_our_back(stand, RESET_LATE)
        # In this flow whoever is too early is told to reset, and the account is not looked at again for half a minute.
        if front != Mode.RESET_REQUIRED:
            shown = stand.front.sign_in(RESET_LATE, OLD_PASSWORD)
            assert shown is (End.TOKEN if front == Mode.C else End.WRONG)
            wait_until(lambda: stand.flag(RESET_LATE) is False, seconds=WITHIN_S)
    finally:
        stand.emulator.lag()
    stand.emulator.advance(LAG_S + 1)
    _loses_nothing(stand, front, RESET_LATE)


def user_name(stand: MatrixStand, front: str) -> None:
    """Somebody without an address: the same rows; who cannot reset is migrated although the password must change."""
    if front == Mode.RESET_REQUIRED:
        assert stand.front.sign_in(USER_NAME, OLD_PASSWORD) is End.MUST_RESET
        return
    assert stand.front.sign_in(USER_NAME, PASSWORDS[WRONG]) is End.WRONG
    assert stand.front.sign_in(USER_NAME, OLD_PASSWORD) is End.TOKEN
    asked = stand.asked
    assert stand.front.sign_in(USER_NAME, OLD_PASSWORD) is End.TOKEN
    assert stand.asked == asked
    stand.shop.demands[USER_NAME_TO_CHANGE] = MUST_CHANGE
    shown = stand.front.sign_in(USER_NAME_TO_CHANGE, OLD_PASSWORD)
    assert shown is (End.TOKEN if front == EXTERNAL else End.MUST_RESET)
    waits_for = NO_ACCOUNT if front == Mode.C else NOBODY_KNOWS
    assert stand.opens(USER_NAME_TO_CHANGE, PASSWORDS) == (OLD if front == EXTERNAL else waits_for)


def typed_in_capitals(stand: MatrixStand, front: str) -> None:
    """The same person, and the legacy system hears its own spelling."""
    word = _gets_in(stand, front, LOUD.upper())
    assert stand.opens(LOUD, PASSWORDS) == word
    assert stand.flag(LOUD) is False
    assert stand.front.sign_in(LOUD, PASSWORDS[word]) is End.TOKEN


def mistyped_first(stand: MatrixStand, front: str) -> None:
    """On one page under one correlation id: the second password is another attempt, and it is right."""
    shown = stand.front.sign_in_after(PASSWORDS[WRONG], MISTYPES, OLD_PASSWORD)
    asks = front != Mode.RESET_REQUIRED
    assert shown == ((End.WRONG, End.TOKEN) if asks else (End.MUST_RESET, End.MUST_RESET))
    assert stand.opens(MISTYPES, PASSWORDS) == (OLD if asks else NOBODY_KNOWS)


def in_two_windows_at_once(stand: MatrixStand, front: str) -> None:
    """Nobody reads that a right password is wrong because it is being checked for the other window."""
    stand.shop.late_s = THINKS_S
    try:
        with ThreadPoolExecutor(2) as windows:
            shown = list(windows.map(stand.front.sign_in, [IN_TWO_WINDOWS] * 2, [OLD_PASSWORD] * 2))
    finally:
        stand.shop.late_s = 0.0
    if front == Mode.RESET_REQUIRED:
        assert shown == [End.MUST_RESET] * 2
        return
    assert End.TOKEN in shown
    # In mode C only one of the two makes the account, and the policy tells the other one that something went wrong.
    assert set(shown) <= {End.TOKEN, End.FAILED if front == Mode.C else End.TOKEN}, shown
    assert stand.opens(IN_TWO_WINDOWS, PASSWORDS) == OLD
    assert stand.flag(IN_TWO_WINDOWS) is False


def guessed_at_from_one_address(stand: MatrixStand, front: str) -> None:
    """Whoever sits elsewhere gets in at the first try; and who is locked out resets the password, and is in."""
    policy = stand.front
    assert isinstance(policy, B2cPolicy)
    asks = front != Mode.RESET_REQUIRED
    policy.address = "203.0.113.77"
    try:
        for name in (GUESSED_AT, FORGETFUL):
            asked = stand.asked
            for number in range(GUESSES):
                shown = policy.sign_in(name, f"Guess-Number-{number}x")
                assert shown is (End.WRONG if asks else End.MUST_RESET)
            assert (0 < stand.asked - asked < GUESSES) is asks
        asked = stand.asked
        shown = policy.sign_in(FORGETFUL, OLD_PASSWORD)
        assert shown is (End.WRONG if asks else End.MUST_RESET), "locked reads the same as wrong"
        assert stand.asked == asked
        assert policy.reset(FORGETFUL, NEW_PASSWORD) is End.RESET
        assert policy.sign_in(FORGETFUL, NEW_PASSWORD) is End.TOKEN
    finally:
        policy.address = ""
    assert policy.sign_in(GUESSED_AT, OLD_PASSWORD) is (End.TOKEN if asks else End.MUST_RESET)


def captured_then_reset_at_the_front(stand: MatrixStand, front: str) -> None:
    """External ID opens with what the front has proven last, and with nothing that came before; nobody is asked."""
    del front
    asked, captured = stand.asked, _hand_on(stand)
    assert captured(CAPTURED, OLD_PASSWORD, "sign_in") == 202
    wait_until(lambda: stand.flag(CAPTURED) is False, seconds=WITHIN_S)
    assert stand.front.sign_in(CAPTURED, OLD_PASSWORD) is End.TOKEN
    assert captured(CAPTURED, NEW_PASSWORD, "password_reset") == 200
    assert stand.front.sign_in(CAPTURED, OLD_PASSWORD) is End.WRONG
    assert stand.front.sign_in(CAPTURED, NEW_PASSWORD) is End.TOKEN
    assert stand.opens(CAPTURED, PASSWORDS) == NEW
    wait_until(lambda: stand.state(CAPTURED) is State.COMPLETE, seconds=WITHIN_S)
    assert stand.asked == asked


def captured_after_a_reset_at_the_page(stand: MatrixStand, front: str) -> None:
    """What somebody chose here stays, whatever the front hands on afterwards; and the flag goes down."""
    del front
    captured = _hand_on(stand)
    assert stand.front.reset(CHOSEN_HERE, PASSWORDS[OWN]) is End.RESET
    for password, event in ((OLD_PASSWORD, "password_change"), (NEW_PASSWORD, "password_reset")):
        assert captured(CHOSEN_HERE, password, event) == 409
    assert captured(CHOSEN_HERE, OLD_PASSWORD, "sign_in") == 202
    assert stand.front.sign_in(CHOSEN_HERE, OLD_PASSWORD) is End.WRONG
    wait_until(lambda: stand.flag(CHOSEN_HERE) is False, seconds=WITHIN_S)
    assert stand.front.sign_in(CHOSEN_HERE, PASSWORDS[OWN]) is End.TOKEN
    assert stand.opens(CHOSEN_HERE, PASSWORDS) == OWN


def what_is_on_disk(stand: MatrixStand, front: str) -> None:
    """No password that anybody has typed is in a file: not in ledger, guard or log."""
    del front
    everything = {path: path.read_bytes() for path in stand.folder.rglob("*") if path.is_file()}
    assert len(everything) > len(PASSWORDS)
    found = {
        (path.name, word)
        for path, content in everything.items()
        for word, password in PASSWORDS.items()
        if password.encode() in content
    }
    assert found == set()


STORIES: Mapping[str, Story] = MappingProxyType(
    {
        "disabled account": disabled_account,
        "what is written is confirmed": what_is_written_is_confirmed,
        "write that fails": write_that_fails,
        "write whose answer is lost": write_whose_answer_is_lost,
        "reset that nobody tells": reset_that_nobody_tells,
        "user name": user_name,
        "guessed at from one address": guessed_at_from_one_address,
        "typed in capitals": typed_in_capitals,
        "mistyped first": mistyped_first,
        "in two windows at once": in_two_windows_at_once,
        # One of the last: it moves the tenant's time ahead, which a service that runs already does not follow.
        "reset that shows late": reset_that_shows_late,
        "what is on disk": what_is_on_disk,
    }
)
CAPTURES: Mapping[str, Story] = MappingProxyType(
    {
        "captured, then reset at the front": captured_then_reset_at_the_front,
        "captured after a reset at the page": captured_after_a_reset_at_the_page,
    }
)
"""What a legacy front before an external tenant brings along."""
POLICY_ALONE = ("write that fails", "write whose answer is lost", "guessed at from one address")
"""Not at the page of External ID: its own write does not fail on demand, and everybody there sits at one address."""


def _operation(front: str) -> str:
    """What stores the password, whoever calls it."""
    return "users.create" if front == Mode.C else "users.patch"


def _tries(stand: MatrixStand, front: str, name: str) -> End:
    """What gets somebody a password here: a sign-in, or where it must be, a reset."""
    if front == Mode.RESET_REQUIRED:
        return stand.front.reset(name, NEW_PASSWORD)
    return stand.front.sign_in(name, OLD_PASSWORD)


def _gets_in(stand: MatrixStand, front: str, name: str) -> str:
    """Somebody comes for the first time; which password opens from then on."""
    word = NEW if front == Mode.RESET_REQUIRED else OLD
    if front == Mode.RESET_REQUIRED:
        assert stand.front.reset(name, NEW_PASSWORD) is End.RESET
    assert stand.front.sign_in(name, PASSWORDS[word]) is End.TOKEN
    return word


def _loses_nothing(stand: MatrixStand, front: str, name: str) -> None:
    """The new password opens, the old one does not, and nobody has to be asked about it again."""
    assert stand.opens(name, PASSWORDS) == NEW
    assert stand.front.sign_in(name, NEW_PASSWORD) is End.TOKEN
    ends = State.CREATING if front == Mode.C else State.COMPLETE
    wait_until(lambda: stand.state(name) is ends, seconds=WITHIN_S)
    if front != Mode.RESET_REQUIRED:
        assert stand.flag(name) is False
    assert stand.front.sign_in(name, OLD_PASSWORD) is End.WRONG
    assert stand.opens(name, PASSWORDS) == NEW


def _hand_on(stand: MatrixStand) -> Callable[[str, str, str], int]:
    """What the legacy front does with a name, a password and an event; the answer's status."""
    address, authority = stand.service.address, stand.folder / "authority.pem"
    return lambda name, password, event: hand_on(address, authority, (name, password, event))


def _reset_behind_our_back(stand: MatrixStand, name: str) -> None:
    stand.emulator.self_service_reset(stand.tenant, stand.account(name)["id"], NEW_PASSWORD)


def _change(stand: MatrixStand, name: str, values: Mapping[str, Any]) -> None:
    graph = GraphHttp(stand.tenant)
    assert graph.patch(f"/users/{stand.account(name)['id']}", values).status_code == 204
    graph.close()
