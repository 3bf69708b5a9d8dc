"""Debian's chromium, for tests that look at pages."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

ASKED = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],  # of what is right it need not list every node
}
"""What axe judges a page by."""

ASKED_OF_COLOURS = ASKED | {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
"""What can be otherwise where a page that was judged is shown in other colours."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """A running browser, its profile new and empty; the test is skipped without one."""
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("chromium is not installed (./dev test installs it on Debian)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(browser: Browser, html: str, *, width: int = 1280, dark: bool = False) -> Iterator[Page]:
    """A page of its own with this content, in light or dark; what it asks of any network fails the test."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light")
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.set_content(html, wait_until="load")
    try:
        yield page
    finally:
        page.close()
    assert [url for url in asked if not url.startswith("data:")] == []
    assert said == []
