"""The CSM view: one row per base-plan subscription of an operator, with what the other systems say."""

from __future__ import annotations

from datetime import datetime, timedelta

from customer_research_sandbox import vocabulary as words
from customer_research_sandbox.billing import monthly_usd
from customer_research_sandbox.crm import TEAM
from customer_research_sandbox.dataset import Row
from customer_research_sandbox.months import KNOWN_BEFORE, add_months
from customer_research_sandbox.state import Operator, OperatorLife, Subscription, Trip


def csm_rows(life: OperatorLife, as_of: datetime) -> list[Row]:
    """The view's rows of one operator; none for an operator without any base-plan subscription."""
    base = [item for item in life.subscriptions if words.PLANS[item.plan_code].base]
    if not base or not life.operator.in_csm:
        return []
    blanks = dict.fromkeys(life.operator.view_blanks)
    shared = _platform(life.operator) | blanks | _hubspot(life) | _usage(life.trips, as_of)
    return [_subscription(life, item, as_of) | shared for item in base]


def _subscription(life: OperatorLife, item: Subscription, as_of: datetime) -> Row:
    plan, operator = words.PLANS[item.plan_code], life.operator
    end = item.terminated_at or item.canceled_at
    mrr = _mrr(life, item)
    return {
        "LAGO_EXTERNAL_CUSTOMER_ID": operator.operator_id,
        "LAGO_CUSTOMER_ID": operator.lago_customer_id,
        "LAGO_ID": item.lago_id,
        "LAGO_EXTERNAL_ID": item.external_id,
        "LAGO_STATUS": item.status,
        "LAGO_PLAN_CODE": item.plan_code,
        "LAGO_PLAN_NAME": plan.name,
        "LAGO_PLAN_TYPE": "Moovs",
        "LAGO_PLAN_INTERVAL": plan.interval,
        "CALCULATED_MRR": mrr,
        "NEW_MRR": mrr if item.event in {"new", "reactivation"} else 0.0,
        "CHURN_MRR": _own_mrr(item, operator) if item.event == "churn" else 0.0,
        "EXPANSION_MRR": max(item.mrr_change, 0.0),
        "CONTRACTION_MRR": max(-item.mrr_change, 0.0),
        "LAGO_CREATED_AT": min(item.subscription_at, as_of - KNOWN_BEFORE),
        "LAGO_SUBSCRIPTION_AT": item.subscription_at,
        "LAGO_STARTED_AT": item.started_at,
        "LAGO_TERMINATED_AT": item.terminated_at,
        "LAGO_WATERFALL_EVENT": item.event,
        "LAGO_EVENT_DATE": item.event_at.date(),
        "LAGO_IS_FIRST_SUBSCRIPTION": item.first,
        "LAGO_LIFETIME_DAYS": max(0, ((end or as_of) - (item.started_at or item.subscription_at)).days),
    }


def _own_mrr(item: Subscription, operator: Operator) -> float:
    return round(monthly_usd([item], operator.currency), 2)


def _mrr(life: OperatorLife, item: Subscription) -> float:
    """The operator's MRR on the active row (base and add-ons, before coupons), 0 on the others, unless planted."""
    if item.csm_mrr is not None:
        return item.csm_mrr
    if item.status != "active":
        return 0.0
    addons = [
        other for other in life.subscriptions if other.status == "active" and not words.PLANS[other.plan_code].base
    ]
    return round(monthly_usd([item, *addons], life.operator.currency), 2)


def _platform(operator: Operator) -> Row:
    return {
        "P_COMPANY_NAME": operator.name,
        "P_GENERAL_EMAIL": operator.email,
        "P_PLAN": operator.app_plan,
        "P_STRIPE_ACCOUNT_ID": operator.stripe_account,
        "P_STRIPE_CUSTOMER": operator.stripe_customer,
        "PHONE_NUMBER": operator.phone,
        "P_CUSTOM_DOMAIN": operator.custom_domain,
        "SITE_NAME": operator.slug,
        "P_CREATED_DATE": operator.signed_up.date(),
        "P_VEHICLES_TOTAL": operator.vehicles,
        "P_DRIVERS_COUNT": operator.drivers,
        "P_TOTAL_MEMBERS": operator.members,
        "P_SETUP_SCORE": operator.setup_score,
        "LATITUDE": operator.latitude,
        "LONGITUDE": operator.longitude,
    }


_HUBSPOT_COLUMNS = (
    "HS_C_ID", "HS_D_DEAL_ID", "HS_C_PROPERTY_NAME", "HS_C_COMPANY_CREATED_DATE", "HS_C_PROPERTY_HS_ANALYTICS_SOURCE",
    "HS_C_PROPERTY_CUSTOMER_SEGMENT", "HS_C_PROPERTY_MOOVS_FLEET_SIZE", "HS_D_DEAL_NAME", "HS_D_PIPELINE_SEGMENT",
    "HS_D_STAGE_NAME", "HS_D_CLOSE_DATE", "HS_D_CLOSED_AMOUNT", "HS_D_MOOVS_PLAN", "HS_D_OWNER_NAME", "HS_D_SOURCE",
    "HS_D_CHURN_STATUS",
)  # fmt: skip


def _hubspot(life: OperatorLife) -> Row:
    """The view's HubSpot part: all null where the operator has no match there or the export lost it."""
    operator = life.operator
    row: Row = dict.fromkeys(_HUBSPOT_COLUMNS)
    row["HS_D_CHURN_STATUS"] = operator.hubspot_churn
    if operator.hubspot_id is None or not operator.in_hubspot_export:
        return row
    row |= {
        "HS_C_ID": operator.hubspot_id_text or str(operator.hubspot_id),
        "HS_C_PROPERTY_NAME": operator.name,
        "HS_C_COMPANY_CREATED_DATE": operator.signed_up.date(),
        "HS_C_PROPERTY_HS_ANALYTICS_SOURCE": operator.source,
        "HS_C_PROPERTY_CUSTOMER_SEGMENT": operator.size_label,
        "HS_C_PROPERTY_MOOVS_FLEET_SIZE": operator.fleet_bucket,
    }
    if life.deals:
        deal = life.deals[0]
        pipeline, stages = words.PIPELINES[deal.pipeline]
        row |= {
            "HS_D_DEAL_ID": str(30_000_000_000 + operator.index * 10 + deal.number),
            "HS_D_DEAL_NAME": deal.name,
            "HS_D_PIPELINE_SEGMENT": pipeline,
            "HS_D_STAGE_NAME": stages[deal.stage],
            "HS_D_CLOSE_DATE": deal.close_at.date() if deal.close_at is not None else None,
            "HS_D_CLOSED_AMOUNT": deal.amount,
            "HS_D_MOOVS_PLAN": deal.plan,
            "HS_D_OWNER_NAME": TEAM[operator.index % len(TEAM)],
            "HS_D_SOURCE": deal.source,
        }
    return row


def _usage(trips: list[Trip], as_of: datetime) -> Row:
    """Counts on the created date; null means none, as the view leaves operators without a booking empty."""
    made = [trip for trip in trips if trip.created_at < as_of]
    assigned = [trip.created_at for trip in made if trip.driver is not None]
    month, year = as_of - timedelta(days=30), add_months(as_of, -12)
    last = max(assigned, default=None)
    amount = sum(trip.total_cents for trip in made if trip.created_at >= year and trip.status != "cancelled")
    return {
        "R_TOTAL_RESERVATIONS_COUNT": len(made) if made else None,
        "R_LAST_30_DAYS_RESERVATIONS_COUNT": sum(trip.created_at >= month for trip in made) if made else None,
        "R_T12M_TOTAL_AMOUNT": amount / 100 if made else None,
        "R_LAST_TRIP_CREATED_AT": max((trip.created_at for trip in made), default=None),
        "DA_LAST_ASSIGNED_DRIVER_AT": last,
        "DA_DAYS_SINCE_LAST_ASSIGNMENT": (as_of - last).days if last is not None else None,
        "DA_ENGAGEMENT_STATUS": _engagement(last, as_of),
    }


def _engagement(last: datetime | None, as_of: datetime) -> str:
    if last is None:
        return "Never Used"
    days = (as_of - last).days
    limits = ((1, "Active Today"), (7, "Active This Week"), (30, "Active This Month"), (60, "Low Activity"))
    return next((name for limit, name in limits if days < limit), "Inactive")
