"""Why accounts left, as people recorded it, beside whom billing says to have left."""

from __future__ import annotations

from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

pytest.importorskip("numpy")

from customer_research.domain.outcome import Outcome
from customer_research.research.past.backtest.trials import Ground, why_left

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def left(operator_id: str, what: str, churn_kind: str) -> Outcome:
    return Outcome("", "churn", operator_id, operator_id, date(2026, 10, 1), what, "Kim", NOW, churn_kind=churn_kind)


def ground(**kinds: str | None) -> Ground:
    """Rows of these operators; a kind says that the row's window holds a churn."""
    past = SimpleNamespace(
        operator_ids=tuple(kinds),
        kinds=tuple(kinds.values()),
        churned=tuple(kind is not None for kind in kinds.values()),
    )
    return cast("Ground", SimpleNamespace(past=past))


def test_reasons_are_those_of_accounts_that_billing_says_left() -> None:
    rows = ground(a="voluntary", b="voluntary", c="non_payment", d="voluntary", e="unknown", stays=None)
    records = [
        left("a", "price", "voluntary"),
        left("b", "competitor", "non_payment"),
        left("c", "price", "voluntary"),
        left("e", "closed", "voluntary"),
        left("stays", "price", "voluntary"),
        left("elsewhere", "price", "voluntary"),
        Outcome("", "intervention", "d", "d", date(2026, 10, 1), "call", "Kim", NOW),
    ]
    found: Any = why_left(rows, records)
    assert found.reasons == (("price", 2), ("closed", 1), ("competitor", 1))
    assert found.untold == 1  # d
    assert found.not_by_billing == 2  # who stays, and who is no row
    assert found.other_kind == 2  # b and c; of e billing does not tell the kind


def test_without_a_record_or_with_a_table_of_signals_nothing_is_said() -> None:
    assert why_left(ground(a="voluntary"), []) is None
    assert why_left(cast("Ground", SimpleNamespace(past=None)), [left("a", "price", "voluntary")]) is None
