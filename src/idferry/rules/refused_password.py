"""What is sent in the place of a password that the directory refused as too weak.

The directory knows more than our rule does (a list of banned words, for one), and refuses now and then what its own
rule allows. Nothing here sees a password, and nothing here may lower what the operator asked for.
"""

from dataclasses import dataclass

from idferry.rules.account import PasswordPlan
from idferry.rules.outcomes import Note
from idferry.rules.plan import PasswordMode, PlanRules

REDRAWS_MAX = 2
"""How often one person gets another random password, because the directory refused a compliant one.

https://learn.microsoft.com/answers/questions/2104165 reports that it does.
"""

NOTES = {
    PasswordPlan.KNOWN_WEAK: Note.WEAK_PASSWORD_KEPT,
    PasswordPlan.RANDOM: Note.WEAK_PASSWORD_RANDOM,
}
"""How a report names what became of a refused password: as it names what planning decides about a weak one."""


@dataclass(frozen=True, slots=True)
class SecondChoices:
    """What the settings and the command line allow beside the person's own password under the strong rule."""

    weak_allowed: bool = False
    random_allowed: bool = False

    @classmethod
    def of(cls, rules: PlanRules) -> "SecondChoices":
        """The choices that planning has too."""
        return cls(
            weak_allowed=rules.weak_passwords_allowed,
            random_allowed=rules.password_mode is not PasswordMode.KNOWN,
        )

    def after(self, refused: PasswordPlan, *, redraws: int) -> PasswordPlan | None:
        """What to send once more after `refused` was; None: nothing is left, the person fails.

        `redraws` counts the random passwords that this person was given after the first one.
        """
        match refused:
            case PasswordPlan.KNOWN if self.weak_allowed:
                return PasswordPlan.KNOWN_WEAK
            case PasswordPlan.KNOWN | PasswordPlan.KNOWN_WEAK if self.random_allowed:
                return PasswordPlan.RANDOM
            case PasswordPlan.RANDOM if redraws < REDRAWS_MAX:
                return PasswordPlan.RANDOM
            case _:
                return None
