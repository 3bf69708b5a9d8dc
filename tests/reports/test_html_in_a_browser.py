"""HTML pages as a browser shows them: nothing flows over, and the dark repaints what it should."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from browser import chromium, opened
from html_pages import PAGES, page
from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("name", ["charts", "hostile", "billing", "nothing", "invoices"])
def test_nothing_flows_over_the_page(browser: Browser, name: str, width: int) -> None:
    with opened(browser, page(PAGES[name]), width=width) as shown:
        inside = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        assert shown.evaluate(inside)
        shown.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
        assert shown.evaluate(inside)


def test_a_dark_screen_repaints_drawings_and_paper_does_not(browser: Browser) -> None:
    colour = "getComputedStyle(document.querySelector('.chart [fill=\"#1a7f4b\"]')).fill"
    with opened(browser, page(PAGES["charts"]), dark=True) as shown:
        assert shown.evaluate(colour) == "rgb(76, 195, 138)"
        shown.emulate_media(media="print", color_scheme="dark")
        assert shown.evaluate(colour) == "rgb(23, 112, 63)"
