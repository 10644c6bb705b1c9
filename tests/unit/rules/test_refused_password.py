"""What may be sent after a password was refused, for every plan under every permission."""

from itertools import product

import pytest

from idferry.rules.account import PasswordPlan, TenantKind
from idferry.rules.plan import PasswordMode, PlanRules
from idferry.rules.refused_password import NOTES, REDRAWS_MAX, SecondChoices

KNOWN, WEAK, RANDOM, NONE = (
    PasswordPlan.KNOWN,
    PasswordPlan.KNOWN_WEAK,
    PasswordPlan.RANDOM,
    PasswordPlan.NONE,
)


@pytest.mark.parametrize(
    ("weak_allowed", "random_allowed", "after_known", "after_weak"),
    [
        (False, False, None, None),
        (True, False, WEAK, None),
        (False, True, RANDOM, RANDOM),
        (True, True, WEAK, RANDOM),
    ],
)
def test_the_persons_own_password_first_then_a_random_one(
    weak_allowed: bool,
    random_allowed: bool,
    after_known: PasswordPlan | None,
    after_weak: PasswordPlan | None,
) -> None:
    choices = SecondChoices(weak_allowed, random_allowed)
    assert choices.after(KNOWN, redraws=0) is after_known
    assert choices.after(WEAK, redraws=0) is after_weak


@pytest.mark.parametrize(("weak_allowed", "random_allowed"), list(product((False, True), repeat=2)))
def test_a_random_one_is_drawn_anew_a_few_times_whoever_asked_for_it(
    weak_allowed: bool, random_allowed: bool
) -> None:
    choices = SecondChoices(weak_allowed, random_allowed)
    drawn = [choices.after(RANDOM, redraws=redraws) for redraws in range(REDRAWS_MAX + 2)]
    assert drawn == [RANDOM] * REDRAWS_MAX + [None] * 2


def test_nobody_without_a_password_gets_one() -> None:
    assert SecondChoices(weak_allowed=True, random_allowed=True).after(NONE, redraws=0) is None


@pytest.mark.parametrize("mode", PasswordMode)
@pytest.mark.parametrize("weak", [False, True])
def test_the_choices_are_those_of_planning(mode: PasswordMode, weak: bool) -> None:
    rules = PlanRules("contoso", TenantKind.B2C, password_mode=mode, weak_passwords_allowed=weak)
    assert SecondChoices.of(rules) == SecondChoices(weak, mode is not PasswordMode.KNOWN)


def test_every_second_choice_has_a_note() -> None:
    assert set(NOTES) == {WEAK, RANDOM}
