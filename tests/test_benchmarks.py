"""What the benchmarks measure against: SQL by hand gives the very figures, and the scan reads what they are made of."""

from pathlib import Path

import duckdb
import pytest
from benchmarks.cells import compared
from benchmarks.needed import needed_columns
from benchmarks.portfolio import MEMORY_MB, hand_queries, of_operators, score_by_hand, score_product
from benchmarks.portfolio_tables import AS_OF, write_tables

from customer_research.metrics.queries import account_columns
from customer_research.record_tables import TABLES

OPERATORS = 25


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("portfolio") / "tables"
    folder.mkdir()
    write_tables(folder, of_operators(OPERATORS))
    return folder


def test_the_figures_by_hand_are_the_products(tables: Path) -> None:
    ours, theirs = tables.parent / "ours.parquet", tables.parent / "theirs.parquet"
    assert score_product(tables, MEMORY_MB, AS_OF, ours) == OPERATORS
    assert score_by_hand(tables, MEMORY_MB, *hand_queries(), theirs) == OPERATORS
    with duckdb.connect() as database:
        found = compared(database, f"read_parquet('{ours}')", f"read_parquet('{theirs}')")
        damaged = f"(SELECT * REPLACE (mrr_usd + 1 AS mrr_usd) FROM read_parquet('{theirs}'))"
        noticed = compared(database, f"read_parquet('{ours}')", damaged)
    cells = OPERATORS * (len(account_columns()) - 1)
    assert found == (cells, 0)
    assert noticed == (cells, OPERATORS)


def test_the_scan_reads_the_columns_of_figures_only() -> None:
    columns = needed_columns()
    assert set(columns) <= {*TABLES, "operator"}
    assert {"operator_id", "status", "pickup_at", "total_minor"} <= set(columns["reservation"])
    assert not {"trip_id", "currency", "company_name", "vehicle_name"} & set(columns["reservation"])
    assert columns["payment"] == ("operator_id", "invoice_id", "status", "paid_at")
