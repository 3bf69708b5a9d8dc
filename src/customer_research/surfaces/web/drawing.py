"""An answer as the body of a page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from customer_research.documents.formats.explanation_html import embedded as why_embedded
from customer_research.documents.formats.html_ import embedded
from customer_research.documents.formats.markup import Markup, element, joined
from customer_research.documents.page import untyped
from customer_research.documents.site import Site
from customer_research.domain.explanation import Explanation
from customer_research.domain.report import Report
from customer_research.domain.words import clean
from customer_research.research.usecases import Answer, Table
from customer_research.surfaces.web.shell import heading, main
from customer_research.surfaces.web.views import href


class Everywhere(Mapping[str, str]):
    """Operator id, or `alert ID`, → where its page is: every one has a page."""

    def __getitem__(self, key: str) -> str:
        if key.startswith("alert "):
            return href("/alerts/{alert}", alert=key.removeprefix("alert "))
        if not key:
            raise KeyError(key)
        return href("/operators/{operator}", operator=key)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


PAGES = Everywhere()


@dataclass(frozen=True, slots=True)
class Drawn:
    """The body of a page, what it is called, and whom it is about (the operator's id; empty: nobody alone)."""

    title: str
    body: Markup
    operator: str = ""

    def __len__(self) -> int:
        """The characters that are given out."""
        return len(self.body)


def _below(*parts: str) -> str:
    """What stands between a page's head and the rest: what is said beside, what can be chosen and done."""
    whole = joined(*parts)
    return element("div", whole, class_="below", role="region", aria_label="What is shown") if whole else ""


def _nothing(_alert: str) -> str:
    return ""


def drawn(
    answer: Answer,
    title: str,
    *,
    show_personal: bool,
    below: Callable[[Report | None], str],
    act: Callable[[str], str] = _nothing,
) -> Drawn:
    """An answer as a page's body.

    Args:
        answer: what was asked for.
        title: what the page is called where the answer has no name of its own.
        show_personal: whether personal data is shown.
        below: what stands below its head, for a report or for what is none.

        act: what is drawn beside an alert's id in a list.

    Raises:
        RenderError: a figure without a receipt.
    """
    notes = filter(None, map(untyped, answer.beside))
    beside = [element("p", _plain(line), class_="beside") for line in notes]
    if isinstance(answer.body, Report):
        report = answer.body
        site = Site(pages=PAGES, why=_why(report.operator_id), act=act)
        whole = embedded(report, show_personal=show_personal, site=site, below=_below(*beside, below(report)))
        named = f"{report.operator_name}: {report.title}" if report.operator_name else report.title
        return Drawn(clean(named), whole, report.operator_id)
    if isinstance(answer.body, Explanation):
        explained = answer.body
        shown = why_embedded(explained, show_personal=show_personal, back=PAGES[explained.operator_id])
        return Drawn(
            f"{clean(explained.operator_name)}: why {explained.label}", joined(*beside, shown), explained.operator_id
        )
    return Drawn(title, joined(heading(title), _below(*beside, below(None)), main(_small(answer))))


def _why(operator_id: str) -> Callable[[str], str]:
    if not operator_id:
        return lambda _metric: ""
    return lambda metric: href("/operators/{operator}/why/{metric}", operator=operator_id, metric=metric)


def _small(answer: Answer) -> Markup:
    """A table of words, lines, or a text."""
    body: Any = answer.body
    if isinstance(body, Table):
        return _table(body)
    if isinstance(body, tuple):
        rows = (
            element("p", _plain(line))
            if isinstance(line, str)
            else element("p", element("strong", _plain(line[0])), _plain(line[1]))
            for line in body
        )
        return joined(*rows)
    return element("pre", "".join(body.pieces))


def _table(table: Table) -> Markup:
    heads = (element("th", header, scope="col") for header in table.headers)
    rows = (element("tr", *(element("td", _plain(cell)) for cell in row)) for row in table.rows)
    drawn_table = element("table", element("thead", element("tr", *heads)), element("tbody", *rows))
    region = element("div", drawn_table, class_="scroll", role="region", tabindex="0", aria_label="Table")
    before = (element("p", _plain(line)) for line in table.before)
    after = (element("p", _plain(line)) for line in (*table.after, table.last) if line)
    nothing = element("p", "Nothing is here.") if not table.rows else ""
    return joined(*before, region if table.rows else nothing, *after)


def _plain(line: str) -> str:
    return clean(line)
