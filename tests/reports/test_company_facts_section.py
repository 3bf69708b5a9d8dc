"""The section of company facts: who says what of which day, side by side; nothing where nothing is kept; no value commands a format."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from report_accounts import AS_OF, full
from test_no_commands import text_of

from customer_research.documents.formats import FORMATS, render
from customer_research.domain.account import Account, Records
from customer_research.domain.delivery import Address, Envelope
from customer_research.domain.evidence import Fact, Gap, Receipt
from customer_research.domain.firm import FIELDS, KEPT
from customer_research.domain.report import Report, Table
from customer_research.reports.company_facts import SECTION
from customer_research.reports.kinds import KINDS, OPERATOR_KINDS
from customer_research.research.delivering.composing import message_of

RECEIPT = Receipt("facts-1", "people_data_labs", "company_enrich", "GET /v5/company/enrich", AS_OF, 1, "d" * 64)
HOSTILE = (
    '\x1b[31m=HYPERLINK("http://evil.example.com") <script>alert(1)</script> [x](javascript:alert(1)) | #raw[x] <!channel> '
    "pat.planted@example.com"
)


def row(field: str, value: Any, **more: Any) -> dict[str, Any]:
    told = {
        "field": field,
        "label": FIELDS[field].label,
        "value": value,
        "unit": FIELDS[field].unit,
        "provider": "people_data_labs",
        "title": "People Data Labs",
        "sureness": "sure (domain)",
        "observed_at": None,
        "fetched_at": AS_OF,
        "expires_at": AS_OF + timedelta(days=30),
        "fetch_id": RECEIPT.id,
    }
    return {**told, **more}


def account(*rows: dict[str, Any], gap: Gap | None = None) -> Account:
    made = full()
    return replace(made, records={**made.records, KEPT: Records(KEPT, rows, (RECEIPT,), gap)})


def profile(of: Account) -> Report:
    return KINDS["profile"].report(of)


def section_of(report: Report) -> Any:
    return next(one for one in report.sections if one.id == SECTION)


ROWS = (
    row("headcount", 12, provider="hubspot", title="HubSpot", sureness="sure (company)"),
    row("headcount", 17, observed_at=AS_OF - timedelta(days=40)),
    row("industry", "Transportation/Trucking", provider="hubspot", title="HubSpot"),
    row("industry", "transportation trucking"),
    row("funding_usd", 150_000_00),
    row("power_units", None),
)


def test_each_value_stands_with_who_says_it_and_a_line_says_where_they_disagree() -> None:
    table, disagreements = section_of(profile(account(*ROWS))).blocks
    assert isinstance(table, Table)
    assert [getattr(one, "text", "") for one, *_ in table.rows][:2] == [
        "Headcount (HubSpot)",
        "Headcount (People Data Labs)",
    ]
    (funding,) = [cells[1] for cells in table.rows if "Funding" in cells[0].text]  # type: ignore[union-attr]
    assert isinstance(funding, Fact)
    assert (funding.value, funding.unit, funding.basis) == (15_000_000, "usd_minor", (RECEIPT,))
    stale = table.rows[-1][1]
    assert isinstance(stale, Gap)
    assert stale.reason == "stale"
    assert [one.text for one in disagreements.items] == [
        "Headcount: the providers disagree (HubSpot, People Data Labs)."
    ]
    text = render(profile(account(*ROWS)), "markdown").decode()
    assert "$150,000.00" in text
    assert "too old to use" in text
    assert "LinkedIn" not in text


def test_without_facts_a_report_is_what_it_was_and_with_them_all_else_is() -> None:
    bare = full()
    for name, kind in OPERATOR_KINDS.items():
        if kind.about == "operator":
            before, after = kind.report(bare), kind.report(account(*ROWS))
            others = tuple(one for one in after.sections if one.id != SECTION)
            assert others == before.sections, name
            assert replace(after, sections=()) == replace(before, sections=()), name
            assert (len(others) < len(after.sections)) == (name == "profile")
    assert account(*ROWS).score == bare.score


@pytest.mark.parametrize("style", FORMATS)
def test_a_value_commands_no_format_and_is_masked(style: str) -> None:
    report = profile(account(row("industry", HOSTILE, title="Seller <b>"), row("headcount_range", HOSTILE)))
    text = render(report, style).decode() if style in {"json", "agent", "csv", "terminal"} else text_of(report, style)
    assert "pat.planted" not in text
    assert "\x1b[31m" not in text
    if style == "html":
        assert "<script>alert" not in render(report, style).decode()
    if style == "csv":
        cells = [cell for line in csv.reader(io.StringIO(text)) for cell in line]
        assert not [cell for cell in cells if cell.startswith("=")]
    if style == "json":
        assert json.loads(text)


def test_what_cannot_be_read_is_said() -> None:
    (shown,) = section_of(profile(account(gap=Gap("facts", "unavailable", "the store is locked")))).blocks
    assert shown.gap.detail == "the store is locked"


def test_what_leaves_by_itself_leaves_without_company_facts() -> None:
    sent = Envelope("report", "op-1", "monday", Address("file", "out.md"))
    assert "Headcount" not in json.dumps(message_of(profile(account(*ROWS)), sent).content)
