"""Snowflake's SQL API: a statement is handed in, followed to its end, read to its last partition, or called off.

Every statement is handed in asynchronously, so that its handle is known before anything can go wrong: one whose time is
over, or whom nobody waits for any more, is called off at Snowflake and does not go on at somebody's cost. One that is lost on its way
ends by its own time limit.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from customer_research.connect.http import Http, Method, Params, Reply, segment
from customer_research.connect.latest import LATEST
from customer_research.connect.request_log import RequestLog
from customer_research.connect.statement_values import Cell, reader
from customer_research.errors import (
    BadAnswer,
    Denied,
    NotThere,
    SchemaChanged,
    SourceError,
    Truncated,
    Unavailable,
)

PATH = "/api/v2/statements"

FIRST_LOOK_SECONDS, LONGEST_LOOK_SECONDS = 0.05, 2.0
"""Waits between two looks at a statement that runs: the first, doubled each time, and the longest."""

CALL_OFF_SECONDS = 3.0
"""How long calling a statement off may take: whoever is cancelled waits for it."""

_HANDED_IN: Params = {"async": True, "nullable": True}
"""How a statement is handed in: nobody waits for it, and what is nothing comes as null and not as a word."""

RUNNING, UNKNOWN, TIMED_OUT, FAILED = 202, 401, 408, 422
_TOLD = frozenset({UNKNOWN, 403, TIMED_OUT, FAILED})
"""Statuses whose body says by a code what is wrong."""

_GOES_ON = frozenset({RUNNING, UNKNOWN, 403})
"""Statuses of a look after which a statement goes on at Snowflake, whatever we are told of it."""

TAG = "customer-research"
"""What the query tag begins with: the statements of this program in Snowflake's history of queries."""

_GONE = frozenset({904, 2003, 2043})
"""Codes: no such column; no such object, or none that the role may see (Snowflake does not tell which)."""

_NO_PRIVILEGE, _NO_WAREHOUSE = 3001, 606
_STOPPED = frozenset({604, 630})
"""Codes of a statement that was called off, or took longer than its limit."""

_SIGN_IN = frozenset({*range(390_000, 391_000), *range(394_000, 395_000)})
"""Codes of a sign-in that failed; those between them are of requests that are not as they should be."""

_ROLES = frozenset({390_186, 390_189})
_ENDED = frozenset({390_318, 394_301})
_POLICIES = frozenset({390_420, 390_422})
_POLICY_WORDS = re.compile(r"not allowed to access snowflake|network policy", re.IGNORECASE)

DOCTOR = "`customer-research doctor --online` shows user, role and warehouse."


@dataclass(frozen=True, slots=True)
class Surroundings:
    """In what a statement runs, as Snowflake writes the names; empty: what the user has by default. `seconds`: its time limit."""

    role: str = ""
    warehouse: str = ""
    database: str = ""
    schema: str = ""
    seconds: int = 300

    @property
    def fields(self) -> dict[str, str]:
        """The fields of a request."""
        named = {"role": self.role, "warehouse": self.warehouse, "database": self.database, "schema": self.schema}
        return {name: value for name, value in named.items() if value}


@dataclass(frozen=True, slots=True)
class Result:
    """All rows of a statement under lower-case names, and the handle (query id) under which Snowflake knows it."""

    columns: tuple[str, ...]
    rows: list[dict[str, Any]]
    handle: str


class Statements:
    """Runs statements over one connection.

    Args:
        http: the connection, which carries the credential.
        around: role, warehouse, database, schema and time limit.
        refused: told when the token is refused, so that the next request does not carry it again.
    """

    def __init__(self, http: Http, around: Surroundings, refused: Callable[[], None] = lambda: None) -> None:
        self._http = http
        self._around = around
        self._token_refused = refused

    async def run(self, sql: str, bindings: Sequence[Mapping[str, str]], log: RequestLog) -> Result:
        """Run one statement; `?` in it are bound in order.

        Raises:
            SourceError: `SchemaChanged` when something it names is gone, `Denied` when credential, network or role do not let it
                run, `Truncated` when not all its rows came, `Unavailable` when it took too long, `BadAnswer` for any other failure,
                and what `Http` raises.
        """
        handle, over = "", False
        try:
            reply = await self._send("POST", PATH, log, params=_HANDED_IN, json=self._body(sql, bindings, log))
            handle, over = self._handle(reply, log), reply.status != RUNNING
            wait = FIRST_LOOK_SECONDS
            while reply.status == RUNNING:
                await self._http.pause(wait, log)
                wait = min(wait * 2, LONGEST_LOOK_SECONDS)
                reply = await self._ask("GET", f"{PATH}/{segment(handle)}", log)
                over = reply.status not in _GOES_ON  # it ran to its end or failed: there is nothing to call off
                self._accept(reply, log)
            columns, rows = await self._rows(reply, handle, log)
            return Result(columns, rows, handle)
        finally:
            if handle and not over:
                await asyncio.shield(asyncio.create_task(self._call_off(handle, log.stream)))

    def _body(self, sql: str, bindings: Sequence[Mapping[str, str]], log: RequestLog) -> dict[str, Any]:
        left = max(math.ceil(self._http.seconds_left(log)), 1)
        body: dict[str, Any] = {
            "statement": sql,
            "timeout": min(self._around.seconds, left),
            **self._around.fields,
            "parameters": {"query_tag": f"{TAG} {log.stream} {uuid4()}", "timezone": "UTC"},
        }
        if bindings:
            body["bindings"] = {str(place): dict(one) for place, one in enumerate(bindings, 1)}
        return body

    async def _send(
        self, method: Method, path: str, log: RequestLog, *, params: Params | None = None, json: Any = None
    ) -> Reply:
        reply = await self._ask(method, path, log, params=params, json=json)
        self._accept(reply, log)
        return reply

    async def _ask(
        self, method: Method, path: str, log: RequestLog, *, params: Params | None = None, json: Any = None
    ) -> Reply:
        try:
            return await self._http.send(method, path, params=params, json=json, log=log, accept=_TOLD)
        except NotThere as error:
            sentence = f"Snowflake does not know the address or the statement ({error.message.rstrip('.')})."
            hint = "Check snowflake.account: the part of your Snowflake address before .snowflakecomputing.com."
            raise self._http.error(BadAnswer, sentence, log.stream, hint) from error

    def _accept(self, reply: Reply, log: RequestLog) -> None:
        if reply.status == UNKNOWN:
            self._token_refused()
        if reply.status in _TOLD:
            raise self._refused(reply, log)

    def _handle(self, reply: Reply, log: RequestLog) -> str:
        handle = self._http.mapping(reply.body, log).get("statementHandle")
        if isinstance(handle, str) and handle:
            return handle
        raise self._strange("without a statement handle", log)

    async def _call_off(self, handle: str, stream: str) -> None:
        """Tell Snowflake that nobody waits for the statement any more; if that fails, its time limit ends it."""
        LATEST.set(math.inf)  # of this task alone: who asked may have no time left
        log = self._http.log(stream, seconds=CALL_OFF_SECONDS)
        with suppress(SourceError, TimeoutError):
            async with asyncio.timeout(CALL_OFF_SECONDS):
                await self._http.send("POST", f"{PATH}/{segment(handle)}/cancel", log=log)

    # -- rows --------------------------------------------------------------------------------------------------------------

    async def _rows(self, reply: Reply, handle: str, log: RequestLog) -> tuple[tuple[str, ...], list[dict[str, Any]]]:
        body = self._http.mapping(reply.body, log)
        told = body.get("resultSetMetaData")
        try:
            assert isinstance(told, Mapping)
            columns = tuple(str(one["name"]).lower() for one in told["rowType"])
            readers = [reader(str(one["type"])) for one in told["rowType"]]
            promised, partitions = int(told["numRows"]), max(len(told.get("partitionInfo") or ()), 1)
        except (AssertionError, KeyError, TypeError, ValueError) as error:
            raise self._strange("that describes no rows", log) from error
        most = self._http.bounds.pages
        if partitions > most:
            sentence = f"Snowflake's answer has {partitions:,} partitions, more than {most:,}: it was not read."
            raise self._http.error(
                Truncated, sentence, log.stream, "Raise bounds.pages only if that is to be expected."
            )
        rows = self._read(body, columns, readers, log)
        for number in range(1, partitions):
            path = f"{PATH}/{segment(handle)}"
            part = self._http.mapping((await self._send("GET", path, log, params={"partition": number})).body, log)
            rows += self._read(part, columns, readers, log)
        if len(rows) != promised:
            sentence = f"Snowflake says that the answer has {promised:,} rows, {len(rows):,} came."
            raise self._http.error(Truncated, sentence, log.stream, "Try again; if it stays, tell Snowflake's support.")
        return columns, rows

    def _read(
        self, body: Mapping[str, Any], columns: Sequence[str], readers: Sequence[Cell], log: RequestLog
    ) -> list[dict[str, Any]]:
        try:
            return [
                {
                    name: None if cell is None else read(cell)
                    for name, read, cell in zip(columns, readers, row, strict=True)
                }
                for row in body["data"]
            ]
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            detail = f": {error}" if type(error) is ValueError else ""
            raise self._strange(f"with a row that is not as it says{detail}", log) from error

    # -- failures ----------------------------------------------------------------------------------------------------------

    def _strange(self, what: str, log: RequestLog) -> BadAnswer:
        return self._http.error(BadAnswer, f"Snowflake sent an answer {what}.", log.stream, DOCTOR)

    def _refused(self, reply: Reply, log: RequestLog) -> SourceError:
        """The error that an answer with a code stands for."""
        words = self._http.told(reply.body)
        code = _code(reply.body)
        if code in _POLICIES or _POLICY_WORDS.search(words):
            return self._error(
                Denied,
                f"Snowflake's network policy does not let this machine in ({code or reply.status}: {words}).",
                log,
                "Have this machine's address added to the user's network policy; a service user's token needs such a policy.",
            )
        if code in _SIGN_IN or reply.status not in {TIMED_OUT, FAILED}:
            return self._error(
                Denied, f"Snowflake refused the credential ({code or reply.status}: {words}).", log, _way(code)
            )
        if reply.status == TIMED_OUT or code in _STOPPED:
            sentence = f"Snowflake stopped the query ({words or 'its time was over'})."
            return self._error(
                Unavailable, sentence, log, "Try again later, raise deadline_seconds, or give it a larger warehouse."
            )
        return self._failed(code, f": {words}" if words else "", log)

    def _failed(self, code: int, detail: str, log: RequestLog) -> SourceError:
        """The error of a statement that Snowflake could not run."""
        if code in _GONE:
            sentence = f"A table or column that the query needs is gone{detail}."
            hint = "Run `customer-research doctor --online`; correct the relation in the metabase settings, or grant SELECT on it."
            return self._error(SchemaChanged, sentence, log, hint)
        if code == _NO_PRIVILEGE:
            hint = "Grant the role USAGE on warehouse, database and schemas, and SELECT on the relations."
            return self._error(Denied, f"Snowflake's role may not run the query{detail}.", log, hint)
        hint = "Set snowflake.warehouse, and grant the role USAGE on it." if code == _NO_WAREHOUSE else DOCTOR
        return self._error(BadAnswer, f"Snowflake could not run the query{detail}.", log, hint)

    def _error(self, kind: type[SourceError], sentence: str, log: RequestLog, hint: str) -> SourceError:
        return self._http.error(kind, sentence, log.stream, hint)


def _code(body: Any) -> int:
    """Snowflake's own code of an error; 0: it tells none."""
    told = str(body.get("code") or "") if isinstance(body, Mapping) else ""
    return int(told) if told.isascii() and told.isdigit() else 0


def _way(code: int) -> str:
    """What to do about a credential that is refused."""
    if code in _ROLES:
        return "Check snowflake.role: it must be granted to the user, and be the one a token is restricted to."
    if code in _ENDED:
        return "It has ended: check this machine's clock, or make a new one."
    return f"Check the [snowflake] settings: account, user, and that Snowflake knows the key or token. {DOCTOR}"
