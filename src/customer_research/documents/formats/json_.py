"""JSON: a versioned envelope; figures with their receipts by id, gaps with their reason, personal data masked."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, assert_never

from customer_research.documents.charts import place_words
from customer_research.documents.present import Presenter, note_words, receipts_of, safe_link
from customer_research.domain.calibration import Estimate
from customer_research.domain.evidence import Fact, Gap, Receipt
from customer_research.domain.money import Money
from customer_research.domain.report import (
    Block,
    Bullets,
    Cell,
    Chart,
    FigureLine,
    Figures,
    Freshness,
    Mark,
    Missing,
    Personal,
    Prose,
    Report,
    Statement,
    Table,
    Text,
)
from customer_research.domain.words import clean

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
    writer = _Writer(Presenter(report, show_personal=show_personal))
    return writer.envelope()


def _instant(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return _instant(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, Estimate):
        return {"value": value.value, "low": value.low, "high": value.high}
    return value


class _Writer:
    """Writes the parts of one report."""

    def __init__(self, presenter: Presenter) -> None:
        self._presenter = presenter
        self._words = presenter.text

    def envelope(self) -> dict[str, Any]:
        presenter, report = self._presenter, self._presenter.report
        return {
            "schema": SCHEMA,
            "kind": report.kind,
            "title": self._words(report.title),
            "operator": {"id": self._words(report.operator_id), "name": self._words(report.operator_name)},
            "as_of": _instant(report.as_of),
            "generated_at": _instant(report.generated_at),
            "audience": report.audience,
            "personal": "shown" if presenter.show_personal else "masked",
            "partial": report.partial,
            "headline": self.prose(presenter.headline) if presenter.headline else None,
            "warnings": [self.prose(warning) for warning in presenter.warnings],
            "sections": [
                {
                    "id": section.id,
                    "title": self._words(section.title),
                    "blocks": [self.block(block) for block in section.blocks],
                }
                for section in presenter.sections
            ],
            "gaps": [{**self.gap(hole.gap), "concerns": list(hole.concerns)} for hole in presenter.holes],
            "freshness": [self.freshness(item) for item in report.freshness],
            "receipts": [self.receipt(number, receipt) for number, receipt in enumerate(presenter.receipts, 1)],
        }

    def block(self, block: Block) -> dict[str, Any]:
        if isinstance(block, Prose):
            return {"type": "prose", **self.prose(block)}
        if isinstance(block, Bullets):
            return {"type": "bullets", "ordered": block.ordered, "items": [self.prose(item) for item in block.items]}
        if isinstance(block, Figures):
            return {"type": "figures", "figures": [self.line(line) for line in block.lines]}
        if isinstance(block, Table):
            return self.table(block)
        if isinstance(block, Chart):
            return self.chart(block)
        if isinstance(block, Missing):
            return {"type": "missing", "what": self._words(block.what), "gap": self.gap(block.gap)}
        assert_never(block)

    def prose(self, prose: Prose) -> dict[str, Any]:
        receipts = self.ids(receipt for fact in prose.facts for receipt in receipts_of(fact))
        facts = [self.fact(fact) for fact in prose.facts if fact.metric]
        return {"text": self._words(prose.text), "tone": prose.tone, "receipts": receipts, "facts": facts}

    def line(self, line: FigureLine) -> dict[str, Any]:
        link = safe_link(line.link)
        label = {"label": self._words(line.label)}
        if isinstance(line.figure, Gap):
            return {**label, "gap": self.gap(line.figure)}
        return {**label, **self.fact(line.figure), "tone": line.tone, **({"link": link} if link else {})}

    def table(self, table: Table) -> dict[str, Any]:
        return {
            "type": "table",
            "caption": self._words(table.caption),
            "headers": [self._words(header) for header in table.headers],
            "rows": [[self.cell(cell) for cell in row] for row in table.rows],
            "total": len(table.rows) if table.total is None else table.total,
            "receipts": self.ids(table.basis),
        }

    def chart(self, chart: Chart) -> dict[str, Any]:
        return {
            "type": "chart",
            "form": chart.form,
            "title": self._words(chart.title),
            "says": self.prose(chart.says),
            "marks": [self.mark(chart, mark) for mark in chart.marks],
            "events": [{"on": event.on.isoformat(), "what": self.prose(event.what)} for event in chart.events],
        }

    def mark(self, chart: Chart, mark: Mark) -> dict[str, Any]:
        at = self.cell(mark.at) if isinstance(mark.at, Fact | Gap) else self._words(place_words(chart, mark.at))
        named = {"series": self._words(mark.series), "label": self._words(mark.label)}
        return {"at": at, **{name: text for name, text in named.items() if text}, "figure": self.cell(mark.figure)}

    def cell(self, cell: Cell) -> dict[str, Any]:
        if isinstance(cell, Statement):
            link = safe_link(cell.link)
            return {**self.fact(cell), "tone": cell.tone, **({"link": link} if link else {})}
        if isinstance(cell, Fact):
            return self.fact(cell)
        if isinstance(cell, Gap):
            return {"gap": self.gap(cell)}
        if isinstance(cell, Text):
            link = safe_link(cell.link)
            return {"text": self._words(cell.text), "tone": cell.tone, **({"link": link} if link else {})}
        assert_never(cell)

    def fact(self, fact: Fact[Any]) -> dict[str, Any]:
        """`value` as a program reads it, `text` as the other renderers show it."""
        text = self._presenter.value(fact)
        return {
            "value": self.value(fact, text),
            "unit": fact.unit,
            "text": text,
            "receipts": self.ids(receipts_of(fact)),
            "as_of": _instant(fact.as_of),
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
            "fetched_at": _instant(item.fetched_at) if item.fetched_at else None,
            "latest_record_at": _instant(item.latest_record_at) if item.latest_record_at else None,
            "warning": self._words(item.warning),
        }

    def receipt(self, number: int, receipt: Receipt) -> dict[str, Any]:
        inside = self._presenter.report.audience == "internal"
        sent = {
            "query": self._presenter.query(receipt),
            "parameters": {self._words(name): self._words(value) for name, value in receipt.parameters},
            "place": self._words(receipt.place),
            "digest": self._words(receipt.digest),
        }
        return {
            "id": self._words(receipt.id),
            "number": number,
            "source": self._words(receipt.source),
            "stream": self._words(receipt.stream),
            "fetched_at": _instant(receipt.fetched_at),
            "rows": receipt.rows,
            "requests": receipt.requests,
            "truncated": receipt.truncated,
            **(sent if inside else {}),
        }

    def ids(self, receipts: Iterable[Receipt]) -> list[str]:
        return list(dict.fromkeys(self._words(receipt.id) for receipt in receipts))
