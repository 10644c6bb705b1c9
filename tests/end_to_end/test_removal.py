"""Pilots, taking away what was created and nobody uses, and what comes back: the real command line."""

from collections.abc import Iterable
from itertools import product
from pathlib import Path

import pytest
from tests.support.desk import PASSWORD, Desk, people
from tests.support.emulator import Emulator
from tests.support.graph_http import GraphHttp

from idferry.rules.removal import MEANINGS, Kept

REMOVE_KEYS = [
    "to_remove",
    "removed",
    "kept_used",
    "failed",
    "gone",
    "kept",
    "failures",
    "kept_people",
    "status_complete",
]
SIGNED_IN = 10
EVERYBODY = 60


def premigrated(desk: Desk, count: int, *more: object, source: str = "crm", passwords: bool = False) -> str:
    """So many people from one source, who await their password unless it is known; the id of the run."""
    desk.people(f"{source}.jsonl", people(count, prefix=f"{source}-", passwords=passwords))
    return str(desk.json("premigrate", f"{source}.jsonl", "--execute", *more)["run"])


def keys(desk: Desk, emulator: Emulator) -> set[str]:
    """The legacy keys of all accounts in the directory."""
    name = desk.tenant.extension("legacyId")
    return {one[name].rpartition(":")[2] for one in emulator.dump(desk.tenant)}


def changed(graph: GraphHttp, object_id: str, name: str, *, value: object) -> None:
    """Somebody else sets an attribute."""
    answer = graph.patch(f"/users/{object_id}", {name: value})
    assert answer.status_code == 204, answer.text


# pilots -----------------------------------------------------------------------------------------------------------


def test_a_pilot_of_the_first_few_and_then_everybody(desk: Desk, emulator: Emulator) -> None:
    desk.people("crm.jsonl", people(12))
    pilot = desk.json("premigrate", "crm.jsonl", "--limit", 5, "--cohort", "pilot", "--execute")
    assert (pilot["people"], pilot["states"]) == (5, {"complete": 5})
    assert keys(desk, emulator) == {f"p{number}" for number in range(5)}
    rest = desk.json("premigrate", "crm.jsonl", "--execute")
    assert (rest["create"], rest["existing"]) == (7, 5)
    assert desk.json("status", "--cohort", "pilot")["states"] == {"complete": 5}
    assert desk.json("verify", "--cohort", "pilot")["differences"] == 0


@pytest.mark.parametrize(
    ("expressions", "taken"),
    [
        (["signInName=*@example.com"], {"c0", "c1"}),
        (["signInName!=*@example.com"], {"p0", "p1", "p2"}),
        (["city=cork", "key=p*"], {"p1"}),
        (["displayName=person ?1"], {"p1", "c1"}),
        (["key=nobody"], set()),
    ],
)
def test_a_pilot_of_chosen_people(
    b2c_desk: Desk, emulator: Emulator, expressions: list[str], taken: set[str]
) -> None:
    records = [*people(3), *people(2, prefix="c")]
    for record in records:
        record["attributes"] = {"city": "Cork" if record["key"].endswith("1") else "Kerry"}
        if record["key"].startswith("c"):
            record["signInName"] = f"{record['key']}@example.com"
    b2c_desk.people("crm.jsonl", records)
    options = [part for expression in expressions for part in ("--only", expression)]
    assert b2c_desk.json("premigrate", "crm.jsonl", *options)["create"] == len(taken)
    b2c_desk.ok("premigrate", "crm.jsonl", *options, "--execute")
    assert keys(b2c_desk, emulator) == taken


# remove -----------------------------------------------------------------------------------------------------------


def in_use(desk: Desk, emulator: Emulator, graph: GraphHttp, numbers: Iterable[int]) -> None:
    """These people have got a password of their own: the policy wrote it and took the flag down."""
    emulator.advance(3600)
    graph.sign_in()
    name = desk.tenant.extension("legacyId")
    ids = {one[name].rpartition(":")[2]: one["id"] for one in emulator.dump(desk.tenant)}
    for number in numbers:
        object_id = ids[f"crm-{number}"]
        emulator.self_service_reset(desk.tenant, object_id, "Another-Sunny-Day-1!")
        changed(graph, object_id, desk.tenant.extension("requiresMigration"), value=False)


def test_remove_takes_what_nobody_uses_and_says_what_it_kept(
    desk: Desk, emulator: Emulator, graph: GraphHttp
) -> None:
    run = premigrated(desk, EVERYBODY)
    in_use(desk, emulator, graph, range(SIGNED_IN))
    before = (emulator.dump(desk.tenant), desk.ledger_files())
    plan = desk.json("remove", "--run", run)
    assert list(plan) == REMOVE_KEYS
    assert (plan["to_remove"], plan["removed"], plan["kept_used"], plan["failed"]) == (50, 0, 10, 0)
    assert plan["kept"] == {"flag_fallen": 10}
    assert (emulator.dump(desk.tenant), desk.ledger_files()) == before
    done = desk.json("remove", "--run", run, "--execute", code=1)
    assert (done["removed"], done["kept_used"], done["failed"]) == (50, 10, 0)
    assert {one["legacy_id"] for one in done["kept_people"]} == {f"demo:crm:crm-{one}" for one in range(10)}
    assert keys(desk, emulator) == {f"crm-{number}" for number in range(SIGNED_IN)}
    assert len(emulator.dump(desk.tenant, deleted=True)) == 50
    assert desk.json("status")["states"] == {"awaiting_password": 10, "removed": 50}
    assert desk.json("verify")["differences"] == 0
    again = desk.json("remove", "--run", run, "--execute", code=1)
    assert (again["removed"], again["kept_used"]) == (0, 10)


def test_people_who_have_signed_in_with_their_old_password_stay(desk: Desk, emulator: Emulator) -> None:
    premigrated(desk, EVERYBODY, passwords=True)
    for number in range(SIGNED_IN):
        signed_in = emulator.sign_in(desk.tenant, f"crm-{number}@example.org", PASSWORD.format(number))
        assert signed_in["signed_in"]
    done = desk.json("remove", "--source", "crm", "--execute", code=1)
    assert (done["removed"], done["kept"]) == (50, {"signed_in": 10})


def test_where_sign_ins_are_not_shown_known_passwords_stay(desk: Desk, emulator: Emulator) -> None:
    """Somebody may use an account whose password is known: only the exact number takes it away."""
    emulator.options(desk.tenant, sign_in_activity=False)
    premigrated(desk, 4, passwords=True)
    premigrated(desk, 3, source="shop")
    assert desk.json("remove", "--source", "shop")["to_remove"] == 3
    done = desk.json("remove", "--source", "crm", "--execute", code=1)
    assert (done["removed"], done["kept"]) == (0, {"sign_in_unknown": 4})
    done = desk.json("remove", "--source", "crm", "--including-used", 4, "--execute")
    assert (done["removed"], done["kept_used"]) == (4, 0)


def test_accounts_in_use_go_only_by_their_exact_number(
    desk: Desk, emulator: Emulator, graph: GraphHttp
) -> None:
    premigrated(desk, 5)
    in_use(desk, emulator, graph, [0])
    for wrong in (0, 2):
        refused = desk.run("remove", "--source", "crm", "--including-used", wrong, "--execute")
        assert refused.code == 2
        assert "1 of these accounts are in use" in refused.err
    assert len(emulator.dump(desk.tenant)) == 5
    done = desk.json("remove", "--source", "crm", "--including-used", 1, "--execute")
    assert (done["removed"], done["kept_used"]) == (5, 0)
    assert emulator.dump(desk.tenant) == []


def test_a_fallen_flag_a_new_password_and_a_foreign_mark_keep_an_account(
    desk: Desk, emulator: Emulator, graph: GraphHttp
) -> None:
    desk.people("crm.jsonl", people(4, passwords=False))
    desk.ok("premigrate", "crm.jsonl", "--execute")
    ids = {one["displayName"]: one["id"] for one in emulator.dump(desk.tenant)}
    emulator.advance(3600)
    emulator.self_service_reset(desk.tenant, ids["Person p0"], "Another-Sunny-Day-1!")
    graph.sign_in()
    changed(graph, ids["Person p2"], desk.tenant.extension("requiresMigration"), value=False)
    changed(graph, ids["Person p1"], desk.tenant.extension("legacyId"), value="other:crm:p1")
    told = " ".join(desk.ok("remove", "--source", "crm").out.split())
    for kept in (Kept.PASSWORD_CHANGED, Kept.FLAG_FALLEN, Kept.OTHER_LEGACY_ID):
        assert f"{kept} {MEANINGS[kept]}" in told
    done = desk.json("remove", "--source", "crm", "--execute", code=1)
    assert done["kept"] == {"password_changed": 1, "flag_fallen": 1, "other_legacy_id": 1}
    assert (done["removed"], done["kept_used"]) == (1, 2)
    assert {one["displayName"] for one in emulator.dump(desk.tenant)} == {
        "Person p0",
        "Person p1",
        "Person p2",
    }


def test_remove_by_source_by_cohort_and_by_file(b2c_desk: Desk, emulator: Emulator) -> None:
    premigrated(b2c_desk, 4)
    premigrated(b2c_desk, 4, "--cohort", "pilot", source="shop")
    premigrated(b2c_desk, 4, source="forum")
    assert b2c_desk.json("remove", "--cohort", "pilot", "--execute")["removed"] == 4
    assert b2c_desk.json("remove", "--source", "forum", "--execute")["removed"] == 4
    (b2c_desk.folder / "few").mkdir()
    b2c_desk.people("few/crm.jsonl", [*people(2, prefix="crm-"), *people(2, prefix="unheard-of-")])
    assert b2c_desk.json("remove", "--file", "few/crm.jsonl", "--execute")["removed"] == 2
    assert keys(b2c_desk, emulator) == {"crm-2", "crm-3"}
    b2c_desk.people("others.jsonl", people(3, prefix="crm-"))
    assert b2c_desk.json("remove", "--file", "others.jsonl", "--name", "crm", "--execute")["removed"] == 1
    assert keys(b2c_desk, emulator) == {"crm-3"}


@pytest.mark.parametrize(
    ("command", "option"),
    [
        *product(("remove", "restore", "purge"), ("--run", "--source", "--cohort")),
        *product(("status", "verify"), ("--run", "--cohort")),
    ],
)
def test_a_name_that_nobody_has_is_a_slip_and_not_nobody(
    b2c_desk: Desk, emulator: Emulator, command: str, option: str
) -> None:
    run = premigrated(b2c_desk, 2, "--cohort", "pilot")
    meant = {"--run": run, "--source": "crm", "--cohort": "pilot"}[option]
    refused = b2c_desk.json(command, option, f"{meant}x", code=2)["error"]
    assert refused["code"] == "usage"
    assert f"{meant}x" in refused["message"]
    assert f"nearest first: {meant}." in refused["remedy"]
    b2c_desk.ok(command, option, meant)
    assert len(emulator.dump(b2c_desk.tenant)) == 2


# restore, purge, again --------------------------------------------------------------------------------------------


def test_restore_brings_everybody_back(desk: Desk, emulator: Emulator) -> None:
    premigrated(desk, 6)
    desk.ok("remove", "--source", "crm", "--execute")
    plan = desk.json("restore", "--source", "crm")
    assert list(plan) == ["found", "restored", "absent", "foreign", "failed", "failures"]
    assert (plan["found"], plan["restored"]) == (6, 0)
    assert emulator.dump(desk.tenant) == []
    done = desk.json("restore", "--source", "crm", "--execute")
    assert (done["restored"], done["failed"]) == (6, 0)
    assert len(emulator.dump(desk.tenant)) == 6
    assert desk.json("status")["states"] == {"awaiting_password": 6}
    assert desk.json("verify")["differences"] == 0


def test_purge_makes_it_final(desk: Desk, emulator: Emulator) -> None:
    premigrated(desk, 6)
    desk.ok("remove", "--source", "crm", "--execute")
    plan = desk.json("purge", "--source", "crm")
    assert list(plan) == ["found", "purged", "absent", "foreign", "failed", "failures"]
    assert (plan["found"], plan["purged"]) == (6, 0)
    assert len(emulator.dump(desk.tenant, deleted=True)) == 6
    assert desk.json("purge", "--source", "crm", "--execute")["purged"] == 6
    assert emulator.dump(desk.tenant, deleted=True) == []
    assert desk.json("restore", "--source", "crm", "--execute")["absent"] == 6


def test_removed_people_come_back_only_when_asked_for(desk: Desk, emulator: Emulator) -> None:
    premigrated(desk, 4)
    desk.ok("remove", "--source", "crm", "--execute")
    left = desk.json("premigrate", "crm.jsonl", "--execute")
    assert (left["create"], left["left_out"]) == (0, {"removed": 4})
    assert emulator.dump(desk.tenant) == []
    desk.ok("purge", "--source", "crm", "--execute")
    assert desk.json("premigrate", "crm.jsonl", "--again", "--execute")["states"] == {"awaiting_password": 4}
    assert len(emulator.dump(desk.tenant)) == 4
    assert desk.json("verify", "--source", "crm.jsonl")["differences"] == 0


def test_what_a_deleted_account_still_holds_is_told(desk: Desk, emulator: Emulator) -> None:
    """An external tenant keeps the addresses of deleted accounts for 30 days; this tool says so, and guesses nothing."""
    emulator.options(desk.tenant, deleted_holds_identities=True)
    premigrated(desk, 2)
    desk.ok("remove", "--source", "crm", "--execute")
    [failure] = desk.json("premigrate", "crm.jsonl", "--again", "--execute", code=1)["failures"]
    assert (failure["code"], failure["count"]) == ("conflict_deleted", 2)
    assert "purge" in failure["remedy"]
    [one, *_] = emulator.dump(desk.tenant, deleted=True)
    key = one[desk.tenant.extension("legacyId")].rpartition(":")[2]
    assert one["id"] in desk.json("person", f"{key}@example.org")["entry"]["reason"]


@pytest.mark.parametrize("way", ["purge", "restore"])
def test_wanted_again_too_early_the_removed_accounts_can_still_go_or_come_back(
    emulator: Emulator, tmp_path: Path, way: str
) -> None:
    """An external tenant keeps the addresses of deleted accounts: whose they are must not be forgotten."""
    desk = Desk(tmp_path, emulator.tenant("external"))
    premigrated(desk, 4, passwords=True)
    desk.ok("remove", "--source", "crm", "--execute")
    again = desk.json("premigrate", "crm.jsonl", "--again", "--execute", code=1)
    assert (again["states"], again["failures"][0]["code"]) == ({"failed": 4}, "conflict_deleted")
    assert desk.json(way, "--run", again["run"])["found"] == 4
    done = desk.json(way, "--source", "crm", "--execute")
    assert (done["found"], done[f"{way}d"], done["absent"]) == (4, 4, 0)
    if way == "purge":
        assert emulator.dump(desk.tenant, deleted=True) == []
        desk.ok("premigrate", "crm.jsonl", "--retry-failed", "--execute")
    assert desk.json("status")["states"] == {"complete": 4}
    assert desk.json("verify", "--source", "crm.jsonl", "--strict")["differences"] == 0
    signed_in = emulator.sign_in(desk.tenant, "crm-0@example.org", PASSWORD.format(0))
    assert signed_in["signed_in"], signed_in


def test_failed_people_are_tried_again_only_when_asked_for(
    desk: Desk, emulator: Emulator, graph: GraphHttp
) -> None:
    [stranger] = emulator.seed(desk.tenant, [desk.tenant.local_account("p2@example.org")])
    desk.people("crm.jsonl", people(4))
    assert desk.json("premigrate", "crm.jsonl", "--execute", code=1)["states"] == {"complete": 3, "failed": 1}
    graph.delete(f"/users/{stranger}")
    graph.delete(f"/directory/deletedItems/{stranger}")
    calm = desk.json("premigrate", "crm.jsonl", "--execute", code=1)
    assert calm["states"] == {"complete": 3, "failed": 1}
    done = desk.json("premigrate", "crm.jsonl", "--retry-failed", "--execute")
    assert done["states"] == {"complete": 4}
    assert done["failures"] == []
    assert emulator.sign_in(desk.tenant, "p2@example.org", PASSWORD.format(2))["signed_in"]
