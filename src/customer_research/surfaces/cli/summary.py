"""The summary of a batch on the terminal: a line an input, then why some have no figures, then the counts."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from customer_research.surfaces.cli import screen

if TYPE_CHECKING:
    from customer_research.research.batch import Row

WIDTH = 100
NAME_WIDTH = 20
HEADERS = ("Line", "Outcome", "Operator", "MRR", "Health", "Plan", "Payment", "Tickets", "Trips", "Trend")
FIGURES = ("mrr", "health", "plan", "payment", "open_tickets", "trips_30d", "trend")
STYLES = {"done": "", "partial": "yellow", "duplicate": "dim"}
"""Style of an outcome; all others are red. The outcome stands there in words, too."""


def outcome_words(outcome: str) -> str:
    """An outcome for readers."""
    return outcome.replace("_", " ")


def count_words(counts: dict[str, int]) -> str:
    """How many lines came to what: `done 3, not found 1`."""
    return ", ".join(f"{outcome_words(outcome)} {count}" for outcome, count in counts.items())


def summary(rows: Sequence[Row], counts: dict[str, int]) -> str:
    """The summary as text, in colours when standard output is a terminal that wants them."""
    from rich import box  # noqa: PLC0415 - start-up time
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    out = io.StringIO()
    console = screen.paper(out, WIDTH)
    table = Table(
        box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True, padding=(0, 1), header_style="dim"
    )
    for header in HEADERS:
        least = NAME_WIDTH if header == "Operator" else None
        table.add_column(
            header,
            overflow="fold",
            min_width=least,
            no_wrap=header == "Outcome",
            justify="right" if header == "Line" else "left",
        )
    for row in rows:
        style = STYLES.get(row.outcome, "red")
        figures = [_short(name, row.figures[name].text) if name in row.figures else "" for name in FIGURES]
        outcome = Text(outcome_words(row.outcome), style)
        table.add_row(str(row.line), outcome, *(Text(cell) for cell in (row.name or row.term, *figures)))
    console.print(table)
    for row in rows:
        if row.detail:
            console.print(Text(f"Line {row.line}, {outcome_words(row.outcome)}: {row.term}: {row.detail.strip()}"))
    console.print(Text(f"{len(rows)} {'line' if len(rows) == 1 else 'lines'}: {count_words(counts)}."))
    return "\n".join(line.rstrip() for line in out.getvalue().rstrip("\n").split("\n"))


def _short(name: str, text: str) -> str:
    """A figure in few words: of the payment standing only its label (`Healthy, 85 of 100`)."""
    return text.partition(",")[0] if name == "payment" else text
