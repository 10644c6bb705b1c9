"""Every sentence of ours that a person may be shown while signing in: values, per language, and nothing else.

They say what the person can do, and nothing about who exists, which system was asked or what went wrong inside.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

TEXT_CHARACTERS_MAX = 500


class Text(StrEnum):
    """What is said. The names are keys of `[service] texts`."""

    MUST_RESET = "must_reset"
    """The English one is, to the letter, that of Microsoft's sample."""
    WRONG = "wrong"
    """The same for an unknown name, an account that needs no migration, a wrong password and a locked name."""
    TRY_LATER = "try_later"
    """Nobody can tell whether the password is right."""
    CANNOT_BE_USED = "cannot_be_used"
    """Only after the password was proven right."""
    HAS_ACCOUNT = "has_account"
    """Only after the e-mail address was verified."""
    BARRED_TITLE = "barred_title"
    BARRED = "barred"
    """Only after the password was proven right."""
    OUTAGE_TITLE = "outage_title"


_ENGLISH = {
    Text.MUST_RESET: "You need to change your password. Please click on the 'Forgot your password?' link below",
    Text.WRONG: "Your sign-in name or your password is not right.",
    Text.TRY_LATER: "You cannot sign in right now. Please try again in a few minutes.",
    Text.CANNOT_BE_USED: "Your password is right but cannot be used here any longer. Select Forgot your password.",
    Text.HAS_ACCOUNT: "You already have an account. Please sign in with it.",
    Text.BARRED_TITLE: "You cannot sign in",
    Text.BARRED: "Your account is closed or locked. Please contact support.",
    Text.OUTAGE_TITLE: "Please try again later",
}
_GERMAN = {
    Text.MUST_RESET: "Sie müssen Ihr Kennwort ändern. Bitte wählen Sie unten „Kennwort vergessen?“.",
    Text.WRONG: "Ihr Anmeldename oder Ihr Kennwort stimmt nicht.",
    Text.TRY_LATER: "Sie können sich gerade nicht anmelden. Bitte versuchen Sie es in einigen Minuten noch einmal.",
    Text.CANNOT_BE_USED: "Ihr Kennwort stimmt, kann hier aber nicht weiter verwendet werden. "
    "Bitte wählen Sie „Kennwort vergessen?“.",
    Text.HAS_ACCOUNT: "Sie haben bereits ein Konto. Bitte melden Sie sich damit an.",
    Text.BARRED_TITLE: "Sie können sich nicht anmelden",
    Text.BARRED: "Ihr Konto ist geschlossen oder gesperrt. Bitte wenden Sie sich an den Kundendienst.",
    Text.OUTAGE_TITLE: "Bitte versuchen Sie es später noch einmal",
}
_FRENCH = {
    Text.MUST_RESET: "Vous devez changer votre mot de passe. Veuillez choisir « Mot de passe oublié ? » ci-dessous.",
    Text.WRONG: "Votre identifiant ou votre mot de passe n'est pas correct.",
    Text.TRY_LATER: "Vous ne pouvez pas vous connecter pour le moment. Veuillez réessayer dans quelques minutes.",
    Text.CANNOT_BE_USED: "Votre mot de passe est correct, mais il ne peut plus être utilisé ici. "
    "Veuillez choisir « Mot de passe oublié ? ».",
    Text.HAS_ACCOUNT: "Vous avez déjà un compte. Veuillez vous connecter avec celui-ci.",
    Text.BARRED_TITLE: "Vous ne pouvez pas vous connecter",
    Text.BARRED: "Votre compte est fermé ou bloqué. Veuillez contacter le service client.",
    Text.OUTAGE_TITLE: "Veuillez réessayer plus tard",
}
_SPANISH = {
    Text.MUST_RESET: "Debe cambiar su contraseña. Seleccione «¿Ha olvidado su contraseña?» a continuación.",
    Text.WRONG: "Su nombre de usuario o su contraseña no son correctos.",
    Text.TRY_LATER: "En este momento no puede iniciar sesión. Inténtelo de nuevo dentro de unos minutos.",
    Text.CANNOT_BE_USED: "Su contraseña es correcta, pero ya no se puede usar aquí. "
    "Seleccione «¿Ha olvidado su contraseña?».",
    Text.HAS_ACCOUNT: "Ya tiene una cuenta. Inicie sesión con ella.",
    Text.BARRED_TITLE: "No puede iniciar sesión",
    Text.BARRED: "Su cuenta está cerrada o bloqueada. Póngase en contacto con el servicio de atención al cliente.",
    Text.OUTAGE_TITLE: "Inténtelo de nuevo más tarde",
}
TEXTS: Mapping[str, Mapping[Text, str]] = MappingProxyType(
    {"en": _ENGLISH, "de": _GERMAN, "fr": _FRENCH, "es": _SPANISH}
)
"""Language -> text -> sentence."""


def texts_of(language: str, own: Mapping[str, str]) -> Mapping[Text, str]:
    """The sentences of a language, with the operator's own in their place.

    Raises:
        ValueError: an own sentence has an unknown name, is empty or too long, or holds a line break.
    """
    chosen = dict(TEXTS[language])
    for name, sentence in own.items():
        if name not in list(Text):
            raise ValueError(f"there is no text {name}; there are {', '.join(Text)}")
        if not sentence.strip() or len(sentence) > TEXT_CHARACTERS_MAX or not sentence.isprintable():
            raise ValueError(f"the text {name} is one line of 1 to {TEXT_CHARACTERS_MAX} characters")
        chosen[Text(name)] = sentence
    return MappingProxyType(chosen)
