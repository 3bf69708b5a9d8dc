"""What of the past the tables can still tell: a metric can be told of any date, or its entry names what is overwritten."""

from __future__ import annotations

import pytest
import sqlglot

from customer_research.domain.catalogue import METRICS
from customer_research.metrics.past import (
    OVERWRITTEN,
    REBUILT_FROM,
    OverwrittenValue,
    rebuildable,
    unjudged,
)
from customer_research.metrics.wide import Reconstruction, stages
from customer_research.record_tables import LAKE_TABLES, STATES, TABLES


def test_metrics_name_what_is_overwritten_and_each_is_named() -> None:
    named = {name for metric in METRICS.values() for name in metric.overwritten}
    assert named == {one.name for one in OVERWRITTEN}


@pytest.mark.parametrize("rebuilt", REBUILT_FROM)
def test_no_rebuilt_stage_reads_a_record_but_as_it_stood(rebuilt: str) -> None:
    """It has a row for each way in which it stood, and of these the one of the instant is read."""
    told = [stage.sql for stage in stages(past=Reconstruction(rebuilt=frozenset([rebuilt])))]
    assert any("known_until" in sql for sql in told)
    for sql in told:
        query = sqlglot.parse_one(sql, read="duckdb")
        readers = [
            table.find_ancestor(sqlglot.exp.Select)
            for table in query.find_all(sqlglot.exp.Table)
            if table.name == rebuilt
        ]
        for reader in readers:
            assert reader is not None
            around = reader.find_ancestor(sqlglot.exp.Select) if rebuilt == "invoice" else reader
            assert around is not None
            assert {"known_since", "known_until"} <= {column.name for column in around.find_all(sqlglot.exp.Column)}


def test_payments_tell_again_what_invoices_were() -> None:
    with_payments, without = (
        unjudged({"invoice"}, rebuildable({"payment": 1})),
        unjudged({"invoice"}, rebuildable({"payment": 0})),
    )
    rebuilt = set(without) - set(with_payments)
    assert {"overdue_invoices", "invoices_failed_90d", "invoice_success_rate"} <= rebuilt
    assert "open_tickets" not in without
    assert "open_tickets" in unjudged({"ticket"}, {"invoice"})


@pytest.mark.parametrize(
    ("table", "metric"), [("deal", "deals_won"), ("contact", "contacts_left"), ("company", "owner_id")]
)
def test_states_tell_again_what_hubspots_records_were(table: str, metric: str) -> None:
    assert metric in unjudged({table}, rebuildable({}))
    assert not unjudged({table}, rebuildable({STATES[table]: 1}))
    state, changing = LAKE_TABLES[STATES[table]], {c for one in OVERWRITTEN if one.table == table for c in one.columns}
    own = set(state.column_names) - {"operator_id", "since", "fetch_id", *TABLES[table].key}
    assert own <= changing
    assert not any(column.personal for column in state.columns)


def test_a_renewal_is_judged_only_where_both_its_sources_are() -> None:
    """It comes of the HubSpot company's contract, else of the subscription's period, which is overwritten."""
    assert "days_to_renewal" in unjudged({"company", "subscription"}, rebuildable({STATES["company"]: 1}))


@pytest.mark.parametrize("one", OVERWRITTEN, ids=lambda one: one.name)
def test_what_is_overwritten_is_named_as_the_table_has_it(one: OverwrittenValue) -> None:
    assert set(one.columns) <= set(TABLES[one.table].column_names) - set(TABLES[one.table].key)
    assert not {column for column in one.columns if column == "created_at"}
