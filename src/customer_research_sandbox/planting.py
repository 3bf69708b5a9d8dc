"""Planted disagreements between the systems: stale figures and wrong flags that the product has to see through."""

from __future__ import annotations

from random import Random

from customer_research_sandbox import vocabulary as words
from customer_research_sandbox.billing import monthly_usd
from customer_research_sandbox.state import OperatorLife

_STALE, _FLAGGED, _FALSE_FLAG = 0.02, 0.60, 0.05


def plant(life: OperatorLife, rng: Random) -> None:
    """Make 2 % of the view's MRR stale by a price change, and HubSpot's churn flag right for 60 %, false for 5 %."""
    stale, flag = rng.random() < _STALE, rng.random()
    running = [item for item in life.subscriptions if item.status == "active" and words.PLANS[item.plan_code].base]
    if stale and running:
        current = monthly_usd(running[-1:], life.operator.currency)
        running[-1].csm_mrr = round(current * 0.9, 2)
    gone = bool(life.subscriptions) and all(item.status in {"terminated", "canceled"} for item in life.subscriptions)
    if gone and flag < _FLAGGED:
        canceled = all(item.status == "canceled" for item in life.subscriptions)
        life.operator.hubspot_churn = "Trial Churn" if canceled else "Churn"
    elif running and flag < _FALSE_FLAG:
        life.operator.hubspot_churn = "Churn"
