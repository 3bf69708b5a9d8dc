"""SQL written once in DuckDB's dialect: its named parameters, its bindings, and its form in other dialects.

Only sqlglot's syntax tree is used, never text substitution, so that a name inside a string or a comment is inert.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from customer_research.domain.records import DIALECT
from customer_research.engines.rows import first_line, needed
from customer_research.errors import EngineError

if TYPE_CHECKING:
    from sqlglot import exp


@lru_cache(maxsize=512)
def transpile(sql: str, dialect: str, *, pretty: bool = True) -> str:
    """One DuckDB statement in another dialect (`snowflake`, `postgres`, `spark`, …), comments dropped.

    Named parameters `$name` become the dialect's own (`:name` in Snowflake and Spark, `%(name)s` in Postgres).

    Raises:
        EngineError: when the statement does not parse, or says something the dialect cannot say.
    """
    return _written(_parse(sql), dialect, pretty=pretty)


def _written(tree: exp.Expr, dialect: str, *, pretty: bool) -> str:
    from sqlglot import ErrorLevel  # noqa: PLC0415 - slow to import
    from sqlglot.errors import SqlglotError  # noqa: PLC0415

    try:
        return _rewritten(tree, dialect).sql(dialect, pretty=pretty, comments=False, unsupported_level=ErrorLevel.RAISE)
    except (SqlglotError, ValueError) as error:
        raise EngineError(f"The query cannot be written for {dialect}: {first_line(error)}.") from error


@lru_cache(maxsize=512)
def bindable(sql: str, dialect: str) -> tuple[str, tuple[str, ...]]:
    """One DuckDB statement as an engine's driver takes it, and the names of its parameters in the order of their values.

    Parameters become numbered ones (`$1` in Postgres, `:1` in Snowflake) or keep their name (`:name` in Spark): none is
    placed by its position in the text, so a rewrite may move or repeat it.

    Raises:
        EngineError: as `transpile`.
    """
    names = named_parameters(sql)
    return _written(_parse(sql).transform(partial(_placed, names, dialect)), dialect, pretty=False), names


def stated(sql: str, parameters: Mapping[str, Any], dialect: str) -> str:
    """One DuckDB statement in another dialect with its parameters' values written into it, as literals.

    For statements whose parameters a driver does not bind; literals are nodes of the tree, so no value ends one.

    Args:
        sql: one query.
        parameters: name → text, number, truth value, date, aware instant or None; the unneeded are ignored.
        dialect: as `transpile`.

    Raises:
        EngineError: as `transpile`, or when a value is missing.
    """
    values = needed(named_parameters(sql), parameters)
    return _written(_parse(sql).transform(partial(_valued, values)), dialect, pretty=False)


def _valued(values: Mapping[str, Any], node: exp.Expr) -> exp.Expr:
    """A parameter as its value; other nodes as they are."""
    from sqlglot import exp  # noqa: PLC0415

    if not isinstance(node, exp.Placeholder | exp.Parameter):
        return node
    value = values[_parameter_name(node)]
    if isinstance(value, datetime):
        return exp.cast(exp.Literal.string(value.isoformat(sep=" ")), "TIMESTAMP")
    return exp.convert(value)


def _rewritten(tree: exp.Expr, dialect: str) -> exp.Expr:
    """The tree with what sqlglot does not say rightly in a dialect said in other words.

    Postgres rounds to decimals only exact numbers: `ROUND(x, n)` goes through NUMERIC (15 digits of a DOUBLE) and back.
    It writes a relation out wherever a column of it is read, so that a scorecard's stages would grow with every stage.
    Others than it do not let a query say that a relation is made once.
    """
    if dialect == "postgres":
        _round_exactly(tree)
        _make_once_what_adds_columns(tree)
    else:
        _choose_what_is_made_once(tree)
    return tree


def _round_exactly(tree: exp.Expr) -> None:
    from sqlglot import exp  # noqa: PLC0415

    for node in reversed(list(tree.find_all(exp.Round))):  # the inner ones first
        decimals = node.args.get("decimals")
        if decimals is not None:
            exact = exp.Round(this=exp.cast(node.this.copy(), "DECIMAL"), decimals=decimals.copy())
            node.replace(exp.cast(exact, "DOUBLE"))


def _make_once_what_adds_columns(tree: exp.Expr) -> None:
    """Have each relation of a WITH made once that is another one (`*`) and columns made of it."""
    from sqlglot import exp  # noqa: PLC0415

    for relation in tree.find_all(exp.CTE):
        select = relation.this
        whole = isinstance(select, exp.Select) and any(isinstance(output, exp.Star) for output in select.expressions)
        if whole and len(select.expressions) > 1 and relation.args.get("materialized") is None:
            relation.set("materialized", True)


def _choose_what_is_made_once(tree: exp.Expr) -> None:
    """Leave it to the engine which relations of a WITH are made once."""
    from sqlglot import exp  # noqa: PLC0415

    for relation in tree.find_all(exp.CTE):
        relation.set("materialized", None)


def _placed(names: tuple[str, ...], dialect: str, node: exp.Expr) -> exp.Expr:
    """A parameter as the driver of a dialect knows it; other nodes as they are."""
    from sqlglot import exp  # noqa: PLC0415

    if not isinstance(node, exp.Placeholder | exp.Parameter):
        return node
    number = names.index(_parameter_name(node)) + 1
    if dialect == "postgres":
        return exp.Parameter(this=exp.Literal.number(number))
    return exp.Placeholder(this=str(number) if dialect == "snowflake" else names[number - 1])


def column_type(kind: str, dialect: str) -> str:
    """A DuckDB type in another dialect's words."""
    from sqlglot import exp  # noqa: PLC0415

    return exp.DataType.build(kind, dialect=DIALECT).sql(dialect)


def quoted(name: str, dialect: str) -> str:
    """A name as a quoted identifier."""
    from sqlglot import exp  # noqa: PLC0415

    return exp.to_identifier(name, quoted=True).sql(dialect)


@lru_cache(maxsize=512)
def named_parameters(sql: str) -> tuple[str, ...]:
    """The names of the `$name` parameters of a DuckDB statement, each once, in order of first appearance."""
    from sqlglot import exp  # noqa: PLC0415

    found = [node for node in _parse(sql).dfs() if isinstance(node, exp.Placeholder | exp.Parameter)]
    return tuple(dict.fromkeys(_parameter_name(node) for node in found))


def names_in(sql: str) -> tuple[frozenset[str], frozenset[str]]:
    """The tables and the columns that a DuckDB query names anywhere, in small letters; names of its own parts included.

    Raises:
        EngineError: when it is not exactly one query that parses.
    """
    from sqlglot import exp  # noqa: PLC0415

    query = _parse(sql)
    tables = frozenset(table.name.lower() for table in query.find_all(exp.Table))
    return tables, frozenset(column.name.lower() for column in query.find_all(exp.Column))


def with_bindings(sql: str, bindings: Mapping[str, str]) -> str:
    """The statement with each bound table it names defined in front of it, as a common table expression.

    `bindings` maps a table's name to the DuckDB query that stands for it; a binding may name other bindings. Tables that
    the statement does not name are left out. Names are compared without regard to case.

    Raises:
        EngineError: when something does not parse, a binding depends on itself, or the statement defines a bound name.
    """
    return _with_bindings(sql, tuple((name.lower(), text) for name, text in bindings.items()))


@lru_cache(maxsize=512)
def _with_bindings(sql: str, bindings: tuple[tuple[str, str], ...]) -> str:
    from sqlglot import exp  # noqa: PLC0415

    query = _parse(sql)
    bound = dict(bindings)
    taken = sorted(bound.keys() & {cte.alias.lower() for cte in query.find_all(exp.CTE)})
    if taken:
        raise EngineError(f"The query defines {taken[0]!r}, which is a bound table; rename it in the query.")
    order: dict[str, exp.Query] = {}
    for name in _tables(query, bound):
        _define(name, bound, order, ())
    return _prepend(query, order).sql(DIALECT, pretty=True, comments=False)


def check_binding(table: str, sql: str) -> None:
    """Refuse a query that a table's name cannot stand for.

    Raises:
        EngineError: when it does not parse, has parameters, or reads the table itself.
    """
    if named_parameters(sql):
        raise EngineError(f"The query that {table!r} stands for has parameters; a name takes none.")
    with_bindings(f"FROM {quoted(table, DIALECT)}", {table: sql})


def _define(name: str, bound: Mapping[str, str], order: dict[str, exp.Query], path: tuple[str, ...]) -> None:
    """Put a binding after the bindings it names."""
    if name in path:
        raise EngineError(f"The binding of {name!r} depends on itself: {' → '.join((*path, name))}.")
    if name in order:
        return
    query = _parse(bound[name])
    for inner in _tables(query, bound):
        _define(inner, bound, order, (*path, name))
    order[name] = query


def _prepend(query: exp.Query, definitions: Mapping[str, exp.Query]) -> exp.Query:
    from sqlglot import exp  # noqa: PLC0415

    own = query.args.get("with_")
    ctes = [
        exp.CTE(this=text, alias=exp.TableAlias(this=exp.to_identifier(name))) for name, text in definitions.items()
    ]
    if own is not None:
        own.set("expressions", [*ctes, *own.expressions])
    elif ctes:
        query.set("with_", exp.With(expressions=ctes))
    return query


def _tables(query: exp.Query, bound: Mapping[str, str]) -> list[str]:
    """The bound tables that a statement names without a schema, in order of appearance."""
    from sqlglot import exp  # noqa: PLC0415

    names = (table.name.lower() for table in query.find_all(exp.Table) if not table.db)
    return [name for name in dict.fromkeys(names) if name in bound]


def _parse(sql: str) -> exp.Query:
    """A fresh tree of one query.

    Raises:
        EngineError: when it is not exactly one query that parses.
    """
    from sqlglot import exp, parse  # noqa: PLC0415
    from sqlglot.errors import SqlglotError  # noqa: PLC0415

    try:
        statements = [statement for statement in parse(sql, read=DIALECT) if statement is not None]
    except SqlglotError as error:
        raise EngineError(f"The query does not parse: {first_line(error)}.") from error
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise EngineError(f"Expected one query, got {len(statements)} statements or no query: {sql[:80]!r}.")
    return statements[0]


def _parameter_name(node: exp.Expression) -> str:
    name = node.this if isinstance(node.this, str) else node.name
    if not name:
        raise EngineError("The query has a parameter without a name; write it as $name.")
    return name
