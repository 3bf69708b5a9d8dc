"""What the sources say against each other while an operator is gathered: no sandbox, answers made by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from customer_research.connect.source import Source
from customer_research.connect.sql import SqlAnswer
from customer_research.domain.account import Records
from customer_research.domain.catalogue import METRICS
from customer_research.domain.evidence import Fact, Gap, Receipt
from customer_research.engines.duckdb import Memory
from customer_research.research.connections import Connections
from customer_research.research.one.dossier import BOUND_TABLES, Dossier
from customer_research.research.one.figures import Measurement
from customer_research.research.one.freshness import freshness
from customer_research.research.one.gather import Gatherer

AS_OF = datetime(2026, 11, 1, tzinfo=UTC)
ACTIVE = {"status": "active", "is_current": True}
NOTHING = Records("", (), ())


def contradicted(**records: Records) -> dict[str, Gap | None]:
    """The gap of each table after these answers have come together."""
    dossier = Dossier("one", AS_OF, dict(records))
    gatherer = Gatherer(cast("Connections", None), dossier)
    gatherer._contradicted()
    return {name: found.gap for name, found in dossier.records.items()}


def view(**row: Any) -> Records:
    return Records("csm", (row,), ())


@pytest.mark.parametrize("status", ["active", "pending"])
def test_nothing_from_billing_of_one_whom_the_view_bills_is_a_gap(status: str) -> None:
    gaps = contradicted(
        subscription=NOTHING, customer=NOTHING, invoice=NOTHING, csm=view(status=status, is_current=True)
    )
    assert gaps["csm"] is None
    assert gaps["subscription"] is not None
    assert gaps["subscription"] == gaps["invoice"]
    assert "one" in gaps["subscription"].detail


@pytest.mark.parametrize(
    "records",
    [
        {"subscription": NOTHING, "customer": NOTHING, "csm": view(status="terminated", is_current=True)},
        {"subscription": NOTHING, "customer": NOTHING, "csm": view(status="active", is_current=False)},
        {"subscription": NOTHING, "customer": NOTHING},
        {"customer": NOTHING, "csm": view(**ACTIVE)},  # subscriptions were not asked for
        {"subscription": NOTHING, "customer": Records("customer", ({"id": 1},), ()), "csm": view(**ACTIVE)},
    ],
)
def test_what_does_not_contradict_the_view_is_believed(records: dict[str, Records]) -> None:
    assert not any(contradicted(**records).values())


def test_a_source_that_failed_keeps_its_own_reason() -> None:
    own = Gap("lago", "unavailable", "Lago is down.")
    gaps = contradicted(subscription=Records("", (), (), own), customer=NOTHING, csm=view(**ACTIVE))
    assert gaps == {"subscription": own, "customer": None, "csm": None}


def test_a_figure_that_the_warehouse_counted_rests_on_one_row() -> None:
    """What the warehouse counted is its row: every figure of the same records, the asked one first."""
    counted = (one for one in METRICS.values() if one.evidence and one.unit == "count")
    metric = next(one for one in counted if set(one.tables) & set(BOUND_TABLES))
    receipt = Receipt("r", "warehouse", metric.subject, "SELECT 1", AS_OF, 1, "00", place="warehouse")
    own = (one for one in METRICS.values() if one.subject == metric.subject)
    row = {one.name: 3 if one.unit == "count" else None for one in own}
    dossier = Dossier("one", AS_OF, answers={metric.subject: SqlAnswer(tuple(row), [row], receipt)})
    with Memory() as memory:
        measured = Measurement(memory, dossier)
        assert isinstance(measured.figures[metric.name], Fact)
        shown = measured.evidence(metric.name)
    assert shown.total == len(shown.rows) == 1
    assert shown.columns[0] == metric.name
    assert shown.rows[0][0] == 3


def test_a_source_is_as_fresh_as_its_own_records() -> None:
    def answer(table: str, source: str, hour: int, gap: Gap | None = None) -> Records:
        receipt = Receipt(table, source, table, "GET", AS_OF.replace(hour=hour), 1, "00")
        return Records(table, (), () if gap else (receipt,), gap)

    down = Gap("hubspot", "unavailable", "HubSpot is down.")
    found = [
        answer("invoice", "lago", 7), answer("payment", "lago", 9), answer("contact", "hubspot", 8, down),
        answer("ticket", "notion", 6),
    ]  # fmt: skip
    dossier = Dossier("one", AS_OF, {records.table: records for records in found})
    sources = [cast("Source", SimpleNamespace(name=name)) for name in ("lago", "hubspot", "notion", "warehouse")]
    told = {line.source: (line.state, line.fetched_at, line.gaps) for line in freshness(dossier, sources)}
    assert told == {
        "lago": ("ok", AS_OF.replace(hour=9), ()),
        "hubspot": ("missing", None, (down,)),
        "notion": ("ok", AS_OF.replace(hour=6), ()),
    }
