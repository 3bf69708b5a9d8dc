"""A count is the number of the records behind it, a sum what they add up to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from counting import ADDED, COUNTS, NO_SUM_OF_RECORDS, NOT_A_NUMBER_OF_RECORDS, disagreements
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_up_tables import OPERATORS, tables
from measuring import OP, T, ago

from customer_research.domain.records import TABLES
from customer_research.engines.duckdb import Memory
from customer_research.metrics.catalogue import METRICS, SUBJECTS
from customer_research.metrics.queries import EVIDENCE, evidence_sql, subject_sql

COUNTING = tuple(name for name in SUBJECTS if any(m.subject == name for m in (*COUNTS, *(METRICS[n] for n in ADDED))))


@pytest.fixture(scope="module")
def memory() -> Iterator[Memory]:
    with Memory() as opened:
        for table in TABLES:
            opened.load(table, [])
        yield opened


def test_every_count_and_sum_is_held_to_its_records_or_says_why_not() -> None:
    amounts = {name for name, metric in METRICS.items() if metric.unit in {"money", "usd_minor"}}
    assert amounts == ADDED.keys() | NO_SUM_OF_RECORDS.keys()
    assert not ADDED.keys() & NO_SUM_OF_RECORDS.keys()
    counts = {name for name, metric in METRICS.items() if metric.unit == "count"}
    assert counts == {metric.name for metric in COUNTS} | NOT_A_NUMBER_OF_RECORDS.keys()


@pytest.mark.parametrize("subject", COUNTING)
@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_counts_and_sums_are_those_of_the_records_behind_them(
    memory: Memory, subject: str, data: st.DataObject
) -> None:
    for name, rows in data.draw(tables(SUBJECTS[subject].tables)).items():
        memory.load(name, rows)
    figures = memory.run(subject_sql(subject), {"as_of": T})
    kinds = [name for name, read in EVIDENCE.items() if set(read) <= set(SUBJECTS[subject].tables)]
    behind = {name: memory.run(evidence_sql(name), {"as_of": T}) for name in kinds}
    for operator in OPERATORS:
        mine = [row for row in figures if row["operator_id"] == operator]
        records = {name: [row for row in rows if row["operator_id"] == operator] for name, rows in behind.items()}
        assert list(disagreements(subject, mine, records)) == []


def test_the_invoices_behind_the_overdue_ones_that_did_not_fail(memory: Memory) -> None:
    known = {"operator_id": OP, "status": "finalized", "total_minor": 100, "currency": "USD", "created_at": ago(60)}
    dated = {"issuing_date": ago(40).date(), "payment_due_date": ago(20).date()}
    memory.load(
        "invoice",
        [
            {**known, **dated, "invoice_id": "failed", "payment_status": "failed"},
            {**known, **dated, "invoice_id": "late", "payment_status": "pending", "invoice_type": "one_off"},
        ],
    )
    figures = {row["operator_id"]: row for row in memory.run(subject_sql("billing"), {"as_of": T})}
    found = memory.run(evidence_sql(METRICS["overdue_not_failed"].evidence), {"as_of": T})
    assert (figures[OP]["overdue_not_failed"], [record["invoice_id"] for record in found]) == (1, ["late"])


def test_the_reservations_of_30_days_are_listed_without_those_before(memory: Memory) -> None:
    memory.load("reservation", [{"operator_id": OP, "trip_id": str(n), "created_at": ago(n)} for n in (1, 29, 31, 59)])
    found = memory.run(evidence_sql(METRICS["reservations_30d"].evidence), {"as_of": T})
    assert [record["trip_id"] for record in found] == ["1", "29"]
