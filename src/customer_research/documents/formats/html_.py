"""HTML: one file that needs nothing else: no address to fetch from; receipts are footnotes with links both ways.

A page has no script, but for that which searches the names of a site's operators; it holds no data.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from customer_research.documents.formats.blocks_html import Nodes, Notes, Slugs
from customer_research.documents.formats.markup import Markup, element, joined, trusted
from customer_research.documents.formats.style import digest, stylesheet
from customer_research.documents.page import Footnote, Line, Page, Part
from customer_research.documents.present import TONE_WORDS
from customer_research.documents.site import ALONE, Menu, Site
from customer_research.domain.report import Report
from customer_research.domain.words import instant_words

_FEW_PARTS = 4
_MOST_BACK = 5


def render(report: Report, *, show_personal: bool = False, site: Site = ALONE) -> str:
    """A report as one HTML document, ending in a newline; the same bytes for the same report.

    Args:
        report: what to show.
        show_personal: whether personal data is shown.
        site: the pages that it is written together with, and is linked to.

    Raises:
        RenderError: a figure without a receipt, or a chart without the package that draws it.
    """
    return _Document(Page(report, show_personal=show_personal, pages=site.pages), site).document()


def embedded(report: Report, *, show_personal: bool = False, site: Site = ALONE, below: str = "") -> Markup:
    """What a report says, for a page that somebody else draws around it: its head, its contents, and `main` with all parts.

    `below` is what stands below its head.

    Raises:
        RenderError: as `render`.
    """
    return _Document(Page(report, show_personal=show_personal, pages=site.pages), site).own(below)


@cache
def search_script() -> str:
    """The one script: it searches names in a table of the page that it stands in."""
    return files(__package__).joinpath("search.js").read_text(encoding="utf-8")


class _Document:
    """Writes the document of one report."""

    def __init__(self, page: Page, site: Site) -> None:
        self._page = page
        self._site = site
        self._notes = Notes({note.number: note.short for note in page.footnotes})
        self._slugs = Slugs()
        self._nodes = Nodes(page, self._notes, self._slugs, site)

    def own(self, below: str = "") -> Markup:
        """The head, the contents, the parts."""
        head = self._headed()
        parts = [*map(self._body, self._page.parts), *self._tail()]
        links = [link for link, _ in parts if link]
        contents = self._contents(links) if len(links) >= _FEW_PARTS else ""
        return joined(head, below, contents, element("main", *(part for _, part in parts), id="report", tabindex="-1"))

    def document(self) -> str:
        """The whole file."""
        style = stylesheet()
        body = element(
            "body",
            element("a", "Skip to the report", href="#report", class_="skip"),
            *map(self._menu, self._site.menus),
            self._search(),
            self.own(),
            element("footer", element("p", self._colophon())),
            element("script", trusted(search_script())) if self._site.searched else "",
        )
        script = f"script-src '{digest(search_script())}'; " if self._site.searched else ""
        policy = f"default-src 'none'; style-src '{digest(style)}'; {script}img-src data:; base-uri 'none'; form-action 'none'"
        meta = (
            element("meta", charset="utf-8"),
            element("meta", http_equiv="Content-Security-Policy", content=policy),
            element("meta", name="viewport", content="width=device-width, initial-scale=1"),
            element("meta", name="color-scheme", content="light dark"),
            element("meta", name="referrer", content="no-referrer"),
            element("title", self._page.heading),
            element("link", rel="icon", href="data:,"),
            element("style", trusted(style)),
        )
        return f"<!doctype html>\n{element('html', element('head', *meta), body, lang='en')}\n"

    def _colophon(self) -> str:
        made = instant_words(self._page.report.generated_at)
        if self._page.report.audience == "customer":
            return f"Made on {made}."
        personal = "shown" if self._page.presenter.show_personal else "masked"
        return f"Made by customer-research on {made}. Personal data is {personal}."

    def _menu(self, menu: Menu) -> Markup:
        """Where else to go; the page that one is on is no link."""
        items = (
            element("li", element("a", words, href=place) if place else element("strong", words, aria_current="page"))
            for words, place in menu.entries
        )
        return element("nav", element("ul", *items), class_="menu", aria_label=menu.title)

    def _search(self) -> Markup | str:
        """Where a name is typed; hidden where no script runs: the whole table stands below all the same."""
        if not self._site.searched:
            return ""
        asked = element("input", id="find", type="search", autocomplete="off")
        told = element("span", id="found", role="status")
        label = element("label", "Find an operator", for_="find")
        return element("div", label, asked, told, class_="find", role="search", hidden=True)

    def _headed(self) -> Markup:
        page, headline = self._page, self._page.headline
        warnings = [self._warning(warning) for warning in page.warnings]
        return element(
            "header",
            element("p", page.title, class_="kind") if page.name else "",
            element("h1", element("bdi", page.name or page.title)),
            element("p", page.dated, class_="dated"),
            element("p", self._nodes.line(headline), class_=f"headline {headline.tone}") if headline else "",
            self._banner(),
            self._sources(),
            element("ul", *warnings, class_="warnings", aria_label="Warnings") if warnings else "",
        )

    def _warning(self, warning: Line) -> Markup:
        word = TONE_WORDS[warning.tone].capitalize()
        lead = element("strong", f"{word}: ") if word else ""
        return element("li", lead, self._nodes.line(warning), class_=warning.tone)

    def _banner(self) -> Markup | str:
        """What a report says first of all when a source is missing or gave only a part."""
        if not self._page.incomplete:
            return ""
        words = f"{self._page.incomplete} did not answer in full. What is missing is shown as unknown, never as zero."
        where = element("a", "What is missing, and what to do", href="#part-gaps") if self._page.holes else ""
        return element(
            "div", element("p", element("strong", "Partial data. "), words, " ", where), class_="banner", role="note"
        )

    def _sources(self) -> Markup | str:
        if self._page.sourced:
            return ""
        states = {"ok": "in full", "partial": "in part", "missing": "no answer"}
        items = [
            element("li", line.lead, self._nodes.toned(states[item.state], line.tone))
            for item, line in zip(self._page.report.freshness, self._page.sources, strict=True)
        ]
        return element("ul", *items, class_="sources", aria_label="How the sources answered") if items else ""

    def _contents(self, links: list[tuple[str, str]]) -> Markup:
        items = (element("li", element("a", title, href=f"#{name}")) for name, title in links)
        return element("nav", element("ol", *items), class_="contents", aria_label="Contents")

    def _body(self, part: Part) -> tuple[tuple[str, str] | None, Markup]:
        title = part.heading.text
        name = self._slugs.take(f"part-{part.heading.id or title}")
        self._nodes.within = title or self._page.heading
        return self._part(name, title, *map(self._nodes.draw, part.nodes))

    def _part(self, name: str, title: str, *blocks: str) -> tuple[tuple[str, str] | None, Markup]:
        if not title:
            return None, element("section", *blocks, id=name)
        anchor = element("a", "#", href=f"#{name}", class_="anchor", aria_label=f"Link to {title}")
        heading = element("h2", title, " ", anchor, id=f"{name}-title")
        return (name, title), element("section", heading, *blocks, id=name, aria_labelledby=f"{name}-title")

    def _tail(self) -> Iterator[tuple[tuple[str, str] | None, Markup]]:
        for part in self._page.tail:
            yield self._part(f"part-{part.heading.id}", part.heading.text, *map(self._nodes.draw, part.nodes))
        if self._page.footnotes:
            items = map(self._receipt, self._page.footnotes)
            yield self._part("part-receipts", "Receipts", element("ol", *items, class_="receipts"))

    def _receipt(self, note: Footnote) -> Markup:
        return element("li", note.words, " ", *self._back(note.number), id=f"receipt-{note.number}")

    def _back(self, number: int) -> Iterator[Markup]:
        """Links from a receipt to where it is used: to the first places."""
        uses = self._notes.uses(number)
        for at, name in enumerate(uses[:_MOST_BACK], 1):
            label = (
                f"Back to use {at} of {len(uses)} of receipt {number}"
                if len(uses) > 1
                else f"Back to the use of receipt {number}"
            )
            yield element("a", f"↩{at}" if len(uses) > 1 else "↩", href=f"#{name}", class_="back", aria_label=label)
        if len(uses) > _MOST_BACK:
            yield element("span", f"and {len(uses) - _MOST_BACK} more", class_="note")
