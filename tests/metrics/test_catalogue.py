"""Entries of metrics are of the types that the catalogue states: a file has no type checker."""

from __future__ import annotations

from dataclasses import fields
from typing import get_args, get_type_hints

import pytest

from customer_research.domain.catalogue import METRICS, Metric, Unit

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
    assert (METRICS["overdue_invoices"].empty, METRICS["mrr"].empty) == (0, 0)
    assert (METRICS["average_invoice"].empty, METRICS["cancellation_rate"].empty) == (None, None)
