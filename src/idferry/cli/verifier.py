"""`idferry verifier check`: what a legacy system says to one password, before the service depends on it."""

from collections.abc import Sequence
from typing import Annotated, assert_never

import typer

from idferry.cli.options import JsonOption, SettingsOption
from idferry.cli.output import facts, print_json, say, screen
from idferry.cli.typed_password import typed_password
from idferry.errors import EXIT_DONE, EXIT_PEOPLE_FAILED, SettingsError
from idferry.flows.check_verifier import Checked
from idferry.flows.check_verifier import check_verifier as flow
from idferry.ports import LegacyRef
from idferry.rules.happenings import Happening, LegacyAnswered
from idferry.rules.verdict import (
    Barred,
    Condition,
    Match,
    Mismatch,
    NoAnswer,
    NoSuchUser,
    Silence,
    Verdict,
    verdict_name,
)
from idferry.settings import read_settings
from idferry.wiring import VerifierSet, advice_at_start, clock_of, verifiers_of

_CONDITIONS = {
    Condition.NONE: "The password is right.",
    Condition.MUST_CHANGE: "The password is right, and the legacy system wants it changed: the person must reset it.",
    Condition.SECOND_FACTOR: "The password is right, and the legacy system asks for a second factor.",
}


def check(
    name: Annotated[str, typer.Argument(help="The name of a [[verifier]].", metavar="NAME")],
    sign_in_name: Annotated[
        str, typer.Argument(help="The sign-in name, as a person types it.", metavar="SIGN_IN_NAME")
    ],
    source: Annotated[
        str, typer.Option("--source", help="The legacy source that the person is from.", metavar="NAME")
    ] = "",
    key: Annotated[str, typer.Option("--key", help="The person's key in that source.", metavar="KEY")] = "",
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> int:
    """Ask one verifier whether a password is right, and print its verdict.

    Asks for the password on the terminal; in a pipe it is the first line of standard input. Exit code 0: it matches.
    A wrong password counts in the legacy system, as at every sign-in.

    Example: idferry verifier check old-shop anna@example.com
    """
    read = read_settings(settings)
    clock = clock_of(read)
    codes: list[str] = []

    def tell(happening: Happening) -> None:
        if isinstance(happening, LegacyAnswered):
            codes.append(happening.code)

    with verifiers_of(read, clock, tell, accept_stale_hashes=True) as verifiers:
        verifier = verifiers.named(name)
        if verifier is None:
            raise _unknown(name, verifiers)
        who = LegacyRef(source, key, sign_in_name.strip())
        checked = flow(verifier=verifier, who=who, password=typed_password(), clock=clock)
    advice = [one.told for one in advice_at_start(read, clock) if one.told.startswith(f"verifier {name}:")]
    _print(name, checked, codes[-1] if codes else "", advice, as_json=as_json)
    return EXIT_DONE if isinstance(checked.verdict, Match) else EXIT_PEOPLE_FAILED


def _unknown(name: str, verifiers: VerifierSet) -> SettingsError:
    known = ", ".join(verifiers.names)
    return SettingsError(
        f"the settings name no verifier {name!r}",
        remedy=f"Known: {known}." if known else "Add a [[verifier]] table.",
    )


def _print(name: str, checked: Checked, code: str, advice: Sequence[str], *, as_json: bool) -> None:
    verdict, milliseconds = checked.verdict, round(checked.seconds * 1000)
    if as_json:
        reached = verdict.reached if isinstance(verdict, NoAnswer) else True
        print_json(
            {
                "verifier": name,
                "verdict": verdict_name(verdict),
                "code": code,
                "reached": reached,
                "milliseconds": milliseconds,
                "advice": advice,
            }
        )
        return
    console = screen()
    console.print(
        facts(
            [
                ("verdict", verdict_name(verdict)),
                ("said", code or "nothing"),
                ("after", f"{milliseconds:,} ms"),
            ]
        )
    )
    say(console, meaning_of(verdict))
    for one in advice:
        console.print()
        say(console, f"{one}.".replace("..", "."))


def meaning_of(verdict: Verdict) -> str:
    """What a verdict means, in a sentence."""
    match verdict:
        case Match(condition):
            return _CONDITIONS[condition]
        case Mismatch():
            return "The password is wrong, or nothing proves that it is right."
        case NoSuchUser():
            return "The legacy system knows nobody of this name."
        case Barred(proven=True):
            return "The password is right, and the account is disabled, closed or restricted there."
        case Barred():
            return "The account is disabled, closed or locked there; nothing is said about the password."
        case NoAnswer(silence, reached):
            seen = "It may have seen the password." if reached else "It has not seen the password."
            return f"{silence_meaning(silence)} {seen}"
        case other:
            assert_never(other)


def silence_meaning(silence: Silence) -> str:
    """Why there is no answer, in a sentence."""
    match silence:
        case Silence.UNREACHABLE:
            return "The legacy system cannot be reached, or fails."
        case Silence.TIMED_OUT:
            return "The legacy system does not answer in time."
        case Silence.THROTTLED:
            return "The legacy system takes no more calls for a while."
        case Silence.BREAKER_OPEN:
            return "The legacy system has failed too often and is left alone for a while."
        case Silence.QUEUE_FULL:
            return "There are more calls than the settings allow."
        case Silence.UNEXPECTED:
            return "The answer stands in no table of this verifier."
        case Silence.UNSUPPORTED:
            return "This cannot be asked with these settings."
        case Silence.NOT_CONFIGURED:
            return "No verifier is responsible for this person."
        case other:
            assert_never(other)
