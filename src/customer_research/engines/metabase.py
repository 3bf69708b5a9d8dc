"""Queries to Snowflake through Metabase's REST API: `MetabaseRunner`.

A query in DuckDB's dialect is transpiled, its parameters become template tags with parameters (never text in the SQL), and
identifiers of the form `"{{#642}}"` become references to saved questions. Metabase answers 202 even when the SQL failed,
cuts rows silently but for one field, and shows times in its report time zone: all three are dealt with here. Sources:
Metabase's documentation of its API, and the part of it that `tests/contract` describes.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, tzinfo
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from customer_research.connect.http import Http
from customer_research.connect.request_log import RequestLog
from customer_research.connect.sql import Parameter, SqlAnswer
from customer_research.engines.dialect import transpile
from customer_research.engines.marks import SNOWFLAKE_PARTS, marks
from customer_research.errors import (
    BadAnswer,
    Denied,
    EngineError,
    NotThere,
    SchemaChanged,
    SourceError,
    Truncated,
    Unavailable,
)

DIALECT = "snowflake"

ROW_CAP = 10_000
"""Rows that one query may bring; Metabase's own cap would be 2,000 rows without aggregation."""

EXPORT_CAP = 1_048_575
"""Rows that Metabase puts into an export at most."""

_BAD_REQUEST = 400

FAILURES: Mapping[str, type[SourceError]] = {
    "missing-required-permissions": Denied,
    "timed-out": Unavailable,
    "server": Unavailable,
}
"""Metabase's `error_type` of a failed query → error; all others follow the message."""

_GONE = re.compile(r"invalid identifier|does not exist|unknown column|unknown table", re.IGNORECASE)
_TAG = re.compile(r"\{\{(?:[A-Za-z_][A-Za-z0-9_]*|#([0-9]+)(?:-[a-z0-9-]+)?)\}\}")
_MESSAGE_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Native:
    """A query as Metabase takes it: Snowflake SQL with `{{tags}}`, the tags' declarations and the parameters' values."""

    sql: str
    tags: Mapping[str, Mapping[str, Any]]
    parameters: Sequence[Mapping[str, Any]]
    values: Mapping[str, Parameter] = field(default_factory=dict)


def native(sql: str, parameters: Mapping[str, Parameter]) -> Native:
    """The Metabase form of a DuckDB query; parameters that it does not name are left out.

    Raises:
        EngineError: when the query cannot be written for Snowflake or names a parameter without a value.
    """
    marked, names = marks(sql, parameters)
    text, cards = _tagged(transpile(marked, DIALECT))
    tags: dict[str, Mapping[str, Any]] = {tag: _card_tag(tag, number) for tag, number in cards.items()}
    tags |= {name: _tag(name, parameters[name]) for name in names}
    return Native(text, tags, [_parameter(name, parameters[name]) for name in names], {n: parameters[n] for n in names})


@lru_cache(maxsize=512)
def _tagged(sql: str) -> tuple[str, dict[str, int]]:
    """Quoted identifiers that are template tags without their quotes, and the card numbers of `#` tags."""
    cards: dict[str, int] = {}

    def bare(found: re.Match[str]) -> str:
        tag = _TAG.fullmatch(found["identifier"] or "")
        if tag is None:
            return found[0]
        if tag[1] is not None:
            cards[tag[0].strip("{}")] = int(tag[1])
        return tag[0]

    return SNOWFLAKE_PARTS.sub(bare, sql), cards


def _card_tag(tag: str, number: int) -> Mapping[str, Any]:
    return {"id": tag, "name": tag, "display-name": tag, "type": "card", "card-id": number}


def _tag(name: str, value: Parameter) -> Mapping[str, Any]:
    kind = "number" if isinstance(value, (int, float)) else "text"
    return {"id": name, "name": name, "display-name": name, "type": kind, "required": True}


def _parameter(name: str, value: Parameter) -> Mapping[str, Any]:
    kind = "number/=" if isinstance(value, (int, float)) else "category"
    return {"type": kind, "target": ["variable", ["template-tag", name]], "value": wire_value(value)}


def wire_value(value: Parameter) -> str | int | float:
    """A parameter's value as sent: instants as UTC wall time without zone, the rest as it is."""
    if not isinstance(value, datetime):
        return value
    if value.tzinfo is None:
        raise EngineError("A moment given to a query needs a time zone.")
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")


class MetabaseRunner:
    """Runs queries on one Snowflake database through Metabase; implements `connect.sql.SqlRunner`.

    Args:
        http: connection to Metabase, shared with whoever else asks it.
        database: Metabase's id of the Snowflake database.
    """

    def __init__(self, http: Http, database: int) -> None:
        self._http = http
        self._database = database

    async def run(
        self, sql: str, parameters: Mapping[str, Parameter], *, stream: str, whole: bool = False
    ) -> SqlAnswer:
        """Run one query; one request.

        `whole` takes Metabase's export, which has no row cap but tells no types: times and dates then stay ISO texts.

        Raises:
            SourceError: `Truncated` when the answer was cut, `SchemaChanged` when a table or column is gone, `BadAnswer`
                for any other failure of the query, and what `Http` raises.
            EngineError: when the query cannot be written for Snowflake.
        """
        query = native(sql, parameters)
        log = self._http.log(stream)
        columns, rows = await (self._export(query, log) if whole else self._ask(query, log))
        sent = {name: wire_value(value) for name, value in query.values.items()}
        return SqlAnswer(columns, rows, log.receipt(rows, query=query.sql, parameters=sent))

    def _body(self, query: Native) -> dict[str, Any]:
        return {
            "database": self._database,
            "type": "native",
            "native": {"query": query.sql, "template-tags": dict(query.tags)},
            "parameters": list(query.parameters),
        }

    async def _ask(self, query: Native, log: RequestLog) -> tuple[tuple[str, ...], list[dict[str, Any]]]:
        body = self._body(query) | {"constraints": {"max-results": ROW_CAP, "max-results-bare-rows": ROW_CAP}}
        try:
            answer = await self._http.post("/api/dataset", json=body, log=log)
        except NotThere as error:
            raise self._no_database(log) from error
        data = self._completed(answer, log)
        columns, rows = self._decoded(data, log)
        self._require_all(rows, data.get("rows_truncated"), log)
        return columns, rows

    async def _export(self, query: Native, log: RequestLog) -> tuple[tuple[str, ...], list[dict[str, Any]]]:
        body = self._body(query)
        answer = await self._exported(body, log)
        if self._refused(answer):
            answer = await self._exported(json.dumps(body), log)
        if not isinstance(answer, list) or not all(isinstance(row, Mapping) for row in answer):
            raise self._failed(answer, log)
        if len(answer) >= EXPORT_CAP:
            raise self._cut(len(answer), log)
        given = tuple(answer[0]) if answer else ()
        names = [str(name).lower() for name in given]
        for at, row in enumerate(answer):  # in place: an export is large enough to be held once
            same = tuple(row) == given
            answer[at] = dict(zip(names, row.values(), strict=True)) if same else {str(n).lower(): row[n] for n in row}
        return tuple(answer[0]) if answer else (), answer

    async def _exported(self, query: Any, log: RequestLog) -> Any:
        """The body of an export's answer; that of a refusal as well, for it tells an older Metabase from a failed query."""
        asked = {"query": query, "format_rows": False, "pivot_results": False}
        try:
            reply = await self._http.send("POST", "/api/dataset/json", json=asked, log=log, accept={_BAD_REQUEST})
        except NotThere as error:
            raise self._no_database(log) from error
        return reply.body

    @staticmethod
    def _refused(answer: Any) -> bool:
        """Whether the request's form was refused, rather than the query failed."""
        return isinstance(answer, Mapping) and "status" not in answer and ("errors" in answer or "query" in answer)

    def _completed(self, answer: Any, log: RequestLog) -> Mapping[str, Any]:
        data = answer.get("data") if isinstance(answer, Mapping) else None
        if not isinstance(answer, Mapping) or answer.get("status") != "completed" or not isinstance(data, Mapping):
            raise self._failed(answer, log)
        return data

    def _decoded(self, data: Mapping[str, Any], log: RequestLog) -> tuple[tuple[str, ...], list[dict[str, Any]]]:
        try:
            columns = tuple(str(column["name"]).lower() for column in data["cols"])
            zone = ZoneInfo(str(data.get("results_timezone") or "UTC"))
            readers = [reader(str(column.get("base_type", "")), zone) for column in data["cols"]]
            rows = [
                {name: read(value) for name, read, value in zip(columns, readers, row, strict=True)}
                for row in data["rows"]
            ]
        except (KeyError, TypeError, ValueError, AttributeError, OSError) as error:
            detail = f" ({error})" if type(error) is ValueError else ""
            raise self._http.error(
                BadAnswer,
                f"Metabase's answer has not the form of a query result{detail}.",
                log.stream,
                "Check its version.",
            ) from error
        return columns, rows

    def _require_all(self, rows: Sequence[Any], cut: Any, log: RequestLog) -> None:
        if cut is not None or len(rows) >= ROW_CAP:
            raise self._cut(len(rows), log)

    def _failed(self, answer: Any, log: RequestLog) -> SourceError:
        """The error of a query that Metabase accepted and could not run."""
        kind, words = "", ""
        if isinstance(answer, Mapping):
            kind = str(answer.get("error_type") or "")
            words = _words(answer.get("error") or answer.get("errors") or answer.get("message"))
        detail = f": {words}" if words else ""
        if _GONE.search(words):
            return self._http.error(
                SchemaChanged,
                f"A table or column that the query needs is gone{detail}.",
                log.stream,
                "Run `customer-research doctor --online`; correct the relation in the metabase settings.",
            )
        return self._http.error(
            FAILURES.get(kind, BadAnswer),
            f"Metabase could not run the query{detail}.",
            log.stream,
            "Run `customer-research doctor --online`.",
        )

    def _cut(self, rows: int, log: RequestLog) -> Truncated:
        sentence = f"Metabase cut the answer after {rows} rows."
        return self._http.error(Truncated, sentence, log.stream, "Ask for less, or take the export.")

    def _no_database(self, log: RequestLog) -> BadAnswer:
        return self._http.error(
            BadAnswer,
            f"Metabase has no database {self._database}.",
            log.stream,
            "Set metabase.database to Snowflake's id; `customer-research doctor --online` lists them.",
        )


def _words(failure: Any) -> str:
    """Metabase's own message in one short line without control characters."""
    text = (
        failure if isinstance(failure, str) else json.dumps(failure, ensure_ascii=False, default=str) if failure else ""
    )
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line[:_MESSAGE_LENGTH].rstrip(".")


def reader(base_type: str, zone: tzinfo) -> Callable[[Any], Any]:
    """How values of a Metabase base type are read; times without an offset are in the results' time zone."""
    if base_type.startswith(("type/DateTime", "type/Instant")):
        return lambda value: _moment(value, zone)
    if base_type == "type/Date":
        return _day
    if base_type in {"type/Integer", "type/BigInteger"}:
        return _integer
    if base_type in {"type/Float", "type/Decimal", "type/Number"}:
        return _number
    return _as_sent


def _as_sent(value: Any) -> Any:
    return value


def _moment(value: Any, zone: tzinfo) -> datetime | None:
    if value is None:
        return None
    found = datetime.fromisoformat(str(value))
    return (found if found.tzinfo is not None else found.replace(tzinfo=zone)).astimezone(UTC)


def _day(value: Any) -> date | None:
    return None if value is None else date.fromisoformat(str(value)[:10])


def _integer(value: Any) -> int | float | None:
    """A whole number of a number or a text; not a number and infinity stay what they are, for the figure to say so."""
    found = _number(value)
    return int(found) if isinstance(found, float) and math.isfinite(found) else found


def _number(value: Any) -> int | float | None:
    if value is None or isinstance(value, (int, float)):
        return value
    text = str(value)
    return int(text) if re.fullmatch(r"[+-]?\d+", text) else float(text)


__all__ = ["EXPORT_CAP", "FAILURES", "ROW_CAP", "MetabaseRunner", "Native", "native", "wire_value"]
