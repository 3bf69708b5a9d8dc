"""Snowflake's SQL API over the sandbox's warehouse: statements handed in, looked at, read by partitions, called off.

The same executor as Metabase's. Beside queries it knows what a visitor asks of himself: `CURRENT_USER()` and its like,
`SHOW GRANTS TO ROLE`, `SHOW USER PROGRAMMATIC ACCESS TOKENS`.
"""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from customer_research_sandbox.dataset import Row
from customer_research_sandbox.servers.faults import Controls
from customer_research_sandbox.servers.metabase import GONE
from customer_research_sandbox.servers.snowflake import Result, Warehouse
from customer_research_sandbox.servers.snowflake_account import DATABASE, ROLE, USER, WAREHOUSE, Account, Refusal
from customer_research_sandbox.servers.snowflake_cells import BindingError, cells, column, named
from customer_research_sandbox.servers.snowflake_sql import SnowflakeError
from customer_research_sandbox.servers.wire import ProblemError, Vendor, answer, fault_of, json_body, whole_number

SYNC_SECONDS = 45.0
"""How long a statement is waited for that is not handed in asynchronously."""

LOOK_SECONDS = 0.05
"""How long a look at a statement waits for it."""

KEPT = 500
"""Statements whose results are kept."""

MOST_ROWS = 5_000_000
_ITSELF = {"USER": USER, "ROLE": ROLE, "WAREHOUSE": WAREHOUSE, "DATABASE": DATABASE}
_OF_ITSELF = re.compile(r"\bCURRENT_(USER|ROLE|WAREHOUSE|DATABASE)\s*\(\s*\)", re.IGNORECASE)
_SHOW_GRANTS = re.compile(r"\s*SHOW\s+GRANTS\s+TO\s+ROLE\s+\"?([A-Za-z0-9_]+)\"?\s*;?\s*", re.IGNORECASE)
_SHOW_TOKENS = re.compile(r"\s*SHOW\s+USER\s+PROGRAMMATIC\s+ACCESS\s+TOKENS\s*;?\s*", re.IGNORECASE)
_FIELDS: Mapping[str, type] = {
    "statement": str,
    "timeout": int,
    "role": str,
    "warehouse": str,
    "database": str,
    "schema": str,
    "bindings": dict,
    "parameters": dict,
}
_PARAMETERS = frozenset(
    [
        "timezone",
        "query_tag",
        "binary_output_format",
        "date_output_format",
        "time_output_format",
        "timestamp_output_format",
        "timestamp_ltz_output_format",
        "timestamp_ntz_output_format",
        "timestamp_tz_output_format",
        "multi_statement_count",
        "rows_per_resultset",
        "use_cached_result",
        "client_result_chunk_size",
    ]
)


@dataclass(slots=True)
class Statement:
    """A statement that was handed in: its work, when it is ready, when its time is over, and whether it was called off."""

    handle: str
    work: asyncio.Future[Result]
    ready: float
    ends: float
    fault: str | None
    nulls: bool = True
    called_off: bool = False
    over: bool = False


class SnowflakeServer(Vendor):
    """The SQL API of one account, and its identity provider's token endpoint."""

    source = "snowflake"
    public_prefixes = ("/oauth/",)

    def __init__(self, warehouse: Warehouse, controls: Controls, clock: Callable[[], float]) -> None:
        super().__init__(controls)
        self._warehouse = warehouse
        self._clock = clock
        ends = warehouse.as_of + timedelta(days=90)
        self.account = Account(lambda: warehouse.as_of, grants=_grants(warehouse), token_ends=ends)
        self._statements: dict[str, Statement] = {}

    def routes(self) -> Sequence[BaseRoute]:
        """Handing in, looking, calling off; tokens."""
        return [
            Route("/api/v2/statements", self._hand_in, methods=["POST"]),
            Route("/api/v2/statements/{handle:str}", self._look),
            Route("/api/v2/statements/{handle:str}/cancel", self._call_off, methods=["POST"]),
            Route("/oauth/token-request", self._token, methods=["POST"]),
        ]

    def authorised(self, request: Request) -> bool:  # noqa: ARG002  (`refusal` says what is wrong with it)
        """Everybody is looked at by `refusal`."""
        return True

    def refusal(self, request: Request) -> Response | None:
        """Not let in, or without the headers that every request must have."""
        refused = self.account.refusal(request.headers, request.client.host if request.client is not None else "")
        if refused is not None:
            return _refused(refused)
        if "application/json" not in request.headers.get("accept", ""):
            return _refused((406, "390406", "Accept header must be application/json."))
        return None

    def error(self, status: int, message: str = "") -> Response:
        """An error outside of statements."""
        known = {
            401: ("390303", "Invalid OAuth access token."),
            404: ("390404", "Not found."),
            405: ("390405", "Method not allowed."),
            429: ("390429", "Too many requests."),
            500: ("390500", "Internal server error."),
        }
        return _refused((status, *known.get(status, ("390400", message))))

    async def _token(self, request: Request) -> Response:
        fields = {name: values[-1] for name, values in parse_qs((await request.body()).decode()).items()}
        status, body = self.account.granted(fields)
        return answer(body, status)

    # -- statements --------------------------------------------------------------------------------------------------------

    async def _hand_in(self, request: Request) -> Response:
        body = await json_body(request, _refused((400, "390400", "The request body is not a JSON object.")))
        _check(body)
        self.account.bodies.append(body)
        refused = self.account.surroundings(body)
        if refused is not None:
            return _refused(refused)
        seconds = body.get("timeout") or float("inf")
        now = self._clock()
        work = asyncio.ensure_future(self._run(body, fault_of(request)))
        work.add_done_callback(lambda done: done.cancelled() or done.exception())  # it is told when it is looked at
        statement = Statement(
            str(uuid.uuid4()),
            work,
            now + self.account.statement_seconds,
            now + seconds,
            fault_of(request),
            nulls=request.query_params.get("nullable") != "false",
        )
        self._statements[statement.handle] = statement
        if len(self._statements) > KEPT:
            self._statements.pop(next(iter(self._statements)))
        if request.query_params.get("async") == "true":
            return self._running(statement)
        answered = await self._state(statement, SYNC_SECONDS)
        if statement.over:
            answered.status_code = 408  # whoever looks at it later is told by a 422
        return answered

    async def _run(self, body: Mapping[str, Any], fault: str | None) -> Result:
        sql = str(body["statement"])
        shown = self._told_of_itself(sql)
        if shown is not None:
            return shown
        text = _OF_ITSELF.sub(lambda found: f"'{_ITSELF[found[1].upper()]}'", sql)
        text, binds = named(text, body.get("bindings") or {})
        hidden = GONE if fault == "schema" else frozenset[str]()
        return await run_in_threadpool(self._warehouse.ask, text, binds, MOST_ROWS, hidden)

    def _told_of_itself(self, sql: str) -> Result | None:
        """What SHOW answers; None: it is no such statement."""
        if (role := _SHOW_GRANTS.fullmatch(sql)) is not None:
            if role[1].upper() != ROLE:
                raise SnowflakeError(f"SQL compilation error:\nObject '{role[1]}' does not exist or not authorized.")
            names = ("privilege", "granted_on", "name", "granted_to", "grantee_name")
            rows = [(*grant, "ROLE", ROLE) for grant in self.account.grants]
            return Result(tuple((name, "VARCHAR") for name in names), rows)
        if _SHOW_TOKENS.fullmatch(sql) is not None:
            kinds = {"expires_at": "TIMESTAMP WITH TIME ZONE"}
            names = ("name", "user_name", "role_restriction", "expires_at", "status")
            ends = self.account.token_ends
            tokens = [] if ends is None else [("RESEARCH", USER, self.account.token_role or None, ends, "ACTIVE")]
            return Result(tuple((name, kinds.get(name, "VARCHAR")) for name in names), tokens)
        return None

    async def _look(self, request: Request) -> Response:
        statement = self._known(request)
        number = request.query_params.get("partition")
        return await self._state(statement, LOOK_SECONDS, None if number is None else whole_number(number, -1))

    async def _call_off(self, request: Request) -> Response:
        statement = self._known(request)
        statement.called_off = True
        self.account.called_off.append(statement.handle)
        return answer(_told("000604", "57014", "SQL execution canceled", statement.handle))

    def _known(self, request: Request) -> Statement:
        statement = self._statements.get(request.path_params["handle"])
        if statement is None:
            raise ProblemError(_refused((404, "390404", "The statement handle is not known.")))
        return statement

    async def _state(self, statement: Statement, patience: float, partition: int | None = None) -> Response:
        """How a statement stands: called off, over, still running, failed, or its rows."""
        wait = min(max(min(statement.ready, statement.ends) - self._clock(), 0.0), patience)
        if wait:
            await asyncio.sleep(wait)
        if statement.called_off:
            return answer(_told("000604", "57014", "SQL execution canceled", statement.handle), 422)
        if not statement.work.done():
            await asyncio.wait([statement.work], timeout=patience)
        now = self._clock()
        if now < statement.ready or not statement.work.done():
            if now >= statement.ends:
                message = "Statement reached its statement or warehouse timeout and was canceled."
                statement.over = True
                return answer(_told("000630", "57014", message, statement.handle), 422)
            return self._running(statement)
        try:
            result = statement.work.result()
        except BindingError as error:
            return answer(_told("100037", "22018", str(error), statement.handle), 422)
        except SnowflakeError as error:
            return answer(_told(*_coded(str(error)), str(error), statement.handle), 422)
        return self._rows(statement, result, partition)

    def _running(self, statement: Statement) -> Response:
        message = (
            "Asynchronous execution in progress. Use provided query id to perform query monitoring and management."
        )
        return answer(_told("333334", "00000", message, statement.handle), 202)

    def _rows(self, statement: Statement, result: Result, partition: int | None) -> Response:
        size = self.account.partition_rows
        starts = range(0, max(len(result.rows), 1), size)
        number = partition or 0
        if not 0 <= number < len(starts):
            return _refused((422, "391910", f"Partition {number} does not exist."))
        piece = result.rows[starts[number] : starts[number] + size]
        if statement.fault == "truncate" and number == len(starts) - 1:
            piece = piece[: len(piece) // 2]
        if partition is not None and partition > 0:
            return answer({"data": cells(piece, nulls=statement.nulls)})
        told = {
            "numRows": len(result.rows),
            "format": "jsonv2",
            "rowType": [column(name, kind) for name, kind in result.columns],
            "partitionInfo": [
                {"rowCount": min(size, len(result.rows) - start), "uncompressedSize": 0} for start in starts
            ],
        }
        shown = _told("090001", "00000", "Statement executed successfully.", statement.handle)
        return answer(shown | {"resultSetMetaData": told, "data": cells(piece, nulls=statement.nulls)})


def _check(body: Mapping[str, Any]) -> None:
    """Raise the refusal of a body that is not as documented."""
    for name, value in body.items():
        kind = _FIELDS.get(name)
        if kind is None or not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise ProblemError(_refused((400, "391902", f"Invalid field '{name}' in the request body.")))
    unknown = sorted({str(name).lower() for name in body.get("parameters") or {}} - _PARAMETERS)
    if unknown:
        raise ProblemError(_refused((400, "391902", f"Invalid parameter '{unknown[0]}' in the request body.")))
    if not str(body.get("statement") or "").strip():
        raise ProblemError(_refused((400, "391901", "The field 'statement' is missing.")))


_CODES = (
    (re.compile(r"does not exist or not authorized"), ("002003", "42S02")),
    (re.compile(r"invalid identifier"), ("000904", "42000")),
    (re.compile(r"Insufficient privileges"), ("003001", "42501")),
    (re.compile(r"syntax error"), ("001003", "42000")),
    (re.compile(r"Unknown function"), ("002140", "42601")),
    (re.compile(r"Division by zero"), ("100051", "22012")),
)


def _coded(message: str) -> tuple[str, str]:
    """Code and state of an error of a statement."""
    return next((code for pattern, code in _CODES if pattern.search(message)), ("002000", "42601"))


def _told(code: str, state: str, message: str, handle: str) -> Row:
    return {
        "code": code,
        "sqlState": state,
        "message": message,
        "statementHandle": handle,
        "statementStatusUrl": f"/api/v2/statements/{handle}",
    }


def _refused(refusal: Refusal) -> Response:
    status, code, message = refusal
    return answer({"code": code, "message": message}, status)


def _grants(warehouse: Warehouse) -> list[tuple[str, str, str]]:
    """What the shipped script grants: to compute, to enter, to read."""
    schemas = sorted({schema for schema, _ in warehouse.relations})
    return [
        ("USAGE", "WAREHOUSE", WAREHOUSE),
        ("USAGE", "DATABASE", DATABASE),
        *(("USAGE", "SCHEMA", f"{DATABASE}.{schema}") for schema in schemas),
        *(("SELECT", "TABLE", f"{DATABASE}.{schema}.{name}") for schema, name in warehouse.relations),
    ]
