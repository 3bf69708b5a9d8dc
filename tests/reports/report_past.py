"""Hand-made pasts: earlier scores and alerts for the accounts of `report_accounts`."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from report_accounts import AS_OF, OPERATOR, receipt

from customer_research.domain.account import Account
from customer_research.domain.alert import AlertsAbout, Episode, Grounds, Observation
from customer_research.domain.health import Band
from customer_research.domain.history import PastScore, ScoreChange, ScoreHistory


def past_score(days: int, score: int | None, band: Band = "healthy", **contributions: int | None) -> PastScore:
    """A reading so many days ago."""
    dimensions = {"payment": 100, "engagement": 100, "support": 100, "growth": 50}
    return PastScore(AS_OF - timedelta(days=days), score, band, 1.0, dimensions, contributions, f"s{days}")


def history(*past: PastScore) -> ScoreHistory:
    """Readings, with a fall of 26 points in 30 days."""
    known = past or (past_score(91, 90), past_score(60, None), past_score(30, 92, G1=20), past_score(7, 80, "monitor"))
    month = known[-2] if len(known) > 1 else known[0]
    return ScoreHistory(
        past=known,
        direction="declining",
        changes=(ScoreChange(30, month.as_of, month.score, -26), ScoreChange(90, known[0].as_of, 90, -24)),
        titles={"payment": "Payment", "engagement": "Engagement", "support": "Support", "growth": "Growth"},
        receipt=receipt("score history", "readings"),
        rules={"P2": "payment", "E3": "engagement", "S4": "support", "G1": "growth"},
    )


def alerts() -> AlertsAbout:
    """One open alert, and one that was cleared."""
    seen = Observation(AS_OF - timedelta(days=3), "s3")
    raised = Episode(
        rule="R1",
        subject=OPERATOR,
        name="Alder Chauffeurs",
        number=1,
        title="Silent churn",
        severity="high",
        told=Grounds("Payments are good, trips fall."),
        raised=seen,
        held=seen,
    )
    over = replace(raised, rule="R8", title="Processor", cleared=seen, cleared_because="It no longer holds.")
    return AlertsAbout((raised, over), AS_OF, receipt("alerts", "episodes"))


def with_past(account: Account) -> Account:
    """The account with these earlier scores and alerts."""
    return replace(account, history=history(), alerts=alerts())
