"""The named scenarios S01 to S42: operators whose every record is written by hand, with hand-computed expectations.

`expected.json` says for each what a CSM would type and what has to be found: figures (money as minor units by currency),
rules, dimension scores, findings. It was worked out from the set-ups by hand and is never produced by the product.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from importlib.resources import files
from typing import Any

from customer_research_sandbox.scenarios import billing, cards, identity, support, usage
from customer_research_sandbox.scenarios.script import scenario_id
from customer_research_sandbox.state import OperatorLife

__all__ = ["SCENARIOS", "build_scenarios", "expectations", "scenario_id"]

SCENARIOS: dict[str, Callable[[datetime], list[OperatorLife]]] = {
    "S01": usage.healthy_growing,
    "S02": usage.silent_churn,
    "S03": usage.stopped_usage,
    "S04": billing.card_failed,
    "S05": billing.failed_and_overdue,
    "S06": billing.no_subscription,
    "S07": billing.two_subscriptions,
    "S08": billing.plan_change,
    "S09": billing.duplicate_rows,
    "S10": billing.voided_and_credit,
    "S11": billing.annual_payer,
    "S12": billing.price_override,
    "S13": billing.multi_currency,
    "S14": cards.zero_decimal,
    "S15": cards.no_account_in_app,
    "S16": cards.raw_only,
    "S17": cards.no_card_processing,
    "S18": cards.big_operator_declines,
    "S19": cards.tiny_operator_decline,
    "S20": cards.active_dispute,
    "S21": usage.fraud_newcomer,
    "S22": usage.seasonal_wedding,
    "S23": usage.new_never_used,
    "S24": usage.active_never_used,
    "S25": identity.ambiguous_name,
    "S26": identity.wildcard_name,
    "S27": identity.injection_term,
    "S28": identity.stripe_twins,
    "S29": identity.id_formats,
    "S30": identity.hubspot_float,
    "S31": billing.conflicting_flags,
    "S32": billing.canceled_before_start,
    "S33": support.ticket_paths,
    "S34": support.old_tickets,
    "S35": support.missing_source,
    "S36": usage.future_bookings_only,
    "S37": usage.enterprise_huge,
    "S38": identity.free_mail,
    "S39": cards.zero_success,
    "S40": identity.unicode_name,
    "S41": support.political_risk,
    "S42": billing.reactivated,
}
"""Builders by scenario; each gives its operators, the scenario's own first."""


def build_scenarios(as_of: datetime) -> list[OperatorLife]:
    """All scenario operators, in the order of their numbers."""
    return [life for build in SCENARIOS.values() for life in build(as_of)]


def expectations() -> dict[str, dict[str, Any]]:
    """The hand-written expectations by scenario; figures hold at the world's default as-of."""
    text = files(__package__).joinpath("expected.json").read_text(encoding="utf-8")
    loaded: dict[str, dict[str, Any]] = json.loads(text)
    return loaded
