"""Compares an account, fetched through real HTTP, with a scenario's hand-written expectations."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from importlib import resources
from typing import Any

from customer_research.domain.account import Account
from customer_research.domain.evidence import Fact, Gap
from customer_research.domain.health import BAND_LABELS, HealthScore
from customer_research.domain.money import Money

EXPECTED: Mapping[str, Mapping[str, Any]] = json.loads(
    (resources.files("customer_research_sandbox.scenarios") / "expected.json").read_text(encoding="utf-8")
)

SPECIAL = {"fault"}
"""Expectations that the test itself arranges for."""


def mismatches(account: Account, expect: Mapping[str, Any]) -> list[str]:
    """Everything in which the account differs from what was expected."""
    return list(_mismatches(account, expect))


def _mismatches(account: Account, expect: Mapping[str, Any]) -> Iterator[str]:
    for name, wanted in expect["metrics"].items():
        figure = account.figures[name]
        found = plain(figure.value) if isinstance(figure, Fact) else None
        if not same(found, wanted):
            told = f"{figure.reason}: {figure.detail}" if isinstance(figure, Gap) else found
            yield f"metric {name}: expected {wanted!r}, found {told!r}"
    for name in expect.get("unknown", ()):
        if isinstance(account.figures[name], Fact):
            yield f"metric {name}: expected to be unknown"
    if account.score is None:
        yield "no score"
        return
    yield from _score_mismatches(account.score, expect)
    status = account.figures["status"]
    if isinstance(status, Fact) and status.value != expect["status"]:
        yield f"status: expected {expect['status']}, found {status.value}"
    yield from _finding_mismatches(account, expect)


def _score_mismatches(score: HealthScore, expect: Mapping[str, Any]) -> Iterator[str]:
    fired = {c.rule for c in score.contributions}
    for rule in expect["rules"]["fired"]:
        if rule not in fired:
            yield f"rule {rule} should fire; fired: {sorted(fired)}"
    for rule in expect["rules"]["not_fired"]:
        if rule in fired:
            yield f"rule {rule} should not fire"
    dimensions = {d.name: d.score for d in score.dimensions}
    for name, wanted in expect["dimensions"].items():
        if dimensions[name] != wanted:
            lines = [(c.rule, c.points) for c in score.contributions if c.dimension == name]
            yield f"dimension {name}: expected {wanted}, found {dimensions[name]} {lines}"
    if "score" in expect and score.score != expect["score"]:
        yield f"score: expected {expect['score']}, found {score.score}"
    band = BAND_LABELS[score.band]
    if "band" in expect and band != expect["band"]:
        yield f"band: expected {expect['band']}, found {band} {[g.name for g in score.gates]}"
    if expect.get("not_band") == band:
        yield f"band: must not be {band}"


def _finding_mismatches(account: Account, expect: Mapping[str, Any]) -> Iterator[str]:
    held = {finding.rule for finding in account.findings}
    for rule in expect.get("correlations", ()):
        if rule not in held:
            yield f"finding {rule} should hold; held: {sorted(held)}"
    for rule in expect.get("correlations_not", ()):
        if rule in held:
            yield f"finding {rule} should not hold"
    some = expect.get("correlations_any", ())
    if some and not held & set(some):
        yield f"one of {some} should hold; held: {sorted(held)}"


def plain(value: Any) -> Any:
    """A figure's value as JSON would have it: amounts by currency, dates as text."""
    if isinstance(value, tuple):
        return {money.currency: money.minor for money in value if isinstance(money, Money)}
    return value.isoformat() if isinstance(value, datetime | date) else value


def same(found: Any, wanted: Any) -> bool:
    """Equal, numbers within 1e-6; a dated expectation may leave out the time."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        return {k: v for k, v in found.items() if v or k in wanted} == wanted
    if isinstance(wanted, bool) or isinstance(found, bool) or found is None or wanted is None:
        return bool(found is wanted or found == wanted)
    if isinstance(wanted, int | float) and isinstance(found, int | float):
        return math.isclose(found, wanted, rel_tol=1e-6, abs_tol=1e-6)
    if isinstance(wanted, str) and isinstance(found, str):
        return found.startswith(wanted)
    return bool(found == wanted)
