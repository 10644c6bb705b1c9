"""What counts as an answer of an extension: exactly one known action that repeats the nonce."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idferry.emulator.password_submit.answers import Action, ActionKind, judge
from idferry.emulator.password_submit.failures import Failure

NONCE = "a nonce"


def judged(document: Any, *, exact: bool = False, media_type: str = "application/json") -> Action | Failure:
    return judge(
        status=200,
        content_type=media_type,
        body=msgspec.json.encode(document),
        nonce=NONCE,
        exact_casing=exact,
    )


def answer(name: str, **more: Any) -> dict[str, Any]:
    action = {"@odata.type": name, **more}
    kind = "microsoft.graph.onPasswordSubmitResponseData"
    return {"data": {"@odata.type": kind, "actions": [action], "nonce": NONCE}}


@pytest.mark.parametrize("kind", list(ActionKind))
def test_each_action_is_read(kind: ActionKind) -> None:
    assert judged(answer(f"microsoft.graph.passwordSubmit.{kind}"), exact=True) == Action(kind)


@pytest.mark.parametrize(
    "media_type", ["application/json", "application/json; charset=utf-8", "Application/JSON ;charset=UTF-8"]
)
def test_parameters_of_the_content_type_do_not_matter(media_type: str) -> None:
    assert isinstance(judged(answer("microsoft.graph.passwordSubmit.Retry"), media_type=media_type), Action)


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        ("microsoft.graph.passwordsubmit.migratepassword", True),
        ("MICROSOFT.GRAPH.PASSWORDSUBMIT.MIGRATEPASSWORD", True),
        ("#microsoft.graph.passwordSubmit.MigratePassword", True),
        ("microsoft.graph.authenticationEvent.passwordSubmit.migratePassword", False),
        ("passwordSubmit.MigratePassword", False),
        ("microsoft.graph.passwordSubmit.MigratePassword ", False),
    ],
)
def test_spellings(name: str, taken: bool) -> None:
    verdict = judged(answer(name))
    assert verdict == (
        Action(ActionKind.MIGRATE_PASSWORD) if taken else Failure.CUSTOM_EXTENSION_INVALID_ACTION_TYPE
    )


def test_title_and_message_are_text_or_nothing() -> None:
    name = "microsoft.graph.passwordSubmit.Block"
    assert judged(answer(name, title="T", message="M")) == Action(ActionKind.BLOCK, "T", "M")
    assert judged(answer(name, title=7, message=None)) == Action(ActionKind.BLOCK)


@given(body=st.binary(max_size=300))
def test_no_bytes_are_an_action_by_chance(body: bytes) -> None:
    verdict = judge(status=200, content_type="application/json", body=body, nonce=NONCE, exact_casing=False)
    assert isinstance(verdict, Failure)


@given(
    data=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["data", "actions", "nonce", "@odata.type"]), inner, max_size=4)
        ),
    )
)
def test_no_json_breaks_the_judge(data: Any) -> None:
    assert isinstance(judged(data), Failure)
