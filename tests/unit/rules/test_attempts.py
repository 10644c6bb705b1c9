import pytest

from idferry.rules.attempts import AddressLimit, Everyone, EveryoneLimit, Spent, address_block

LIMIT = EveryoneLimit()


def test_what_everybody_did_fades_within_minutes() -> None:
    seen = Everyone(failures=100.0, matches=50.0, at=0.0)
    later = seen.by(LIMIT, 60.0)
    assert (round(later.failures, 1), round(later.matches, 1)) == (36.8, 18.4)
    assert seen.by(LIMIT, 3_600.0).failures < 1e-9


def test_calm_is_learned_and_a_storm_is_not() -> None:
    calm = Everyone(failures=30.0, matches=70.0, usual_share=0.1, at=0.0)
    assert 0.1 < calm.by(LIMIT, 10.0).usual_share < 0.3
    storm = Everyone(failures=1_000.0, matches=1.0, usual_share=0.1, at=0.0)
    assert storm.is_stormy(LIMIT)
    assert storm.by(LIMIT, 10.0).usual_share == 0.1
    few = Everyone(failures=19.0, matches=0.0, usual_share=0.1, at=0.0)
    assert few.by(LIMIT, 10.0).usual_share == 0.1


@pytest.mark.parametrize(
    ("failures", "matches", "usual", "stormy"),
    [
        (120.0, 0.0, 0.1, False),  # too few to tell
        (121.0, 0.0, 0.1, True),
        (500.0, 501.0, 0.1, False),  # half of all is the least that counts as a storm
        (500.0, 499.0, 0.1, True),
        (500.0, 200.0, 0.15, False),  # five times what is usual
        (500.0, 100.0, 0.15, True),
        (900.0, 101.0, 0.9, False),
        (900.0, 99.0, 0.9, True),  # nine of ten is one, whatever was learned
    ],
)
def test_a_storm_is_more_failure_than_peoples_own_mistakes(
    failures: float, matches: float, usual: float, stormy: bool
) -> None:
    assert Everyone(failures, matches, usual, 0.0).is_stormy(LIMIT) is stormy


def test_a_clock_that_went_back_does_not_stop_the_fading() -> None:
    seen = Everyone(failures=100.0, at=1_000_000.0).by(LIMIT, 0.0)
    assert (seen.failures, seen.at) == (100.0, 0.0)
    assert seen.by(LIMIT, 600.0).failures < 1


def test_an_address_is_forgiven_one_failure_each_864_seconds() -> None:
    spent = Spent(100.0, 0.0)
    assert [spent.left_over(AddressLimit(), at) for at in (-5.0, 0.0, 864.0, 86_400.0, 1e9)] == [
        100,
        100,
        99,
        0,
        0,
    ]


@pytest.mark.parametrize(
    ("told", "block"),
    [
        ("192.0.2.1", "192.0.2.1"),
        (" 192.0.2.1:50123 ", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("[2001:db8:1:2::9]:443", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
        ("", ""),
        ("unknown", ""),
        ("192.0.2.1, 10.0.0.1", ""),
        ("192.0.2.256", ""),
        ("[", ""),
        ("%", ""),
        ("1" * 10_000, ""),
    ],
)
def test_an_address_is_counted_by_subscriber(told: str, block: str) -> None:
    assert address_block(told) == block
