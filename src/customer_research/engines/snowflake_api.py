"""Queries to Snowflake itself, through its SQL API: `SnowflakeRunner`.

The same SQL as through Metabase: written in DuckDB's dialect, transpiled, its parameters bound. The SQL API takes them by their
place alone (`?`), so that one which is named twice is bound twice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from customer_research.connect.http import Http
from customer_research.connect.sql import Parameter, SqlAnswer
from customer_research.connect.statement_values import bound
from customer_research.connect.statements import Statements
from customer_research.engines.dialect import transpile
from customer_research.engines.marks import SNOWFLAKE_PARTS, marks
from customer_research.engines.metabase import DIALECT, wire_value

_MARK = re.compile(r"\{\{([A-Za-z_][A-Za-z0-9_]*)\}\}")

STATEMENT = "snowflake query id"
"""What a receipt calls the handle under which Snowflake's own history has the query."""


def placed(sql: str, parameters: Mapping[str, Parameter]) -> tuple[str, tuple[str, ...]]:
    """The query in Snowflake's SQL with `?` for each parameter, and whose value stands at each.

    Raises:
        EngineError: it cannot be written for Snowflake, or names a parameter without a value.
    """
    marked, _ = marks(sql, parameters)
    return _placed(transpile(marked, DIALECT))


@lru_cache(maxsize=512)
def _placed(sql: str) -> tuple[str, tuple[str, ...]]:
    names: list[str] = []

    def place(found: re.Match[str]) -> str:
        mark = _MARK.fullmatch(found["identifier"] or "")
        if mark is None:
            return found[0]
        names.append(mark[1])
        return "?"

    return SNOWFLAKE_PARTS.sub(place, sql), tuple(names)


class SnowflakeRunner:
    """Runs queries on Snowflake itself; implements `connect.sql.SqlRunner`.

    Args:
        statements: the SQL API of an account.
        http: its connection, which receipts name.
    """

    def __init__(self, statements: Statements, http: Http) -> None:
        self._statements = statements
        self._http = http

    async def run(
        self, sql: str, parameters: Mapping[str, Parameter], *, stream: str, whole: bool = False
    ) -> SqlAnswer:
        """Run one query; no answer has a row cap here, so that `whole` changes nothing.

        Raises:
            SourceError: as `Statements.run`.
            EngineError: when the query cannot be written for Snowflake.
        """
        del whole
        text, names = placed(sql, parameters)
        log = self._http.log(stream)
        found = await self._statements.run(text, [bound(parameters[name]) for name in names], log)
        sent = {name: wire_value(parameters[name]) for name in dict.fromkeys(names)}
        receipt = log.receipt(found.rows, query=text, parameters={**sent, STATEMENT: found.handle})
        return SqlAnswer(found.columns, found.rows, receipt)


__all__ = ["STATEMENT", "SnowflakeRunner", "placed"]
