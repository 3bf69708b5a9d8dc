"""Volume, revenue, trends and types of trips."""

from __future__ import annotations

from customer_research.domain.account import Account
from customer_research.domain.report import FigureLine, Prose
from customer_research.reports import judgement, pictures, shared_tables
from customer_research.reports.days import LISTING
from customer_research.reports.figure_lines import figures, share
from customer_research.reports.kind import STREAMS, Kind, section
from customer_research.reports.record_rows import table

_LISTINGS = (
    "usage_monthly",
    "usage_types",
    "usage_statuses",
    "usage_recent",
    "usage_companies",
    "usage_drivers",
    "usage_farmouts",
)


def _period(account: Account) -> Prose:
    day = account.as_of.date().isoformat()
    return Prose(
        f"Volume and revenue count trips by pickup in the 12 months to {day}; activity and trends count reservations by "
        "the day they were booked. Trips ahead are apart."
    )


def _completed_share(account: Account) -> FigureLine:
    return FigureLine("Completed share, 12 months", share(account, "completed_12m", "trips_12m"))


KIND = Kind(
    "reservations",
    "Reservations",
    judgement.head,
    (
        section(
            "volume",
            "Volume",
            _period,
            figures(
                "trips_12m completed_12m",
                _completed_share,
                """
                cancelled_12m cancellation_rate pending_12m future_trips future_trips_30d reservations_ever
                trips_per_month
                """,
            ),
        ),
        section(
            "revenue",
            "Revenue",
            """
            revenue_12m collected_12m outstanding_trips collection_rate_12m collection_rate_90d avg_trip_value
            booked_value_future revenue_90d revenue_prev_90d
            """,
            Prose("Trip revenue is the operator's own turnover, not what it pays to us."),
            weight=1,
        ),
        section(
            "trend",
            "Trend",
            """
            reservations_30d reservations_prev_30d trend_30d
            seasonal_factor_30d: Same step a year before, 30 days (100% = level)
            trend_30d_seasonal reservations_90d reservations_prev_90d trend_90d trend_90d_year
            """,
            weight=3,
        ),
        section(
            "monthly",
            "By month",
            pictures.reservations_by_month,
            pictures.revenue_by_month,
            table(
                "usage_monthly",
                "Last 12 months by pickup",
                "month:month, trips:count, completed:count, cancelled:count, revenue_minor:money",
                empty="No trip in these months.",
            ),
            weight=1,
        ),
        section(
            "types",
            "By type and status",
            table(
                "usage_types",
                "Types, 12 months",
                "trip_type:word, order_type:word, trips:count, revenue_minor:money",
                empty="No trip in 12 months.",
            ),
            table(
                "usage_statuses",
                "Statuses, 12 months",
                "status:word, trips:count, total_minor:money Value",
                empty="No trip in 12 months.",
            ),
            weight=1,
        ),
        section("recent", "Last trips", shared_tables.recent_trips, weight=1),
        section(
            "who",
            "Who",
            table(
                "usage_companies",
                "Top companies, 12 months",
                "company_name Company, trips:count, revenue_minor:money",
                empty="No trip for a corporate account in 12 months.",
            ),
            table(
                "usage_drivers",
                "Top drivers, 90 days",
                "driver_name:person Driver, trips:count, app_trips:count With the app",
                empty="No trip with a driver in 90 days.",
            ),
            table(
                "usage_farmouts",
                "Farmed out to, 12 months",
                "farmee_name Partner, trips:count",
                empty="No trip farmed out in 12 months.",
            ),
            weight=1,
        ),
        section(
            "signals",
            "Engagement signals",
            """
            first_reservation_at last_activity_at days_since_activity history_months active_months_12m driver_app_rate
            farm_out_rate_90d farm_out_rate_prev_90d own_completed_90d own_completed_prev_90d
            average_rating: Average rating, 12 months (1 to 5)
            average_distance_miles: Average distance, 12 months (miles)
            average_duration_minutes: Average duration, 12 months (minutes)
            engagement_status: Driver assignment (CSM view)
            days_since_assignment days_since_login lifetime_reservations_csm
            """,
            weight=1,
        ),
        judgement.TOGETHER,
        shared_tables.LINKS,
    ),
    answers="How much is booked and ridden, when, by whom, and how does it change?",
    place=50,
    options=("audience",),
    needs=STREAMS | {*_LISTINGS, LISTING},
    charts=(pictures.RESERVATIONS, pictures.REVENUE),
)
