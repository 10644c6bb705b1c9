"""People with several legacy users, as merging will make them: the same for every ledger that is read."""

from pathlib import Path

from tests.support.any_ledger import AnyLedger, merge, move, people, person, plan
from tests.support.ledger_records import in_order, wanted

from idferry.ledger.database import Database
from idferry.rules.legacy_user import LegacyUserKey
from idferry.rules.lifecycle import State

WEB = LegacyUserKey("web", "z", ("ana.web@x.org", "ana'\"2"))
APP = LegacyUserKey("app", "a")


def planned(ledger: AnyLedger) -> None:
    plan(ledger, *in_order(*(wanted(str(one), f"p{one}@x.org") for one in range(3))))
    move(ledger, "1", State.AWAITING_PASSWORD)


def test_who_was_merged_has_all_legacy_users_in_the_order_of_the_merge(ledger: AnyLedger) -> None:
    planned(ledger)
    before = people(ledger)
    merge(ledger, "1", WEB, APP)
    entry = person(ledger, "1")
    assert entry.legacy_users == (LegacyUserKey("shop", "1"), WEB, APP)
    assert ledger.report.entry_of_sign_in_name("p1@x.org") == entry
    assert ledger.report.entries_of_legacy_ids({entry.legacy_id}) == {entry.legacy_id: entry}
    others = [one for one in people(ledger) if one.key != "1"]
    assert others == [one for one in before if one.key != "1"]
    assert [one.legacy_users for one in others] == [(LegacyUserKey("shop", one.key),) for one in others]
    assert len(people(ledger)) == 3, "one person each"


def test_a_record_of_a_merged_person_is_known_by_its_own_key(ledger: AnyLedger) -> None:
    planned(ledger)
    merge(ledger, "1", WEB, APP)
    [(key, known)] = ledger.records.known_records("web", ["z", "nobody"]).items()
    assert (key, known.key, known.person_id) == ("z", "z", person(ledger, "1").person_id)
    assert known.state is State.AWAITING_PASSWORD


def test_looking_for_further_legacy_users_costs_nothing_where_nobody_was_merged(
    tmp_path: Path, ledger: AnyLedger
) -> None:
    """The index holds merged people alone: it stays empty in all other ledgers, and is asked for nobody else."""
    planned(ledger)
    database = getattr(ledger, "_database", None)
    if not isinstance(database, Database):
        return
    statement = "EXPLAIN QUERY PLAN SELECT group_concat(f.key) FROM legacy_user AS f WHERE f.person_id = 1 AND f.rank > 0"
    steps = [row[3] for row in database.connection.execute(statement)]
    assert any("legacy_user_further" in one for one in steps), steps
