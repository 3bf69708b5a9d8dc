"""Metabase: `x-api-key` or a session, queries that answer 202 even when they fail, row caps, exports without them."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from customer_research_sandbox.dataset import Row
from customer_research_sandbox.servers import shapes
from customer_research_sandbox.servers.cards import (
    COLLECTION,
    DATABASES,
    SNOWFLAKE,
    Card,
    Catalogue,
    card_parameters,
    display_name,
)
from customer_research_sandbox.servers.faults import Controls
from customer_research_sandbox.servers.shapes import Shape
from customer_research_sandbox.servers.snowflake import Answer, Warehouse, by_column
from customer_research_sandbox.servers.snowflake_sql import SnowflakeError
from customer_research_sandbox.servers.templates import Bound, TemplateError, bound
from customer_research_sandbox.servers.wire import (
    ProblemError,
    Vendor,
    answer,
    fault_of,
    json_body,
    made_up_id,
    record_page,
)

API_KEY = "sandbox-metabase-key"
USERNAME = "sandbox@example.com"
PASSWORD = "sandbox-metabase-password"  # noqa: S105  (the sandbox's own, opens nothing)
MAX_RESULTS, MAX_BARE_ROWS, MAX_EXPORT = 10_000, 2_000, 1_048_575
"""Rows that a query brings back: with an aggregation, without one, and in an export or under constraints at most."""

GONE = frozenset({"STATUS_SLUG", "LAGO_STATUS", "TOTAL_DOLLARS_CHARGED"})
"""The columns that a `schema` fault drops from the warehouse."""

_TABLE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_FILTER_OPERATORS: Mapping[str, str] = {"string/!=": "NOT IN", "number/!=": "NOT IN"}


class MetabaseServer(Vendor):
    """Metabase over the sandbox's Snowflake."""

    source = "metabase"
    public_prefixes = ("/api/health", "/api/session", "/question/")

    def __init__(self, warehouse: Warehouse, controls: Controls) -> None:
        super().__init__(controls)
        self._warehouse = warehouse
        self._catalogue = Catalogue(warehouse.relations)
        self._session = made_up_id("metabase", "session")

    def routes(self) -> Sequence[BaseRoute]:
        """Queries, exports, cards and metadata."""
        return [
            Route("/api/dataset", self._dataset, methods=["POST"]),
            Route("/api/dataset/{format:str}", self._dataset_export, methods=["POST"]),
            Route("/api/card", self._cards),
            Route("/api/card/{id:int}", self._card),
            Route("/api/card/{id:int}/query", self._card_query, methods=["POST"]),
            Route("/api/card/{id:int}/query/{format:str}", self._card_export, methods=["POST"]),
            Route("/api/database", self._databases),
            Route("/api/database/{id:int}", self._database),
            Route("/api/database/{id:int}/metadata", self._database_metadata),
            Route("/api/table/{id:int}/query_metadata", self._table),
            Route("/api/field/{id:int}", self._field),
            Route("/api/table", lambda _request: answer(self._catalogue.listed_tables())),
            Route("/api/collection", lambda _request: answer([COLLECTION])),
            *(Route(f"/api/{name}", lambda _request: answer([])) for name in ("dashboard", "pulse", "segment")),
            Route("/api/search", self._search),
            Route("/api/user/current", self._user),
            Route("/api/session", self._login, methods=["POST"]),
            Route("/api/session/properties", self._version),
            Route("/api/health", lambda _request: answer({"status": "ok"})),
            Route("/question/{id:int}", self._page),
        ]

    def authorised(self, request: Request) -> bool:
        """Whether the key or the session is the sandbox's."""
        return request.headers.get("x-api-key") == API_KEY or request.headers.get("x-metabase-session") == self._session

    def error(self, status: int, message: str = "") -> Response:
        """Plain text, as Metabase answers."""
        words = {
            401: "Unauthenticated",
            404: "Not found.",
            405: "Method not allowed.",
            429: "Too many requests",
            500: "Internal server error",
        }
        return PlainTextResponse(words.get(status, message), status)

    async def _dataset(self, request: Request) -> Response:
        return await self._result(request, await self._query(request, await self._body(request)))

    async def _dataset_export(self, request: Request) -> Response:
        return await self._export(request, await self._query(request, await self._exported_query(request)))

    async def _card_query(self, request: Request) -> Response:
        return await self._result(request, await self._saved_query(request, await self._body(request)))

    async def _card_export(self, request: Request) -> Response:
        return await self._export(request, await self._saved_query(request, await self._export_body(request)))

    async def _body(self, request: Request) -> dict[str, Any]:
        return await json_body(request, _invalid("body", "value must be a JSON object."))

    async def _export_body(self, request: Request) -> dict[str, Any]:
        """An export's parameters: a JSON object, or a form whose fields are JSON texts, as browsers and older clients send."""
        if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            return await self._body(request)
        fields = parse_qs((await request.body()).decode())
        try:
            return {name: json.loads(values[-1]) for name, values in fields.items()}
        except ValueError:
            raise ProblemError(_invalid("body", "every field must be a JSON text.")) from None

    async def _exported_query(self, request: Request) -> dict[str, Any]:
        """The query of an export: an object under `query`, or in older clients a JSON text there."""
        query = (await self._export_body(request)).get("query")
        if isinstance(query, str):
            try:
                query = json.loads(query)
            except ValueError:
                query = None
        if not isinstance(query, dict):
            raise ProblemError(_invalid("query", "value must be a map."))
        return query

    async def _query(self, request: Request, body: Mapping[str, Any]) -> Query:
        """An ad-hoc query, checked as far as Metabase checks before it starts."""
        database = body.get("database")
        if not isinstance(database, int) or isinstance(database, bool) or database < 1:
            raise ProblemError(_invalid("database", "value must be an integer greater than zero."))
        if database not in {known["id"] for known in DATABASES}:
            raise ProblemError(PlainTextResponse("Not found.", 404))
        native = body.get("native")
        if body.get("type") != "native" or not isinstance(native, dict) or not str(native.get("query") or "").strip():
            raise ProblemError(_invalid("native", "this sandbox runs native queries: a map with a non-blank query."))
        _check(_NATIVE, body)
        tags, parameters = native.get("template-tags") or {}, body.get("parameters") or []

        def prepared() -> Bound:
            return bound(str(native["query"]), tags, parameters, self._catalogue.card_sql, self._catalogue.field_column)

        return Query(prepared, _cap(body.get("constraints")), database, "ad-hoc", fault_of(request), dict(body))

    async def _saved_query(self, request: Request, body: Mapping[str, Any]) -> Query:
        card = self._known_card(request)
        _check(_SAVED, body)
        tags, fields = card_parameters(body.get("parameters") or [])

        def prepared() -> Bound:
            if tags:
                name = tags[0].get("id") or tags[0].get("target")
                raise TemplateError(
                    f"Invalid parameter: Card {card.id} does not have a template tag named {name!r}.",
                    "invalid-parameter",
                )
            return self._filtered(card, fields)

        return Query(
            prepared, _cap(body.get("constraints")), SNOWFLAKE, "question", fault_of(request), {"card": card.id}, card
        )

    def _filtered(self, card: Card, fields: Sequence[tuple[int, Row]]) -> Bound:
        """A card's query with field filters around it."""
        inner = Bound(self._catalogue.card_sql(card.id))
        clauses: list[str] = []
        for number, parameter in fields:
            column = self._catalogue.field_column(number)
            if not self._catalogue.card_has(card.id, number):
                raise TemplateError(f"Field {number} is not a column of card {card.id}.", "invalid-parameter")
            value = parameter.get("value")
            values = value if isinstance(value, list) else [value]
            if values == [None]:
                continue
            names = [f"f{len(inner.binds) + index}" for index in range(len(values))]
            inner.binds |= dict(zip(names, map(str, values), strict=True))
            operator = _FILTER_OPERATORS.get(str(parameter.get("type")), "IN")
            clauses.append(f"{column}::VARCHAR {operator} ({', '.join(f':{name}' for name in names)})")
        if clauses:
            inner.sql = f"SELECT * FROM ({inner.sql}) AS SOURCE WHERE {' AND '.join(clauses)}"
        return inner

    async def _run(self, query: Query, limit: int) -> tuple[Bound, Answer]:
        """Run a query; raises `TemplateError` or `SnowflakeError`."""
        prepared = query.prepare()
        if query.database != SNOWFLAKE:
            raise SnowflakeError("ERROR: relation does not exist")
        hidden = GONE if query.fault == "schema" else frozenset[str]()
        return prepared, await run_in_threadpool(self._warehouse.run, prepared.sql, prepared.binds, limit, hidden)

    async def _result(self, request: Request, query: Query) -> Response:  # noqa: ARG002  (every route's shape)
        try:
            prepared, found = await self._run(query, query.cap)
        except TemplateError as error:
            return answer(_failed(query, str(error), error.kind, "clojure.lang.ExceptionInfo"), 202)
        except SnowflakeError as error:
            return answer(
                _failed(query, str(error), "invalid-query", "net.snowflake.client.jdbc.SnowflakeSQLException"), 202
            )
        rows = found.rows
        if query.fault == "truncate":
            rows = rows[: max(len(rows) // 2, 1)]
        columns = [self._shown_column(query, name, kind) for name, kind in found.columns]
        shown: Row = {
            "rows": rows,
            "cols": columns,
            "native_form": {"query": prepared.sql, "params": list(map(str, prepared.binds.values())) or None},
            "results_timezone": "UTC",
            "results_metadata": {"columns": columns},
            "insights": None,
        }
        if query.fault == "truncate" or len(rows) == query.cap:
            shown["rows_truncated"] = len(rows)
        head = {
            "database_id": query.database,
            "started_at": self._warehouse.as_of.isoformat().replace("+00:00", "Z"),
            "json_query": query.sent,
        }
        tail = {"status": "completed", "context": query.context, "row_count": len(rows), "running_time": 12}
        return answer({**head, "data": shown, "average_execution_time": None, **tail}, 202)

    def _shown_column(self, query: Query, name: str, kind: str) -> Row:
        number = self._catalogue.field_id(query.card, name) if query.card is not None else None
        shown: Row = {"name": name, "display_name": name, "base_type": kind, "effective_type": kind, "source": "native"}
        shown["field_ref"] = ["field", name, {"base-type": kind}]
        if number is not None:
            shown |= {
                "id": number,
                "display_name": display_name(name),
                "source": "fields",
                "field_ref": ["field", number, None],
            }
        return shown

    async def _export(self, request: Request, query: Query) -> Response:
        writer = _WRITERS.get(request.path_params["format"])
        if writer is None:
            raise ProblemError(_invalid("export-format", "value must be one of: api, csv, json, xlsx."))
        try:
            _, found = await self._run(query, MAX_EXPORT)
        except (TemplateError, SnowflakeError) as error:
            return answer(_failed(query, str(error), "invalid-query", "Exception"), 400)
        rows = found.rows[: len(found.rows) // 2] if query.fault == "truncate" else found.rows
        return writer([name for name, _ in found.columns], by_column(rows, _NO_TEXT, _exported))

    def _known_card(self, request: Request) -> Card:
        card = self._catalogue.cards.get(request.path_params["id"])
        if card is None:
            raise ProblemError(PlainTextResponse("Not found.", 404))
        return card

    def _cards(self, request: Request) -> Response:
        shown = [self._catalogue.show_card(card, _hidden(request)) for card in self._catalogue.cards.values()]
        return answer([{key: value for key, value in card.items() if key != "result_metadata"} for card in shown])

    def _card(self, request: Request) -> Response:
        return answer(self._catalogue.show_card(self._known_card(request), _hidden(request)))

    def _search(self, request: Request) -> Response:
        """Cards, models, tables and databases whose names hold the words; `models` limits what is looked for."""
        query = request.query_params
        words, kinds = query.get("q", "").casefold(), query.getlist("models")
        found = [
            row
            for row in self._catalogue.named()
            if words in str(row["name"]).casefold() and (not kinds or row["model"] in kinds)
        ]
        return answer({"total": len(found), "data": found, "models": sorted({row["model"] for row in found})})

    def _databases(self, request: Request) -> Response:  # noqa: ARG002  (every route's shape)
        return answer({"data": list(DATABASES), "total": len(DATABASES)})

    def _database(self, request: Request) -> Response:
        return _found(next((known for known in DATABASES if known["id"] == request.path_params["id"]), None))

    def _database_metadata(self, request: Request) -> Response:
        known = next((known for known in DATABASES if known["id"] == request.path_params["id"]), None)
        return _found(
            None if known is None else {**known, "tables": self._catalogue.tables() if known["id"] == SNOWFLAKE else []}
        )

    def _table(self, request: Request) -> Response:
        return _found(self._catalogue.table_metadata(request.path_params["id"]))

    def _field(self, request: Request) -> Response:
        return _found(self._catalogue.show_field(request.path_params["id"]))

    def _user(self, request: Request) -> Response:  # noqa: ARG002  (every route's shape)
        return answer(
            {
                "id": 7,
                "email": USERNAME,
                "common_name": "customer-research (API key)",
                "is_superuser": False,
                "is_active": True,
                "group_ids": [1],
            }
        )

    async def _login(self, request: Request) -> Response:
        body = await self._body(request)
        if body.get("username") != USERNAME or body.get("password") != PASSWORD:
            return answer({"errors": {"password": "did not match stored password"}}, 401)
        return answer({"id": self._session})

    def _version(self, request: Request) -> Response:  # noqa: ARG002  (every route's shape)
        return answer({"version": {"tag": "v0.56.4"}, "report-timezone": "UTC", "site-name": "Sandbox"})

    def _page(self, request: Request) -> Response:
        card = self._catalogue.cards.get(request.path_params["id"])
        return record_page("Metabase question", None if card is None else self._catalogue.show_card(card, frozenset()))


@dataclass(frozen=True, slots=True)
class Query:
    """A query that is ready to be prepared and run: at most `cap` rows, under `fault`, as it was `sent`."""

    prepare: Callable[[], Bound]
    cap: int
    database: int
    context: str
    fault: str | None
    sent: Row
    card: Card | None = None


_TAG = shapes.record(
    {
        "name": shapes.text,
        "display-name": shapes.text,
        "id": shapes.text,
        "type": shapes.text,
        "widget-type": shapes.text,
        "card-id": shapes.whole,
        "dimension": shapes.array,
        "required": shapes.flag,
    }
)
_PARAMETER = shapes.record({"type": shapes.text, "id": shapes.text, "target": shapes.array})
_SAVED: dict[str, Shape] = {
    "parameters": shapes.each(_PARAMETER),
    "constraints": shapes.record({"max-results": shapes.whole, "max-results-bare-rows": shapes.whole}),
}
_NATIVE: dict[str, Shape] = {
    **_SAVED,
    "native": shapes.record({"query": shapes.text, "template-tags": shapes.named(_TAG)}),
}


def _check(fields: dict[str, Shape], body: Mapping[str, Any]) -> None:
    try:
        shapes.record(fields)(body, "query")
    except shapes.ShapeError as error:
        raise ProblemError(_invalid(error.place, str(error))) from error


def _cap(constraints: Any) -> int:
    """The rows that a query brings back: native queries count as rows without aggregation, whatever their SQL does."""
    given = constraints if isinstance(constraints, dict) else {}
    most = int(given.get("max-results") or MAX_RESULTS)
    default = int(given["max-results"]) if given.get("max-results") else MAX_BARE_ROWS
    bare = int(given.get("max-results-bare-rows") or default)
    return max(1, min(bare, most, MAX_EXPORT))


def _hidden(request: Request) -> frozenset[str]:
    return GONE if fault_of(request) == "schema" else frozenset()


def _invalid(name: str, sentence: str) -> Response:
    return answer({"errors": {name: sentence}, "specific-errors": {name: [sentence]}}, 400)


def _found(shown: Row | None) -> Response:
    return PlainTextResponse("Not found.", 404) if shown is None else answer(shown)


def _failed(query: Query, message: str, kind: str, java_class: str) -> Row:
    return {
        "database_id": query.database,
        "json_query": query.sent,
        "status": "failed",
        "class": java_class,
        "stacktrace": [],
        "context": query.context,
        "error": message,
        "error_type": kind,
        "row_count": 0,
        "running_time": 0,
        "data": {"rows": [], "cols": []},
    }


_NO_TEXT: frozenset[type[Any]] = frozenset({type(None), bool, int, float})


def _exported(value: Any) -> Any:
    """A value in an export: dates lose their time, times their zone."""
    if isinstance(value, str) and len(value) >= 20 and value[10] == "T" and value.endswith("Z"):
        return value.removesuffix("T00:00:00Z").removesuffix("Z")
    return value


def _as_json(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> Response:
    return answer([dict(zip(names, row, strict=True)) for row in rows])


def _as_csv(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> Response:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(
        [
            ["" if cell is None else str(cell).lower() if isinstance(cell, bool) else cell for cell in row]
            for row in rows
        ]
    )
    return Response(text.getvalue(), media_type="text/csv")


def _as_xlsx(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> Response:
    """A workbook of one sheet with texts written in place."""

    def cell(value: Any) -> str:
        if value is None:
            return "<c/>"
        if isinstance(value, int | float) and not isinstance(value, bool):
            return f"<c><v>{value}</v></c>"
        return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(str(value), quote=False)}</t></is></c>'

    lines = "".join(f"<row>{''.join(map(cell, row))}</row>" for row in [names, *rows])
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    links = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TABLE}.main+xml"/>'
        '<Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" Type="{links}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{links}"><sheets><sheet name="Query result" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" Type="{links}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{lines}</sheetData></worksheet>',
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in parts.items():
            archive.writestr(path, f'<?xml version="1.0" encoding="UTF-8"?>{content}')
    return Response(file.getvalue(), media_type=_TABLE)


_WRITERS: Mapping[str, Callable[[Sequence[str], Sequence[Sequence[Any]]], Response]] = {
    "json": _as_json,
    "csv": _as_csv,
    "xlsx": _as_xlsx,
}
