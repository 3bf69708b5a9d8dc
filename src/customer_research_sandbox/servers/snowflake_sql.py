"""Snowflake's SQL turned into DuckDB's, refusing what Snowflake would refuse.

sqlglot reads the statement with Snowflake's grammar and writes DuckDB's. What that lets through and Snowflake does not
(functions and clauses that only DuckDB has) is refused here, in the words of Snowflake's compiler.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.normalize_identifiers import normalize_identifiers
from sqlglot.tokenizer_core import Token, TokenType

from customer_research_sandbox.servers.snowflake_functions import KNOWN, NOT_CALLS, TIME_FORMATS

INFORMATION = {"COLUMNS": "SANDBOX_COLUMNS", "TABLES": "SANDBOX_TABLES"}
"""Snowflake's information schema views that the sandbox has, and the tables that stand for them."""


class SnowflakeError(Exception):
    """A statement that Snowflake would refuse; the message is the one it would give."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement for DuckDB and the names that Snowflake would give to the columns it can name beforehand."""

    sql: str
    names: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Names:
    """What a query may name: the columns of every relation by `SCHEMA.NAME`, and which columns hold booleans."""

    tables: Mapping[str, frozenset[str]]
    booleans: frozenset[str] = frozenset()


def compiled(sql: str, as_of: datetime, names: Names, gone: frozenset[str] = frozenset()) -> Statement:
    """Turn one Snowflake query into DuckDB's.

    Args:
        sql: the query, with binds as `:name`.
        as_of: what `CURRENT_TIMESTAMP` and its like answer.
        names: the relations and their columns.
        gone: columns that are as good as dropped.

    Raises:
        SnowflakeError: for anything but one query that Snowflake would compile.
    """
    tokens = _tokens(sql)
    _refuse_foreign_words(sql, tokens)
    tree = _tree(sql)
    _refuse_foreign_clauses(tree)
    tree = normalize_identifiers(tree, dialect="snowflake")
    outputs = _names(tree)
    _refuse_unknown_names(tree, names.tables, gone)
    _refuse_sums_of_booleans(tree, names.booleans)
    return Statement(_written(_adapted(tree, as_of)), outputs)


def _tokens(sql: str) -> list[Token]:
    try:
        return list(Dialect.get_or_raise("snowflake").tokenize(sql))
    except SqlglotError as error:
        raise SnowflakeError(f"SQL compilation error:\n{_first_line(error)}") from error


def _tree(sql: str) -> exp.Query:
    try:
        statements = [tree for tree in sqlglot.parse(sql, read="snowflake") if tree is not None]
    except SqlglotError as error:
        raise SnowflakeError(f"SQL compilation error:\nsyntax error {_first_line(error)}") from error
    if len(statements) != 1:
        raise SnowflakeError(f"Actual statement count {len(statements)} did not match the desired statement count 1.")
    tree = statements[0]
    if not isinstance(tree, exp.Query):
        raise SnowflakeError(
            "SQL access control error:\nInsufficient privileges to operate on schema: only queries are allowed"
        )
    return tree


def _first_line(error: Exception) -> str:
    return re.sub(r"\x1b\[\d*m", "", str(error)).splitlines()[0]


def _at(sql: str, token: Token) -> str:
    line_start = sql.rfind("\n", 0, token.start) + 1
    return f"line {token.line} at position {token.start - line_start}"


def _syntax_error(sql: str, token: Token) -> SnowflakeError:
    return SnowflakeError(f"SQL compilation error:\nsyntax error {_at(sql, token)} unexpected '{token.text}'.")


def _refuse_foreign_words(sql: str, tokens: list[Token]) -> None:
    if tokens and tokens[0].token_type is TokenType.FROM:
        raise _syntax_error(sql, tokens[0])
    for before, token, after in zip([None, *tokens], tokens, [*tokens[1:], None], strict=False):
        if token.text == "==" or (
            token.token_type is TokenType.INTERVAL and after is not None and after.token_type is TokenType.NUMBER
        ):
            raise _syntax_error(sql, token)
        if after is not None and after.token_type is TokenType.L_PAREN and _is_call(before, token):
            _refuse_unknown_function(sql, token)
    _refuse_filter_clause(sql, tokens)


def _is_call(before: Token | None, token: Token) -> bool:
    word = token.text
    if token.token_type in {TokenType.IDENTIFIER, TokenType.STRING, TokenType.NUMBER} or not re.fullmatch(
        r"[A-Za-z_]\w*", word
    ):
        return False
    return before is None or before.token_type is not TokenType.DOT


def _refuse_unknown_function(sql: str, token: Token) -> None:
    word = token.text.upper()
    if word in KNOWN or word in NOT_CALLS or _names_columns(sql, token):
        return
    raise SnowflakeError(f"SQL compilation error: error {_at(sql, token)}\nUnknown function {word}.")


def _names_columns(sql: str, token: Token) -> bool:
    """Whether the bracket after a name lists columns: `name (a, b) AS (` of a WITH, or an alias `AS name (a, b)`."""
    rest = sql[token.end + 1 :]
    head = sql[: token.start].rstrip()
    listed = re.match(r"\s*\(\s*[\w\s,\"]+\)\s+AS\s*\(", rest, re.IGNORECASE)
    aliased = re.search(r"(\bAS|\))\s*$", head, re.IGNORECASE)
    return listed is not None or aliased is not None


def _refuse_filter_clause(sql: str, tokens: list[Token]) -> None:
    """`agg(x) FILTER (WHERE …)` is not Snowflake's; COUNT_IF and IFF are."""
    for token, bracket, where in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if token.text.upper() == "FILTER" and bracket.token_type is TokenType.L_PAREN and where.text.upper() == "WHERE":
            raise _syntax_error(sql, bracket)


def _refuse_foreign_clauses(tree: exp.Query) -> None:
    for node in tree.walk():
        if isinstance(node, exp.Parameter) or (isinstance(node, exp.Placeholder) and node.name in {"", "?"}):
            raise SnowflakeError("SQL compilation error:\nBind variable not set.")
        if isinstance(node, exp.Distinct) and node.args.get("on") is not None:
            raise SnowflakeError("SQL compilation error:\nsyntax error unexpected 'ON'.")


def _names(tree: exp.Query) -> tuple[str | None, ...]:
    """The output names: aliases and columns in their case, expressions in capitals, None for a star's."""
    named: list[str | None] = []
    for projection in tree.selects:
        if projection.is_star:
            named.append(None)
        else:
            named.append(projection.alias_or_name if _has_name(projection) else projection.sql("snowflake").upper())
    return tuple(named)


def _has_name(projection: exp.Expr) -> bool:
    return isinstance(projection, exp.Alias | exp.Column | exp.Dot) and bool(projection.alias_or_name)


def _refuse_unknown_names(tree: exp.Query, tables: Mapping[str, frozenset[str]], gone: frozenset[str]) -> None:
    """DuckDB matches names in any case; in Snowflake a quoted name must match exactly."""
    known = {name for columns in tables.values() for name in columns}
    folded = {name.upper() for name in known}
    made = _made_names(tree)
    for column in tree.find_all(exp.Column):
        foreign_case = column.name not in known | made and column.name.upper() in folded
        if column.name in gone or foreign_case:
            raise SnowflakeError(invalid_identifier(column.name if column.name in gone else f'"{column.name}"'))
    ctes = {cte.alias for cte in tree.find_all(exp.CTE)}
    for table in tree.find_all(exp.Table):
        if isinstance(table.this, exp.Identifier):
            _refuse_unknown_table(table, tables, ctes)


def _refuse_sums_of_booleans(tree: exp.Query, booleans: frozenset[str]) -> None:
    """DuckDB adds booleans up; Snowflake has COUNT_IF and IFF for that."""
    for node in tree.find_all(exp.Sum, exp.Avg):
        summed = node.this.unnest()
        if isinstance(summed, exp.Predicate | exp.Connector | exp.Not) or (
            isinstance(summed, exp.Column) and summed.name in booleans
        ):
            function = node.sql_name()
            raise SnowflakeError(f"SQL compilation error:\nInvalid argument types for function '{function}': (BOOLEAN)")


def _made_names(tree: exp.Query) -> set[str]:
    """The names that the query itself gives to columns."""
    listed = {column.name for node in tree.find_all(exp.TableAlias) for column in node.args.get("columns") or ()}
    return listed | {node.alias for node in tree.find_all(exp.Alias)}


def _refuse_unknown_table(table: exp.Table, tables: Mapping[str, frozenset[str]], ctes: set[str]) -> None:
    if table.db == "INFORMATION_SCHEMA" and table.name in INFORMATION:
        return
    if table.catalog or (table.db and f"{table.db}.{table.name}" not in tables):
        raise SnowflakeError(missing_object(".".join(filter(None, (table.catalog, table.db, table.name)))))
    if not table.db and table.name not in ctes:
        raise SnowflakeError(missing_object(table.name))


def invalid_identifier(name: str) -> str:
    """Snowflake's message for a column that is not there."""
    return f"SQL compilation error: error line 1 at position 0\ninvalid identifier '{name}'"


def missing_object(name: str) -> str:
    """Snowflake's message for a relation that is not there (or not allowed)."""
    return f"SQL compilation error:\nObject '{name}' does not exist or not authorized."


def _adapted(tree: exp.Query, as_of: datetime) -> exp.Query:
    moment = as_of.strftime("%Y-%m-%d %H:%M:%S")

    def replaced(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.CurrentTimestamp | exp.CurrentTimestampLTZ | exp.Localtimestamp | exp.Systimestamp):
            return exp.cast(exp.Literal.string(moment), "timestamp")
        if isinstance(node, exp.CurrentDate):
            return exp.cast(exp.Literal.string(moment[:10]), "date")
        if isinstance(node, exp.Div):
            return exp.func("snow_divide", node.this, node.expression)
        if isinstance(node, exp.ToChar | exp.TimeToStr) and isinstance(node.args.get("format"), exp.Literal):
            return exp.Anonymous(
                this="strftime", expressions=[node.this, exp.Literal.string(_format(node.args["format"].name))]
            )
        if isinstance(node, exp.Table) and node.db == "INFORMATION_SCHEMA" and node.name in INFORMATION:
            return exp.table_(INFORMATION[node.name], db="main", alias=node.alias or node.name)
        return node

    adapted = tree.transform(replaced)
    assert isinstance(adapted, exp.Query)
    return adapted


def _format(text: str) -> str:
    if "%" in text:
        return text
    pattern = "|".join(element for element, _ in TIME_FORMATS)
    known: dict[str, Any] = dict(TIME_FORMATS)
    return re.sub(pattern, lambda found: str(known[found[0].upper()]), text, flags=re.IGNORECASE)


def _written(tree: exp.Query) -> str:
    try:
        return tree.sql("duckdb", unsupported_level=sqlglot.ErrorLevel.RAISE)
    except SqlglotError as error:
        raise SnowflakeError(f"SQL compilation error:\nunsupported: {_first_line(error)}") from error
