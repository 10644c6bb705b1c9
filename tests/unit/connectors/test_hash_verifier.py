"""The verifier over a hash store: each verdict with its code, and what a stale hash is worth."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.support.hand_clock import HandClock
from tests.support.memory_hash_store import MemoryHashStore

from idferry.connectors.hash_verifier import HashVerifier
from idferry.connectors.memory_share import MemoryShare
from idferry.errors import HashStoreUnavailable
from idferry.hashes import BOUNDS, Bounds
from idferry.ports import Deadline, HashRow, LegacyRef
from idferry.rules.breaker import Sign, sign_of
from idferry.rules.happenings import Happening, LegacyAnswered
from idferry.rules.hash_trust import Freeze, HashTrust
from idferry.rules.password import Password
from idferry.rules.verdict import Match, Mismatch, NoAnswer, NoSuchUser, Silence, Verdict

BCRYPT = "$2y$04$mIJxfrCaEI3GukZe11CiXublhEFanu5.ododkll1WphfSp6pn4zIu"
FROZEN = datetime(2026, 1, 1, tzinfo=UTC)
SOON = timedelta(seconds=1)


def asked(
    row: HashRow | None,
    password: str = "test",
    *,
    freeze: Freeze | None = None,
    bounds: Bounds = BOUNDS,
    store: MemoryHashStore | None = None,
    memory: MemoryShare | None = None,
) -> tuple[Verdict, str]:
    told: list[Happening] = []
    store = store or MemoryHashStore()
    if row:
        store.put([row])
    clock = HandClock()
    verifier = HashVerifier(
        name="old",
        store=store,
        freeze=freeze or Freeze(FROZEN),
        bounds=bounds,
        memory=memory or MemoryShare(kib=64, clock=clock),
        clock=clock,
        tell=told.append,
    )
    verdict = verifier.verify(LegacyRef("shop", "1", "anna"), Password(password), Deadline(0.05))
    [answered] = told
    assert isinstance(answered, LegacyAnswered)
    return verdict, answered.code


def row(
    value: str = BCRYPT, scheme: str = "", parameters: str = "", name: str = "", at: datetime | None = FROZEN
) -> HashRow:
    return HashRow("shop", "1", scheme, value, parameters, name, at)


@pytest.mark.parametrize(
    ("stored", "password", "verdict", "code"),
    [
        (row(), "test", Match(), "match"),
        (row(), "wrong", Mismatch(), "mismatch"),
        (row(), "", Mismatch(), "mismatch"),
        (None, "test", NoSuchUser(), "no_hash"),
        (row(BCRYPT[:-1]), "test", NoAnswer(Silence.UNSUPPORTED, reached=False), "malformed"),
        (row("$y$j9T$abc"), "test", NoAnswer(Silence.UNSUPPORTED, reached=False), "unsupported"),
        (row(parameters="no json"), "test", NoAnswer(Silence.UNSUPPORTED, reached=False), "malformed"),
        (
            row(parameters='{"colour":"red"}'),
            "test",
            NoAnswer(Silence.UNSUPPORTED, reached=False),
            "malformed",
        ),
        (row("8743b52063cd84097a65d1633f5c74f5", "md5"), "hashcat", Match(), "match"),
        (
            row(
                "01dfae6e5d4d90d9892622325959afbe", "md5", '{"salt":"7050461","template":"{PASSWORD}{SALT}"}'
            ),
            "hashcat",
            Match(),
            "match",
        ),
        (
            row("ecf076ce9d6ed3624a9332112b1cd67b236fdd11", "smf", name="17782686"),
            "hashcat",
            Match(),
            "match",
        ),
    ],
)
def test_each_answer_has_its_verdict_and_its_code(
    stored: HashRow | None, password: str, verdict: Verdict, code: str
) -> None:
    assert asked(stored, password) == (verdict, code)


def test_bounds_hold_at_every_check() -> None:
    silent = NoAnswer(Silence.UNSUPPORTED, reached=False)
    assert asked(row(), bounds=Bounds(bcrypt_cost=3)) == (silent, "unsupported")


ARGON2 = "$argon2id$v=19$m=32,t=2,p=4$cm94YnRVOW5jZzFzcVE4bQ$MNzk5BtR2vUhrp6qQEjRNw"


def test_what_a_check_takes_of_the_memory_is_given_back_whatever_it_says() -> None:
    share = MemoryShare(kib=32, clock=HandClock())
    for password, verdict in (("wrong", Mismatch()), ("test", Match()), ("wrong", Mismatch())):
        assert asked(row(ARGON2), password, memory=share)[0] == verdict


def test_a_check_that_finds_no_memory_in_time_reaches_nobody_and_is_no_wrong_password() -> None:
    share = MemoryShare(kib=32, clock=HandClock())
    assert share.take(1, Deadline(1.0))
    busy = (NoAnswer(Silence.QUEUE_FULL, reached=False), "memory_busy")
    assert asked(row(ARGON2), memory=share) == busy
    assert asked(row(), memory=share) == (Match(), "match"), "bcrypt takes none, and waits for none"
    share.give_back(1)
    assert asked(row(ARGON2), memory=share)[1] == "match"
    assert asked(row(ARGON2), memory=MemoryShare(kib=31, clock=HandClock())) == busy


def test_a_store_that_cannot_be_used_is_no_wrong_password() -> None:
    class Broken(MemoryHashStore):
        def of(self, source: str, key: str) -> HashRow | None:
            raise HashStoreUnavailable("gone")

    verdict, code = asked(row(), store=Broken())
    assert (verdict, code) == (NoAnswer(Silence.UNREACHABLE, reached=False), "store_unavailable")


def test_no_memory_is_no_wrong_password(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> bool:
        raise MemoryError

    monkeypatch.setattr("idferry.hashes.parsed.Hash.verify", fails)
    verdict, code = asked(row())
    assert (verdict, code) == (NoAnswer(Silence.UNSUPPORTED, reached=False), "no_memory")
    assert sign_of(verdict) is Sign.NOTHING, "somebody's costly hash is no outage of everybody's"


# --- stale hashes ----------------------------------------------------------------------------------------------------

NOW = HandClock().now()


@pytest.mark.parametrize(
    ("frozen", "exported", "trust"),
    [
        (None, NOW, HashTrust.STALE),
        (NOW - SOON, NOW - SOON, HashTrust.TRUSTED),
        (NOW - SOON, NOW, HashTrust.TRUSTED),
        (NOW, NOW, HashTrust.TRUSTED),
        (NOW + SOON, NOW + 2 * SOON, HashTrust.STALE),
        (NOW - SOON, NOW - 2 * SOON, HashTrust.STALE),
        (NOW - SOON, None, HashTrust.STALE),
    ],
)
def test_a_hash_is_trusted_when_it_was_exported_after_the_freeze(
    frozen: datetime | None, exported: datetime | None, trust: HashTrust
) -> None:
    assert Freeze(frozen).trust(exported_at=exported, now=NOW) is trust
    accepting = Freeze(frozen, accept_stale=True).trust(exported_at=exported, now=NOW)
    assert accepting is (HashTrust.ACCEPTED if trust is HashTrust.STALE else trust)


def test_a_password_changed_after_the_export_does_not_open_by_the_old_hash() -> None:
    """The legacy system is not frozen: nobody knows whether the hash is still the person's."""
    silent = NoAnswer(Silence.NOT_CONFIGURED, reached=False)
    assert asked(row(), freeze=Freeze()) == (silent, "stale")
    assert asked(row(at=FROZEN - SOON)) == (silent, "stale")
    assert asked(row(), freeze=Freeze(accept_stale=True)) == (Match(), "match")
