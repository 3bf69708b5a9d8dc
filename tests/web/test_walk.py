"""A CS manager's walk through the pages in a real browser: with the mouse, by keyboard alone, without script; and axe on every page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import ASKED, chromium
from playwright.sync_api import Browser, BrowserContext, Page, expect
from web_pages import Pages

S02, NAME = "00000000-5ce0-11f0-a000-000000000002", "Silvermead Livery"
expect.set_options(timeout=60_000)  # a slow machine's pages, too

MISTYPED = "Silvermaed Livry"

PAGES = (
    "/today",
    "/operators",
    "/risk",
    "/alerts",
    "/renewals",
    "/digest",
    "/meetings",
    f"/operators/{S02}",
    f"/operators/{S02}/brief",
    f"/operators/{S02}/why/mrr",
    "/compare?id=nobody",
    "/audit",
    "/nowhere",
)


WIDE, SOME = 1366, ("/today", "/alerts", f"/operators/{S02}/brief", "/nowhere")
"""On narrow screens those that are laid out in different ways."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@contextmanager
def somebody(browser: Browser, pages: Pages, *, signed_in: bool = True, **how: object) -> Iterator[Page]:
    """A reader in a window of their own; what the page's script or policy complains of fails the test."""
    context: BrowserContext = browser.new_context(base_url=pages.url, **how)  # type: ignore[arg-type]
    page = context.new_page()
    page.set_default_timeout(60_000)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if "status of" not in message.text else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    if signed_in:
        page.goto("/sign-in")
        page.fill("#token", pages.token())
        page.click("main button")
        page.wait_for_url("**/today")
    try:
        yield page
        assert said == []
    finally:
        context.close()


def test_a_monday_from_signing_in_to_the_review(browser: Browser, pages: Pages) -> None:
    with somebody(browser, pages, signed_in=False, accept_downloads=True) as page:
        page.goto("/today")
        page.get_by_label("API token").fill(pages.token(email="grace@example.com"))
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Today")
        first = page.locator("#part-calls tbody tr a").first
        called = first.inner_text()
        first.click()
        expect(page.get_by_role("heading", level=1)).to_contain_text(called)
        page.locator("a.why").first.click()
        expect(page.locator("main")).to_contain_text(re.compile("Why: |Records behind it"))
        page.go_back()
        page.get_by_role("navigation", name="Pages").get_by_role("link", name="Alerts").click()
        page.locator("#part-operators tbody tr td a[href^='/alerts/']").nth(2).click()
        page.get_by_label("with a note").fill("Called them")
        page.get_by_role("button", name="Acknowledge").click()
        expect(page.get_by_role("status").first).to_contain_text("is acknowledged by grace@example.com")
        expect(page.locator("#part-events")).to_contain_text("Called them")
        page.get_by_role("button", name="Undo").click()
        expect(page.get_by_role("status").first).to_contain_text("is not acknowledged")
        page.goto(f"/operators/{S02}")
        page.get_by_role("link", name="Brief", exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_contain_text(NAME)
        with page.expect_download() as told:
            page.get_by_role("link", name="Account review as PPTX").click()
        assert told.value.suggested_filename.endswith(".pptx")
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Sign in")


def test_everything_is_reached_by_the_keyboard_alone(browser: Browser, pages: Pages) -> None:
    with somebody(browser, pages) as page:
        page.keyboard.press("/")
        page.keyboard.type("silver")
        expect(page.get_by_role("option", name=NAME)).to_be_visible()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_contain_text(NAME)
        expect(page.locator("#find")).to_have_attribute("role", "combobox")  # the page's script has begun
        page.keyboard.press("Control+k")
        page.keyboard.type(MISTYPED)
        with page.expect_request("**/find?q=*"):
            page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_contain_text(NAME)
        page.goto("/today")
        page.keyboard.press("j")
        page.keyboard.press("j")
        second = page.locator("tr.here a").first.inner_text()
        page.keyboard.press("o")
        expect(page.get_by_role("heading", level=1)).to_contain_text(second)
        page.goto("/today")
        page.keyboard.press("Tab")
        expect(page.locator(".skip")).to_be_focused()


def test_single_keys_can_be_switched_off_and_never_act_within_a_field(browser: Browser, pages: Pages) -> None:
    with somebody(browser, pages) as page:
        page.keyboard.press("?")
        page.get_by_role("button", name="Turn single keys off").click()
        page.get_by_role("button", name="Close").click()
        page.keyboard.press("j")
        page.keyboard.press("/")
        assert page.locator("tr.here").count() == 0
        expect(page.locator("#find")).not_to_be_focused()
        page.locator("#find").focus()
        page.keyboard.type("j/o?")
        expect(page.locator("#find")).to_have_value("j/o?")
        assert page.locator("dialog").count() == 0


def test_without_script_one_signs_in_chooses_acts_undoes_and_takes_a_file(browser: Browser, pages: Pages) -> None:
    with somebody(browser, pages, java_script_enabled=False, accept_downloads=True) as page:
        page.goto("/operators")
        page.select_option("#filter-band", "critical")
        page.get_by_role("button", name="Show").click()
        expect(page).to_have_url(re.compile("band=critical"))
        with page.expect_download() as told:
            page.get_by_role("link", name="CSV").click()
        assert told.value.suggested_filename == "operators.csv"
        page.goto("/alerts")
        page.get_by_role("button", name=re.compile("Acknowledge alert")).nth(4).click()
        expect(page.get_by_role("status").first).to_contain_text("is acknowledged")
        page.get_by_role("button", name="Undo").click()
        expect(page.get_by_role("status").first).to_contain_text("is not acknowledged")


@pytest.mark.parametrize(("width", "scheme"), [(WIDE, "light"), (390, "dark"), (320, "light")])
def test_every_page_can_be_read_by_everybody(width: int, scheme: str, browser: Browser, pages: Pages) -> None:
    found: list[str] = []
    size = {"width": width, "height": 900}
    with somebody(browser, pages, viewport=size, color_scheme=scheme) as page:
        for path in PAGES if width == WIDE else SOME:
            page.goto(path)
            wide = page.evaluate("document.documentElement.scrollWidth")
            if wide > width:
                found.append(f"{path} is {wide} wide")
            judged = Axe().run(page, options=ASKED)
            found += [f"{path}: {one['id']} {one['nodes'][0]['html'][:120]}" for one in judged.response["violations"]]
    assert found == []
