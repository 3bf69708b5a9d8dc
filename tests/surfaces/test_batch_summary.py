"""The summary of a batch on the terminal: no figure is cut or left out, however narrow the place is."""

from __future__ import annotations

import pytest

from customer_research.research.batch.batch import Cell, Row
from customer_research.research.usecases.kinds import FIGURES, HEADERS, summary
from customer_research.surfaces.cli.drawing import drawn

KNOWN = {
    "mrr": "CA$269.00 and $1,200.00",
    "health": "100 Healthy",
    "plan": "Elite annual",
    "payment": "At Risk, 40 of 100",
    "open_tickets": "12",
    "trips_30d": "10,238",
    "trend": "-128.6%",
}
HOLES = dict.fromkeys(FIGURES, "not available (Warehouse)")


def row(line: int, name: str, figures: dict[str, str], *receipts: str) -> Row:
    cells = {key: Cell(text, receipts) for key, text in figures.items()}
    return Row(line, name, "done" if receipts else "partial", f"id-{line}", name, figures=cells)


ROWS = (
    row(2, "Elmwood & Ferry Transportation", KNOWN, "r"),
    row(3, "Borderlake Car Service of Northumberland", KNOWN, "r"),
)


@pytest.mark.parametrize("columns", [40, 80, 100, 160])
@pytest.mark.parametrize("rows", [ROWS, (*ROWS, row(11, "Kogane", HOLES))], ids=["known", "holes"])
def test_no_word_is_cut_and_no_column_left_out(
    columns: int, rows: tuple[Row, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    text = drawn(summary(rows, {"done": len(rows)}))
    words = text.split()
    assert all(len(line) <= columns for line in text.splitlines())
    for header in HEADERS[3:]:
        assert any(word.strip(",;:") == header for word in words), header
    told = " ".join(word.strip(",;:.") for word in words).split()
    for one in rows:
        for name, cell in one.figures.items():
            shown = cell.text.partition(", ")[0].partition(" (")[0]
            assert set(shown.split()) <= set(told), (name, shown)
        assert set(one.name.split()) <= set(told)
    assert text.count("-128.6%") == len(ROWS)
