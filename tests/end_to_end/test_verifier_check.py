"""`idferry verifier check`, as people type it, against a legacy system on this machine."""

import io
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.support.scripted_server import Piece, Seen, answer, scripted_server
from tests.support.service_process import free_port

from idferry.cli.app import run

RIGHT = "Not-Real-Walrus-77"


def legacy(seen: Seen) -> Sequence[Piece]:
    if seen.json["password"] == RIGHT:
        return answer(200, {"status": "password_match"})
    if seen.json["password"] == "down":
        return answer(503)
    return answer(403)


def settings_of(url: str, folder: Path) -> str:
    file = folder / "idferry.toml"
    file.write_text(
        f"""
[[verifier]]
name = "old-shop"
kind = "web_service"
url = "{url}/check"
legacy_lockout = {{ threshold = 10, window_seconds = 600 }}
""",
        encoding="utf-8",
    )
    return str(file)


def check(
    settings: str, typed: str, monkeypatch: pytest.MonkeyPatch, *more: str, name: str = "old-shop"
) -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    return run(["verifier", "check", name, "anna@example.com", "--settings", settings, *more])


@pytest.mark.parametrize(
    ("typed", "code", "verdict", "said", "reached"),
    [
        (f"{RIGHT}\n", 0, "match", 'HTTP 200 status = "password_match"', True),
        (f"{RIGHT}\r\n", 0, "match", 'HTTP 200 status = "password_match"', True),
        (f"{RIGHT} \n", 1, "mismatch", "HTTP 403", True),
        ("wrong", 1, "mismatch", "HTTP 403", True),
        ("down\n", 1, "no_answer_unreachable", "HTTP 503", True),
    ],
)
def test_the_verdict_and_what_was_said(
    typed: str,
    code: int,
    verdict: str,
    said: str,
    reached: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with scripted_server(legacy) as server:
        settings = settings_of(server.url, tmp_path)
        assert check(settings, typed, monkeypatch, "--json") == code
        told = capsys.readouterr()
        document = json.loads(told.out)
        assert document.pop("milliseconds") >= 0
        assert document.pop("advice") == []
        assert document == {"verifier": "old-shop", "verdict": verdict, "code": said, "reached": reached}
        assert check(settings, typed, monkeypatch) == code
        shown = capsys.readouterr()
        assert verdict in shown.out
        assert said in shown.out
    everything = told.out + told.err + shown.out + shown.err
    assert RIGHT not in everything
    assert [one.name for one in tmp_path.iterdir()] == ["idferry.toml"]


def test_nobody_there_has_seen_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with scripted_server(legacy) as server:
        pass
    assert check(settings_of(server.url, tmp_path), f"{RIGHT}\n", monkeypatch) == 1
    shown = capsys.readouterr().out
    assert "no_answer_unreachable" in shown
    assert "It has not seen the password." in shown


def test_an_empty_password_and_an_unknown_verifier_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with scripted_server(legacy) as server:
        settings = settings_of(server.url, tmp_path)
        assert check(settings, "\n", monkeypatch) == 2
        assert "an empty one is never sent" in capsys.readouterr().err
        assert check(settings, "x\n", monkeypatch, name="old-club") == 2
        assert "Known: old-shop." in capsys.readouterr().err
        assert server.seen == []


def test_what_is_to_be_arranged_at_the_legacy_system_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """B2C sees every check come from our one address; nobody listens here, and that is told as well."""
    file = Path(settings_of(f"http://127.0.0.1:{free_port()}", tmp_path))
    lines = 'kind = "password_grant"\nserver = "b2c"\nclient_id = "idferry"\n'
    file.write_text(file.read_text("utf-8").replace('kind = "web_service"\n', lines), encoding="utf-8")
    assert check(str(file), f"{RIGHT}\n", monkeypatch, "--json") == 1
    [advice] = json.loads(capsys.readouterr().out)["advice"]
    assert "allow list" in advice
    assert check(str(file), f"{RIGHT}\n", monkeypatch) == 1
    assert "allow list" in " ".join(capsys.readouterr().out.split())
