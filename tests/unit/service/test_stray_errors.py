"""What breaks outside of any request is told by its kind; its words, which may quote a password, are told nobody."""

import gc
import io
import json
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future

import pytest
from tests.support.hand_clock import HandClock

from idferry.service.logs import open_log
from idferry.service.stray_errors import stray_errors_told

SECRET = "Old-Password-1"


class Broken(Exception):
    """A bug that quotes what it was given."""


def breaks() -> None:
    raise Broken(SECRET)


def in_a_thread() -> None:
    thread = threading.Thread(target=breaks)
    thread.start()
    thread.join()


def in_a_callback() -> None:
    done: Future[None] = Future()
    done.add_done_callback(lambda _: breaks())
    done.set_result(None)


def in_a_library() -> None:
    logging.getLogger("some.library").warning("it sent %s", SECRET)


class _Thrown:
    def __del__(self) -> None:
        breaks()


def where_an_object_goes() -> None:
    _Thrown()
    gc.collect()


@pytest.mark.parametrize(
    ("what", "told"),
    [
        (in_a_thread, {"kind": "Broken"}),
        (in_a_callback, {"kind": "Broken", "library": "concurrent.futures"}),
        (in_a_library, {"kind": "warning", "library": "some.library"}),
        (where_an_object_goes, {"kind": "Broken"}),
    ],
)
def test_a_stray_error_is_one_line_without_its_words(
    what: Callable[[], None], told: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    stream = io.BytesIO()
    hooks = threading.excepthook
    with stray_errors_told(open_log(stream, clock=HandClock())):
        what()
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [{name: one[name] for name in told} for one in lines] == [told]
    assert {one["event"] for one in lines} == {"stray_error"}
    assert SECRET not in stream.getvalue().decode() + "".join(capfd.readouterr())
    assert threading.excepthook is hooks


def test_a_connection_that_breaks_is_nothing_to_tell() -> None:
    stream = io.BytesIO()

    def breaks_off() -> None:
        raise ConnectionResetError

    with stray_errors_told(open_log(stream, clock=HandClock())):
        thread = threading.Thread(target=breaks_off)
        thread.start()
        thread.join()
    assert stream.getvalue() == b""
