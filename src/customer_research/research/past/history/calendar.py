"""Everybody measured at many instants in one pass, laid out some instants at a time.

The subjects' figures are made once for all instants. The wide table, which is as large as all of them together, is made of
them for a few instants when the first of those is asked for, and gives way to the next few: memory holds it in part only.
"""

# ruff: noqa: S608 - names in these texts are ours
from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime

from customer_research.domain.catalogue import ACCOUNT_TABLE
from customer_research.domain.tables import TableSet
from customer_research.engines.engine import Engine
from customer_research.engines.rows import canonical_columns
from customer_research.errors import OutOfMemoryError
from customer_research.metrics.over_time import CALENDAR, stages
from customer_research.metrics.past import SINCE, UNTIL
from customer_research.metrics.pinned import instant_sql
from customer_research.metrics.queries import account_columns
from customer_research.metrics.wide import KNOWN_OPERATORS, Stage
from customer_research.record_tables import LAKE_TABLES
from customer_research.research.portfolio.measurement import attach, measure, reconstruction_of

SOME_ACCOUNTS = f"{ACCOUNT_TABLE}_of_some"
"""The wide table of the instants that are laid out, with the instant as column `t`."""

MOST_TOGETHER = 400_000
"""Rows that the wide table of some instants has at most, if it has more than one."""

_KEY = "operator_id"
_SOME_OPERATORS = f"{KNOWN_OPERATORS}_of_some"


class Calendar:
    """Everybody at many instants; calling it leaves one of them as `measure` would.

    The pass is made at the first call, so that instants whose snapshots are all there already cost nothing. Instants are
    best asked for in order. A pass for which the engine has too little memory gives way to one instant after the other.
    """

    def __init__(self, engine: Engine, tables: TableSet, instants: Sequence[datetime]) -> None:
        operators = tables.files["operator"].rows if "operator" in tables.files else 0
        self._engine = engine
        self._tables = tables
        self._instants = sorted({as_of.astimezone(UTC) for as_of in instants}, reverse=True)
        self._together = max(1, MOST_TOGETHER // max(1, operators))
        self._stages: tuple[Stage, ...] = ()
        self._laid: Sequence[datetime] = ()
        self._one_by_one = False

    def __call__(self, engine: Engine, tables: TableSet, as_of: datetime) -> None:
        """Leave `account_metrics` and `known_operator` on the engine, at one of the instants."""
        assert engine is self._engine
        assert tables is self._tables
        if not self._one_by_one and as_of.astimezone(UTC) not in self._laid:
            try:
                self._lay(as_of.astimezone(UTC))
            except OutOfMemoryError:
                self.forget()
                self._one_by_one = True
        if self._one_by_one:
            measure(engine, tables, as_of)
            return
        metrics = ", ".join(name for name in account_columns() if name != _KEY)
        for name, some, told in (
            (ACCOUNT_TABLE, SOME_ACCOUNTS, metrics),
            (KNOWN_OPERATORS, _SOME_OPERATORS, "name"),
        ):  # the key as text, however the engine holds it
            key = f"CAST({_KEY} AS VARCHAR) AS {_KEY}"
            engine.bind(name, f"SELECT {key}, {told}, t FROM {some} WHERE t = {instant_sql(as_of)}")

    def forget(self) -> None:
        """Drop what was made for all instants, and for some."""
        subjects = [name for stage in self._stages[:-2] for name in (stage.name, _of_all(stage.name))]
        self._engine.drop(CALENDAR, ACCOUNT_TABLE, KNOWN_OPERATORS, SOME_ACCOUNTS, _SOME_OPERATORS, *subjects)
        self._stages, self._laid = (), ()

    def _pass(self) -> None:
        """The subjects' figures at all instants."""
        attach(self._engine, self._tables, max(self._instants))
        self._tell(self._instants)
        lacking = frozenset(row["table_name"] for row in self._engine.run("SELECT DISTINCT table_name FROM gap"))
        past = reconstruction_of(self._tables)
        self._stages = stages(self._instants, recursion=self._engine.recursion, lacking=lacking, past=past)
        reading = [_read_by(stage.sql, past.rebuilt) for stage in self._stages]
        needed: dict[str, dict[str, str]] = {}
        for columns in reading:
            for table, told in columns.items():
                plain = {column: sql for column, sql in needed.get(table, {}).items() if sql == column}
                needed[table] = {**needed.get(table, {}), **told, **plain}
        self._engine.at_hand(needed, _KEY)
        for number, stage in enumerate(self._stages[:-2], start=1):
            self._engine.keep(_of_all(stage.name), stage.sql)
            self._engine.drop(*(reading[number - 1].keys() - set().union(*reading[number:])))

    def _lay(self, as_of: datetime) -> None:
        """The wide table of the instants around one."""
        if not self._stages:
            self._pass()
        place = self._instants.index(as_of) // self._together * self._together
        self._laid = self._instants[place : place + self._together]
        self._tell(self._laid)
        *subjects, operators, accounts = self._stages
        within = f"t >= {instant_sql(self._laid[-1])} AND t <= {instant_sql(self._laid[0])}"
        for stage in subjects:
            self._engine.bind(stage.name, f"SELECT * FROM {_of_all(stage.name)} WHERE {within}")
        self._engine.keep(_SOME_OPERATORS, operators.sql)
        self._engine.bind(operators.name, f"SELECT * FROM {_SOME_OPERATORS}")
        self._engine.keep(SOME_ACCOUNTS, f"SELECT * FROM ({accounts.sql}) AS accounts ORDER BY t")

    def _tell(self, instants: Sequence[datetime]) -> None:
        self._engine.create(CALENDAR, {"t": "TIMESTAMP"}, [{"t": as_of} for as_of in instants])


def _read_by(sql: str, rebuilt: Collection[str]) -> Mapping[str, Mapping[str, str]]:
    """The canonical tables about operators that a query reads, with the columns that it may name, and what may stand for them.

    For texts of which it only asks whether they are there, an empty one will do.
    """
    words, asked = Counter(re.findall(r"\w+", sql)), Counter(re.findall(r"(\w+) IS NULL", sql))
    return {
        name: {
            column: f"CASE WHEN NOT {column} IS NULL THEN '' END"
            if kind == "VARCHAR" and words[column] == asked[column]
            else column
            for column, kind in {
                **canonical_columns(name),
                **(dict.fromkeys((SINCE, UNTIL), "TIMESTAMP") if name in rebuilt else {}),
            }.items()
            if column in words
        }
        for name, table in LAKE_TABLES.items()
        if name in words and name != "gap" and _KEY in table.column_names
    }


def _of_all(name: str) -> str:
    return f"{name}_of_all"
