"""The reset-required flow as a policy written for Microsoft's sample meets it."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.support.memory_directory import MemoryTenant
from tests.support.service_stage import STATUS, UPDATED, ServiceStage

from idferry.errors import Unreachable
from idferry.flows.see_password_reset import see_password_reset
from idferry.rules.names import local_identity
from idferry.service.messages import TEXTS, Text
from idferry.service.reset_status import StatusLimits

CORRECT = STATUS.replace("Loal", "Local")
MUST_RESET = (
    b'{"version":"1.0.0.0","status":409,"userMessage":"You need to change your password. '
    b"Please click on the 'Forgot your password?' link below\"}"
)


@pytest.fixture
def stage() -> Iterator[ServiceStage]:
    one = ServiceStage()
    one.status.add([("id-ana", ["ana@example.com", "ana"]), ("id-ben", ["ben@example.com"])])
    yield one
    one.close()


@pytest.mark.parametrize("path", [STATUS, CORRECT])
def test_who_must_reset_gets_the_bytes_of_microsofts_sample(stage: ServiceStage, path: str) -> None:
    answer = stage.post(path, {"email": "Ana@Example.com"})
    assert (answer.status, answer.body) == (409, MUST_RESET)
    assert answer.headers["content-type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize("path", [STATUS, CORRECT, UPDATED])
def test_whoever_need_not_gets_an_empty_200(stage: ServiceStage, path: str) -> None:
    answer = stage.post(path, {"email": "nobody@example.com"})
    assert (answer.status, answer.body) == (200, b"")
    assert "content-type" not in answer.headers


@pytest.mark.parametrize(
    "body", [{"signInName": "ana"}, {"email": " ANA@example.com "}, {"email": "ana", "x": 1}]
)
def test_names_are_compared_as_the_ledger_compares_them(stage: ServiceStage, body: dict[str, object]) -> None:
    assert stage.post(STATUS, body).status == 409


@pytest.mark.parametrize("path", [STATUS, UPDATED])
@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "Request content is NULL"),
        (b"  ", "Request content is empty"),
        (b"null", "Can not deserialize input claims"),
        (b"{", "Can not deserialize input claims"),
        (b'"ana"', "Can not deserialize input claims"),
        (b'{"email":5}', "Can not deserialize input claims"),
        (b"{}", "Can not deserialize input claims"),
        (b'{"email":"\xff"}', "Can not deserialize input claims"),
        (b"[" * 20_000, "Can not deserialize input claims"),
        (b'{"email":"' + b"x" * 600 + b'"}', "Can not deserialize input claims"),
    ],
)
def test_a_body_that_says_nothing_is_refused_in_the_words_of_the_sample(
    stage: ServiceStage, path: str, body: bytes, said: str
) -> None:
    answer = stage.call("POST", path, body)
    assert answer.document == {"version": "1.0.0.0", "status": 409, "userMessage": said}
    assert answer.status == 409


def test_a_new_password_settles_every_name_of_the_account_and_may_be_said_twice(stage: ServiceStage) -> None:
    for _ in range(2):
        assert stage.post(UPDATED, {"email": "ana@example.com", "objectId": "id-ana"}).status == 200
    assert [stage.post(STATUS, {"email": name}).status for name in ("ana", "ana@example.com")] == [200, 200]
    assert stage.post(STATUS, {"email": "ben@example.com"}).status == 409


def test_an_object_id_alone_settles_too(stage: ServiceStage) -> None:
    assert stage.post(UPDATED, {"objectId": "id-ben"}).status == 200
    assert stage.post(STATUS, {"email": "ben@example.com"}).status == 200


@pytest.mark.parametrize("is_local", [True, False])
def test_a_store_that_fails_bars_nobody_and_raises_an_alert(is_local: bool) -> None:
    stage = ServiceStage(is_local=is_local)
    stage.status.add([("id", ["ana"])])
    stage.status.failing = True
    assert [stage.post(path, {"email": "ana"}).status for path in (STATUS, UPDATED)] == [200, 200]
    text = stage.metrics.text().decode()
    assert 'idferry_alerts_total{alert="status_unavailable"} 1.0' in text
    assert 'idferry_alerts_total{alert="reset_not_recorded"} 1.0' in text
    assert [line["kind"] for line in stage.lines() if line["level"] == "warning"] == [
        "status_unavailable"
    ] * 2
    stage.close()


@pytest.mark.parametrize("name", ["\\ud800", "a\\u0000b", "\\udfff@example.com", "\\u202e", 'a\\\\\\"b'])
def test_no_name_breaks_anything(name: str) -> None:
    """Halves of characters (surrogates), NUL, and what turns the direction of writing."""
    for is_local in (True, False):
        stage = ServiceStage(is_local=is_local)
        answer = stage.call("POST", STATUS, f'{{"email":"{name}"}}'.encode())
        assert answer.status in (200, 409)
        assert b'alert="status_bug"' not in stage.metrics.text()
        stage.close()


def test_a_bug_of_a_store_bars_nobody() -> None:
    stage = ServiceStage()

    def broken(_name: str) -> bool:
        raise ZeroDivisionError

    stage.status.must_reset = broken  # type: ignore[method-assign]
    assert stage.post(STATUS, {"email": "ana"}).status == 200
    assert b'idferry_alerts_total{alert="status_bug"} 1.0' in stage.metrics.text()
    stage.close()


def test_a_store_that_hangs_bars_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("idferry.service.reset_status.STORE_SECONDS_MAX", 0.05)
    stage = ServiceStage(is_local=False)
    stage.status.add([("id", ["ana"])])
    stage.status.hang = threading.Event()
    # Four calls occupy both threads and the queue; whoever comes then is let through at once.
    assert [stage.post(STATUS, {"email": "ana"}).status for _ in range(6)] == [200] * 6
    assert stage.metrics.text().count(b'alert="status_unavailable"} 6.0') == 1
    stage.status.hang.set()
    stage.close()


def test_an_address_learns_about_so_many_people_and_then_nothing() -> None:
    stage = ServiceStage(limits=StatusLimits(per_address=3))
    stage.status.add([(str(number), [str(number)]) for number in range(5)])
    asked = [stage.post(STATUS, {"email": str(n), "ipAddress": "203.0.113.9"}).status for n in range(5)]
    assert asked == [409, 409, 409, 200, 200]
    assert stage.post(STATUS, {"email": "4", "ipAddress": "203.0.113.10"}).status == 409
    stage.clock.advance(601)
    assert stage.post(STATUS, {"email": "4", "ipAddress": "203.0.113.9"}).status == 409
    stage.close()


@pytest.mark.parametrize(
    "addresses",
    [
        pytest.param(
            [f"2001:db8:1:2::{number:x}" for number in range(1, 6)], id="one subscriber's IPv6 network"
        ),
        pytest.param(
            ["203.0.113.9", "203.0.113.9:443", " 203.0.113.9", "::ffff:203.0.113.9"], id="spellings"
        ),
    ],
)
def test_one_address_learns_no_more_by_spelling_it_anew(addresses: list[str]) -> None:
    stage = ServiceStage(limits=StatusLimits(per_address=2))
    stage.status.add([(str(number), [str(number)]) for number in range(5)])
    asked = [
        stage.post(STATUS, {"email": str(number), "ipAddress": address}).status
        for number, address in enumerate(addresses)
    ]
    assert asked == [409, 409, *[200] * (len(addresses) - 2)]
    assert stage.post(STATUS, {"email": "4", "ipAddress": "x" * 20_000}).status == 409, "no address is none"
    stage.close()


def test_so_many_conflicts_leave_in_a_minute() -> None:
    stage = ServiceStage(limits=StatusLimits(conflicts_per_minute=2))
    stage.status.add([("id", ["ana"])])
    assert [stage.post(STATUS, {"email": "ana"}).status for _ in range(3)] == [409, 409, 200]
    assert b'alert="status_global_limit"' in stage.metrics.text()
    stage.clock.advance(61)
    assert stage.post(STATUS, {"email": "ana"}).status == 409
    stage.close()


@pytest.mark.parametrize("language", TEXTS)
def test_the_sentence_comes_in_the_language_of_the_settings(language: str) -> None:
    stage = ServiceStage(language=language)
    stage.status.add([("id", ["ana"])])
    assert stage.post(STATUS, {"email": "ana"}).document["userMessage"] == TEXTS[language][Text.MUST_RESET]
    stage.close()


# --- a message that was lost --------------------------------------------------------------------------------------------


def test_somebody_who_has_reset_is_let_through_although_nobody_told_us() -> None:
    tenant = MemoryTenant()
    object_id = tenant.plant(local_identity("ana@example.com"), flag=True)
    stage = ServiceStage()
    stage.status.add([(object_id, ["ana@example.com"])])

    def look(name: str) -> bool:
        return see_password_reset(
            reader=tenant.reader,
            sign_in_name=name,
            settle=lambda name, one: stage.status.settle(sign_in_name=name, object_id=one),
        )

    stage = ServiceStage(status=stage.status, second_look=look)
    assert stage.post(STATUS, {"email": "ana@example.com"}).status == 409
    stored = tenant.stored[object_id]
    assert stored.account.created_at
    changed = stored.account.created_at + timedelta(minutes=5)
    stored.account = replace(stored.account, password_changed_at=changed)
    # Nobody is looked at twice within a while: the directory grants so many calls.
    assert stage.post(STATUS, {"email": "Ana@example.com"}).status == 409
    stage.clock.advance(31)
    assert stage.post(STATUS, {"email": "ana@example.com"}).status == 200
    assert stage.status.must_reset("ana@example.com") is False
    assert stage.lines()[-1]["outcome"] == "has_reset"
    stage.close()


def test_a_directory_that_gives_no_answer_leaves_the_store_its_word_and_gets_its_rest() -> None:
    asked: list[str] = []

    def look(name: str) -> bool:
        asked.append(name)
        raise Unreachable("the test says so")

    stage = ServiceStage(second_look=look)
    stage.status.add([(str(number), [f"p{number}"]) for number in range(4)])
    assert [stage.post(STATUS, {"email": f"p{number}"}).status for number in range(4)] == [409] * 4
    assert asked == ["p0"]
    stage.clock.advance(61)
    assert stage.post(STATUS, {"email": "p1"}).status == 409
    assert asked == ["p0", "p1"]
    assert b'alert="second_look_failed"} 2.0' in stage.metrics.text()
    stage.close()


def test_nobody_is_looked_at_who_need_not_reset() -> None:
    stage = ServiceStage(second_look=lambda name: pytest.fail(f"asked about {name}"))
    assert stage.post(STATUS, {"email": "nobody"}).status == 200
    stage.close()
