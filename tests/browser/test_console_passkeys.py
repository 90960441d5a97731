"""Passkeys in Chromium, whose virtual authenticator stands for a person's device."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, CDPSession, Page, expect

from tests.support.console import PASSWORD, Pages
from tests.support.factors import require

DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


class Desk(NamedTuple):
    """A browser with a device, which `tools` commands."""

    page: Page
    tools: CDPSession
    device: str

    def is_verified(self, there: bool) -> None:
        fields = {"authenticatorId": self.device, "isUserVerified": there}
        self.tools.send("WebAuthn.setUserVerified", fields)


@pytest.fixture
def desk(browser: Browser) -> Iterator[Desk]:
    with browser.new_context() as context:
        page = context.new_page()
        tools = context.new_cdp_session(page)
        tools.send("WebAuthn.enable")
        made = tools.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
        yield Desk(page, tools, made["authenticatorId"])


def sign_in(page: Page, console: str, who: str) -> None:
    page.goto(f"{console}/sign-in")
    page.get_by_label("Name").fill(who)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def test_a_passkey_is_added_signs_in_confirms_and_is_removed(desk: Desk, pages: Pages, console: str) -> None:
    page = desk.page
    sign_in(page, console, "lee")
    page.goto(f"{console}/account")
    mine = page.locator("#passkeys")
    mine.get_by_label("Name of this device").fill("Desk")
    mine.get_by_label("Password").fill(PASSWORD)
    mine.get_by_role("button", name="Add passkey").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    page.get_by_role("link", name="Continue").click()
    expect(mine.get_by_role("rowheader", name="Desk")).to_be_visible()

    page.get_by_role("button", name="Sign out").first.click()
    sign_in(page, console, "lee")
    expect(page.get_by_text("your account asks for a passkey beside the password")).to_be_visible()
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("navigation", name="Sections")).to_be_visible()

    page.get_by_role("button", name="Sign out").first.click()
    desk.is_verified(False)
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_text("No passkey was used")).to_be_visible()
    desk.is_verified(True)
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("navigation", name="Sections")).to_be_visible()

    page.goto(f"{console}/account")
    mine.get_by_role("button", name="Remove").click()
    page.get_by_role("button", name="Confirm with a passkey").click()
    page.wait_for_url("**/account#passkeys")
    assert pages.console.passkeys.of("lee") == ()


def test_where_a_factor_is_required_a_passkey_is_set_up_at_the_first_sign_in(
    desk: Desk, pages: Pages, console: str
) -> None:
    require(pages, "everybody")
    page = desk.page
    sign_in(page, console, "lee")
    expect(page.get_by_text("An authenticator app instead")).to_be_visible()
    page.wait_for_load_state()  # the script answers the button
    page.get_by_label("Name of this device").fill("Desk")
    page.get_by_role("button", name="Set up a passkey").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    page.get_by_role("link", name="Continue").click()
    expect(page.get_by_role("navigation", name="Sections")).to_be_visible()
    page.get_by_role("button", name="Sign out").first.click()
    expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_visible()
    page.wait_for_load_state()
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("navigation", name="Sections")).to_be_visible()
    assert len(pages.console.passkeys.of("lee")) == 1
