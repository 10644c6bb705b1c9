"""The endpoint that Entra calls: one action in time, the same bytes for every no, and nothing for strangers."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from tests.support.memory_sign_ins import TIMED_OUT, UNREACHABLE
from tests.support.sign_in_stage import EXTENSION, PROVIDER, ExternalStage
from tests.support.signed_tokens import Provider
from tests.support.signed_tokens import claims as token_claims

from idferry.ports import LegacyRef
from idferry.rules.sign_in import SignInRules
from idferry.rules.verdict import Barred, Condition, Match, Mismatch, Verdict
from idferry.service.external_id import PATH, Action

ANA, OLD = "ana@example.com", "Old-Password-1"


@pytest.fixture
def stage() -> Iterator[ExternalStage]:
    made = ExternalStage()
    yield made
    made.close()


def action(answer: Any) -> str:
    document = answer.document
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("application/json")
    assert document["data"]["@odata.type"] == "microsoft.graph.onPasswordSubmitResponseData"
    assert list(document) == ["data"]
    (only,) = document["data"]["actions"]
    return str(only["@odata.type"])


def test_the_metrics_say_when_a_key_has_opened_a_password_last(stage: ExternalStage) -> None:
    began = stage.world.clock.now().timestamp()
    stage.submit(ANA, OLD)
    used = b'idferry_credential_last_used_seconds{caller="external_id.keys",credential="0"} '
    (line,) = [one for one in stage.books.metrics.text().splitlines() if one.startswith(used)]
    assert float(line.removeprefix(used)) == began


def test_the_shape_is_microsofts_to_the_letter(stage: ExternalStage) -> None:
    account = stage.world.person(ANA)
    answer = stage.submit(ANA, OLD, object_id=account)
    assert answer.body == (
        b'{"data":{"@odata.type":"microsoft.graph.onPasswordSubmitResponseData",'
        b'"actions":[{"@odata.type":"microsoft.graph.passwordSubmit.MigratePassword"}],'
        b'"nonce":"8a4b8d4e-1111-4222-8333-444455556666"}}'
    )
    assert stage.paused == [], "a match leaves at once"


def test_a_get_answers_200_with_nothing_in_it(stage: ExternalStage) -> None:
    answer = stage.service.call("GET", PATH, headers=[])
    assert (answer.status, answer.body) == (200, b"")


def test_every_no_is_the_same_bytes_but_for_the_nonce_and_leaves_at_the_same_time(
    stage: ExternalStage,
) -> None:
    world = stage.world
    account, unflagged = world.person(ANA), world.person("ben@example.com", flag=False)
    slow = world.person("kim@example.com")
    disabled = world.person("eve@example.com")

    def said(who: Any) -> Verdict:
        world.clock.advance({"1": 0.2, "2": 0.4, "3": 1.3, "4": 0.0}[who.key])
        return Match() if who.key in "24" else Mismatch()

    world.legacy.says = said
    facts = world.directory.accounts[disabled]
    world.directory.accounts[disabled] = type(facts)(
        disabled, facts.legacy_id, True, False, facts.created_at, facts.password_changed_at
    )
    asked = [
        ("nobody@example.com", "00000000-0000-4000-8000-00000000ffff"),
        ("ben@example.com", unflagged),
        (ANA, account),
        ("kim@example.com", slow),
        ("eve@example.com", disabled),
        *((ANA, account) for _ in range(8)),  # until it is locked
    ]
    bodies, times = set(), set()
    for number, (name, object_id) in enumerate(asked):
        began, nonce = world.clock.elapsed(), f"nonce-{number:04d}"
        answer = stage.submit(name, f"guess {number}", object_id=object_id, nonce=nonce)
        assert action(answer) == Action.RETRY
        bodies.add(answer.body.replace(nonce.encode(), b"NONCE"))
        times.add(round(world.clock.elapsed() - began, 6))
    assert len(bodies) == 1
    assert times == {1.5}
    assert b"title" not in bodies.pop()


TABLE: list[tuple[Verdict, bool, Action]] = [
    (Match(), True, Action.MIGRATE),
    (Match(Condition.MUST_CHANGE), True, Action.UPDATE),
    (Match(Condition.MUST_CHANGE), False, Action.MIGRATE),
    (Match(Condition.SECOND_FACTOR), True, Action.BLOCK),
    (Barred(proven=True), True, Action.BLOCK),
    (Barred(proven=False), True, Action.RETRY),
    (UNREACHABLE, True, Action.BLOCK),
    (TIMED_OUT, True, Action.BLOCK),
]


@pytest.mark.parametrize(("verdict", "has_mail", "expected"), TABLE)
def test_each_outcome_has_its_action(
    stage: ExternalStage, verdict: Verdict, has_mail: bool, expected: Action
) -> None:
    name = ANA if has_mail else "ana"
    account = stage.world.person(name)
    stage.world.legacy.says = lambda _: verdict
    answer = stage.submit(name, OLD, object_id=account)
    assert action(answer) == expected
    only = answer.document["data"]["actions"][0]
    assert set(only) == ({"@odata.type", "title", "message"} if expected is Action.BLOCK else {"@odata.type"})


@pytest.mark.parametrize(
    ("weak", "expected"), [(True, Action.MIGRATE), (False, Action.UPDATE)], ids=["entra", "ask"]
)
def test_a_weak_password_is_left_to_entra_or_asked_for(weak: bool, expected: Action) -> None:
    stage = ExternalStage(decided_by=SignInRules(stores_weak=weak))
    account = stage.world.person(ANA, password="sunny-meadow")
    assert action(stage.submit(ANA, "sunny-meadow", object_id=account)) == expected
    stage.close()


@pytest.mark.parametrize("how", ["block", "retry", "error"])
def test_an_outage_is_answered_as_the_settings_say(how: Any) -> None:
    stage = ExternalStage(outage_answer=how)
    account = stage.world.person(ANA)
    stage.world.legacy.says = lambda _: UNREACHABLE
    answer = stage.submit(ANA, OLD, object_id=account)
    if how == "error":
        assert (answer.status, stage.paused) == (503, [])
        assert "Old-Password" not in answer.body.decode()
    else:
        assert action(answer) == (Action.BLOCK if how == "block" else Action.RETRY)
    stage.close()


def test_retries_in_three_forms_make_one_legacy_call(stage: ExternalStage) -> None:
    account = stage.world.person(ANA)
    event = stage.event(ANA, OLD, object_id=account)
    answers = [
        stage.send(event),  # and the same bytes
        stage.send(event),
        stage.submit(ANA, OLD, object_id=account),  # the same nonce, encrypted anew
        stage.submit(ANA, OLD, object_id=account, nonce="another-nonce"),
    ]
    assert {action(one) for one in answers} == {Action.MIGRATE}
    assert (len(stage.world.legacy.asked), stage.world.guard.booked) == (1, 1)


def test_one_nonce_with_two_passwords_is_retry_and_an_alert(stage: ExternalStage) -> None:
    account = stage.world.person(ANA)
    assert action(stage.submit(ANA, "wrong", object_id=account)) == Action.RETRY
    assert action(stage.submit(ANA, OLD, object_id=account)) == Action.RETRY
    assert len(stage.world.legacy.asked) == 1


def test_after_a_reset_the_legacy_password_is_refused_and_the_flag_goes_down(stage: ExternalStage) -> None:
    account = stage.world.person(ANA)
    stage.world.directory.set_password(account, "New-Password-2")
    assert action(stage.submit(ANA, OLD, object_id=account)) == Action.RETRY
    assert stage.world.directory.passwords[account] == "New-Password-2"
    assert stage.world.directory.accounts[account].flag is False


def test_nothing_is_read_before_the_caller_is_known(stage: ExternalStage) -> None:
    event = stage.event(ANA, OLD)
    for token in ("", "x", Provider().sign(token_claims()), PROVIDER.sign(token_claims(azp="somebody"))):
        headers = [("Authorization", f"Bearer {token}")] if token else []
        answer = stage.service.post(PATH, event, headers=headers)
        assert (answer.status, answer.body) == (401, b"")
    right = PROVIDER.sign(token_claims())
    twice = [("Authorization", f"Bearer {right}")] * 2
    assert stage.service.post(PATH, event, headers=twice).status == 401
    assert stage.service.post(PATH, event, headers=[("Authorization", "Basic eDp5")]).status == 401
    assert stage.world.legacy.asked == []


BROKEN: dict[str, Any] = {
    "no JSON": b"{",
    "a list": [],
    "nothing": b"",
    "no data": {"type": "microsoft.graph.authenticationEvent.passwordSubmit"},
    "deeply nested": b'{"type":' + b"[" * 9_000,
}


@pytest.mark.parametrize("name", list(BROKEN))
def test_what_is_no_event_is_refused(stage: ExternalStage, name: str) -> None:
    assert stage.send(BROKEN[name]).status == 400


CHANGES: dict[str, dict[str, Any]] = {
    "another tenant": {"tenantId": "99999999-2222-3333-4444-555555555555"},
    "another extension": {"customAuthenticationExtensionId": "eeeeeeee-0000-0000-0000-00000000ffff"},
    "no encrypted password": {"encryptedPasswordContext": ""},
    "somebody else's key": {"encryptedPasswordContext": "x"},
    "an id that is too long": {"object_id": "x" * 65},
    "a correlation id that is too long": {"correlation_id": "x" * 65},
    "an empty id": {"object_id": ""},
}


def test_what_is_not_for_us_is_refused_in_one_way(stage: ExternalStage) -> None:
    stage.world.person(ANA)
    answers = [stage.submit(ANA, OLD, **change) for change in CHANGES.values()]
    other = stage.event(ANA, OLD)
    other["type"] = "microsoft.graph.authenticationEvent.tokenIssuanceStart"
    answers.append(stage.send(other))
    assert {(one.status, one.body) for one in answers} == {(400, answers[0].body)}
    assert stage.world.legacy.asked == []


def test_ids_are_compared_whatever_their_case(stage: ExternalStage) -> None:
    account = stage.world.person(ANA)
    answer = stage.submit(
        ANA, OLD, object_id=account.upper(), customAuthenticationExtensionId=EXTENSION.upper()
    )
    assert action(answer) == Action.MIGRATE


def test_neither_log_nor_answer_quotes_a_password(stage: ExternalStage) -> None:
    account = stage.world.person(ANA)
    for password in (OLD, "guess-CNRY-1", ""):
        stage.submit(ANA, password, object_id=account, nonce=f"n{len(password)}")
    said = stage.service.log.getvalue().decode()
    assert "CNRY" not in said
    assert OLD not in said
    assert ANA not in said
    lines = [json.loads(line) for line in said.splitlines()]
    assert [one["cause"] for one in lines if one["event"] == "answered"] == [
        "matched",
        "mismatch",
        "empty_password",
    ]


def test_a_flow_that_hangs_is_answered_in_time_by_an_outage() -> None:
    let_go = threading.Event()
    stage = ExternalStage(deadline=timedelta(seconds=0.3))
    account = stage.world.person(ANA)

    def hangs(_: LegacyRef) -> Verdict:
        let_go.wait(5)
        return Mismatch()

    stage.world.legacy.says = hangs
    assert action(stage.submit(ANA, OLD, object_id=account)) == Action.BLOCK
    let_go.set()
    stage.close()


def test_the_nonce_is_echoed_whatever_the_action(stage: ExternalStage) -> None:
    account = stage.world.person(ANA)
    for number, verdict in enumerate([Match(), Barred(proven=True), UNREACHABLE, Mismatch()]):
        stage.world.legacy.says = lambda _, verdict=verdict: verdict  # type: ignore[misc]
        answer = stage.submit(ANA, f"p{number}", object_id=account, nonce=f"nonce-{number}")
        assert answer.document["data"]["nonce"] == f"nonce-{number}"
