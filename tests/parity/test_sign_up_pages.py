"""Self-service sign-up at the hosted pages of an external tenant: a proven address, a name, a password, and a token."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.emulator import EmulatedTenant, Emulator
from tests.support.hosted_pages import HostedPage, HostedPages
from tests.support.password_submit import REDIRECT_URI, SetUp
from tests.support.stand_in_extension import StandIn

SIGN_UP = "https://learn.microsoft.com/entra/external-id/customers/concept-authentication-methods-customers"
ANN = "ann@example.org"
OWN = "Own-pass-w0rd"
CREATE_ONE = "Create one"


@pytest.fixture
def tenant(emulator: Emulator) -> EmulatedTenant:
    return emulator.tenant("external")


@pytest.fixture
def page(tenant: EmulatedTenant, ready: SetUp) -> Iterator[HostedPage]:
    """The first page of the application that was set up."""
    pages = HostedPages(tenant)
    yield pages.open(ready.client_id, REDIRECT_URI)
    pages.close()


def proven(emulator: Emulator, tenant: EmulatedTenant, page: HostedPage, address: str) -> HostedPage:
    """The page that comes after the code of this address."""
    code = page.follow(CREATE_ONE).submit(address=address)
    return code.submit(code=emulator.letters(tenant)[0]["code"])


def accounts_of(emulator: Emulator, tenant: EmulatedTenant, name: str) -> list[dict[str, Any]]:
    return [
        one
        for one in emulator.dump(tenant)
        if name in [entry["issuerAssignedId"] for entry in one["identities"]]
    ]


@pytest.mark.documented(SIGN_UP)
def test_sign_up(
    emulator: Emulator, page: HostedPage, ready: SetUp, extension: StandIn, tenant: EmulatedTenant
) -> None:
    """Whoever types the code sent to a new address chooses name and password, has an account without the flag, and is in."""
    details = proven(emulator, tenant, page, ANN)
    assert "same" in details.submit(display_name="Ann", password=OWN, again=f"{OWN}x").alert
    done = details.submit(display_name="Ann", password=OWN, again=OWN)
    assert "code" in done.redirected
    [account] = accounts_of(emulator, tenant, ANN)
    assert (account["displayName"], account["mail"], account.get(ready.flag)) == ("Ann", ANN, None)
    assert emulator.submit(tenant, ANN, OWN)["signed_in"]
    assert extension.calls == []


@pytest.mark.assumed("that only the owner of an address is told who has it is the stricter reading")
def test_sign_up_with_a_taken_address(
    emulator: Emulator, page: HostedPage, ready: SetUp, tenant: EmulatedTenant
) -> None:
    """An address that somebody signs in with makes no second account, and that is told after the code alone."""
    ready.graph.create(ANN, **{ready.flag: True})
    code = page.follow(CREATE_ONE).submit(address=ANN.upper())
    assert "account" not in code.text
    assert "already" in code.submit(code=emulator.letters(tenant)[0]["code"]).alert
    assert len(accounts_of(emulator, tenant, ANN)) == 1


@pytest.mark.assumed("the page's words and steps are imitated from sight")
def test_what_a_sign_up_refuses(
    emulator: Emulator, page: HostedPage, ready: SetUp, tenant: EmulatedTenant
) -> None:
    """No address, a wrong code, no name, a weak password and an address taken meanwhile lead on to no account."""
    address = page.follow(CREATE_ONE)
    assert "address" in address.submit(address="ann").alert
    assert "not correct" in address.submit(address=ANN).submit(code="x").alert
    details = proven(emulator, tenant, page, ANN)
    assert "name" in details.submit(display_name=" ", password=OWN, again=OWN).alert
    assert "Choose" in details.submit(display_name="Ann", password="weak", again="weak").alert
    ready.graph.create(ANN)
    assert "already" in details.submit(display_name="Ann", password=OWN, again=OWN).alert
    emulator.advance(601)
    assert "no longer" in details.submit(display_name="Ann", password=OWN, again=OWN).alert
    assert len(accounts_of(emulator, tenant, ANN)) == 1
