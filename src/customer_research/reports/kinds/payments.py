"""Card processing: success, failures, risk, disputes."""

from __future__ import annotations

from customer_research.domain.account import Account
from customer_research.domain.report import Prose
from customer_research.reports import judgement, pictures, shared_tables
from customer_research.reports.card_refunds import card_refunds
from customer_research.reports.figure_lines import figures
from customer_research.reports.kind import STREAMS, Kind, section
from customer_research.reports.recommend import recommendations
from customer_research.reports.record_rows import table


def _no_processing(account: Account) -> Prose | None:
    attempts = account.fact("charge_attempts")
    if attempts is None or attempts.value:
        return None
    return Prose("No card processing: no charge was ever attempted.", (attempts,))


KIND = Kind(
    "payments",
    "Payments",
    judgement.head,
    (
        section(
            "standing",
            "Standing",
            figures(judgement.payment_line, "csm.stripe_account: Stripe account"),
            _no_processing,
            shared_tables.served_by,
            weight=3,
        ),
        section(
            "volume",
            "Charges",
            """
            charge_attempts_90d charges_succeeded_90d charges_failed_90d charge_success_rate failure_streak
            charge_volume_90d refunded_90d net_charged_90d refund_rate average_charge_90d charge_volume_12m
            charge_attempts last_charge_at days_since_last_charge charge_currencies
            """,
        ),
        section(
            "risk",
            "Risk and disputes",
            """
            avg_risk_score scored_charges_90d high_risk_charges_90d highest_risk_charges_90d high_risk_share
            active_disputes disputed_amount disputes_ever dispute_rate
            """,
        ),
        section(
            "monthly",
            "By month",
            pictures.charges_by_month,
            table(
                "card_monthly",
                "Last 6 months",
                "month:month, attempts:count, succeeded:count, failed:count, charged_minor:money, refunded_minor:money",
                empty="No charge in these months.",
            ),
            weight=1,
        ),
        section(
            "failures",
            "Recent failures",
            table(
                "card_failures",
                "Last 10 failed charges",
                "created_at:timestamp When, charge_id Charge, amount_minor:money, failure_reason Reason, cardholder:person",
                empty="No failed charge.",
            ),
            weight=1,
        ),
        section("refunds", "Refunds", card_refunds, weight=1),
        section(
            "disputes",
            "Disputes",
            table(
                "card_disputes",
                "Disputes, active first",
                "created_at:day Opened, dispute_id Dispute, status:word, is_active:boolean Active, reason:word, amount_minor:money",
                empty="No dispute, ever.",
            ),
            weight=2,
        ),
        recommendations("payment"),
        shared_tables.LINKS,
    ),
    answers="What do passengers pay by card, what fails, what is disputed?",
    place=60,
    options=("audience",),
    needs=STREAMS | {"card_monthly", "card_failures", "card_disputes"},
    charts=(pictures.CHARGES,),
)
