"""The canonical tables as queries over the warehouse's own relations: for an engine that sits in the warehouse, no copy.

The expressions are those of the bindings and the links; the CSM view's are made from the very list of columns that
`normalise` reads rows by.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from customer_research.domain.collapse import preference_sql
from customer_research.domain.evidence import Gap
from customer_research.domain.records import SQL_TYPES
from customer_research.domain.values import LEGACY
from customer_research.sources.warehouse import bindings, links, normalise
from customer_research.sources.warehouse.bulk import CARDS, Part
from customer_research.sources.warehouse.gaps import not_configured
from customer_research.sources.warehouse.records import TABLES
from customer_research.sources.warehouse.settings import MetabaseSettings, in_snowflake

BOUND = ("csm", "reservation", "member", "driver", "survey", "charge", "dispute")
"""The canonical tables that are read where they are."""

_TRIMMED = "NULLIF(TRIM(CAST({c} AS VARCHAR)), '')"
_NUMBER = "TRY_CAST(CAST({c} AS VARCHAR) AS DOUBLE)"
_WHOLE = f"{_NUMBER} = FLOOR({_NUMBER})"

_READ: Mapping[Callable[[Any], Any], str] = MappingProxyType(
    {
        normalise.text: _TRIMMED,
        normalise.lowered: f"LOWER({_TRIMMED})",
        normalise.integer: "CAST({c} AS BIGINT)",
        normalise.cents: "CAST(ROUND({c} * 100) AS BIGINT)",
        normalise.day: "CAST({c} AS DATE)",
        normalise.moment: "CAST({c} AS TIMESTAMP)",
        normalise.number_id: (
            f"CASE WHEN {_WHOLE} AND {_NUMBER} > 0 AND {_NUMBER} <= {2**53} "
            f"THEN CAST(CAST({_NUMBER} AS BIGINT) AS VARCHAR) END"
        ),
        normalise.fleet: f"CASE WHEN {_WHOLE} THEN CAST(CAST({_NUMBER} AS BIGINT) AS VARCHAR) ELSE {_TRIMMED} END",
    }
)
"""How a column of the CSM view is read, as SQL; the functions are those of `normalise`."""


def _operator_id(column: str) -> str:
    """`normalise.operator_id` as SQL: lower case, a bare number with the mark of legacy ids."""
    word = f"LOWER({_TRIMMED.format(c=column)})"
    digits = f"LENGTH(TRANSLATE({word}, '0123456789', '')) = 0"
    return f"CASE WHEN {digits} THEN '{LEGACY}' || {word} ELSE {word} END"


def _csm(place: str) -> str:
    columns = {name: _read(column, read) for name, (column, read) in normalise.FIELDS.items()}
    known = "ABS(v.LATITUDE) <= 90 AND ABS(v.LONGITUDE) <= 180 AND (v.LATITUDE <> 0 OR v.LONGITUDE <> 0)"
    columns |= {
        name: f"CASE WHEN {known} THEN CAST(v.{name.upper()} AS DOUBLE) END" for name in ("latitude", "longitude")
    }
    listed = ",\n        ".join(f"{text} AS {name}" for name, text in columns.items())
    shown = ", ".join(name for name in TABLES["csm"].column_names if name not in {"is_current", "fetch_id"})
    return f"""SELECT {shown},
    ROW_NUMBER() OVER (
        PARTITION BY operator_id
        ORDER BY {preference_sql()}
    ) = 1 AS is_current,
    CAST(NULL AS VARCHAR) AS fetch_id
FROM (
    SELECT
        {listed}
    FROM {place} AS v
) AS told
WHERE operator_id IS NOT NULL"""  # noqa: S608 - names of our own and of the settings


def _read(column: str, read: Callable[[Any], Any]) -> str:
    if read is normalise.operator_id:
        return _operator_id(f"v.{column}")
    return _READ[read].format(c=f"v.{column}")


def _owned(binding: bindings.Binding, columns: tuple[str, ...], places: MetabaseSettings) -> str:
    """A table whose records name their operator."""
    listed = ", ".join(f"t.{name}" for name in columns if name != "operator_id")
    return (
        f"SELECT {_operator_id('t.operator_id')} AS operator_id, {listed}\n"
        f"FROM ({binding.everybody(places)}) AS t\nWHERE t.operator_id IS NOT NULL"
    )


def _by_account(part: Part, settings: MetabaseSettings) -> str:
    if part.configured(settings):
        return f"SELECT t.* FROM {part.source(settings, frozenset())}"  # noqa: S608 - names of our own
    columns = part.landing.columns.items()
    nothing = ", ".join(f"CAST(NULL AS {SQL_TYPES[kind]}) AS {name}" for name, kind in columns)
    return f"SELECT {nothing} WHERE 1 = 0"


def views(settings: MetabaseSettings) -> Mapping[str, str]:
    """Name → query in DuckDB's dialect, in an order in which each may name those before; tables that are off are left out.

    Besides the canonical tables there are those that charges are linked by. Every column must be there under the view's
    own name: an engine tells what is gone when a query fails.

    Raises:
        ConfigError: when a relation in the settings cannot be a table's name.
    """
    places = in_snowflake(settings)
    found = {
        "csm": _csm(bindings.relation(places.csm, "csm")),
        "app_operator": _owned(bindings.OPERATOR, tuple(bindings.OPERATOR.columns), places),
        **{part.landing.name: _by_account(part, places) for part in CARDS},
        "charge": links.CHARGE,
        "dispute": links.DISPUTE,
    }
    for binding in (bindings.RESERVATION, bindings.MEMBER, bindings.DRIVER, bindings.SURVEY):
        if bindings.configured(binding, places):
            found[binding.table] = _owned(binding, TABLES[binding.table].column_names, places)
    return found


def switched_off(settings: MetabaseSettings) -> Mapping[str, Gap]:
    """The canonical tables whose relations are switched off in the settings, with the gap that says so."""
    off = [
        one.table
        for one in (bindings.RESERVATION, bindings.MEMBER, bindings.DRIVER, bindings.SURVEY)
        if not bindings.configured(one, settings)
    ]
    off += [part.binding.table for part in CARDS[:2] if not part.configured(settings)]
    return {table: not_configured(table) for table in off}
