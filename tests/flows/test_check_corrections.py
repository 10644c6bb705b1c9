"""Corrections mend those who were to be mended, and nobody else gets other sign-in names."""

import pytest
from tests.support.builders import MemorySource, World, with_password

from idferry.errors import SourceError
from idferry.flows.check_corrections import LOOKUP_RECORDS, check_listed, check_renamed


def test_corrections_beyond_the_listed_keys_are_named() -> None:
    check_listed(corrected={"1", "2"}, listed={"1", "2", "3"})
    with pytest.raises(SourceError, match="'4'") as refused:
        check_listed(corrected={"1", "4"}, listed={"1", "2"})
    assert "'1'" not in str(refused.value)


def test_whom_nobody_has_met_is_refused_also_behind_the_first_page() -> None:
    world = World(MemorySource([with_password(1)]))
    check_renamed(renamed={}, source=world.source.name, records=world.ledger.records)
    many = {str(number): b"" for number in range(LOOKUP_RECORDS + 1)}
    with pytest.raises(SourceError, match=f"and {len(many) - 5} more"):
        check_renamed(renamed=many, source=world.source.name, records=world.ledger.records)


def test_people_with_an_account_are_left_to_the_update_that_follows() -> None:
    """Their record has changed beneath a correction that was used before; the update judges by itself whom it renames."""
    world = World(MemorySource([with_password(1), with_password(2)]))
    world.premigrate()
    renamed = {"k1": b"not the digest of before"}
    check_renamed(renamed=renamed, source=world.source.name, records=world.ledger.records, updates=True)
    with pytest.raises(SourceError, match="'k1'"):
        check_renamed(renamed=renamed, source=world.source.name, records=world.ledger.records)
    with pytest.raises(SourceError, match="'unheard-of'"):
        check_renamed(
            renamed={"unheard-of": b""}, source=world.source.name, records=world.ledger.records, updates=True
        )


@pytest.mark.parametrize("updates", [True, False])
def test_premigrate_leaves_them_to_the_update_where_one_follows(updates: bool) -> None:
    world = World(MemorySource([with_password(1)]))
    world.premigrate()
    intake = {"renamed": {"k1": b"not the digest of before"}, "updates": updates}
    if updates:
        assert world.premigrate(**intake).send.created == 0
    else:
        with pytest.raises(SourceError, match="'k1'"):
            world.premigrate(**intake)
