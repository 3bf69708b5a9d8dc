"""A count is the number of the records behind it, a sum what they add up to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from counting import ADDED, COUNTS, NO_SUM_OF_RECORDS, NOT_A_NUMBER_OF_RECORDS, disagreements
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_up_tables import OPERATORS, tables
from measuring import OP, T, ago

from customer_research.connect.source import Subject
from customer_research.domain.account import Account
from customer_research.domain.catalogue import METRICS, SUBJECTS
from customer_research.engines.duckdb import Memory
from customer_research.metrics.queries import EVIDENCE, evidence_sql, subject_sql
from customer_research.record_tables import TABLES
from customer_research.research import Research
from customer_research_sandbox.serve import Sandbox

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
@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_counts_and_sums_are_those_of_the_records_behind_them(
    memory: Memory, subject: str, data: st.DataObject
) -> None:
    for name, rows in data.draw(tables(SUBJECTS[subject].tables)).items():
        memory.load(name, rows)
    figures = memory.run(subject_sql(subject), {"as_of": T})
    counted = (*COUNTS, *(METRICS[name] for name in ADDED))
    kinds = {metric.evidence for metric in counted if metric.subject == subject}
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


# -- the sandbox's operators ------------------------------------------------------------------------------------------------

SCENARIO = "00000000-5ce0-11f0-a000-{:012d}"
ASKED = (2, 4, 10, 14, 20, 25, 33, 34)
GENERATED = 3

Rows = Sequence[Mapping[str, Any]]


def generated(sandbox: Sandbox) -> list[str]:
    """Operators of the made-up population with a current subscription, the first ones by id."""
    known = sandbox.dataset.warehouse["MOOVS.CSM_MOOVS"].rows
    active = {row["LAGO_EXTERNAL_CUSTOMER_ID"] for row in known if row["LAGO_STATUS"] == "active"}
    return sorted(str(operator) for operator in active if not str(operator).startswith(SCENARIO[:24]))[:GENERATED]


async def fetched(opened: Research, operator: str) -> tuple[Account, dict[str, Rows]]:
    """An operator's account, and its canonical rows of every table: the warehouse's too, which reports leave there."""
    account = await opened.account(operator)
    rows: dict[str, Rows] = {name: records.rows for name, records in account.records.items() if name in TABLES}
    current = next((row for row in rows["csm"] if row["is_current"]), {})
    who = Subject(operator, account.as_of, stripe_account=current.get("stripe_account"))
    session = opened._connections.session("warehouse")
    for table in (name for name, declared in TABLES.items() if declared.bound):
        sql = f"SELECT {', '.join(TABLES[table].column_names)} FROM {table}"
        rows[table] = (await session.query(sql, tables=(table,), subject=who, stream=table)).answer.rows
    return account, rows


def wrong(memory: Memory, account: Account, rows: Mapping[str, Rows]) -> list[str]:
    """The reported counts, and the sums over the same rows, that the records behind them do not come to."""
    for table in TABLES:
        memory.load(table, rows.get(table, ()))
    behind = {name: memory.run(evidence_sql(name), {"as_of": account.as_of}) for name in EVIDENCE}
    reported = [(metric, fact) for metric in COUNTS if (fact := account.fact(metric.name)) is not None]
    assert len(reported) > 40
    found = [metric.name for metric, fact in reported if fact.value != len(behind[metric.evidence])]
    for subject in COUNTING:
        figures = memory.run(subject_sql(subject), {"as_of": account.as_of})
        found += disagreements(subject, figures, behind)
    return found


@pytest.mark.timeout(300)
def test_reported_counts_are_those_of_the_records_of_scenarios_and_of_made_up_operators(
    clean_sandbox: Sandbox, research: Any
) -> None:
    operators = [SCENARIO.format(number) for number in ASKED] + generated(clean_sandbox)
    assert len(operators) == len(ASKED) + GENERATED

    async def work(opened: Research) -> dict[str, list[str]]:
        with Memory() as memory:
            return {operator: wrong(memory, *await fetched(opened, operator)) for operator in operators}

    assert {operator: found for operator, found in research(work).items() if found} == {}
