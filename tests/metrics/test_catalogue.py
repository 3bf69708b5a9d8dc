"""Entries of metrics are of the types that the catalogue states: a file has no type checker."""

from __future__ import annotations

from dataclasses import fields
from typing import get_args, get_type_hints

import pytest

from customer_research.domain.catalogue import METRICS, Metric, Unit
from customer_research.domain.words import unit_words
from customer_research.metrics.evidence import RECORDS

HINTS = get_type_hints(Metric)
TEXTS = [field.name for field in fields(Metric) if HINTS[field.name] is str]


@pytest.mark.parametrize("metric", METRICS.values(), ids=lambda metric: metric.name)
def test_an_entry_is_of_its_types(metric: Metric) -> None:
    assert metric.unit in get_args(Unit)
    for name in ("sign", "audience"):
        assert getattr(metric, name) in get_args(HINTS[name])
    assert all(isinstance(getattr(metric, name), str) for name in TEXTS)
    assert metric.label
    assert metric.formula
    assert metric.tables
    assert isinstance(metric.praised, bool)
    assert isinstance(metric.partly, bool)


def test_what_adds_up_is_none_without_rows_and_other_figures_are_unknown() -> None:
    assert [METRICS[name].empty for name in ("overdue_invoices", "mrr", "revenue_12m")] == [0, 0, 0]
    assert [METRICS[name].empty for name in ("average_invoice", "vehicles", "cancellation_rate")] == [None, None, None]


def test_changes_have_a_plus_sign_and_other_figures_none() -> None:
    assert unit_words(0.25, "ratio", "usage_trend") == "+25%"
    assert unit_words(0.0004, "ratio", "trend_30d") == "under +0.1%"
    assert unit_words(5, "count", "score_change") == "+5"
    assert unit_words(0, "count", "score_change") == "0"
    assert unit_words(-3, "days", "days_to_renewal") == "-3 days"
    assert [unit_words(3, "days", "days_to_renewal"), unit_words(0.25, "ratio", "refund_rate")] == ["3 days", "25%"]


def test_evidence_is_of_the_metrics_own_or_shared() -> None:
    assert (METRICS["overdue_invoices"].evidence, METRICS["overdue_amount"].evidence) == ("overdue_invoices",) * 2
    assert RECORDS["overdue_invoices"].where == "r.overdue"
    assert RECORDS["members_now"].where == "r.created_at < m.t AND (r.removed_at IS NULL OR r.removed_at > m.t)"
    assert RECORDS["surveys"].where == "r.created_at < m.t"
