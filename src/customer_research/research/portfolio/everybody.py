"""How everybody stands in the files of a snapshot, read with one query."""

# ruff: noqa: S608 - names in these texts are ours (columns, bands, rules of checked declarations)
from __future__ import annotations

from customer_research.domain.line import Standing
from customer_research.domain.snapshot import Snapshot
from customer_research.errors import UsageError
from customer_research.health.findings import load_findings
from customer_research.health.scorecard import Scorecard, shipped_scorecards
from customer_research.health.urgency import RANKS, level_sql, open_level
from customer_research.research.one.judge import METRIC_NAMES, card_named, urgency_causes
from customer_research.research.portfolio.mrr import mrr_by_operator, worths
from customer_research.research.portfolio.snapshot_view import SnapshotView


def everybody(view: SnapshotView, card: Scorecard) -> tuple[Standing, ...]:
    """How everybody in a snapshot stands, customers or not, the largest MRR first; `card` is its scorecard."""
    rules = load_findings(METRIC_NAMES)
    mrr = mrr_by_operator(view.engine)
    worth, usd = worths(view.snapshot, view.rates)
    weights = " ".join(f"WHEN '{rule.id}' THEN {RANKS[rule.priority]}" for rule in rules if rule.kind == "risk")
    standing = {
        "band": _least_band(card),
        "finding": "GREATEST(COALESCE(f.level, 0), o.level)",
        "status": "COALESCE(s.status, 'unknown')",
    }
    rows = view.engine.run(
        f"""
        SELECT a.operator_id, COALESCE(a.name, a.operator_id) AS name, COALESCE(s.status, 'unknown') AS status, s.band,
            COALESCE(a.segment, '') AS segment, COALESCE(a.owner_name, '') AS owner, s.score,
            {level_sql(urgency_causes()[0], **standing)} AS attention, a.usage_trend AS trend, f.findings
        FROM accounts AS a
        INNER JOIN scores AS s ON s.operator_id = a.operator_id
        LEFT JOIN (
            SELECT operator_id, MAX(CASE rule {weights} ELSE 0 END) AS level, STRING_AGG(rule, ' ' ORDER BY rule) AS findings
            FROM findings GROUP BY operator_id
        ) AS f ON f.operator_id = a.operator_id
        INNER JOIN (SELECT operator_id, {open_level(rules)} AS level FROM accounts) AS o ON o.operator_id = a.operator_id
        ORDER BY a.operator_id
        """
    )
    found = (
        Standing(
            **{**row, "findings": tuple((row["findings"] or "").split())},
            mrr=amounts,
            worth=worth(amounts),
            usd=usd(amounts),
        )
        for row in rows
        for amounts in (mrr[row["operator_id"]],)
    )
    return tuple(sorted(found, key=lambda one: (one.worth is None, -(one.worth or 0), one.operator_id)))


def _least_band(card: Scorecard) -> str:
    """SQL of the band that urgency looks at: one that is not settled is that of its low end, no score that of the worst."""
    healthy, monitor, at_risk = card.cuts
    low_end = (
        f"CASE WHEN s.score < {at_risk} THEN 'critical' WHEN s.score < {monitor} THEN 'at_risk' "
        f"WHEN s.score < {healthy} THEN 'monitor' ELSE 'healthy' END"
    )
    return f"CASE s.band WHEN 'insufficient' THEN 'critical' WHEN 'unsettled' THEN {low_end} ELSE s.band END"


def card_of(snapshot: Snapshot) -> Scorecard:
    """The scorecard that a snapshot was scored under.

    Raises:
        UsageError: it is another one by now.
    """
    card = card_named(snapshot.scorecard)
    earlier = f"{snapshot.scorecard}_{snapshot.version}"
    if card.digest != snapshot.digest and earlier in shipped_scorecards():
        card = card_named(earlier)
    if card.digest != snapshot.digest:
        raise UsageError(
            f"The scorecard {snapshot.scorecard} has changed since this snapshot was taken.",
            hint="Run `customer-research portfolio score` again.",
        )
    return card
