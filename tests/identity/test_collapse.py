"""CSM rows collapsed to one an operator, and churn by the CSM view."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime
from typing import Any

import pytest

from customer_research.errors import UsageError
from customer_research.identity.collapse import candidates, collapse

UUID = "1b4e28ba-2fa1-11d2-883f-0016d3cca427"


def row(status: str, event: str, started: int = 1, mrr: int | None = 100, **more: Any) -> dict[str, Any]:
    return {
        "operator_id": UUID,
        "name": "Harbor Lantern",
        "status": status,
        "waterfall_event": event,
        "started_at": datetime(2026, 1, started, tzinfo=UTC),
        "event_date": date(2026, 1, started),
        "mrr_minor": mrr,
        **more,
    }


ORDER = [
    row("active", "new", 9, plan_code="a"),
    row("active", "expansion_moovs", 5, 900, plan_code="b"),
    row("active", "new", 5, 100, plan_code="c"),
    row("pending", "new", 28, plan_code="d"),
    row("terminated", "plan_change", 1, plan_code="e"),
    row("terminated", "churn", 20, plan_code="f"),
    row("canceled", "churn", 25, plan_code="g"),
]


@pytest.mark.parametrize("first", range(len(ORDER)))
def test_order_of_preference(first: int) -> None:
    rows = ORDER[first:]
    for shuffled in itertools.islice(itertools.permutations(rows), 24):
        assert collapse(shuffled).plan_code == rows[0]["plan_code"]


def test_mrr_is_summed_over_active_rows_and_unknown_is_not_zero() -> None:
    assert collapse(ORDER).mrr_minor == 1100
    assert collapse([row("active", "new", mrr=0)]).mrr_minor == 0
    assert collapse([row("active", "new", mrr=None)]).mrr_minor is None
    assert collapse([row("terminated", "churn", mrr=500)]).mrr_minor == 0


@pytest.mark.parametrize(
    ("rows", "churned"),
    [
        ([row("terminated", "churn")], True),
        ([row("terminated", "plan_change", 1), row("active", "expansion_moovs", 2)], False),
        ([row("terminated", "churn", 1), row("active", "reactivation", 9)], False),
        ([row("terminated", "churn", 1), row("pending", "new", 9)], False),
        ([row("canceled", "churn")], False),
        ([row("terminated", "plan_change", 1), row("terminated", "churn", 5)], True),
        ([row("terminated", "churn", 1), row("terminated", "plan_change", 5)], False),
    ],
)
def test_churned(rows: list[dict[str, Any]], churned: bool) -> None:
    assert collapse(rows).churned is churned


def test_missing_fields_come_from_the_next_row() -> None:
    rows = [
        row("active", "new", stripe_account=None, email=""),
        row("terminated", "churn", stripe_account="acct_x", email="a@b.example.com"),
    ]
    found = collapse(rows)
    assert (found.stripe_account, found.email, found.domain, found.rows) == (
        "acct_x",
        "a@b.example.com",
        "b.example.com",
        2,
    )


def test_free_mail_is_no_domain_and_the_custom_domain_wins() -> None:
    assert collapse([row("active", "new", email="x@gmail.com")]).domain is None
    assert (
        collapse([row("active", "new", email="x@gmail.com", custom_domain="https://book.harbor.example.com/")]).domain
        == "book.harbor.example.com"
    )


def test_groups_by_normalised_operator_id() -> None:
    rows = [*ORDER, {**ORDER[0], "operator_id": UUID.upper()}, {**ORDER[0], "operator_id": "12345"}]
    assert [(c.operator_id, c.rows) for c in candidates(rows)] == [(UUID, 8), ("legacy:12345", 1)]
    with pytest.raises(UsageError):
        collapse([])
