"""The stylesheet of pages: the layout of `page.css` in the colours of the drawings' themes, dark where the reader's screen is."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files

from customer_research.documents.drawing.theme import DARK, LIGHT, PRINT, Theme

_OF_PAGES = {
    "light": ("#8a949e", "#1d5fa8", "#fff3c4"),
    "dark": ("#76818c", "#7dbcf8", "#4a3f10"),
    "print": ("#777777", "#1d4f8a", "#ffffff"),
}
"""By theme: the colours that pages need beside the drawings': edges, links, and behind what a link led to."""


@cache
def stylesheet() -> str:
    """All rules of a page."""
    layout = files(__package__).joinpath("page.css").read_text(encoding="utf-8")
    return "\n".join(
        (
            f":root {{ color-scheme: light dark; {_variables(LIGHT)} }}",
            f"@media screen and (prefers-color-scheme: dark) {{ :root {{ {_variables(DARK)} }} {_repainted(DARK)} }}",
            f"@media print {{ :root {{ color-scheme: light; {_variables(PRINT)} }} {_repainted(PRINT)} }}",
            layout,
        )
    )


def digest(style: str) -> str:
    """The SHA-256 of a stylesheet or script as a content security policy names it."""
    return "sha256-" + base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()


def _variables(theme: Theme) -> str:
    edge, link, mark = _OF_PAGES[theme.name]
    named = {
        "ink": theme.ink,
        "quiet": theme.quiet,
        "grid": theme.grid,
        "paper": theme.paper,
        **{str(tone): colour for tone, colour in theme.tones.items()},
        "edge": edge,
        "link": link,
        "mark": mark,
    }
    return " ".join(f"--{name}: {colour};" for name, colour in named.items())


def _repainted(theme: Theme) -> str:
    """Rules that give drawings, made in the light theme, the colours of another."""
    return " ".join(
        f'.chart [{what}="{light}"] {{ {what}: {other}; }}'
        for light, other in zip(LIGHT.colours, theme.colours, strict=True)
        for what in ("fill", "stroke")
    )
