"""HTML pages in a browser: axe, which judges whether everybody can read them, finds nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import ASKED, chromium, opened
from html_pages import PAGES, page
from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.mark.parametrize(
    ("name", "dark"),
    [("forms", False), ("forms", True), ("wild", True), ("billing", False), ("nothing", True), ("quick", False)],
)
def test_axe_finds_nothing(browser: Browser, name: str, *, dark: bool) -> None:
    with opened(browser, page(PAGES[name]), dark=dark) as shown:
        shown.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
        found = Axe().run(shown, options=ASKED)
    assert found.violations_count == 0, found.generate_report()
