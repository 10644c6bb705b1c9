"""The hosted sign-in of the emulated external tenant in a real browser without scripts, on a desktop and on a phone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.support.browser import DESKTOP, PHONE, chromium, shop
from tests.support.emulator import EmulatedTenant, Emulator
from tests.support.password_submit import SetUp, set_up
from tests.support.stand_in_extension import StandIn, action, migrate, stand_in_extension

ANN = "ann.with.a.rather.long.address@customers.example.org"
LEGACY = "Leg4cy-pass!word"
NEW = "N3w-pass-word"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def running_extension() -> Iterator[StandIn]:
    with stand_in_extension() as running:
        yield running


@pytest.fixture
def tenant(emulator: Emulator) -> EmulatedTenant:
    return emulator.tenant("external")


@pytest.fixture
def extension(running_extension: StandIn) -> StandIn:
    running_extension.calls.clear()
    running_extension.answers.clear()
    return running_extension


@pytest.fixture
def ready(emulator: Emulator, tenant: EmulatedTenant, extension: StandIn) -> Iterator[SetUp]:
    made = set_up(
        emulator,
        tenant,
        target=extension.url,
        certificate_pem=extension.certificate.public_pem,
        authority_pem=extension.authority_pem,
    )
    made.graph.create(ANN, **{made.flag: True})
    yield made
    made.graph.close()


@pytest.fixture(params=[DESKTOP, PHONE], ids=["desktop", "phone"])
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    context = browser.new_context(**request.param)
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()


@pytest.fixture
def visits(page: Page, ready: SetUp, tenant: EmulatedTenant) -> Iterator[list[str]]:
    """Opens the sign-in page of a shop; the paths with which the browser comes back."""
    with shop() as (address, came_back):
        query = {
            "client_id": ready.client_id,
            "redirect_uri": address,
            "response_type": "code",
            "scope": "openid profile",
            "state": "basket-7",
        }
        page.goto(f"{tenant.authority}/{tenant.tenant_id}/oauth2/v2.0/authorize?{urlencode(query)}")
        yield came_back


def everything_fits(page: Page) -> None:
    """Nothing is wider than the screen, and every field has a label and is large enough for a finger."""
    wide = page.locator("body").evaluate("body => body.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0
    for field in page.locator("input:not([type=hidden]), button").all():
        box = field.bounding_box()
        assert box is not None
        assert box["height"] >= 44
        identity = field.get_attribute("id")
        assert identity is None or page.locator(f"label[for={identity}]").count() == 1


def picture(page: Page, folder: Path, name: str) -> None:
    page.screenshot(path=folder / f"{name}.png", full_page=True)


def came_back_with(visits: list[str]) -> dict[str, Any]:
    [path] = [one for one in visits if one.startswith("/signed-in")]
    return {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}


def test_first_sign_in_takes_the_legacy_password(
    page: Page, visits: list[str], extension: StandIn, ready: SetUp, tmp_path: Path
) -> None:
    extension.answers.extend([action("Retry"), migrate()])
    everything_fits(page)
    picture(page, tmp_path, "name")
    # By keyboard alone: the first empty field has the focus.
    page.keyboard.type(ANN)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Enter your password")).to_be_visible()
    everything_fits(page)
    picture(page, tmp_path, "password")
    page.keyboard.type("Wr0ng-wrong-word")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("not correct")
    assert page.title().startswith("Error: ")
    everything_fits(page)
    picture(page, tmp_path, "wrong")
    page.get_by_label("Password").fill(LEGACY)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Welcome to the shop")).to_be_visible()
    answer = came_back_with(visits)
    assert answer["state"] == "basket-7"
    assert answer["code"]
    assert extension.passwords() == ["Wr0ng-wrong-word", LEGACY]
    assert ready.graph.find(f"{ready.flag} eq false")[0]["displayName"] == ANN.partition("@")[0]


@pytest.mark.parametrize("page", [DESKTOP], indirect=True, ids=["desktop"])
def test_block_is_told_in_the_answers_words(
    page: Page, visits: list[str], extension: StandIn, tmp_path: Path
) -> None:
    extension.answers.append(action("Block", title="Account closed", message="Please call 555-0100."))
    page.get_by_label("E-mail address or user name").fill(ANN)
    page.get_by_role("button", name="Next").click()
    page.get_by_label("Password").fill(LEGACY)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Account closed")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_text("Please call 555-0100.")
    everything_fits(page)
    picture(page, tmp_path, "blocked")
    assert visits == []


def test_reset_by_a_code(
    page: Page,
    visits: list[str],
    emulator: Emulator,
    tenant: EmulatedTenant,
    extension: StandIn,
    tmp_path: Path,
) -> None:
    page.get_by_role("link", name="Forgot your password?").click()
    everything_fits(page)
    picture(page, tmp_path, "reset-name")
    page.get_by_label("E-mail address or user name").fill(ANN)
    page.get_by_role("button", name="Send a code").click()
    everything_fits(page)
    picture(page, tmp_path, "reset-code")
    page.get_by_label("Code").fill(emulator.letters(tenant)[0]["code"])
    page.get_by_role("button", name="Go on").click()
    page.get_by_label("New password", exact=True).fill(NEW)
    page.get_by_label("New password again").fill(NEW)
    everything_fits(page)
    picture(page, tmp_path, "reset-password")
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_role("status")).to_contain_text("the new one")
    everything_fits(page)
    picture(page, tmp_path, "reset-done")
    page.get_by_role("link", name="Sign in").click()
    page.get_by_label("E-mail address or user name").fill(ANN)
    page.keyboard.press("Enter")
    page.get_by_label("Password").fill(NEW)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Welcome to the shop")).to_be_visible()
    assert "code" in came_back_with(visits)
    assert extension.calls == []


@pytest.mark.parametrize("page", [DESKTOP], indirect=True, ids=["desktop"])
def test_answer_is_posted_where_the_application_wants_it(
    page: Page, ready: SetUp, tenant: EmulatedTenant, emulator: Emulator, tmp_path: Path
) -> None:
    with shop() as (address, _):
        query = {
            "client_id": ready.client_id,
            "redirect_uri": address,
            "response_type": "code",
            "response_mode": "form_post",
            "scope": "openid",
        }
        emulator.options(tenant, sign_in_steps=1)
        page.goto(f"{tenant.authority}/{tenant.tenant_id}/oauth2/v2.0/authorize?{urlencode(query)}")
        everything_fits(page)
        picture(page, tmp_path, "one-step")
        page.get_by_label("E-mail address or user name").fill(ANN)
        page.get_by_label("Password").fill("Zq7#mWv2!k")
        page.get_by_role("button", name="Sign in").click()
        picture(page, tmp_path, "hand-over")
        with page.expect_request(f"{address}**") as posted:
            page.get_by_role("button", name="Go on").click()
        assert posted.value.method == "POST"
        assert "code=" in (posted.value.post_data or "")
