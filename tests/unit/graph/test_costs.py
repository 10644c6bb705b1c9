"""The published cost table."""

import pytest

from idferry.graph.costs import Cost, cost_of


@pytest.mark.parametrize(
    ("method", "path", "cost"),
    [
        ("POST", "/users", Cost(1, 5)),
        ("PATCH", "/users/1", Cost(1, 1)),
        ("DELETE", "/users/1", Cost(1, 1)),
        ("DELETE", "/directory/deletedItems/1", Cost(1, 1)),
        ("POST", "/directory/deletedItems/1/restore", Cost(1, 1)),
        ("POST", "/applications(appId='1')/extensionProperties", Cost(1, 1)),
        ("GET", "/users?$select=id&$top=999", Cost(0, 1)),
        ("GET", "/users/1?$select=id", Cost(0, 1)),
        ("GET", "/applications", Cost(0, 2)),
    ],
)
def test_what_a_call_costs(method: str, path: str, cost: Cost) -> None:
    assert cost_of(method, path, creation_writes=1) == cost


def test_the_surcharge_of_a_creation_may_count_as_writes() -> None:
    assert cost_of("POST", "/users", creation_writes=5) == Cost(5, 5)
