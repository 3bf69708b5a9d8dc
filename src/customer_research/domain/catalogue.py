"""The metrics: one entry each, in `metrics/<subject>.toml` beside the query that computes it (`metrics/<subject>.sql`).

A metric is a column of its subject's query. It is *known* when every table in `tables` answered; then an operator without
rows has `empty` (0 for counts and amounts, None for figures that need a row: a gap "none_found"). Otherwise it is a gap,
never a zero. Where the formulas come from: docs/decisions/0009-where-the-rules-come-from.md.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

Unit = Literal[
    "count", "ratio", "days", "money", "usd_minor", "date", "timestamp", "text", "boolean", "points", "number"
]
"""count: integer; ratio: 0..1 or a relative change; days: integer or number of days; money: minor units per currency
(`Amounts`); usd_minor: minor units of USD (the source has no other currency); points: a vendor's own scale."""

ACCOUNT_TABLE = "account_metrics"
"""The wide table: one row per operator, a column per metric of operator grain; null means unknown or none."""

SILENT = "silent"
"""The wide table's column that lists the metrics that are unknown because a source is silent, each between blanks."""

_FOLDER = Path(__file__).parents[1] / "metrics"
_ORDER = (
    "billing",
    "billing_money",
    "csm",
    "usage",
    "card",
    "card_money",
    "people",
    "support",
    "chat",
    "chat_tickets",
    "crm",
    "derived",
)
"""The subjects in the order of the documentation."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One query: its metrics' tables decide where it runs. `grain` is one row an operator, or an operator and currency."""

    name: str
    title: str
    tables: tuple[str, ...]
    grain: Literal["operator", "operator_currency"] = "operator"


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure.

    `formula` says in words how it is computed, with T for the instant; `healthy` which values are well, in the form that
    `domain.ranges` reads (empty: the figure is context), and `praised` whether such a value is good or only not bad.
    `sign`: a *change* is shown with its plus sign; of *either* sign are others that may be below zero.
    `overwritten` names what its source overwrites without a date (`metrics.past`): of a past date such a figure is not
    known; all others can be told of any.
    `evidence` is the kind of records behind it; an entry with `evidence.RECORDS = "CONDITION"` has one of its own.
    A `partly` known one (derived) holds with part of its tables too; the others would say something else without one of
    them, so they are a gap then.
    `none` says what it means that a source answered and there is no such figure, where that is an answer (nobody waits).
    `unknown_state` says why a count is unknown, not none, although its source answered: a record does not say its state;
    `next_step` what to do about it.
    """

    name: str
    subject: str
    unit: Unit
    label: str
    formula: str
    tables: tuple[str, ...]
    evidence: str
    empty: int | None
    healthy: str = ""
    praised: bool = True
    sign: Literal["plain", "change", "either"] = "plain"
    audience: Literal["internal", "customer"] = "internal"
    overwritten: tuple[str, ...] = ()
    partly: bool = False
    none: str = ""
    unknown_state: str = ""
    next_step: str = ""


def _declared(subject: str) -> Mapping[str, Any]:
    return tomllib.loads((_FOLDER / f"{subject}.toml").read_text(encoding="utf-8"))


def _metric(name: str, subject: str, entry: Mapping[str, Any], default: str) -> Metric:
    """An entry with what it leaves out: its subject's usual tables, evidence of its own name, 0 without rows for what adds up."""
    given = dict(entry)
    evidence = given.pop("evidence", name)
    needs_rows = given.pop("needs_rows", entry["unit"] not in {"count", "money", "usd_minor"})
    return Metric(
        name=name,
        subject=subject,
        tables=tuple(given.pop("tables", default).split()),
        evidence=evidence if isinstance(evidence, str) else name,
        empty=None if needs_rows else 0,
        overwritten=tuple(given.pop("overwritten", "").split()),
        **given,
    )


_DECLARED: Mapping[str, Mapping[str, Any]] = MappingProxyType({subject: _declared(subject) for subject in _ORDER})

SUBJECTS: Mapping[str, Subject] = MappingProxyType(
    {
        name: Subject(name, declared["title"], tuple(declared["tables"].split()), declared.get("grain", "operator"))
        for name, declared in _DECLARED.items()
    }
)
"""All queries by name."""

METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        name: _metric(name, subject, entry, declared["default"])
        for subject, declared in _DECLARED.items()
        for name, entry in declared["metric"].items()
    }
)
"""All metrics by name, in the order of the documentation."""


def _conditions(records: str) -> Mapping[str, str]:
    """The kinds of evidence among these records, with the condition (SQL) of each: those that metrics share, and their own."""
    return {
        name: entry["evidence"][records]
        for declared in _DECLARED.values()
        for name, entry in declared["metric"].items()
        if isinstance(entry.get("evidence"), dict) and records in entry["evidence"]
    }


RECORDS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        name: {**entry, "where": {**entry.get("where", {}), **_conditions(name)}}
        for declared in _DECLARED.values()
        for name, entry in declared.get("records", {}).items()
    }
)
"""The records that stand behind figures, as declared; `metrics.evidence` makes queries of them."""
