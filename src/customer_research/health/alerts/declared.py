"""The file of alert rules: the shipped one, or the user's, alone or as changes to the shipped one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from customer_research.domain.health import PRESENT
from customer_research.health.alerts.rules import AlertRule, AlertStatus
from customer_research.health.declaration import Natural, Place, changed, declared, in_order, shipped_text
from customer_research.health.findings import FindingRule
from customer_research.health.rules import read

_FILE = "alerts/shipped.toml"


@dataclass(frozen=True, slots=True)
class AlertRules:
    """The rules of one declaration, in its order, and the SHA-256 (hex) of what it says."""

    version: str
    rules: tuple[AlertRule, ...]
    digest: str

    @property
    def enabled(self) -> tuple[AlertRule, ...]:
        """The rules that raise alerts."""
        return tuple(rule for rule in self.rules if rule.enabled)

    def named(self, rule: str) -> AlertRule | None:
        """The rule of that id, if there is one."""
        return next((known for known in self.rules if known.id == rule), None)


@declared
@dataclass(frozen=True, slots=True)
class _Declared:
    """A file in full; what it says once for all rules stands in each of them as well."""

    version: str
    quiet_days: Natural
    cool_down_days: Natural
    statuses: tuple[AlertStatus, ...]
    rules: Annotated[tuple[AlertRule, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        in_order(self.rules, "covered_by")
        return self


def shipped_rules() -> str:
    """The shipped declaration."""
    return shipped_text(_FILE)


def load_alert_rules(path: Path | None, known_metrics: Collection[str], findings: Sequence[FindingRule]) -> AlertRules:
    """The shipped rules (no path), or those of a file, checked against the metrics and correlation rules that exist.

    Raises:
        ConfigError: the file cannot be read, or any fault in the declaration; it names the place.
    """
    name = "the shipped alert rules" if path is None else f"alert rules {path.name}"
    text = shipped_rules() if path is None else _place(name).text(path, "alert rules")
    return read_alert_rules(text, name, frozenset(known_metrics), tuple(findings))


def _place(name: str) -> Place:
    return Place(name, "alerts.rules")


@cache
def read_alert_rules(
    text: str, name: str, known_metrics: frozenset[str], findings: tuple[FindingRule, ...]
) -> AlertRules:
    """Rules from the text of a declaration (see `load_alert_rules`); `name` is where that stands, for complaints."""
    place = _place(name)
    document = changed(_each(place.tables(text)), _each(place.tables(shipped_rules())), "rules", place)
    digest = hashlib.sha256(json.dumps(document, sort_keys=True, ensure_ascii=False, default=str).encode())
    shared = {key: document.get(key, default) for key, default in _ONCE.items()}
    if isinstance(tables := document.get("rules"), list):
        document["rules"] = [{**shared, **table} if isinstance(table, dict) else table for table in tables]
    known = {finding.id: finding for finding in findings}
    found = read(_Declared, {**document, **shared}, place, known_metrics, findings=known)
    return AlertRules(found.version, found.rules, digest.hexdigest())


_ONCE: dict[str, Any] = {"quiet_days": 0, "cool_down_days": 0, "statuses": list(PRESENT)}
"""What a file may say once for all its rules, and what holds when it does not."""


def _each(document: dict[str, Any]) -> dict[str, Any]:
    """A document with a rule for each finding that a rule of kind "finding" lists."""
    tables = document.get("rules", [])
    if not isinstance(tables, list):
        return document
    found: list[Any] = []
    for table in tables:
        listed = table.get("findings") if isinstance(table, dict) and table.get("kind") == "finding" else None
        shared = {key: value for key, value in table.items() if key != "findings"} if isinstance(listed, list) else {}
        found += [{**shared, "id": name, "finding": name} for name in listed or ()] if shared else [table]
    return {**document, "rules": found}
