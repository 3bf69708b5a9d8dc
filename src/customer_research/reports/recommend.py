"""What to do about it: each recommendation comes from a contribution, a gate or a finding, and carries its proof."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from customer_research.domain.account import Account
from customer_research.domain.evidence import Fact
from customer_research.domain.health import Contribution, Finding
from customer_research.domain.report import Prose, Section, Table, Text
from customer_research.reports.build import bullets, section
from customer_research.reports.judgement import CLAMP, nothing_found
from customer_research.reports.tones import PRIORITY_TONES

Area = Literal["call", "account", "growth"]
Priority = Literal["critical", "high", "medium", "low"]
_RANK: Mapping[str, int] = MappingProxyType({"critical": 0, "high": 1, "medium": 2, "low": 3})
_NOTHING = "Nothing in the figures known asks for an action."
_HIGH_POINTS, _MEDIUM_POINTS = -20, -10
AREA_TITLES: Mapping[str, str] = MappingProxyType(
    {"call": "On the call", "account": "For the account", "growth": "For growth"}
)


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One thing to do: for which area, how urgent, by whom, and what raised it (`source`: rule or finding id)."""

    area: Area
    priority: Priority
    owner: str
    action: str
    source: str
    because: str
    facts: tuple[Fact[Any], ...]


@dataclass(frozen=True, slots=True)
class _Answer:
    area: Area
    owner: str
    action: str


def _answers(text: str) -> Mapping[str, _Answer]:
    """Parse `rule | area | owner | action` lines."""
    parts = (line.split("|") for line in text.strip().splitlines())
    return MappingProxyType(
        {rule.strip(): _Answer(area.strip(), owner.strip(), action.strip()) for rule, area, owner, action in parts}  # type: ignore[arg-type]
    )


_RULES = _answers(
    """
    P1 | call | CSM | Ask when the overdue invoices will be paid and agree on a day.
    P2 | account | Billing | Have the payment method updated and collect the failed invoices again.
    P3 | account | Payments support | Go through the reasons of the failed charges with the operator and fix the cause.
    P4 | account | Payments support | Find out which payments fail and why, and fix the payment method or the processor's set-up.
    P4b | account | Payments support | Treat the failing payments as an incident: find the cause today.
    P5 | account | Billing | Offer automatic card payment, or agree on a day of the month.
    P6 | call | CSM | Ask whether the operator still trades and what it plans.
    P7 | account | Payments support | Help the operator to answer the dispute before its deadline.
    P8 | account | Risk team | Have the high-risk charges reviewed.
    E1 | call | CSM | Ask what has stopped the bookings and what would bring them back.
    E2 | call | CSM | Ask what has stopped the bookings and what would bring them back.
    E3 | call | CSM | Ask about the falling bookings before the next bill.
    E4 | account | CSM | Show how to collect trip balances: cards on file, charging at booking.
    E5 | growth | CSM | Talk about the next plan or add-ons while bookings grow.
    S1 | account | Support | Get a date for each ticket that waits, and tell the operator before the call.
    S2 | account | Support lead | Escalate the tickets that have waited for more than a month and name an owner.
    S3 | account | Support lead | Settle the high-priority tickets first.
    S4 | call | CSM | Ask what lies behind the poor rating and promise one thing that will change.
    S6 | growth | CSM | Ask the satisfied operator for a reference.
    G1 | growth | CSM | Check that the new plan's features are in use.
    G2 | growth | CSM | Compare the growth with the plan's limits and propose the plan that fits.
    G3 | growth | CSM | Offer a training to the new people.
    G4 | growth | Sales | Agree on the next step and day of the open expansion deal.
    G5 | call | CSM | Ask what the downgrade was about and what is missing.
    G6 | call | CSM | Ask why less is booked than in the quarter before.
    G7 | call | CSM | Make a save call today: the reason, an offer, a day for the decision.
    """
)
"""Rule of a scorecard (domain e) → what to do. E6, E7 and S5 speak for the account and ask for nothing."""

_BY_DIMENSION = _answers(
    """
    payment | account | Billing | Settle what weighs on payments.
    engagement | call | CSM | Ask about the use of the product.
    support | account | Support | Settle what weighs on support.
    growth | call | CSM | Ask about the plans for the coming months.
    """
)
"""For deductions by rules of other scorecards."""

_FINDING_AREAS: Mapping[str, Area] = MappingProxyType(
    {"R3": "account", "R6": "account", "R7": "account", "R8": "account", "R18": "account"}
)
_FINDING_OWNERS: Mapping[str, str] = MappingProxyType(
    {"R3": "Billing", "R6": "Support lead", "R7": "Risk team", "R8": "Payments support", "R18": "Revenue operations"}
)
_KIND_AREAS: Mapping[str, Area] = MappingProxyType(
    {"risk": "call", "opportunity": "growth", "conflict": "account", "context": "call"}
)


def recommendations(account: Account) -> tuple[Recommendation, ...]:
    """All recommendations, most urgent first; the same action is given once, with all that raised it first named."""
    found = [*_from_findings(account.findings)]
    if account.score is not None:
        found += _from_contributions(account.score.contributions)
    once: dict[str, Recommendation] = {}
    for item in sorted(found, key=lambda item: _RANK[item.priority]):
        once.setdefault(item.action, item)
    return tuple(once.values())


def _from_findings(findings: Iterable[Finding]) -> Iterator[Recommendation]:
    for finding in findings:
        if finding.action and finding.facts:
            area = _FINDING_AREAS.get(finding.rule, _KIND_AREAS[finding.kind])
            owner = _FINDING_OWNERS.get(finding.rule, "CSM")
            yield Recommendation(
                area, finding.priority, owner, finding.action, finding.rule, finding.because, finding.facts
            )


def _from_contributions(contributions: Iterable[Contribution]) -> Iterator[Recommendation]:
    for contribution in contributions:
        answer = _RULES.get(contribution.rule)
        if answer is None and contribution.points < 0 and contribution.rule != CLAMP:
            answer = _BY_DIMENSION.get(contribution.dimension)
        if answer is not None:
            yield Recommendation(
                answer.area,
                _priority(contribution.points),
                answer.owner,
                answer.action,
                contribution.rule,
                contribution.because,
                (contribution.fact,),
            )


def _priority(points: int) -> Priority:
    if points <= _HIGH_POINTS:
        return "high"
    return "medium" if points <= _MEDIUM_POINTS else "low"


def recommendation_section(account: Account, *, dimensions: frozenset[str] | None = None) -> Section | None:
    """The recommendations by area; with `dimensions`, only those that their rules raised."""
    chosen = [item for item in recommendations(account) if dimensions is None or _concerns(account, item, dimensions)]
    blocks: list[Any] = []
    for area, title in AREA_TITLES.items():
        items = [_prose(item) for item in chosen if item.area == area]
        if items:
            blocks += [Prose(f"{title}:"), bullets(items)]
    if not blocks:
        blocks = [Prose(nothing_found(account, _NOTHING))]
    return section("Recommendations", *blocks, id="recommendations")


def _concerns(account: Account, item: Recommendation, dimensions: frozenset[str]) -> bool:
    contributions = account.score.contributions if account.score else ()
    raised = {contribution.rule for contribution in contributions if contribution.dimension in dimensions}
    return item.source in raised or any(fact.metric in _related(dimensions) for fact in item.facts)


_PAYMENT_METRICS = frozenset(
    {
        "invoice_success_rate",
        "invoices_failed_90d",
        "overdue_invoices",
        "overdue_amount",
        "oldest_overdue_days",
        "avg_days_to_pay",
        "charge_success_rate",
        "charges_failed_90d",
        "payment_success_worst",
        "failure_streak",
        "active_disputes",
        "high_risk_share",
        "avg_risk_score",
        "refund_rate",
        "mrr_difference",
        "pending_cancellation",
    }
)


def _related(dimensions: frozenset[str]) -> frozenset[str]:
    return _PAYMENT_METRICS if "payment" in dimensions else frozenset()


def _prose(item: Recommendation) -> Prose:
    text = f"{item.action} ({item.owner}, {item.priority}; {item.source}: {item.because.rstrip('.')})"
    return Prose(text, item.facts, PRIORITY_TONES[item.priority])


def action_table(account: Account) -> Table | Prose:
    """The actions with priority, owner and what raised them."""
    rows = tuple(
        (Text(item.priority, PRIORITY_TONES[item.priority]), Text(item.action), Text(item.owner), _raised(item))
        for item in recommendations(account)
    )
    if not rows:
        return Prose(nothing_found(account, _NOTHING))
    basis = {receipt.id: receipt for item in recommendations(account) for fact in item.facts for receipt in fact.basis}
    return Table(("Priority", "Action", "Owner", "Raised by"), rows, tuple(basis.values()), "Actions")


def _raised(item: Recommendation) -> Text:
    return Text(f"{item.source}: {item.because}")
