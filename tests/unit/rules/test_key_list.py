"""Keys in a file: every key comes back as it was, and comments are none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.ledger_records import legacy_user

from idferry.rules.key_list import NAMED_CHARACTERS_MAX, KeyList, few, key_line, key_of_line, pilot_of

PLAIN = ["4711", "ana@example.com", "a b", "ümlaut", "x#y", 'say "hi"', "google.com|17"]
WRITTEN_AS_JSON = ["", " ", " x", "x ", "#1", '"1"', "a\nb", "\t", "\x00", "\u2028", "\ufeff1"]


@pytest.mark.parametrize("key", PLAIN)
def test_plain_keys_stand_as_they_are(key: str) -> None:
    assert key_line(key) == key
    assert key_of_line(f"{key}\r\n") == key


@pytest.mark.parametrize("key", WRITTEN_AS_JSON)
def test_other_keys_are_json_texts_of_one_line(key: str) -> None:
    line = key_line(key)
    assert line.startswith('"')
    assert line.isprintable()
    assert key_of_line(f"{line}\n") == key


@given(st.text())
def test_every_key_comes_back(key: str) -> None:
    line = key_line(key)
    assert len(line.splitlines()) == 1
    assert key_of_line(f"  {line}\n") == key


@pytest.mark.parametrize("line", ["", "\n", "   \n", "# a comment\n", "  #1\n", "#"])
def test_comments_and_blank_lines_are_no_keys(line: str) -> None:
    assert key_of_line(line) is None


@pytest.mark.parametrize("line", ['"open', '"a" b', '"'])
def test_a_broken_json_text_is_told_without_quoting_it(line: str) -> None:
    with pytest.raises(ValueError, match="no JSON text") as told:
        key_of_line(line)
    assert "open" not in str(told.value)


def test_a_list_takes_its_people_and_knows_whom_it_has_not_met() -> None:
    keys = KeyList(frozenset({"1", "2", "3"}))
    pilot = pilot_of(keys, lambda user: user.key != "2")
    assert [key for key in ("1", "2", "9") if pilot(legacy_user(key))] == ["1"]
    assert keys.missing == ["3"], "the second was there, although the pilot did not take it"


def test_without_a_list_the_pilot_stays() -> None:
    pilot = pilot_of(None, lambda user: user.key == "1")
    assert pilot(legacy_user("1"))
    assert not pilot(legacy_user("2"))


def test_a_digest_changes_with_the_keys_alone() -> None:
    assert KeyList(frozenset({"1", "2"})).digest == KeyList(frozenset({"2", "1"})).digest
    others = [{"1"}, {"1", "2"}, {"12"}, {"1\n2"}, {"1,2"}, {"\ud800"}, set[str]()]
    assert len({KeyList(frozenset(one)).digest for one in others}) == len(others)


def test_a_message_names_few_keys_and_none_at_full_length() -> None:
    assert few(["b", "a"]) == "'a', 'b'"
    told = few([f"{number:04}" * 2000 for number in range(1000)])
    assert told.endswith(" and 995 more")
    assert len(told) < 6 * (NAMED_CHARACTERS_MAX + 10)
