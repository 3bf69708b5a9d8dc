"""What the tests of alerts share: made-up snapshots and readings, and a small file of rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from scored_accounts import NAMES

from customer_research.domain.evidence import Gap, Receipt
from customer_research.domain.health import Band, Status
from customer_research.domain.snapshot import Reading, Snapshot, SnapshotKind
from customer_research.health.alerts.declared import AlertRules, load_alert_rules, read_alert_rules
from customer_research.health.findings import load_findings
from customer_research.health.scorecard import read_scorecard

START = datetime(2026, 1, 5, tzinfo=UTC)
RECEIPT = Receipt("r1", "portfolio", "scores", "scores of a made-up portfolio", START, 3, "0" * 64)
FINDINGS = load_findings(NAMES)

HEAD = """
version = "test"
cool_down_days = 14
statuses = ["active", "onboarding", "no_subscription"]
"""
SHARED = 'title = "T"\nseverity = "high"\nowner = "somebody"\naction = "Act."\nreason = "made up"\n'


def shipped() -> AlertRules:
    return load_alert_rules(None, NAMES, FINDINGS)


def rules_of(*tables: str, head: str = HEAD) -> AlertRules:
    """Rules from the bodies of `[[rules]]` tables; what all rules need is added."""
    text = head + "".join(f"[[rules]]\n{SHARED}{table}\n" for table in tables)
    return read_alert_rules(text, "made-up rules", frozenset(NAMES), FINDINGS)


def at(days: float) -> datetime:
    return START + timedelta(days=days)


CARD_TEXT = """
name = "made_up"
version = "1"
title = "Made up"
minimum_coverage = 0.3
[bands]
healthy = 80
monitor = 60
at_risk = 40
[dimensions.payment]
title = "Payment"
weight = 0.5
base = 100
known_by = ["invoices_due"]
[dimensions.engagement]
title = "Engagement"
weight = 0.5
base = 100
known_by = ["reservations_ever"]
[[rules]]
id = "P1"
dimension = "payment"
points = -1
per = "overdue_invoices"
window = "now"
when = "overdue_invoices > 0"
because = "Overdue."
fact = "overdue_invoices"
[[rules]]
id = "E1"
dimension = "engagement"
points = -1
per = "reservations_30d"
window = "30 days"
when = "reservations_30d > 0"
because = "Made up."
fact = "reservations_30d"
"""
CARD = read_scorecard(CARD_TEXT, "made-up scorecard", NAMES)
"""Two dimensions of equal weight; a rule in each takes away what a reading's sub-score lacks of 100."""
_RULES = {"payment": "P1", "engagement": "E1"}


def snapshot(
    days: float, *, gaps: Iterable[Gap] = (), digest: str = CARD.digest, kind: SnapshotKind = "scored"
) -> Snapshot:
    moment = at(days)
    return Snapshot(
        id=f"{int(days * 24):016x}",
        kind=kind,
        as_of=moment,
        taken_at=moment + timedelta(hours=1),
        scorecard="canonical",
        version="1",
        digest=digest,
        tables=f"{int(days):064x}",
        engine="duckdb",
        operators=1,
        place="snapshots/made-up",
        receipts=(RECEIPT,),
        gaps=tuple(gaps),
    )


def band_of(score: int | None) -> Band:
    if score is None:
        return "insufficient"
    return "healthy" if score >= 80 else "monitor" if score >= 60 else "at_risk" if score >= 40 else "critical"


def reading(
    days: float,
    score: int | None = 85,
    *,
    operator: str = "op-1",
    status: Status = "active",
    band: Band | None = None,
    dimensions: Mapping[str, int | None] | None = None,
    **rest: Any,
) -> Reading:
    """A reading under `CARD`; its dimensions have the score unless given."""
    parts = {"payment": score, "engagement": score} if dimensions is None else dict(dimensions)
    points = {_RULES[name]: part - 100 for name, part in parts.items() if part is not None}
    return Reading(
        snapshot=snapshot(days).id,
        operator_id=operator,
        name=f"{operator} Limo",
        as_of=at(days),
        status=status,
        score=score,
        band=band or band_of(score),
        band_before_gates=band_of(score),
        coverage=1.0 if score is not None else 0.2,
        dimensions=parts,
        contributions=points,
        **rest,
    )
