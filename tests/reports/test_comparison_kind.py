"""The comparison as a pure function of accounts: nothing unknown is ranked, nothing of a vendor's text commands a renderer."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import combinations
from typing import Any

import pytest
from report_accounts import ACCOUNTS, figure, full, nothing, score, without

from customer_research.documents.formats import json_, markdown, terminal
from customer_research.domain.account import Account
from customer_research.domain.evidence import Fact
from customer_research.domain.money import Money
from customer_research.domain.report import Bullets, Prose, Report, Table
from customer_research.reports.kinds.comparison import KIND

OTHER = "3f0c2a10-7d11-11ef-9a00-0242ac12ffff"


def other(account: Account, **values: Any) -> Account:
    """The same account as another operator's, with some figures of its own."""
    made = {**account.figures, **{name: figure(name, value) for name, value in values.items()}}
    return replace(account, operator_id=OTHER, name="Birch Limousine", figures=made)


def insights(report: Report) -> list[str]:
    section = next(s for s in report.sections if s.id == "findings")
    return [
        item.text
        for block in section.blocks
        for item in (block.items if isinstance(block, Bullets) else (block,))
        if isinstance(item, Prose)
    ]


def differing(report: Report) -> list[str]:
    tables = [b for s in report.sections for b in s.blocks if isinstance(b, Table) and b.caption == "Where they differ"]
    return [row[0].text for table in tables for row in table.rows]  # type: ignore[union-attr]


@pytest.mark.parametrize(("first", "second"), list(combinations(ACCOUNTS, 2)))
def test_any_two_accounts_make_a_comparison_in_every_format(first: str, second: str) -> None:
    one, two = ACCOUNTS[first](), replace(ACCOUNTS[second](), operator_id=OTHER)
    for render in (markdown.render, json_.render, terminal.render):
        text = render(KIND.build((one, two)))
        assert text == render(KIND.build((one, two)))
        assert "\x1b" not in text.replace("\x1b[", "") or render is terminal.render
        assert "\u202e" not in text


def test_the_same_twice_differs_in_nothing_but_is_told_apart() -> None:
    report = KIND.build((full(), replace(full(), operator_id=OTHER)))

    assert differing(report) == []
    assert insights(report) == ["In the figures known, the operators do not differ in a way that matters."]
    assert report.headline is not None
    assert report.headline.text == "2 operators: Alder Chauffeurs (…0002) and Alder Chauffeurs (…ffff)."


def test_with_nothing_known_it_says_so_and_ranks_nobody() -> None:
    report = KIND.build((nothing(), replace(nothing(), operator_id=OTHER)))

    assert insights(report) == ["Too little is known to say."]
    cells = [cell for s in report.sections for b in s.blocks if isinstance(b, Table) for row in b.rows for cell in row]
    assert [cell for cell in cells if isinstance(cell, Fact)] == []


def test_one_without_a_score_is_named_and_not_ranked_last() -> None:
    low = replace(full(), scores=(score(41),))
    high = replace(other(full()), scores=(score(92, "healthy"),))
    none = replace(nothing(), operator_id="3f0c2a10-7d11-11ef-9a00-0242ac12eeee", name="Cedar Cars")

    first, second, *_ = [text for text in insights(KIND.build((low, high, none))) if "ealth" in text]

    assert (
        first
        == "Health: lowest Alder Chauffeurs with 41 of 100 (At Risk); highest Birch Limousine with 92 of 100 (Healthy)."
    )
    assert second.startswith("Not ranked by health: Cedar Cars (not available (Health)")


def test_an_unknown_mrr_is_not_nothing() -> None:
    report = KIND.build((full(mrr=(Money("USD", 19900),)), other(without("lago"))))

    assert "MRR" in differing(report)
    assert [text for text in insights(report) if text.startswith("MRR")] == []


def test_each_difference_is_told_with_its_operator() -> None:
    calm = full(
        usage_trend=0.0, reservations_30d=50, open_tickets=0, overdue_invoices=0, days_to_renewal=400, status="active"
    )
    troubled = other(
        calm,
        usage_trend=-0.4,
        reservations_30d=0,
        open_tickets=3,
        overdue_invoices=2,
        overdue_amount=(Money("USD", 5000),),
        days_to_renewal=20,
        status="churned",
        churned_on=date(2026, 10, 1),
    )

    told = insights(KIND.build((calm, troubled)))

    for text in (
        "Not like the others: Birch Limousine (churned on 2026-10-01).",
        "Bookings fall: Birch Limousine (-40%).",
        "No booking in 30 days: Birch Limousine.",
        "Open tickets: Birch Limousine 3; the others none.",
        "Invoices overdue: Birch Limousine 2 ($50.00).",
        "Renewal within 90 days: Birch Limousine in 20 days.",
    ):
        assert text in told


def test_a_source_that_failed_for_one_is_partial_and_named() -> None:
    report = KIND.build((full(), other(without("lago"))))

    lago = next(item for item in report.freshness if item.source == "lago")
    assert (lago.state, lago.warning) == ("partial", "not in full for Birch Limousine")
    assert report.partial
