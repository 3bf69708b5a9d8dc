"""`why` as a part of a page: the value, what it means, the records behind it, and the requests that they came by."""

from __future__ import annotations

from collections.abc import Iterator

from customer_research.documents.formats.explanation import (
    Words,
    figure_words,
    reader,
    receipt_words,
    records,
    request_lines,
)
from customer_research.documents.formats.markup import Markup, element, joined
from customer_research.domain.evidence import Fact, Gap
from customer_research.domain.explanation import Explanation
from customer_research.domain.words import instant_words


def embedded(explained: Explanation, *, show_personal: bool, back: str) -> Markup:
    """The explanation, for a page that somebody else draws around it; `back` is where its operator's page is."""
    words = reader(explained, show_personal=show_personal)
    figure = explained.figure
    dated = f"As of {instant_words(figure.as_of)}." if isinstance(figure, Fact) else ""
    head = element(
        "header",
        element("p", element("a", words(explained.operator_name), href=back), class_="kind"),
        element("h1", f"Why: {explained.label}"),
        element("p", dated, class_="dated") if dated else "",
        element(
            "p", words(figure_words(figure)), class_=f"headline {'unknown' if isinstance(figure, Gap) else 'neutral'}"
        ),
    )
    return joined(head, element("main", *_parts(explained, words, show_personal), id="report", tabindex="-1"))


def _parts(explained: Explanation, words: Words, show_personal: bool) -> Iterator[Markup]:  # noqa: FBT001 - as above
    figure = explained.figure
    meaning = [explained.formula]
    if isinstance(figure, Fact) and figure.note:
        meaning.append(words(figure.note))
    if explained.healthy:
        meaning.append(f"Healthy: {explained.healthy}")
    yield _section("What it means", *(element("p", line) for line in meaning))
    yield _section(f"Records behind it: {explained.evidence.total}", *_records(explained, words, show_personal))
    if isinstance(figure, Gap):
        yield _section("What to do", element("p", words(figure.next_step) or "Nothing is known to do."))
        return
    receipts = []
    for receipt in figure.basis:
        place, *sent = request_lines(receipt, words)
        asked = element(
            "details", element("summary", "What was sent"), element("p", place), element("pre", "\n".join(sent))
        )
        receipts.append(element("li", receipt_words(receipt), asked))
    yield _section("Receipts", element("ul", *receipts))


def _records(explained: Explanation, words: Words, show_personal: bool) -> Iterator[Markup]:  # noqa: FBT001 - as above
    if explained.evidence_note:
        yield element("p", words(explained.evidence_note))
    if not explained.evidence.complete:
        yield element("p", f"The newest {len(explained.evidence.rows)} are shown.")
    headers, rows = records(explained, words, show_personal=show_personal)
    if not rows:
        return
    heads = (element("th", header, scope="col") for header in headers)
    lines = (
        element("tr", *(element("td", cell, data_label=header) for header, cell in zip(headers, row, strict=True)))
        for row in rows
    )
    table = element("table", element("thead", element("tr", *heads)), element("tbody", *lines))
    yield element("div", table, class_="scroll", role="region", tabindex="0", aria_label="Records")


def _section(title: str, *body: str) -> Markup:
    return element("section", element("h2", title), *body)
