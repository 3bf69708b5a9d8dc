"""HTML: one file that needs nothing else: no script, no address to fetch from; receipts are footnotes with links both ways."""

from __future__ import annotations

from collections.abc import Iterator

from customer_research.documents.answering import freshness_words
from customer_research.documents.formats.blocks_html import Blocks, Notes, Slugs
from customer_research.documents.formats.markup import Markup, element, joined, trusted
from customer_research.documents.formats.style import digest, stylesheet
from customer_research.documents.present import GAP_WORDS, TONE_WORDS, Hole, Presenter, gap_words, source_title
from customer_research.domain.evidence import Receipt
from customer_research.domain.report import Prose, Report, Section
from customer_research.domain.words import counted, dated_words, instant_words

_FEW_PARTS = 4
_MOST_BACK = 5
_SHORT_QUERY, _LONGEST_QUERY = 160, 4_000


def render(report: Report, *, show_personal: bool = False) -> str:
    """A report as one HTML document, ending in a newline; the same bytes for the same report.

    Raises:
        RenderError: a figure without a receipt, or a chart without the package that draws it.
    """
    return _Page(Presenter(report, show_personal=show_personal)).document()


class _Page:
    """Writes the document of one report."""

    def __init__(self, presenter: Presenter) -> None:
        self._presenter = presenter
        self._words = presenter.text
        self._notes = Notes({number: _told(one) for number, one in enumerate(presenter.receipts, 1)})
        self._slugs = Slugs()
        self._blocks = Blocks(presenter, self._notes, self._slugs)

    def document(self) -> str:
        style = stylesheet()
        head = self._headed()
        parts = [*(self._section(section) for section in self._presenter.sections), *self._tail()]
        links = [link for link, _ in parts if link]
        contents = [self._contents(links)] if len(links) >= _FEW_PARTS else []
        body = element(
            "body",
            element("a", "Skip to the report", href="#report", class_="skip"),
            head,
            *contents,
            element("main", *(part for _, part in parts), id="report", tabindex="-1"),
            element("footer", element("p", self._colophon())),
        )
        policy = f"default-src 'none'; style-src '{digest(style)}'; img-src data:; base-uri 'none'; form-action 'none'"
        meta = (
            element("meta", charset="utf-8"),
            element("meta", http_equiv="Content-Security-Policy", content=policy),
            element("meta", name="viewport", content="width=device-width, initial-scale=1"),
            element("meta", name="color-scheme", content="light dark"),
            element("meta", name="referrer", content="no-referrer"),
            element("title", self._title()),
            element("link", rel="icon", href="data:,"),
            element("style", trusted(style)),
        )
        return f"<!doctype html>\n{element('html', element('head', *meta), body, lang='en')}\n"

    def _title(self) -> str:
        report = self._presenter.report
        name, title = self._words(report.operator_name), self._words(report.title)
        return f"{name}: {title}" if name else title

    def _colophon(self) -> str:
        report = self._presenter.report
        if report.audience == "customer":
            return f"Made on {instant_words(report.generated_at)}."
        personal = "shown" if self._presenter.show_personal else "masked"
        return f"Made by customer-research on {instant_words(report.generated_at)}. Personal data is {personal}."

    def _headed(self) -> Markup:
        report, presenter = self._presenter.report, self._presenter
        name, title = self._words(report.operator_name), self._words(report.title)
        operator = (
            joined("Operator ", element("code", self._words(report.operator_id)), ". ") if report.operator_id else ""
        )
        headline = presenter.headline
        warnings = [self._warning(warning) for warning in presenter.warnings]
        return element(
            "header",
            element("p", title, class_="kind") if name else "",
            element("h1", element("bdi", name or title)),
            element("p", operator, dated_words(report.as_of, report.generated_at), class_="dated"),
            element("p", self._blocks.words(headline), class_=f"headline {headline.tone}") if headline else "",
            self._banner(),
            self._sources(),
            element("ul", *warnings, class_="warnings", aria_label="Warnings") if warnings else "",
        )

    def _warning(self, warning: Prose) -> Markup:
        word = TONE_WORDS[warning.tone].capitalize()
        return element(
            "li", element("strong", f"{word}: ") if word else "", self._blocks.words(warning), class_=warning.tone
        )

    def _banner(self) -> Markup | str:
        """What a report says first of all when a source is missing or gave only a part."""
        incomplete = [source_title(item.source) for item in self._presenter.report.freshness if item.state != "ok"]
        if not incomplete:
            return ""
        words = f"{', '.join(incomplete)} did not answer in full. What is missing is shown as unknown, never as zero."
        where = element("a", "What is missing, and what to do", href="#part-gaps") if self._presenter.holes else ""
        return element(
            "div", element("p", element("strong", "Partial data. "), words, " ", where), class_="banner", role="note"
        )

    def _sources(self) -> Markup | str:
        states = {"ok": "in full", "partial": "in part", "missing": "no answer"}
        items = [
            element("li", source_title(item.source), ": ", self._blocks.toned(words, tone))
            for item, (_, _, tone) in zip(
                self._presenter.report.freshness, freshness_words(self._presenter), strict=True
            )
            for words in (states[item.state],)
        ]
        return element("ul", *items, class_="sources", aria_label="How the sources answered") if items else ""

    def _contents(self, links: list[tuple[str, str]]) -> Markup:
        items = (element("li", element("a", title, href=f"#{name}")) for name, title in links)
        return element("nav", element("ol", *items), class_="contents", aria_label="Contents")

    def _section(self, section: Section) -> tuple[tuple[str, str] | None, Markup]:
        title = self._words(section.title)
        name = self._slugs.take(f"part-{section.id or title}")
        self._blocks.within = title or self._title()
        blocks = tuple(self._blocks.block(block) for block in section.blocks)
        return self._part(name, title, *blocks)

    def _part(self, name: str, title: str, *blocks: str) -> tuple[tuple[str, str] | None, Markup]:
        if not title:
            return None, element("section", *blocks, id=name)
        anchor = element("a", "#", href=f"#{name}", class_="anchor", aria_label=f"Link to {title}")
        heading = element("h2", title, " ", anchor, id=f"{name}-title")
        return (name, title), element("section", heading, *blocks, id=name, aria_labelledby=f"{name}-title")

    def _tail(self) -> Iterator[tuple[tuple[str, str] | None, Markup]]:
        presenter = self._presenter
        if presenter.notes:
            told = (element("li", f"{note}: {'; '.join(labels)}.") for note, labels in presenter.notes)
            yield self._part("part-notes", "Notes", element("ul", *told))
        if presenter.holes:
            yield self._part("part-gaps", "Gaps", element("ul", *(self._hole(hole) for hole in presenter.holes)))
        sources = freshness_words(presenter)
        if sources:
            items = (element("li", f"{name}: ", self._blocks.toned(words, tone)) for name, words, tone in sources)
            yield self._part("part-sources", "Sources", element("ul", *items))
        if presenter.receipts:
            items = (self._receipt(number, receipt) for number, receipt in enumerate(presenter.receipts, 1))
            yield self._part("part-receipts", "Receipts", element("ol", *items, class_="receipts"))

    def _hole(self, hole: Hole) -> Markup:
        concerns = f" Missing: {'; '.join(hole.concerns)}." if hole.concerns else ""
        step = self._words(hole.gap.next_step)
        cause = self._words(gap_words(hole.gap)).rstrip(".") + "."
        return element(
            "li",
            self._blocks.toned(cause, "unknown"),
            concerns,
            joined(" Next: ", element("strong", step)) if step else "",
        )

    def _receipt(self, number: int, receipt: Receipt) -> Markup:
        query = self._presenter.query(receipt)
        long = len(query) > _SHORT_QUERY
        if len(query) > _LONGEST_QUERY:
            query = f"{query[:_LONGEST_QUERY]}… ({len(query)} characters; the JSON report has all)"
        parts = (_told(receipt), f"receipt {self._words(receipt.id)}")
        return element(
            "li",
            " · ".join(parts),
            joined(" · ", element("code", query)) if query and not long else "",
            " ",
            *self._back(number),
            element("details", element("summary", "What was asked"), element("code", query)) if long else "",
            id=f"receipt-{number}",
        )

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


def _told(receipt: Receipt) -> str:
    """A receipt in a line: what was asked for, how much came, and when."""
    parts = [
        f"{source_title(receipt.source)} {receipt.stream}".strip(),
        counted(receipt.rows, "row"),
        counted(receipt.requests, "request"),
        instant_words(receipt.fetched_at),
        *([GAP_WORDS["truncated"]] if receipt.truncated else []),
    ]
    return " · ".join(parts)
