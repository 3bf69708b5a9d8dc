"""Drafts in other words than ours: what is true passes, each planted error is found; an unknown figure supports nothing."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from report_accounts import AS_OF, figures, full
from written_drafts import ERRORS, NAME, draft, figures_of, planted, sentences

from customer_research.documents.page import Page
from customer_research.domain.catalogue import METRICS
from customer_research.domain.evidence import Gap
from customer_research.domain.money import Money
from customer_research.drafts.known import Known, of_figure, of_sentence
from customer_research.drafts.of_page import known_of
from customer_research.drafts.verdicts import Verdict, verified
from customer_research.reports.kinds import KINDS

OPERATORS = 25
DRAFTS = 150


def _value(unit: str, rng: random.Random) -> Any:
    on = AS_OF + timedelta(days=rng.randint(-400, 200))
    drawn: Mapping[str, Any] = {
        "count": rng.choice((0, 1, 2, 3, 7, 12, 31, 60, 240, 1_204, 18_330)),
        "ratio": rng.choice((-0.427, -0.08, 0.031, 0.25, 0.667, 0.971)),
        "days": rng.randint(0, 200),
        "money": (Money(rng.choice(("USD", "EUR", "GBP", "CAD")), rng.randint(100, 900_000)),),
        "usd_minor": rng.randint(100, 90_000_000),
        "date": on.date(),
        "timestamp": on,
        "text": "standard",
        "boolean": rng.random() < 0.5,
        "points": rng.randint(0, 100),
        "number": rng.randint(1, 400) / 4,
    }
    return drawn[unit]


@cache
def pages() -> tuple[Page, ...]:
    """Profiles of made-up operators, every figure drawn by chance."""
    rng = random.Random(20261130)
    free = [name for name, entry in METRICS.items() if entry.unit != "text"]
    accounts = (full(NAME, **{name: _value(METRICS[name].unit, rng) for name in free}) for _ in range(OPERATORS))
    return tuple(Page(KINDS["profile"].build(account)) for account in accounts)


@cache
def _said(page: Page) -> tuple[Known, ...]:
    return known_of(page)


def _wrong(verdicts: Sequence[Verdict]) -> list[Verdict]:
    return [one for one in verdicts if one.state != "supported"]


def test_of_true_drafts_in_other_words_hardly_any_number_is_doubted() -> None:
    rng, doubted, numbers = random.Random(1), [], 0
    for at in range(DRAFTS):
        page = pages()[at % OPERATORS]
        said = list(sentences(figures_of(page)))
        verdicts = verified(draft(rng.sample(said, min(len(said), 8))), _said(page))
        numbers += len(verdicts)
        doubted += [(one.claim.sentence, one.claim.text, one.reason) for one in _wrong(verdicts)]
    assert numbers > 5 * DRAFTS
    assert len(doubted) <= 3, doubted


@pytest.mark.parametrize("error", ERRORS)
def test_every_planted_error_is_found(error: str) -> None:
    rng, missed, tried = random.Random(error), [], 0
    for page in pages():
        made = planted(list(sentences(figures_of(page))), error, rng)
        if made is None:
            continue
        tried += 1
        text, wrong = made
        if not any(one.claim.sentence.strip("- ") in wrong for one in _wrong(verified(text, _said(page)))):
            missed.append(wrong)
    assert tried >= 17
    assert not missed


def test_our_own_sentences_are_supported_word_for_word() -> None:
    page = pages()[0]
    lines = [line.whole for line in (*((page.headline,) if page.headline else ()), *page.warnings)]
    assert not _wrong(verified("\n".join(lines), known_of(page)))


def _known() -> tuple[Known, ...]:
    return (
        *of_figure("Reservations, 30 days", "20", (3,)),
        *of_figure("Reservations, previous 30 days", "60", (3,)),
        *of_figure("Trend, 30 days", "-66.7%", (3,)),
        *of_figure("MRR", "$299.00 and €120.00", (1,)),
        *of_figure("Open tickets", "not available (Notion)", unknown=True),
        *of_figure("Health score", "79", (9,)),
        *of_figure("Invoices paid", "24", (1,)),
        *of_figure("Days since last invoice", "12 days", (1,)),
        *of_figure("Lifetime value (paid)", "$4,776.00", (1,)),
        *of_figure("Pays", "Pro, $199.00 a month", (1,)),
        *of_sentence("79 of 100, Monitor: 89 points, capped because usage is falling.", (9,)),
    )


@pytest.mark.parametrize(
    ("text", "states"),
    [
        ("No open ticket.", ["unsupported"]),
        ("Three open tickets.", ["unsupported"]),
        ("MRR is $299 and €120.", ["supported", "supported"]),
        ("MRR is €299.", ["contradicted"]),
        ("MRR is not $299.", ["contradicted"]),
        ("MRR is not $500.", ["supported"]),
        ("Between 15 and 25 reservations in 30 days.", ["supported", "supported"]),
        ("Over 50 reservations in 30 days.", ["contradicted", "supported"]),
        ("20 reservations in 90 days.", ["contradicted", "unsupported"]),
        ("Reservations fell by two thirds.", ["supported"]),
        ("Reservations rose by 66.7%.", ["contradicted"]),
        ("Trips rose from 20 to 60.", ["contradicted", "contradicted"]),
        ("20 reservations in 30 days [3].", ["supported", "supported"]),
        ("20 reservations in 30 days [1].", ["unsupported", "supported"]),
        ("The score is 79, or 89 points before the cap [9].", ["supported", "supported"]),
        ("There is no reason to worry.", []),
        ("60 invoices were paid.", ["contradicted"]),
        ("So far 24 invoices have been paid.", ["supported"]),
        ("So far 30 invoices have been paid.", ["contradicted"]),
        ("About 62 reservations in the previous 30 days.", ["supported", "supported"]),
        ("About 70 reservations in the previous 30 days.", ["contradicted", "supported"]),
        ("The health score is 79 now.", ["supported"]),
        ("The last invoice was 12 days ago.", ["supported"]),
        ("12 since the last invoice.", ["supported"]),
        ("They paid us roughly $4.8k, which is their lifetime value.", ["supported"]),
    ],
)
def test_a_number_is_judged_by_what_it_speaks_of(text: str, states: list[str]) -> None:
    assert [one.state for one in verified(text, _known())] == states


def test_a_source_that_is_silent_supports_no_zero() -> None:
    gap = Gap("notion", "unavailable", "The connection timed out.", metric="open_tickets")
    account = replace(full(NAME), figures={**figures(), "open_tickets": gap})
    page = Page(KINDS["profile"].build(account))
    (verdict,) = verified("They have no open tickets.", [one for one in known_of(page) if one.words])
    assert verdict.state == "unsupported"
    assert "not known" in verdict.reason
