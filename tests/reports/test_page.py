"""A report is laid out once: every type of block has its layout, and a new one is drawn by every format by itself."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from report_accounts import AS_OF, full, receipt
from test_audience import text_in

from customer_research.documents.audience import customer_report
from customer_research.documents.formats import FORMATS, json_, notion, render
from customer_research.documents.page import LAYOUTS, Page, Paragraph
from customer_research.domain.evidence import Fact
from customer_research.domain.report import Block, Prose, Report, Section
from customer_research.reports.kinds import KINDS

SCHEMA = json.loads((Path(json_.__file__).parent / "report.schema.json").read_text(encoding="utf-8"))
PROOF = Fact(3, "count", (receipt("lago", "invoices"),), AS_OF, "invoices_paid", "told by us")


@dataclass(frozen=True, slots=True)
class Quote:
    """What somebody said: a type of block that no format knows."""

    text: str
    by: str
    facts: tuple[Fact[Any], ...] = ()


def _quoted(page: Page, block: Any) -> Paragraph:
    line = page.line(Prose(f"“{block.text}”", block.facts))
    return Paragraph("quote", replace(line, label=page.presenter.text(block.by)))


@pytest.fixture
def report(monkeypatch: pytest.MonkeyPatch) -> Report:
    """A report with a quote, which is laid out by one row."""
    monkeypatch.setitem(LAYOUTS, Quote, _quoted)  # type: ignore[misc] # no block of the vocabulary
    quote: Any = Quote("Three invoices were paid, write to jo@corp.example", "The office", (PROOF,))
    return replace(KINDS["quick"].build(full()), sections=(Section("Voices", (quote,), "voices"),))


def test_every_type_of_block_has_a_layout() -> None:
    assert set(LAYOUTS) == set(get_args(Block))


@pytest.mark.parametrize("style", FORMATS)
def test_a_new_type_of_block_is_drawn_by_every_format(report: Report, style: str) -> None:
    told = re.sub(r"<[^>]*>|\s+", " ", text_in(style, render(report, style)))
    assert "The office" in told
    assert "Three invoices were paid" in told
    assert "jo@corp.example" not in told


def test_a_new_type_of_block_follows_the_schema_and_stands_on_a_page_of_notion(report: Report) -> None:
    made = json_.envelope(report)
    Draft202012Validator(SCHEMA).validate(made)
    (block,) = made["sections"][0]["blocks"]
    assert (block["type"], block["facts"][0]["value"]) == ("quote", 3)
    assert "The office: “Three invoices were paid" in notion.pages(report)[0]


def test_a_customer_sees_of_a_new_type_of_block_nothing_of_our_systems(report: Report) -> None:
    block: Any = customer_report(report).sections[0].blocks[0]
    (fact,) = block.facts
    assert (fact.note, fact.basis[0].query, fact.basis[0].source) == ("", "", "Billing")


@given(st.lists(st.integers(0, 30), max_size=40), st.integers(1, 60), st.integers(2, 12))
def test_a_table_of_notion_is_cut_where_the_next_row_would_not_fit(sizes: list[int], most: int, blocks: int) -> None:
    rows = ["ä" * (size // 2) + "a" * (size % 2) for size in sizes]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(notion, "MOST_BYTES", 2 * most)
        patch.setattr(notion, "MOST_BLOCKS", 2 * blocks)
        portions = list(notion._portions(rows))
    assert [row for portion in portions for row in portion] == rows
    size = [sum(len(row.encode()) for row in portion) for portion in portions]
    for at, portion in enumerate(portions):
        assert len(portion) <= blocks
        assert size[at] <= most or len(portion) == 1
        if at + 1 < len(portions):
            assert len(portion) == blocks or size[at] + len(portions[at + 1][0].encode()) > most
