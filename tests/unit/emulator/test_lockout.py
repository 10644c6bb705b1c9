"""Smart lockout, by a clock that the test turns."""

from idferry.emulator.entropy import Entropy
from idferry.emulator.password_submit.lockout import Lockout


def failed(lockout: Lockout, *passwords: str, now_s: float = 0.0) -> bool:
    """Whether these wrong passwords lock the account."""
    for password in passwords:
        lockout.count("ann", password, threshold=3, lock_s=60.0, now_s=now_s)
    return lockout.is_locked("ann", now_s=now_s)


def test_the_third_wrong_password_locks_and_only_this_account() -> None:
    lockout = Lockout(entropy=Entropy(seed=1))
    assert not failed(lockout, "a", "b")
    assert failed(lockout, "c")
    assert not lockout.is_locked("bob", now_s=0.0)


def test_one_of_the_last_three_is_not_counted_again() -> None:
    lockout = Lockout(entropy=Entropy(seed=1))
    assert not failed(lockout, "a", "b", "a", "b", "a")
    assert failed(lockout, "c")


def test_each_lock_is_longer_than_the_one_before() -> None:
    lockout = Lockout(entropy=Entropy(seed=1))
    failed(lockout, "a", "b", "c")
    assert lockout.is_locked("ann", now_s=59.0)
    assert not lockout.is_locked("ann", now_s=60.0)
    assert failed(lockout, "d", now_s=60.0)
    assert lockout.is_locked("ann", now_s=179.0)
    assert not lockout.is_locked("ann", now_s=180.0)


def test_whoever_got_in_begins_anew() -> None:
    lockout = Lockout(entropy=Entropy(seed=1))
    failed(lockout, "a", "b")
    lockout.forget("ann")
    assert not failed(lockout, "a", "b")
    assert failed(lockout, "c")


def test_text_that_is_no_unicode_is_counted_too() -> None:
    assert failed(Lockout(entropy=Entropy(seed=1)), "\ud800a", "\ud800b", "\ud800c")
