"""Sums of MRR over many: over how many they are, and never zero or none for what is not known."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from report_accounts import full

from customer_research.domain.evidence import Fact, Gap, Receipt
from customer_research.domain.health import BAND_LABELS, PRESENT
from customer_research.domain.portfolio import Chosen, Group, Portfolio
from customer_research.domain.report import Text
from customer_research.domain.snapshot import Snapshot
from customer_research.health.assembly import status_of
from customer_research.reports import pictures
from customer_research.reports.kinds import portfolio as kind

T = datetime(2026, 11, 1, tzinfo=UTC)
RECEIPT = Receipt("r", "portfolio", "score", "q", T, 1, "0" * 64)


def of(*bands: Group) -> Portfolio:
    snapshot = Snapshot("s", "scored", T, T, "canonical", "1", "d", "t", "duckdb", 9, "p", (RECEIPT,))
    operators = sum(group.operators for group in bands)
    return Portfolio(snapshot, T, (), Chosen("", operators, operators), RECEIPT, (), bands, (), ())


@pytest.mark.parametrize(
    ("minor", "unknown", "words"),
    [
        (120_000, 0, "with $1,200.00 of MRR a month."),
        (120_000, 1, "with $1,200.00 of MRR a month (known in USD of 3 of 4)."),
        (0, 4, "with MRR not known in USD."),
        (0, 0, "with $0.00 of MRR a month."),
    ],
)
def test_a_sum_says_over_how_many_it_is(minor: int, unknown: int, words: str) -> None:
    found = of(Group("at_risk", 4, minor, unknown, 50.0), Group("healthy", 5, 50_000, 0, 90.0))
    assert kind.headline(found).text == f"9 operators: 4 At Risk, {words}"
    assert len(kind.headline(found).facts) == (1 if unknown == 4 else 2)


def test_what_is_known_of_nobody_is_no_zero_in_any_group_or_chart() -> None:
    found = of(Group("at_risk", 4, 0, 4, 50.0))
    mrr, unknown = kind.mrr_cells(found, found.bands[0])
    assert (mrr, unknown) == (kind.NOT_KNOWN, Fact(4, "count", (RECEIPT,), T))
    chart = pictures.by_band(found)
    assert chart is not None
    assert chart.says.text == "4 operators with MRR not known in USD."
    assert set(BAND_LABELS) >= {"at_risk"}


@pytest.mark.parametrize(
    ("gap", "cell"),
    [
        (Gap("lago", "not_applicable", "billed in CAD"), Text("not in USD", "unknown")),
        (Gap("lago", "none_found", "nothing"), Text("not known", "unknown")),
    ],
)
def test_an_mrr_in_another_currency_is_not_none(gap: Gap, cell: Text) -> None:
    account = full()
    assert kind.mrr_cell(replace(account, figures={**account.figures, "mrr_usd": gap})) == cell
    down = Gap("lago", "unavailable", "it did not answer")
    assert kind.mrr_cell(replace(account, figures={**account.figures, "mrr_usd": down})) == down


def test_a_status_that_is_not_told_is_unknown_and_stays_in_the_lists() -> None:
    assert status_of(None) == status_of("something else") == "unknown"
    assert status_of("churned") == "churned"
    assert "unknown" in PRESENT
