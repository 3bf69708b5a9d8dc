"""The file of alert rules: the shipped one, or the user's, alone or as changes to the shipped one."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from customer_research.domain.health import PRESENT
from customer_research.domain.reading import toml
from customer_research.errors import ConfigError
from customer_research.health.alerts.rules import AlertRule, Defaults, RuleReader, natural, read_statuses, wrong
from customer_research.health.declaration import Declaration
from customer_research.health.findings import FindingRule
from customer_research.health.rules import Vocabulary

STATUSES = PRESENT
"""Whom rules concern when a file does not say."""

SHIPPED = "shipped"
"""As a file's `base`: its rules are changes of the shipped ones, by id."""

_ID = re.compile(r"^[A-Za-z][A-Za-z0-9_]{0,39}$")


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


def shipped_text() -> str:
    """The shipped declaration."""
    return resources.files("customer_research.health.alerts").joinpath("shipped.toml").read_text(encoding="utf-8")


def load_alert_rules(path: Path | None, known_metrics: Collection[str], findings: Sequence[FindingRule]) -> AlertRules:
    """The shipped rules (no path), or those of a file, checked against the metrics and correlation rules that exist.

    Raises:
        ConfigError: the file cannot be read, or any fault in the declaration; it names the place.
    """
    if path is None:
        return read_alert_rules(shipped_text(), "the shipped alert rules", frozenset(known_metrics), tuple(findings))
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise wrong(f"The alert rules {path} cannot be read: {type(error).__name__}.", "Check the path.") from None
    return read_alert_rules(text, f"alert rules {path.name}", frozenset(known_metrics), tuple(findings))


@cache
def read_alert_rules(
    text: str, place: str, known_metrics: frozenset[str], findings: tuple[FindingRule, ...]
) -> AlertRules:
    """Rules from the text of a declaration (see `load_alert_rules`)."""
    try:
        return _rules(_document(text, place), place, known_metrics, findings)
    except ConfigError as error:
        raise wrong(error.message, error.hint) from None


def _rules(
    document: Mapping[str, Any], place: str, known_metrics: frozenset[str], findings: tuple[FindingRule, ...]
) -> AlertRules:
    top = Declaration(document, place)
    version, words = top.text("version"), Vocabulary(known_metrics, top.mapping("terms"))
    days = (natural(top, "quiet_days", 0), natural(top, "cool_down_days", 0))
    reader = RuleReader(words, findings, Defaults(*days, read_statuses(top, STATUSES)))
    rules: dict[str, AlertRule] = {}
    for table in top.tables("rules", "id"):
        rule = reader.rule(table, [earlier.id for earlier in rules.values()])
        if not _ID.match(rule.id) or rule.id.lower() in rules:
            raise table.error("it needs an id of its own, of letters, digits and underscores.")
        rules[rule.id.lower()] = rule
    top.finish()
    if not rules:
        raise top.error("it has no rules.")
    digest = hashlib.sha256(json.dumps(document, sort_keys=True, ensure_ascii=False, default=str).encode())
    return AlertRules(version, tuple(rules.values()), digest.hexdigest())


def _document(text: str, place: str) -> dict[str, Any]:
    """What a declaration says in full: changes applied to the shipped rules, and lists of findings made one rule each."""
    document = _parsed(text, place)
    base = document.pop("base", None)
    if base not in (None, SHIPPED):
        raise wrong(f"{place}: 'base' is {base!r}; known: {SHIPPED}.")
    own = _each(document.get("rules", []), place)
    if base is None:
        return document | {"rules": own}
    shipped = _parsed(shipped_text(), SHIPPED)
    rules = {table["id"]: table for table in _each(shipped["rules"], SHIPPED)}
    for number, table in enumerate(own, start=1):
        name = table.get("id")
        if not isinstance(name, str):
            raise wrong(f"{place}, rules {number}: 'id' is missing.")
        rules[name] = _changed(rules.get(name), table)
    terms = shipped.get("terms", {}) | document.get("terms", {})
    return shipped | document | {"rules": list(rules.values()), "terms": terms}


def _changed(shipped: Mapping[str, Any] | None, own: dict[str, Any]) -> dict[str, Any]:
    """A rule with its changes; one of another kind is a new rule."""
    if shipped is None or own.get("kind", shipped["kind"]) != shipped["kind"]:
        return own
    return {**shipped, **own}


def _parsed(text: str, place: str) -> dict[str, Any]:
    try:
        return toml(text)
    except tomllib.TOMLDecodeError as error:
        raise wrong(f"{place} is not valid TOML: {error}.") from None


def _each(tables: Any, place: str) -> list[dict[str, Any]]:
    """The rules, with one for each finding that a rule of kind "finding" lists."""
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise wrong(f"{place}: 'rules' must be a list of tables.")
    found: list[dict[str, Any]] = []
    for table in tables:
        listed = table.get("findings")
        if table.get("kind") != "finding" or not isinstance(listed, list):
            found.append(table)
            continue
        shared = {key: value for key, value in table.items() if key != "findings"}
        found += [{**shared, "id": name, "finding": name} for name in listed]
    return found
