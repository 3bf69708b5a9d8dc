"""JSON: a versioned envelope; figures with their receipts by id, gaps with their reason, personal data masked."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from customer_research.documents.charts import place_words
from customer_research.documents.page import Footnote, Grid, Line, List, Page, Pairs, Paragraph, Pen, Picture
from customer_research.documents.present import Value, note_words, receipts_of
from customer_research.domain.calibration import Estimate
from customer_research.domain.evidence import Fact, Gap, Receipt
from customer_research.domain.money import Money
from customer_research.domain.report import Freshness, Mark, Personal, Report, Statement
from customer_research.domain.words import clean, instant_text

SCHEMA = "customer-research/report/1"
"""The envelope's version: a reader refuses what it does not know. Fields may be added under the same number."""


def render(report: Report, *, show_personal: bool = False) -> str:
    """A report as JSON text, UTF-8, ending in a newline.

    Raises:
        RenderError: a figure without a receipt.
    """
    return (
        json.dumps(envelope(report, show_personal=show_personal), ensure_ascii=False, indent=2, allow_nan=False) + "\n"
    )


def envelope(report: Report, *, show_personal: bool = False) -> dict[str, Any]:
    """A report as plain values, for JSON."""
    return _Writer(Page(report, show_personal=show_personal, for_programs=True)).envelope()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return instant_text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, Estimate):
        return {"value": value.value, "low": value.low, "high": value.high}
    return value


class _Writer(Pen[dict[str, Any]]):
    """Writes the parts of one report."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._words = page.presenter.text

    def envelope(self) -> dict[str, Any]:
        page, report = self._page, self._page.report
        return {
            "schema": SCHEMA,
            "kind": report.kind,
            "title": page.title,
            "operator": {"id": page.operator, "name": page.name},
            "as_of": instant_text(report.as_of),
            "generated_at": instant_text(report.generated_at),
            "audience": report.audience,
            "personal": "shown" if page.presenter.show_personal else "masked",
            "partial": report.partial,
            "headline": self.line(page.headline) if page.headline else None,
            "warnings": [self.line(warning) for warning in page.warnings],
            "sections": [
                {
                    "id": part.heading.id,
                    "title": part.heading.text,
                    "blocks": [{"type": node.kind, **self.draw(node)} for node in part.nodes],
                }
                for part in page.parts
            ],
            "gaps": [{**self.gap(hole.gap), "concerns": list(hole.concerns)} for hole in page.holes],
            "freshness": [self.freshness(item) for item in report.freshness],
            "receipts": [self.receipt(note) for note in page.footnotes],
        }

    def paragraph(self, node: Paragraph) -> dict[str, Any]:
        label, gap = node.line.label, node.line.gap
        return (
            {"what": label, "gap": self.gap(gap)}
            if gap
            else {**({"label": label} if label else {}), **self.line(node.line)}
        )

    def list(self, node: List) -> dict[str, Any]:
        return {"ordered": node.ordered, "items": [self.line(line) for line in node.lines]}

    def line(self, line: Line) -> dict[str, Any]:
        receipts = self.ids(receipt for fact in line.facts for receipt in receipts_of(fact))
        facts = [self.fact(fact, self._page.presenter.value(fact)) for fact in line.facts if fact.metric]
        return {"text": line.text, "tone": line.tone, "receipts": receipts, "facts": facts}

    def pairs(self, node: Pairs) -> dict[str, Any]:
        return {"figures": [{"label": label, **self.cell(value, toned=True)} for label, value in node.pairs]}

    def grid(self, node: Grid) -> dict[str, Any]:
        return {
            "caption": node.caption,
            "headers": list(node.headers),
            "rows": [[self.cell(value) for value in row] for row in node.rows],
            "total": node.total,
            "receipts": self.ids(node.basis),
        }

    def picture(self, node: Picture) -> dict[str, Any]:
        return {
            "form": node.chart.form,
            "title": node.title,
            "says": self.line(node.says),
            "marks": [self.mark(node, mark) for mark in node.chart.marks],
            "events": [{"on": event.label, "what": self.line(event)} for event in node.events.lines],
        }

    def mark(self, node: Picture, mark: Mark) -> dict[str, Any]:
        cell = self._page.presenter.cell
        at = (
            self.cell(cell(mark.at))
            if isinstance(mark.at, Fact | Gap)
            else self._words(place_words(node.chart, mark.at))
        )
        named = {"series": self._words(mark.series), "label": self._words(mark.label)}
        return {
            "at": at,
            **{name: text for name, text in named.items() if text},
            "figure": self.cell(cell(mark.figure)),
        }

    def cell(self, value: Value, *, toned: bool = False) -> dict[str, Any]:
        """A cell; `toned` facts have their tone and link beside them, as statements and texts always do."""
        found = value.cell
        if isinstance(found, Gap):
            return {"gap": self.gap(found)}
        look = {"tone": value.tone, **({"link": value.link} if value.link else {})}
        if not isinstance(found, Fact):
            return {"text": value.text, **look}
        return {**self.fact(found, value.text), **(look if toned or isinstance(found, Statement) else {})}

    def fact(self, fact: Fact[Any], text: str) -> dict[str, Any]:
        """`value` as a program reads it, `text` as the other formats show it."""
        return {
            "value": self.value(fact, text),
            "unit": fact.unit,
            "text": text,
            "receipts": self.ids(receipts_of(fact)),
            "as_of": instant_text(fact.as_of),
            **({"metric": fact.metric} if fact.metric else {}),
            **({"personal": fact.value.kind} if isinstance(fact.value, Personal) else {}),
            **({"note": self._words(note_words(fact))} if fact.note else {}),
        }

    def value(self, fact: Fact[Any], text: str) -> Any:
        if isinstance(fact.value, str | Personal):
            return text
        if fact.unit == "money":
            amounts = (fact.value,) if isinstance(fact.value, Money) else fact.value
            return [{"currency": clean(money.currency), "minor": money.minor} for money in amounts]
        return _plain(fact.value)

    def gap(self, gap: Gap) -> dict[str, Any]:
        return {
            "source": self._words(gap.source),
            "reason": gap.reason,
            "detail": self._words(gap.detail),
            "next_step": self._words(gap.next_step),
            **({"metric": gap.metric} if gap.metric else {}),
        }

    def freshness(self, item: Freshness) -> dict[str, Any]:
        return {
            "source": self._words(item.source),
            "state": item.state,
            "fetched_at": instant_text(item.fetched_at) if item.fetched_at else None,
            "latest_record_at": instant_text(item.latest_record_at) if item.latest_record_at else None,
            "warning": self._words(item.warning),
        }

    def receipt(self, note: Footnote) -> dict[str, Any]:
        receipt = note.receipt
        inside = self._page.report.audience == "internal"
        sent = {
            "query": self._page.presenter.query(receipt),
            "parameters": {self._words(name): self._words(value) for name, value in receipt.parameters},
            "place": self._words(receipt.place),
            "digest": self._words(receipt.digest),
        }
        return {
            "id": self._words(receipt.id),
            "number": note.number,
            "source": self._words(receipt.source),
            "stream": self._words(receipt.stream),
            "fetched_at": instant_text(receipt.fetched_at),
            "rows": receipt.rows,
            "requests": receipt.requests,
            "truncated": receipt.truncated,
            **(sent if inside else {}),
        }

    def ids(self, receipts: Iterable[Receipt]) -> Sequence[str]:
        return list(dict.fromkeys(self._words(receipt.id) for receipt in receipts))
