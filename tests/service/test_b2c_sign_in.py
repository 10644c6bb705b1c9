"""The endpoints that a B2C policy calls at a first sign-in and after a reset: bytes, times, and what is never told."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from tests.support.memory_sign_ins import ADDRESS, UNREACHABLE, mode_b, unreachable
from tests.support.service_stage import BASIC, Answered
from tests.support.sign_in_stage import B2cStage

from idferry.rules.entry import EventKind
from idferry.rules.lifecycle import State
from idferry.rules.verdict import Barred, Condition, Match, Verdict
from idferry.service.messages import TEXTS, Text

ANA, OLD, NEW = "ana@example.com", "Old-Password-1", "New-Password-2"
RESET = "/api/migration/password-reset"


@pytest.fixture
def stage() -> Iterator[B2cStage]:
    made = B2cStage()
    yield made
    made.close()


def text_of(answer: Answered) -> str:
    assert (answer.status, list(answer.document)) == (409, ["version", "status", "userMessage"])
    assert answer.document["status"] == 409
    return str(answer.document["userMessage"])


@pytest.mark.parametrize("path", ["/api/migration/sign-in", "/api/identity"])
def test_a_right_password_gets_two_claims_to_the_letter(stage: B2cStage, path: str) -> None:
    stage.world.person(ANA)
    answer = stage.sign_in(ANA, OLD, path=path)
    assert (answer.status, answer.body) == (200, b'{"tokenSuccess":true,"migrationRequired":false}')


def test_in_mode_b_the_same_answer_and_the_password_is_written() -> None:
    stage = B2cStage(decided_by=mode_b())
    account = stage.world.person(ANA)
    assert stage.sign_in(ANA, OLD).status == 200
    assert stage.world.directory.passwords[account] == OLD
    stage.close()


def test_answers_that_wait_for_their_moment_are_counted_as_long_as_they_wait() -> None:
    stage = B2cStage(negative_reply_at_s=2.0)
    stage.world.person(ANA)
    waiting: list[bytes] = []

    def shown() -> bytes:
        [line] = re.findall(rb"^idferry_answers_waiting .*$", stage.books.metrics.text(), re.MULTILINE)
        return bytes(line)

    stage.while_paused = lambda: waiting.append(shown())
    stage.sign_in(ANA, "wrong")
    assert (waiting, shown()) == ([b"idferry_answers_waiting 1.0"], b"idferry_answers_waiting 0.0")
    stage.close()


def test_every_no_is_the_same_bytes_and_leaves_at_the_fixed_time() -> None:
    stage = B2cStage(negative_reply_at_s=2.0)
    world = stage.world
    world.person(ANA)
    world.person("ben@example.com", flag=False)
    names = [ANA, "ben@example.com", "nobody@example.com", *([ANA] * 8)]
    answers, times = [], []
    for number, name in enumerate(names):
        began = world.clock.elapsed()
        password = OLD if name.startswith("ben") else f"guess {number}"
        answers.append(stage.sign_in(name, password, ipAddress=ADDRESS))
        times.append(round(world.clock.elapsed() - began, 6))
    assert {one.body for one in answers} == {answers[0].body}
    assert text_of(answers[0]) == TEXTS["en"][Text.WRONG]
    assert set(times) == {2.0}
    began = world.clock.elapsed()
    world.clock.advance(3600)
    assert stage.sign_in(ANA, OLD).status == 200
    assert world.clock.elapsed() - began == 3600, "a match leaves at once"
    stage.close()


def test_two_names_without_an_account_are_no_sign_in(stage: B2cStage) -> None:
    """One is checked, and the policy could write the password to the account of the other one."""
    account = stage.world.person(ANA)
    stage.world.person("ben@example.com")
    assert stage.sign_in(ANA, OLD, signInName="ben@example.com").status == 400
    assert stage.world.legacy.asked == []
    assert stage.sign_in(ANA, OLD, signInName="ANA@example.com ").status == 200
    assert stage.sign_in("ana@work.example", OLD, signInName="ana", objectId=account).status == 200


TOLD: list[tuple[Verdict, Text]] = [
    (Match(Condition.MUST_CHANGE), Text.CANNOT_BE_USED),
    (Match(Condition.SECOND_FACTOR), Text.BARRED),
    (Barred(proven=True), Text.BARRED),
    (Barred(proven=False), Text.WRONG),
    (UNREACHABLE, Text.TRY_LATER),
]


@pytest.mark.parametrize(("verdict", "text"), TOLD)
@pytest.mark.parametrize("language", ["en", "de"])
def test_each_outcome_has_its_sentence(verdict: Verdict, text: Text, language: str) -> None:
    stage = B2cStage(language=language)
    stage.world.person(ANA)
    stage.world.legacy.says = lambda _: verdict
    assert text_of(stage.sign_in(ANA, OLD)) == TEXTS[language][text]
    stage.close()


def test_one_person_has_one_id_in_the_log_however_the_name_is_spelled(stage: B2cStage) -> None:
    stage.sign_in("Ana@Example.com", "wrong")
    stage.sign_in(" ana@example.com", "wrong")
    stage.service.post(RESET, {"signInName": "ANA@example.com"})
    stage.service.post("/api/PrePasswordReset/PasswordUpdated", {"email": "ana@EXAMPLE.com"})
    told = [one["person"] for one in stage.service.lines() if one.get("person")]
    assert (len(told), len(set(told))) == (4, 1)


def test_a_person_is_found_by_the_object_id_of_the_policy(stage: B2cStage) -> None:
    account = stage.world.person(ANA)
    assert stage.sign_in("", OLD, objectId=account.upper()).status == 200
    body = {"signInName": f" {ANA.upper()} ", "password": OLD, "correlationId": "2"}
    assert stage.service.post("/api/migration/sign-in", body).status == 200


def test_tries_of_one_request_count_once(stage: B2cStage) -> None:
    stage.world.person(ANA)
    for _ in range(3):
        assert stage.sign_in(ANA, "wrong", correlationId="c").status == 409
        stage.world.clock.advance(30)
    assert (len(stage.world.legacy.asked), stage.world.guard.booked) == (1, 1)


MALFORMED: dict[str, bytes] = {
    "nothing": b"",
    "no JSON": b"{",
    "a list": b"[]",
    "no password": b'{"email":"ana@example.com"}',
    "a password that is a number": b'{"email":"ana@example.com","password":1}',
    "nobody": b'{"password":"x"}',
    "a name of blanks": b'{"email":"  ","password":"x"}',
    "half a character": b'{"email":"a\\ud800","password":"x"}',
    "a password of 5,000": msgspec.json.encode({"email": ANA, "password": "x" * 5_000}),
    "an address of 100": msgspec.json.encode({"email": ANA, "password": "x", "ipAddress": "1" * 100}),
}


@pytest.mark.parametrize("name", list(MALFORMED))
def test_what_is_no_sign_in_is_refused_and_asks_nobody(stage: B2cStage, name: str) -> None:
    answer = stage.service.call("POST", "/api/migration/sign-in", MALFORMED[name])
    assert answer.status == 400
    assert stage.world.legacy.asked == []


@pytest.mark.parametrize("path", ["/api/migration/sign-in", "/api/identity", RESET])
def test_nobody_calls_without_a_credential(stage: B2cStage, path: str) -> None:
    stage.world.person(ANA)
    body = msgspec.json.encode({"email": ANA, "password": OLD})
    assert stage.service.call("POST", path, body, headers=[]).status == 401
    assert stage.service.call("POST", path, body, headers=[BASIC, BASIC]).status == 401
    assert stage.world.legacy.asked == []


def test_no_password_reaches_the_log(stage: B2cStage) -> None:
    stage.world.person(ANA)
    for password in (OLD, "guess-CNRY-1"):
        stage.sign_in(ANA, password)
    said = stage.service.log.getvalue().decode()
    assert OLD not in said
    assert "CNRY" not in said
    assert ANA not in said


# --- reset before the first sign-in ------------------------------------------------------------------------------


def reset(stage: B2cStage, **body: Any) -> Answered:
    answer = stage.service.post(RESET, body)
    assert (answer.status, answer.body) == (200, b"")
    return answer


def test_a_reset_is_read_recorded_and_never_written(stage: B2cStage) -> None:
    world = stage.world
    account = world.person(ANA)
    world.directory.set_password(account, NEW, flag=False)
    reset(stage, email=ANA, objectId=account)
    assert [(one.kind, one.state) for one in world.ledger.notes] == [
        (EventKind.PASSWORD_RESET, State.COMPLETE)
    ]
    assert (world.directory.writes, world.directory.cleared) == (0, [])


def test_what_does_not_show_yet_is_not_recorded_and_still_200(stage: B2cStage) -> None:
    world = stage.world
    account = world.person(ANA)
    reset(stage, objectId=account)
    flagged = world.directory.accounts[account]
    world.directory.accounts[account] = replace(flagged, flag=None)
    reset(stage, objectId=account)
    world.directory.accounts[account] = flagged
    world.directory.fails = unreachable()
    reset(stage, objectId=account)
    world.directory.fails = None
    reset(stage, email="nobody@example.com")
    reset(stage)
    world.ledger.fails = True
    reset(stage, email=ANA)
    assert stage.service.post(RESET, b"{").status == 200
    assert world.ledger.notes == []


def test_a_reset_ends_the_lock(stage: B2cStage) -> None:
    world = stage.world
    account = world.person(ANA)
    for number in range(40):
        stage.sign_in(ANA, f"guess {number}", ipAddress=f"198.51.100.{number}")
    locked = len(world.legacy.asked)
    stage.sign_in(ANA, "one more", ipAddress="198.51.100.99")
    assert len(world.legacy.asked) == locked
    reset(stage, objectId=account)
    stage.sign_in(ANA, "another", ipAddress="198.51.100.98")
    assert len(world.legacy.asked) == locked + 1
