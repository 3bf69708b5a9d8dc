"""Sums of MRR over many: over how many they are, and never zero or none for what is not known."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from report_accounts import full

from customer_research.domain.account import Account
from customer_research.domain.evidence import Fact, Gap, Receipt
from customer_research.domain.health import BAND_LABELS, PRESENT
from customer_research.domain.money import Amounts, Money
from customer_research.domain.portfolio import Group, Portfolio, Scope
from customer_research.domain.rates import Rates
from customer_research.domain.report import Prose
from customer_research.domain.snapshot import Snapshot
from customer_research.health.assembly import status_of
from customer_research.reports import pictures
from customer_research.reports import portfolio_cells as cells
from customer_research.reports.blocks import NOT_KNOWN
from customer_research.reports.movers import money_at_risk, money_table
from customer_research.reports.standing_figures import by_worth

T = datetime(2026, 11, 1, tzinfo=UTC)
RECEIPT = Receipt("r", "portfolio", "score", "q", T, 1, "0" * 64)


USD, CAD = Money("USD", 120_000), Money("CAD", 49_900)


def rates(**per_dollar: str) -> Rates:
    """What a dollar, worth a euro here, is worth in these currencies on the day of the snapshot."""
    known = {code: Decimal(value) for code, value in per_dollar.items()}
    return Rates({T.date(): {"USD": Decimal(1), **known}}, "USD", RECEIPT)


def of(*bands: Group) -> Portfolio:
    snapshot = Snapshot("s", "scored", T, T, "canonical", "1", "d", "t", "duckdb", 9, "p", (RECEIPT,))
    operators = sum(group.operators for group in bands)
    return Portfolio(snapshot, T, (), Scope("", operators, operators), RECEIPT, (), bands, (), ())


@pytest.mark.parametrize(
    ("mrr", "unknown", "words"),
    [
        ((USD,), 0, "with $1,200.00 of MRR a month."),
        ((USD,), 1, "with $1,200.00 of MRR a month (known of 3 of 4)."),
        ((CAD, USD), 0, "with CA$499.00 and $1,200.00 of MRR a month."),
        ((CAD, USD), 1, "with CA$499.00 and $1,200.00 of MRR a month (known of 3 of 4)."),
        ((), 4, "with MRR not known."),
        ((), 0, "with no MRR."),
    ],
)
def test_a_sum_says_over_how_many_it_is_and_adds_no_two_currencies(mrr: Amounts, unknown: int, words: str) -> None:
    found = of(Group("at_risk", 4, mrr, unknown, 50.0), Group("healthy", 5, (Money("USD", 50_000),), 0, 90.0))
    assert cells.headline(found).text == f"9 operators: 4 At Risk, {words}"
    assert len(cells.headline(found).facts) == (1 if unknown == 4 else 2)


def test_those_whose_band_is_open_are_told_in_the_first_line_and_make_it_no_good_news() -> None:
    fine = Group("healthy", 5, (USD,), 0, 90.0)
    opened = (Group("unsettled", 3, (), 3, None), Group("insufficient", 1, (), 1, None))
    told = cells.headline(of(fine, *opened))
    assert told.text == "9 operators: nobody known to be At Risk or Critical; the band of 4 is not settled."
    assert (told.tone, told.facts[-1].value) == ("unknown", 4)
    told = cells.headline(of(Group("at_risk", 2, (USD,), 0, 50.0), *opened))
    assert told.text == "6 operators: 2 At Risk, with $1,200.00 of MRR a month; the band of 4 is not settled."
    assert told.tone == "bad"
    assert cells.headline(of(*opened)).text == "4 operators: too little is known of any to tell how it stands."
    assert cells.headline(of(fine)).tone == "good"


def test_a_total_is_told_beside_the_currencies_where_every_rate_is_set() -> None:
    found = of(Group("at_risk", 3, (CAD, USD), 1, 50.0), Group("critical", 2, (Money("CAD", 100),), 0, 20.0))
    told = cells.headline(replace(found, rates=rates(CAD="1.25"))).text
    assert told.endswith("with CA$500.00 and $1,200.00 of MRR a month (together $1,600.00; known of 4 of 5).")
    unset = cells.headline(replace(found, rates=rates(JPY="150"))).text
    assert unset.endswith("with CA$500.00 and $1,200.00 of MRR a month (known of 4 of 5).")


def test_what_is_known_of_nobody_is_no_zero_in_any_group_or_chart() -> None:
    found = of(Group("at_risk", 4, (), 4, 50.0))
    mrr, unknown = cells.mrr_cells(found, found.bands[0])
    assert (mrr, unknown) == (NOT_KNOWN, Fact(4, "count", (RECEIPT,), T))
    chart = pictures.by_band(found)
    assert chart is not None
    assert chart.says.text == "4 operators with MRR not known."
    assert set(BAND_LABELS) >= {"at_risk"}
    risk = money_at_risk(found)
    assert isinstance(risk, Gap)
    assert [block.text for block in money_table(found) if isinstance(block, Prose)] == [
        "The MRR of 4 operators is not known and in no sum."
    ]


def test_an_mrr_that_is_not_known_is_not_none() -> None:
    assert cells.mrr_cell(Gap("lago", "none_found", "nothing")) == NOT_KNOWN
    down = Gap("lago", "unavailable", "it did not answer")
    assert cells.mrr_cell(down) == down


def test_the_largest_mrr_comes_first_at_the_rates_set_and_what_has_none_last() -> None:
    def billed(*amounts: Money, at: Rates | None = None) -> Account:
        account = full()
        mrr = Fact(amounts, "money", (RECEIPT,), T, "mrr")
        return replace(account, rates=at, as_of=T, figures={**account.figures, "mrr": mrr})

    def order(at: Rates | None) -> list[str]:
        held = {
            "100 USD": (Money("USD", 10_000),),
            "99 CAD": (Money("CAD", 9_900),),
            "20000 JPY": (Money("JPY", 20_000),),
        }
        return sorted(held, key=lambda name: by_worth(billed(*held[name], at=at)))

    assert order(None)[0] == "100 USD"
    assert order(rates(CAD="1.25", JPY="150")) == ["20000 JPY", "100 USD", "99 CAD"]
    assert order(rates(CAD="0.5")) == ["99 CAD", "100 USD", "20000 JPY"]


def test_a_status_that_is_not_told_is_unknown_and_stays_in_the_lists() -> None:
    assert status_of(None) == status_of("something else") == "unknown"
    assert status_of("churned") == "churned"
    assert "unknown" in PRESENT
