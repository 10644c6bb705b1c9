"""Every remedy for people who failed is carried out to the letter, command and all, and the people are then there.

Each case makes one of three people fail, and takes the cause away as far as the remedy says; the command that the
remedy prints does the rest.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from tests.support.desk import PASSWORD, Desk, people
from tests.support.emulator import Emulator
from tests.support.graph_http import GraphHttp

from idferry.errors import every_error

UNLUCKY = "p1"
LAG_SECONDS = 600.0


@dataclass(frozen=True)
class Stage:
    """Where a case plays."""

    desk: Desk
    emulator: Emulator
    graph: GraphHttp

    def export(self, **unlucky: object) -> None:
        """Three people, one of whom has something else in the record."""
        records = [{**one, **(unlucky if one["key"] == UNLUCKY else {})} for one in people(3)]
        self.desk.people("crm.jsonl", records)

    def delete_for_good(self, object_id: str) -> None:
        self.graph.delete(f"/directory/deletedItems/{object_id}")


Mend = Callable[[], None]


def _conflict(stage: Stage) -> Mend:
    tenant = stage.desk.tenant
    [stranger] = stage.emulator.seed(tenant, [tenant.local_account(f"{UNLUCKY}@example.org")])

    def mend() -> None:
        stage.graph.delete(f"/users/{stranger}")
        stage.delete_for_good(stranger)

    return mend


def _conflict_deleted(stage: Stage) -> Mend:
    tenant = stage.desk.tenant
    stage.emulator.options(tenant, deleted_holds_identities=True)
    [stranger] = stage.emulator.seed(tenant, [tenant.local_account(f"{UNLUCKY}@example.org")])
    stage.graph.delete(f"/users/{stranger}")
    return lambda: stage.delete_for_good(stranger)


def _conflict_unseen(stage: Stage) -> Mend:
    """The account is our own: its answer was lost, and the directory is slow to show it."""
    stage.emulator.options(stage.desk.tenant, conflict_details=False)
    stage.emulator.lag(get_s=(LAG_SECONDS, LAG_SECONDS), filter_s=(LAG_SECONDS, LAG_SECONDS))
    lost = {
        "operation": "users.create",
        "status": 504,
        "after_write": True,
        "item": True,
        "skip": 1,
        "count": 1,
    }
    stage.emulator.faults(lost)
    return lambda: stage.emulator.advance(2 * LAG_SECONDS)


def _invalid_value(stage: Stage) -> Mend:
    stage.export(attributes={"otherMails": ["not an address"]})
    return lambda: stage.export(attributes={"otherMails": ["somebody@example.com"]})


def _weak_password(stage: Stage) -> Mend:
    stage.emulator.options(stage.desk.tenant, banned_words=[PASSWORD.format(1)])
    return lambda: None


def _unreachable(stage: Stage) -> Mend:
    stage.emulator.faults({"operation": "users.create", "status": 503, "item": True, "skip": 1, "count": 1})
    stage.desk.write_settings(more="attempts = 1\n")
    return stage.emulator.faults


def _unexpected_answer(stage: Stage) -> Mend:
    stage.emulator.faults({"operation": "users.create", "status": 418, "item": True, "skip": 1, "count": 1})
    return stage.emulator.faults


# `ledger rebuild` says it, and test_rebuilt_ledger.py follows its remedy.
OF_REBUILDING = {"conflict_undecided"}
CASES: dict[str, Callable[[Stage], Mend]] = {
    "conflict": _conflict,
    "conflict_deleted": _conflict_deleted,
    "conflict_unseen": _conflict_unseen,
    "invalid_value": _invalid_value,
    "weak_password_refused": _weak_password,
    "unreachable": _unreachable,
    "unexpected_answer": _unexpected_answer,
}


def test_every_code_that_people_fail_with_has_a_case() -> None:
    own = {cls.code for cls in every_error() if "remedy_for_people" in vars(cls)} - {"error"}
    assert own - OF_REBUILDING == set(CASES)


@pytest.mark.parametrize("code", list(CASES))
def test_the_remedy_helps(desk: Desk, emulator: Emulator, graph: GraphHttp, code: str) -> None:
    graph.sign_in()
    stage = Stage(desk, emulator, graph)
    stage.export()
    mend = CASES[code](stage)
    # A random password would come in the place of one that is refused, had not only known ones been asked for.
    mode = "known" if code == "weak_password_refused" else "auto"
    [failure] = desk.json("premigrate", "crm.jsonl", "--password", mode, "--execute", code=1)["failures"]
    assert (failure["code"], failure["count"]) == (code, 1)
    assert desk.json("status")["failures"] == [failure]
    if code != "conflict_unseen":  # whose account is there
        [missing] = desk.json("verify", "--source", "crm.jsonl", code=1)["missing"]
        assert (missing["id"], missing["reason"]) == ("", f"failed: {code}")
    mend()
    again = desk.json("premigrate", "crm.jsonl", "--execute", code=1)
    assert again["failures"] == [failure], "only when asked for"
    assert (again["created"], again["failed"], again["failed_before"]) == (0, 0, 1)
    [command] = re.findall(r"`idferry (premigrate [^`]*)`", failure["remedy"])
    done = desk.json(*command.replace("SOURCE", "crm.jsonl").split())
    assert done["failures"] == []
    assert done["states"].keys() <= {"complete", "awaiting_password"}
    assert sum(done["states"].values()) == 3
    assert sorted(one["displayName"] for one in emulator.dump(desk.tenant)) == [
        "Person p0",
        "Person p1",
        "Person p2",
    ]
    assert desk.json("verify")["differences"] == 0


def test_it_is_not_done_while_people_of_this_source_hang_between(b2c_desk: Desk, emulator: Emulator) -> None:
    """A call without an answer, and then a record that is no longer in the export: nobody can say what became of it."""
    desk = b2c_desk
    desk.people("crm.jsonl", people(3))
    desk.people("shop.jsonl", people(1, prefix="s"))
    emulator.faults({"operation": "batch", "kind": "slow", "delay_ms": 60_000})
    with desk.start("premigrate", "crm.jsonl", "--execute") as process:
        assert process.stderr
        while "starting run" not in process.stderr.readline():
            assert process.poll() is None
        while "creating" not in desk.json("status")["states"]:
            assert process.poll() is None
        process.kill()
    emulator.faults()
    desk.people("crm.jsonl", list(people(3))[1:])
    done = desk.json("premigrate", "crm.jsonl", "--accept-changes", "--execute", code=1)
    assert done["states"] == {"complete": 2, "creating": 1}
    assert (done["created"], done["unsettled"], done["failed"]) == (2, 1, 0)
    other = desk.json("premigrate", "shop.jsonl", "--execute")
    assert (other["created"], other["unsettled"]) == (1, 1), "it is another source's person"
