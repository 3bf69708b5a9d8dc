"""What is said of a table that the warehouse does not have, or has only in part."""

from __future__ import annotations

from customer_research.domain.evidence import Gap
from customer_research.sources.warehouse.settings import MetabaseSettings


def not_configured(table: str) -> Gap:
    """The gap of a table whose relation is switched off."""
    return Gap(
        "warehouse",
        "not_configured",
        f"The table of {table} records is switched off in the settings.",
        f"Set metabase.{table} to SCHEMA.TABLE when the warehouse has one.",
    )


def stays_there(table: str) -> Gap:
    """The gap, in the lake, of a table that is read in the warehouse and not copied."""
    return Gap(
        "warehouse",
        "not_configured",
        f"The {table} records stay in the warehouse (engine.views is on).",
        "Score with the engine of the settings; or switch engine.views off and run `customer-research sync warehouse`.",
    )


def table_gone(table: str, setting: str, settings: MetabaseSettings) -> Gap:
    """The gap of a table whose relation is not there; survey answers are an extra that not every warehouse has."""
    name = getattr(settings, setting)
    if table == "survey":
        return Gap(
            "warehouse",
            "not_configured",
            f"The warehouse has no table {name} (survey answers).",
            "Set metabase.survey to the right table, or to an empty text.",
        )
    return Gap(
        "warehouse",
        "unavailable",
        f"The warehouse has no relation {name}, or the key may not read it ({table} records).",
        f"Correct metabase.{setting}; `customer-research doctor --online` checks all relations.",
    )


def columns_gone(table: str, setting: str, missing: frozenset[str] | set[str]) -> Gap:
    """The gap of a table whose relation lacks columns that figures are made from."""
    named = ", ".join(sorted(name.rpartition(".")[2] for name in missing))
    return Gap(
        "warehouse",
        "unavailable",
        f"The relation of {table} records has no column {named}.",
        f"Check metabase.{setting}; `customer-research doctor --online` checks all relations.",
    )


def values_unread(table: str, reasons: str) -> Gap:
    """The gap of a table with values that are there and cannot be read."""
    return Gap(
        "warehouse",
        "unavailable",
        f"Values of {table} records cannot be read: {reasons}.",
        "Correct them where they are kept; `customer-research doctor --online` checks the form of exports.",
    )
