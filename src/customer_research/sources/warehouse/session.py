"""An open warehouse: the CSM view, queries over bound tables, the charge path, and finders for a lookup.

The session owns the connection to Snowflake, or to Metabase before it; what carries SQL over it is attached from outside, because
sources and engines do not know each other.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Unpack

from customer_research.connect.http import Doubles, Vendor
from customer_research.connect.session import VendorSession
from customer_research.connect.settings import SettingsTree
from customer_research.connect.source import Batch, Clock, Subject
from customer_research.connect.sql import Parameter, SqlAnswer, SqlRunner
from customer_research.connect.statements import Statements
from customer_research.domain.evidence import Gap, Receipt
from customer_research.domain.values import LEGACY, UnreadableError
from customer_research.errors import ConfigError, EngineError, SchemaChanged, SourceError, Truncated
from customer_research.sources.warehouse import bindings, normalise
from customer_research.sources.warehouse.access import Login, surroundings
from customer_research.sources.warehouse.gaps import columns_gone, not_configured, table_gone
from customer_research.sources.warehouse.settings import MetabaseSettings, direct, in_snowflake

VENDOR = Vendor("warehouse", "Metabase")

Compose = Callable[[str, Mapping[str, str]], str]
"""Puts bindings (table → SQL) in front of a query."""

CARD_TABLES = ("charge", "dispute")
DECIDING = "card"
"""The name, among several card queries, of the one whose `charge_attempts` decides the charge path."""

_PROBE = "SELECT COUNT(*) AS charge_attempts FROM charge WHERE created_at < $as_of"
_PLACE = re.compile(r"(?<!\{)\{([a-z_]+)\}")
_DIRECTORY = " ".join(
    ("SELECT", ", ".join(normalise.DIRECTORY_COLUMNS), ", COUNT(*) OVER () AS rows_in_all FROM {csm} AS v")
)
_COLUMNS_OF = "SELECT * FROM {relation} AS t WHERE 1 = 0"
OWNERS: Mapping[str, tuple[str, ...]] = {
    "stripe_account": (
        """SELECT DISTINCT o.OPERATOR_ID AS operator_id, o.STRIPE_ACCOUNT AS stripe_account
        FROM {operator} AS o WHERE o.STRIPE_ACCOUNT = $value LIMIT 11""",
    ),
    "confirmation": (
        """SELECT DISTINCT r.OPERATOR_ID AS operator_id, CAST(NULL AS VARCHAR) AS stripe_account
        FROM {reservations} AS r WHERE CAST(r.CONFIRMATION_NUMBER AS VARCHAR) = $value LIMIT 11""",
    ),
    "charge": (
        """SELECT DISTINCT o.OPERATOR_ID AS operator_id, c.STRIPE_ACCOUNT_ID AS stripe_account
        FROM {charges} AS c LEFT JOIN {operator} AS o ON o.STRIPE_ACCOUNT = c.STRIPE_ACCOUNT_ID
        WHERE c.STRIPE_CHARGE_ID = $value LIMIT 11""",
        """SELECT DISTINCT o.OPERATOR_ID AS operator_id, h.CONNECTED_ACCOUNT_ID AS stripe_account
        FROM {raw_charge} AS h LEFT JOIN {operator} AS o ON o.STRIPE_ACCOUNT = h.CONNECTED_ACCOUNT_ID
        WHERE h.ID = $value LIMIT 11""",
    ),
}
"""Kind of term that another table than the CSM view may know → who has the record, by one table and, where that knows none, by
the raw one. Eleven owners are enough to call it ambiguous."""


@dataclass(frozen=True, slots=True)
class PartialAnswer:
    """An answer in which the tables named in `gaps` took part without rows, because they are not there."""

    answer: SqlAnswer
    gaps: Mapping[str, Gap] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CardAnswers:
    """Answers by query name, the path they came by, and the errors of the queries that failed.

    `gaps` names tables (dispute) that took part without rows. With `path.kind` none there are no answers: the operator has
    no account (`gap`).
    """

    path: bindings.ChargePath
    answers: Mapping[str, SqlAnswer]
    errors: Mapping[str, SourceError] = field(default_factory=dict)
    gaps: Mapping[str, Gap] = field(default_factory=dict)

    @property
    def gap(self) -> Gap | None:
        """The gap of all card figures when the operator takes no cards, else None."""
        if self.path.kind != "none":
            return None
        return Gap("warehouse", "not_applicable", self.path.note, "Nothing to do: the operator takes no cards here.")

    def of(self, name: str) -> SqlAnswer | SourceError | Gap:
        """What became of one query: its answer, its error, or the gap of an operator without an account."""
        return self.gap or self.errors.get(name) or self.answers[name]


@dataclass(frozen=True, slots=True)
class OwnerIds:
    """Operators (and Stripe accounts whose operator only the CSM view may know) that a record belongs to."""

    operator_ids: tuple[str, ...]
    stripe_accounts: tuple[str, ...]
    answer: SqlAnswer


class WarehouseSession(VendorSession[MetabaseSettings]):
    """One connection to the warehouse; `attach` a runner before the first query.

    With `statements` it goes to Snowflake itself, else through Metabase. `own` has the relations in both cases.
    """

    def __init__(self, settings: SettingsTree, clock: Clock, **doubles: Unpack[Doubles]) -> None:
        snowflake, relations = direct(settings), settings.of(MetabaseSettings)
        self.login: Login | None = None
        self.statements: Statements | None = None
        if snowflake is None:
            super().__init__(VENDOR, relations, settings, clock, **doubles)
        else:
            self.login = Login(snowflake, settings, clock, **doubles)
            self.own, self.http = in_snowflake(relations), self.login.http
            self.statements = Statements(self.http, surroundings(snowflake), self.login.forget)
        self.settings = settings
        self.clock = clock
        self._runner: SqlRunner | None = None
        self._compose: Compose | None = None
        self._paths: dict[tuple[str, str | None], bindings.ChargePath] = {}
        self._absent: dict[tuple[str, str], Gap] = {}
        self._nulls: dict[str, frozenset[str]] = {}

    async def close(self) -> None:
        """Release sockets."""
        await (self.http if self.login is None else self.login).close()

    def attach(self, runner: SqlRunner, compose: Compose) -> None:
        """Give the session what carries SQL, and what puts bindings in front of a query."""
        self._runner = runner
        self._compose = compose

    # -- plain queries -------------------------------------------------------------------------------------------------

    async def run(
        self, sql: str, parameters: Mapping[str, Parameter], *, stream: str, whole: bool = False
    ) -> SqlAnswer:
        """Run SQL over the warehouse's own relations, written as `{csm}`, `{operator}`: the settings' names.

        Raises:
            SourceError: as the runner.
            ConfigError: when no runner is attached, or a relation in the settings is no table's name.
        """
        text = _PLACE.sub(lambda found: self.place(found[1]), sql)
        return await self._send(text, parameters, stream=stream, whole=whole)

    async def _send(
        self, sql: str, parameters: Mapping[str, Parameter], *, stream: str, whole: bool = False
    ) -> SqlAnswer:
        if self._runner is None:
            raise ConfigError("The warehouse session has no runner attached.", setting="metabase")
        return await self._runner.run(sql, parameters, stream=stream, whole=whole)

    async def whole(self, sql: str, parameters: Mapping[str, Parameter] | None = None, *, stream: str) -> SqlAnswer:
        """Run SQL without a row cap; its column `rows_in_all` (`COUNT(*) OVER ()`) proves that every row came.

        Raises:
            Truncated: when fewer rows came than there are.
            SourceError: as the runner.
        """
        answer = await self.run(sql, parameters or {}, stream=stream, whole=True)
        there = _counted(answer.rows[0]["rows_in_all"], stream) if answer.rows else 0
        if there != len(answer.rows):
            sentence = f"The warehouse has {there} rows for {stream}, {len(answer.rows)} came."
            hint = "Try again; if it stays, look at the row limits of the view, or of Metabase's exports."
            raise self.http.error(Truncated, sentence, stream, hint)
        return answer

    def place(self, name: str) -> str:
        """The relation in the setting `metabase.<name>`, as SQL."""
        return bindings.relation(getattr(self.own, name), name)

    # -- queries over canonical tables -----------------------------------------------------------------------------------

    async def query(self, sql: str, *, tables: Sequence[str], subject: Subject, stream: str) -> PartialAnswer:
        """Run a query over bound canonical tables for one operator.

        Tables that this deployment lacks take part without rows, each with a gap.

        Raises:
            SchemaChanged: when none of the tables is there, naming what is gone.
            SourceError: as the runner.
        """
        path = await self._path_for(tables, subject)
        found = await self._ask(sql, tables, subject, path, stream)
        if found.gaps and len(found.gaps) == len(set(tables)):
            raise _lost(next(iter(found.gaps.values())), stream)
        return found

    async def _path_for(self, tables: Sequence[str], subject: Subject) -> bindings.ChargePath:
        if not set(tables) & set(CARD_TABLES):
            return bindings.default_path(subject)
        return await self.charge_path(subject)

    async def _ask(
        self, sql: str, tables: Sequence[str], subject: Subject, path: bindings.ChargePath, stream: str
    ) -> PartialAnswer:
        """Run with what is known to be absent left out; when the schema is found changed, look closer and run again."""
        known = bindings.declared(path)
        while True:
            gaps = self._gaps(tables, known, path)
            bound = {table: self._bound(table, known, gaps) for table in tables}
            try:
                return PartialAnswer(await self._composed(sql, bound, subject, path, stream), gaps)
            except SchemaChanged:
                if not await self._learn([known[table] for table in tables if table in known], path):
                    raise

    async def _composed(
        self, sql: str, bound: Mapping[str, str], subject: Subject, path: bindings.ChargePath, stream: str
    ) -> SqlAnswer:
        if self._compose is None:
            raise ConfigError("The warehouse session has no runner attached.", setting="metabase")
        parameters: dict[str, Parameter] = {"as_of": subject.as_of, "operator_id": _plain_id(subject.operator_id)}
        if path.account is not None:
            parameters["stripe_account"] = path.account
        return await self._send(self._compose(sql, bound), parameters, stream=stream)

    def _bound(self, table: str, known: Mapping[str, bindings.Binding], gaps: Mapping[str, Gap]) -> str:
        if table not in known or table in gaps:
            return bindings.empty(table)
        return known[table].sql(self.own, self._nulls.get(table, frozenset()))

    def _gaps(
        self, tables: Sequence[str], known: Mapping[str, bindings.Binding], path: bindings.ChargePath
    ) -> dict[str, Gap]:
        found: dict[str, Gap] = {}
        for table in tables:
            if table in known and not bindings.configured(known[table], self.own):
                found[table] = not_configured(table)
            elif (table, path.kind) in self._absent:
                found[table] = self._absent[table, path.kind]
        return found

    async def _learn(self, suspects: Sequence[bindings.Binding], path: bindings.ChargePath) -> bool:
        """Look at the suspects' relations for missing tables and columns; whether anything new was found."""
        fresh = [
            binding
            for binding in suspects
            if (binding.table, path.kind) not in self._absent and bindings.configured(binding, self.own)
        ]
        looks = await asyncio.gather(*(self.look(binding) for binding in fresh))
        learnt = False
        for binding, (gap, nulls) in zip(fresh, looks, strict=True):
            if gap is not None:
                self._absent[binding.table, path.kind] = gap
                learnt = True
            elif nulls - self._nulls.get(binding.table, frozenset()):
                self._nulls[binding.table] = self._nulls.get(binding.table, frozenset()) | nulls
                learnt = True
        return learnt

    async def look(self, binding: bindings.Binding) -> tuple[Gap | None, frozenset[str]]:
        """What a binding's relations lack: a gap when it cannot do without, else the optional columns to read as null.

        Raises:
            SourceError: as the runner.
        """
        nulls: set[str] = set()
        for alias, setting in binding.relations.items():
            try:
                there = await self.columns(setting)
            except SchemaChanged:
                return table_gone(binding.table, setting, self.own), frozenset()
            missing = {f"{alias}.{name}" for name in binding.vendor_columns(alias) - there}
            if missing - binding.optional:
                return columns_gone(binding.table, setting, missing - binding.optional), frozenset()
            nulls |= missing
        return None, frozenset(nulls)

    async def columns(self, setting: str) -> frozenset[str]:
        """The columns that the relation of `metabase.<setting>` has, upper case; one request that brings no row.

        Raises:
            SchemaChanged: when there is no such relation.
        """
        answer = await self.run(_COLUMNS_OF.replace("relation", setting), {}, stream="columns")
        return frozenset(normalise.column_name(name) for name in answer.columns)

    # -- card charges ----------------------------------------------------------------------------------------------------

    async def charge_path(self, subject: Subject) -> bindings.ChargePath:
        """How the operator's charges are reached; decided once a session, at the cost of one small query or two.

        Raises:
            SourceError: as the runner.
        """
        known = self._paths.get(_path_key(subject))
        if known is not None:
            return known
        found = await self.card_query({DECIDING: _PROBE}, subject)
        if DECIDING in found.errors:
            raise found.errors[DECIDING]
        return found.path

    async def card_query(self, sqls: Mapping[str, str], subject: Subject) -> CardAnswers:
        """Run several queries over charge and dispute at once, by the three-step path.

        The first path is the direct account, else the join. Only when the query named `card` then counts no charge
        attempt are the queries run again over the raw tables. Without a query of that name, the path is decided first.
        Errors of single queries are kept apart; the others' answers stand.
        """
        if DECIDING not in sqls:
            await self.charge_path(subject)
        known = self._paths.get(_path_key(subject))
        if known is not None:
            return await self._cards(sqls, subject, known)
        first = await self._cards(sqls, subject, bindings.default_path(subject))
        if DECIDING in first.errors:
            return first
        if _attempts(first.answers[DECIDING]):
            return self._decided(subject, first)
        try:
            path = await self._raw_path(subject, first)
        except SourceError as error:
            return CardAnswers(first.path, {}, dict.fromkeys(sqls, error))
        if path.kind == "raw" and not bindings.configured(bindings.RAW_CHARGE, self.own):
            return self._decided(subject, first)
        second = await self._cards(sqls, subject, path)
        return second if DECIDING in second.errors else self._decided(subject, second)

    def _decided(self, subject: Subject, found: CardAnswers) -> CardAnswers:
        """Remember the path, with the receipt of the query that decided it."""
        path = found.path
        if DECIDING in found.answers:
            answer = found.answers[DECIDING]
            note = path.note
            if path.kind == "raw" and not _attempts(answer):
                note = "Neither the charge model nor Stripe's raw tables have a charge of the account."
            path = replace(path, note=note, receipts=(*path.receipts, answer.receipt))
        self._paths[_path_key(subject)] = path
        return replace(found, path=path)

    async def _cards(self, sqls: Mapping[str, str], subject: Subject, path: bindings.ChargePath) -> CardAnswers:
        if path.kind == "none":
            return CardAnswers(path, {})
        outcomes = await asyncio.gather(*(self._settled(sql, subject, path, name) for name, sql in sqls.items()))
        named = dict(zip(sqls, outcomes, strict=True))
        answers = {name: found for name, found in named.items() if isinstance(found, PartialAnswer)}
        errors = {name: found for name, found in named.items() if isinstance(found, SourceError)}
        gaps = {table: gap for found in answers.values() for table, gap in found.gaps.items()}
        if "charge" in gaps:
            return CardAnswers(path, {}, {name: _lost(gaps["charge"], name) for name in sqls}, gaps)
        return CardAnswers(path, {name: found.answer for name, found in answers.items()}, errors, gaps)

    async def _settled(
        self, sql: str, subject: Subject, path: bindings.ChargePath, stream: str
    ) -> PartialAnswer | SourceError:
        """The answer, or why there is none; asked from within, so that one who is cancelled before leaves no question behind."""
        try:
            return await self._ask(sql, CARD_TABLES, subject, path, stream)
        except SourceError as error:
            return error

    async def _raw_path(self, subject: Subject, first: CardAnswers) -> bindings.ChargePath:
        """The raw tables by the account that the CSM view, else the operator table, tells; none when neither has one."""
        receipts: tuple[Receipt, ...] = (first.answers[DECIDING].receipt,)
        account = subject.stripe_account
        if account is None:
            answer = await self._operator_account(subject)
            receipts += (answer.receipt,)
            account = next((str(row["stripe_account"]) for row in answer.rows if row["stripe_account"]), None)
        if account is None:
            note = "No card processing: neither the CSM view nor the operator table has a Stripe account."
            return bindings.ChargePath("none", None, note, receipts)
        note = "The charge model has no row of the account (it may lag): Stripe's raw tables, in minor units."
        return bindings.ChargePath("raw", account, note, receipts)

    async def _operator_account(self, subject: Subject) -> SqlAnswer:
        sql = (
            "SELECT o.STRIPE_ACCOUNT AS stripe_account FROM {operator} AS o "
            "WHERE o.OPERATOR_ID = $operator_id AND o.STRIPE_ACCOUNT IS NOT NULL"
        )
        return await self.run(sql, {"operator_id": _plain_id(subject.operator_id)}, stream="operator")

    # -- the CSM view ----------------------------------------------------------------------------------------------------

    async def csm_by_operator(self, operator_id: str) -> Batch:
        """The CSM view's rows of one operator (none when it is unknown), one of them current; one request.

        Raises:
            SchemaChanged: when a column is gone without which operators cannot be told apart.
            SourceError: as the runner.
        """
        sql = "SELECT * FROM {csm} AS v WHERE v.LAGO_EXTERNAL_CUSTOMER_ID = $operator_id"
        answer = await self.run(sql, {"operator_id": _plain_id(operator_id)}, stream="csm")
        return normalise.csm_batch(answer, of_one=True)

    async def csm_directory(self) -> Batch:
        """The whole CSM view in the columns that a lookup needs, the others None; one request without a row cap.

        Raises:
            Truncated: when fewer rows came than the view has.
            SourceError: as the runner.
        """
        answer = await self.whole(_DIRECTORY, stream="csm_directory")
        unread = normalise.ValueFaults()
        rows = normalise.csm_rows(answer.rows, answer.receipt.id, unread)
        unread.refuse([normalise.vendor_row(row) for row in answer.rows] if unread.sentence else (), "csm")
        return Batch({"csm": rows}, (answer.receipt,))

    async def sample_operators(self, count: int) -> SqlAnswer:
        """Up to *count* operator ids as the CSM view has them (column `operator_id`), with an active base subscription."""
        sql = (
            "SELECT DISTINCT v.LAGO_EXTERNAL_CUSTOMER_ID AS operator_id FROM {csm} AS v "
            "WHERE v.LAGO_STATUS = 'active' ORDER BY operator_id LIMIT $most"
        )
        return await self.run(sql, {"most": count}, stream="sample")

    # -- finders ---------------------------------------------------------------------------------------------------------

    async def owners(self, kind: str, value: str) -> OwnerIds:
        """The operators (and Stripe accounts) that a record of one of the kinds in `OWNERS` belongs to, in its exact case.

        Raises:
            SourceError: as the runner.
        """
        first, *raw = OWNERS[kind]
        found = _located(await self.run(first, {"value": value}, stream=f"find_{kind}"))
        if found.stripe_accounts or not raw or not self.own.raw_charge.strip():
            return found
        return _located(await self.run(raw[0], {"value": value}, stream=f"find_{kind}"))


def _counted(value: Any, stream: str) -> int | None:
    """A count of rows, which an export may have written as a text or with separators."""
    try:
        return normalise.integer(value)
    except UnreadableError as error:
        raise SchemaChanged(
            f"The number of rows for {stream} cannot be read: {error}.",
            source="warehouse",
            stream=stream,
            hint=f"{normalise.PLAIN_VALUES}.",
        ) from None


def _lost(gap: Gap, stream: str) -> SchemaChanged:
    return SchemaChanged(gap.detail, source="warehouse", stream=stream, hint=gap.next_step)


def _path_key(subject: Subject) -> tuple[str, str | None]:
    return subject.operator_id, subject.stripe_account


def _plain_id(operator_id: str) -> str:
    """An operator id as the warehouse has it: a legacy number without its mark."""
    return operator_id.removeprefix(LEGACY)


def _attempts(answer: SqlAnswer) -> int:
    """The charge attempts that the deciding query counted; no row means none."""
    if "charge_attempts" not in answer.columns:
        raise EngineError("The query that decides the charge path does not tell charge_attempts.")
    return sum(int(row["charge_attempts"]) for row in answer.rows if row["charge_attempts"] is not None)


def _located(answer: SqlAnswer) -> OwnerIds:
    def distinct(name: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(str(row[name]) for row in answer.rows if row[name] is not None))

    ids = tuple(one.lower() for one in distinct("operator_id"))
    return OwnerIds(tuple(dict.fromkeys(ids)), distinct("stripe_account"), answer)
