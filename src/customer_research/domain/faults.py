"""What is wrong in canonical tables that somebody gave: one fault a line of the report."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TableFault:
    """One thing that is wrong: where (`table`, or a file's name when it is no table; `column`), and what.

    `rows` counts the rows that show it (0: it is about the table, not its rows), `first` is the first of them (a number from
    1, without the header) in `file`, `example` its value, shortened; empty for personal data.
    """

    table: str
    what: str
    column: str = ""
    rows: int = 0
    first: int = 0
    file: str = ""
    example: str = ""

    def __str__(self) -> str:
        """The line of the report."""
        place = f"{self.table}.{self.column}" if self.column else self.table
        if not self.rows:
            return f"{place}: {self.what}."
        counted = "1 row" if self.rows == 1 else f"{self.rows} rows"
        where = f" (first: row {self.first} of {self.file})" if self.first else ""
        shown = f", e.g. {self.example!r}" if self.example else ""
        return f"{place}: {self.what}: {counted}{where}{shown}."
