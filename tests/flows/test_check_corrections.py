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
