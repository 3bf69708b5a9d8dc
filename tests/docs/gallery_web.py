"""Pictures of the web pages, for the gallery: over real HTTP, in chromium."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from browser import chromium
from playwright.sync_api import Page
from web_pages import served

from customer_research.settings import load_settings

S02 = "00000000-5ce0-11f0-a000-000000000002"

PAGES = (
    ("web-today", "/today", "Today, in a browser", 1366, False),
    ("web-today-phone", "/today", "Today, on a phone", 390, False),
    (
        "web-operators-dark",
        "/operators?band=at_risk&sort=mrr",
        "Operators at risk by MRR, on a dark screen",
        1366,
        True,
    ),
    ("web-alert", "alert", "An alert, and what can be done about it", 1366, False),
    ("web-operator", f"/operators/{S02}", "One operator", 1366, False),
    ("web-operator-phone-dark", f"/operators/{S02}", "One operator, on a phone with a dark screen", 390, True),
    ("web-why", f"/operators/{S02}/why/mrr", "Why a figure is as it is", 1366, False),
)
"""File, address (`alert`: the first one), what it shows, width, dark or not."""


def web_pictures(config: Path, folder: Path) -> Iterator[tuple[str, str]]:
    """Draw the pages; gives each picture's file and what it shows."""
    settings = load_settings(config)
    with chromium() as browser, served(settings, own="robin") as pages:
        key = pages.key
        state = None
        for name, place, says, width, dark in PAGES:
            context = browser.new_context(
                base_url=pages.url,
                viewport={"width": width, "height": 900},
                color_scheme="dark" if dark else "light",
                device_scale_factor=0.75,
                storage_state=state,
            )
            page = context.new_page()
            if state is None:
                page.goto(f"/sign-in?key={key}")
                state = context.storage_state()
            page.goto(_alert(page) if place == "alert" else place)
            page.screenshot(path=str(folder / f"{name}.png"))
            context.close()
            yield f"{name}.png", says


def _alert(page: Page) -> str:
    page.goto("/alerts")
    found = re.search(r'href="(/alerts/[0-9a-f]+)"', page.content())
    assert found
    return found[1]
